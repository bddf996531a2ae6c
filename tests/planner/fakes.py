"""A file system in memory, behind the planner's question list, and short ways to make policies."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from paddock.host.facts import Facts
from paddock.host.files import SMALL_FILE_BYTES, Status
from paddock.model import paths
from paddock.model.plan import Access, Kind, Place
from paddock.model.policy import EnvironmentPolicy, FilesystemPolicy, Limits, NetworkPolicy, PathRule, Policy
from paddock.model.settings import Context, Origin, Scope, Settings
from paddock.planner.gitconfig import general_files
from paddock.planner.layout import Ground, Layout, lay_out
from paddock.planner.view import View

HOME = "/home/dev"
APP = "/home/dev/app"

FACTS = Facts((6, 18), "x86_64", "box", 1000, 1000, 7, True, 10000, None, None, ())
CONTEXT = Context(APP, APP, APP, HOME, f"{HOME}/.claude", f"{HOME}/.config/paddock", f"{HOME}/.local/state/paddock", f"{HOME}/.cache/paddock")
SETTINGS = Settings(CONTEXT, {}, {}, {}, (), (), ())
BUILTIN = Origin(Scope.BUILTIN, "builtin", text="builtin")


@dataclass(frozen=True)
class Link:
    """A symbolic link with this text."""

    text: str


SOCKET_TABLE_HEAD = "Num       RefCount Protocol Flags    Type St Inode Path\n"


@dataclass
class Tree:
    """Files by path: bytes or str are content, a ``Link`` is a link, None is a directory. Folders above are made."""

    entries: dict[str, bytes | Link | None] = field(default_factory=lambda: {"/": None})
    children: dict[str, list[str]] = field(default_factory=dict)
    programs: set[str] = field(default_factory=set)
    names_of: dict[str, int] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    sockets: set[str] = field(default_factory=set)

    def add(self, path: str, content: str | bytes | Link | None = b"") -> Tree:
        below = path
        for folder in paths.ancestors(path):
            self.entries.setdefault(folder, None)
            self.children.setdefault(folder, []).append(below)
            below = folder
        self.entries[path] = content.encode() if isinstance(content, str) else content
        return self

    def kind(self, path: str) -> Kind | None:
        self.asked.append(path)
        if path not in self.entries:
            return None
        entry = self.entries[path]
        if entry is None:
            return Kind.DIRECTORY
        return Kind.SYMLINK if isinstance(entry, Link) else Kind.FILE

    def names(self, path: str) -> list[tuple[str, Kind]] | None:
        self.listed.append(path)
        if self.entries.get(path, b"") is not None:
            return None
        base = path if path != "/" else ""
        found = dict.fromkeys(self.children.get(path, ()))
        return [(p[len(base) + 1 :], kind) for p in reversed(found) if (kind := self.kind(p)) is not None]

    def readlink(self, path: str) -> str:
        entry = self.entries.get(path)
        if not isinstance(entry, Link):
            raise OSError(errno.EINVAL, "not a link", path)
        return entry.text

    def read(self, path: str, limit: int = SMALL_FILE_BYTES) -> bytes | None:
        seen = 0
        while isinstance(entry := self.entries.get(path), Link) and seen < 40:
            path = paths.join(paths.ancestors(path)[0], entry.text)
            seen += 1
        return entry if isinstance(entry, bytes) and len(entry) <= limit else None

    def head(self, path: str, size: int) -> bytes:
        return (self.read(path) or b"")[:size]

    def links(self, path: str) -> tuple[int, int, int]:
        if path not in self.entries:
            raise OSError(errno.ENOENT, "gone", path)
        return 1, self.names_of.get(path, hash(path)), 2 if path in self.names_of else 1

    def status(self, path: str) -> Status | None:
        kind = self.kind(path)
        return None if kind is None else Status(kind, 1, hash(path), self.names_of.get(path, 1), 0o644, 0, 0, 0)

    def begins(self, path: str, start: bytes) -> bool:
        content = self.entries.get(path)
        return isinstance(content, bytes) and content.startswith(start)

    def socket(self, path: str) -> bool:
        return path in self.sockets

    def executable(self, path: str) -> bool:
        return path in self.programs

    def writable(self, path: str) -> bool:
        return path in self.entries and path not in self.closed


def tree(entries: Mapping[str, str | bytes | Link | None]) -> Tree:
    """A tree with home, project and the folders of a usual system."""
    out = Tree()
    for path in ("/tmp", "/run", "/dev", "/proc", "/etc", "/usr/bin", "/srv", APP):
        out.add(path, None)
    out.add("/proc/net/unix", SOCKET_TABLE_HEAD)
    for path, content in entries.items():
        out.add(path, content)
    return out


def rule(path: str, key: str = "", scope: Scope = Scope.PROJECT) -> PathRule:
    return PathRule(path, Origin(scope, "settings.json", 1, 1, key, path), any(c in path for c in "*?["))


def rules(written: Iterable[str], key: str = "", scope: Scope = Scope.PROJECT) -> tuple[PathRule, ...]:
    return tuple(rule(path, key, scope) for path in written)


def filesystem(
    *,
    deny_read: Iterable[str] = (),
    allow_read: Iterable[str] = (),
    allow_write: Iterable[str] = (APP,),
    deny_write: Iterable[str] = (),
    unprotect: Iterable[str] = (),
    read_only: bool = False,
    builtin: Iterable[str] = (),
) -> FilesystemPolicy:
    return FilesystemPolicy(
        (*rules(deny_read, "denyRead"), *rules(builtin, "denyRead", Scope.BUILTIN)),
        rules(allow_read, "allowRead"),
        rules(allow_write, "allowWrite"),
        rules(deny_write, "denyWrite"),
        rules(unprotect, "unprotect"),
        read_only,
    )


def policy(files: FilesystemPolicy | None = None, network: NetworkPolicy | None = None, **more: object) -> Policy:
    return Policy(files or filesystem(), network or NetworkPolicy(), EnvironmentPolicy(), Limits(), **more)  # type: ignore[arg-type]  # tools and backend


def layout(policy: FilesystemPolicy, files: Tree, *, cwd: str = APP, home: str = HOME, **ground: object) -> Layout:
    ground.setdefault("git_configs", general_files({}, home))
    return lay_out(policy, Ground(cwd, home, cwd, **ground), View(files))  # type: ignore[arg-type]  # the remaining fields of a ground


def by_path(places: Iterable[Place]) -> dict[str, Place]:
    return {place.path: place for place in places}


def effective(places: Iterable[Place], path: str) -> Access:
    """What the places mean for ``path``, read the way the launcher mounts them: the deepest one above it counts, a pin counts for nothing."""
    access = Access.READ
    for place in sorted(places, key=lambda p: paths.depth(p.path)):
        if paths.is_beneath(path, place.path) and not place.pin:
            access = place.access
    return access
