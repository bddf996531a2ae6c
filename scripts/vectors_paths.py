"""Vectors about paths and hosts: entries are read, merged and given their meaning as for a run, and laid out on a host that is a table of names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from paddock.errors import PolicyError, SettingsError
from paddock.host.files import SMALL_FILE_BYTES, Status
from paddock.model import paths
from paddock.model.globs import EXPANDED, handling, literal_prefix
from paddock.model.hosts import HostError, parse_host, parse_pattern
from paddock.model.plan import Access, Kind
from paddock.model.settings import Context, Entry, Origin, Scope, Settings
from paddock.permissions.match import PathMatcher, judge_path
from paddock.permissions.protected import is_protected
from paddock.permissions.rule import STRICT, Strictness, feed, notices
from paddock.planner.layout import Ground, Layout, lay_out
from paddock.planner.meaning import policy_from
from paddock.planner.view import View
from paddock.settings.document import parse
from paddock.settings.layer import Family
from paddock.settings.merge import merge
from paddock.settings.paths import resolve
from paddock.settings.validate import read_entries

Vector = Mapping[str, Any]

HOME = "/home/dev"
APP = "/home/dev/app"
SCOPES = {"cli_flag": Scope.CLI, "cli_file": Scope.CLI, **{scope.value: scope for scope in Scope}}


def context_of(vector: Vector) -> Context:
    """The fictional places of the format, as the vector changes them."""
    given = {**vector, **vector.get("ctx", {})}
    cwd = given.get("cwd", APP)
    home = given.get("home", HOME)
    root = given.get("project_root", cwd)
    return Context(cwd, root, given.get("git_root", ""), home, f"{home}/.claude", f"{home}/.config/paddock", f"{home}/.local/state", f"{home}/.cache")


def origin_of(vector: Vector, key: str, text: str) -> Origin:
    """Where the entry stands."""
    source = vector.get("src", "project")
    context = context_of(vector)
    files = {
        "user": f"{context.config_home}/settings.json",
        "cli_flag": "--option",
        "cli_file": vector.get("file", f"{context.cwd}/settings-file.json"),
        "managed": "/etc/claude-code/managed-settings.json",
    }
    return Origin(SCOPES[source], files.get(source, f"{context.project_root}/.claude/settings.json"), 1, 1, key, text)


def settings_of(vector: Vector, filesystem: Mapping[str, Any]) -> Settings:
    """Entries of ``sandbox.filesystem`` as one file of the vector's scope, read and merged."""
    context = context_of(vector)
    origin = origin_of(vector, "", "")
    more = {**vector, **vector.get("ctx", {})}.get("additional_dirs", [])
    document = parse(origin.file, json.dumps({"sandbox": {"filesystem": dict(filesystem)}, "permissions": {"additionalDirectories": more}}))
    layer, wrongs = read_entries(document, origin.scope, Family.CLAUDE)
    if wrongs:
        raise SettingsError([wrong.problem for wrong in wrongs])
    merged = merge([layer], context)
    return Settings(context, merged.lists, merged.scalars, merged.maps, (), (), ())


class Host:
    """A table of names in place of a file system. A value is a link's text, None for a directory, bytes for a file."""

    def __init__(self, entries: Mapping[str, str | bytes | None]) -> None:
        self.entries: dict[str, str | bytes | None] = {}
        for path, value in entries.items():
            for folder in paths.ancestors(path):
                if not isinstance(self.entries.get(folder), str):
                    self.entries[folder] = None
            self.entries.setdefault(path, value)

    def kind(self, path: str) -> Kind | None:
        if path not in self.entries:
            return None
        value = self.entries[path]
        return Kind.DIRECTORY if value is None else Kind.SYMLINK if isinstance(value, str) else Kind.FILE

    def names(self, path: str) -> list[tuple[str, Kind]] | None:
        if self.entries.get(path, b"") is not None:
            return None
        inside = [other for other in self.entries if other != "/" and paths.ancestors(other)[0] == path]
        return [(other.rpartition("/")[2], kind) for other in inside if (kind := self.kind(other)) is not None]

    def readlink(self, path: str) -> str:
        value = self.entries.get(path)
        if not isinstance(value, str):
            raise OSError(path)
        return value

    def read(self, path: str, limit: int = SMALL_FILE_BYTES) -> bytes | None:
        value = self.entries.get(path)
        return value if isinstance(value, bytes) and len(value) <= limit else None

    def head(self, path: str, size: int) -> bytes:
        return (self.read(path) or b"")[:size]

    def links(self, path: str) -> tuple[int, int, int]:
        return 1, hash(path), 1

    def status(self, path: str) -> Status | None:
        kind = self.kind(path)
        return None if kind is None else Status(kind, 1, hash(path), 1, 0o644, 0, 0, 0)

    def begins(self, path: str, start: bytes) -> bool:
        value = self.entries.get(path)
        return isinstance(value, bytes) and value.startswith(start)

    def socket(self, path: str) -> bool:
        return path == ""

    def executable(self, path: str) -> bool:
        return path == ""

    def writable(self, path: str) -> bool:
        return path in self.entries


def host_of(vector: Vector, entries: Sequence[str], more: Mapping[str, str | bytes | None]) -> Host:
    """A host on which everything exists that the vector speaks about."""
    context = context_of(vector)
    there: dict[str, str | bytes | None] = dict.fromkeys(("/tmp", "/proc", "/dev", "/run", context.cwd, context.home))  # noqa: S108 -- names only
    there.update(more)
    for entry in (*entries, *{**vector, **vector.get("ctx", {})}.get("additional_dirs", [])):
        path, glob = resolve(entry, origin_of(vector, "", entry), context)
        there.setdefault(literal_prefix(path) if glob else path, None)
    if main := vector.get("worktree_of"):
        git = f"{main}/.git"
        name = context.cwd.rpartition("/")[2]
        there[f"{context.cwd}/.git"] = f"gitdir: {git}/worktrees/{name}\n".encode()
        there |= {f"{git}/HEAD": b"ref: refs/heads/main\n", f"{git}/config": b"", f"{git}/refs/heads": None, f"{git}/objects": None, f"{git}/hooks": None}
        tree = f"{git}/worktrees/{name}"
        there |= {f"{tree}/HEAD": b"ref: refs/heads/x\n", f"{tree}/commondir": b"../..\n", f"{tree}/gitdir": f"{context.cwd}/.git\n".encode()}
    elif f"{context.cwd}/.git" in {*paths.ancestors(vector.get("path", "/")), vector.get("path")}:
        there |= {f"{context.cwd}/.git/HEAD": b"ref: refs/heads/main\n", f"{context.cwd}/.git/objects": None, f"{context.cwd}/.git/refs": None}
    return Host(there)


def laid_out(vector: Vector, filesystem: Mapping[str, Any], more: Mapping[str, str | bytes | None]) -> tuple[Layout, View]:
    """The layout of a run with these entries."""
    context = context_of(vector)
    view = View(host_of(vector, [entry for entries in filesystem.values() for entry in entries], more))
    policy = policy_from(settings_of(vector, filesystem))
    return lay_out(policy.filesystem, Ground(context.cwd, context.home, context.project_root), view), view


def access(vector: Vector) -> Access:
    """What the layout gives at the vector's path."""
    path = vector["path"].replace("$TMPDIR", "/tmp")  # noqa: S108 -- the fence's own
    there = {} if vector.get("target_exists") is False else {path: b""}
    lists = {name: vector.get(name, []) for name in ("allowRead", "denyRead", "allowWrite", "denyWrite")}
    layout, view = laid_out(vector, lists, there)
    layout.places()
    return layout.access(view.resolve(path).path)


def read_overlap(vector: Vector) -> str:
    return "blocked" if access(vector) is Access.HIDDEN else "readable"


def write_overlap(vector: Vector) -> str:
    """``$TMPDIR`` is the fence's own memory: what the host has there is hidden, and everything can be written."""
    own = vector["path"].startswith("$TMPDIR/") and access(vector) is Access.HIDDEN
    return "writable" if own or access(vector) is Access.WRITE else "blocked"


def sandbox_resolve(vector: Vector) -> object:
    entry = vector["entry"]
    try:
        return resolve(entry, origin_of(vector, "sandbox.filesystem.denyRead", entry), context_of(vector))[0]
    except PolicyError as error:
        return {"error": error.code}


def glob_support(vector: Vector) -> str:
    """``linux_product`` asks about the product: with the strictness overrides."""
    platform = vector.get("platform", "linux")
    path, glob = resolve(vector["entry"], origin_of(vector, "", vector["entry"]), context_of(vector))
    product = platform.endswith("_product")
    how = handling(vector["list"], path, platform.removesuffix("_product"), is_pattern=glob, write_patterns=product)
    return "enforced_or_refused" if product and how == EXPANDED else how


def rule_path(vector: Vector) -> str:
    matcher = PathMatcher.of(vector["rule"], vector["list"], origin_of(vector, f"permissions.{vector['list']}", vector["rule"]), context_of(vector))
    tool = vector.get("tool", vector["rule"].partition("(")[0])
    return "match" if matcher is not None and matcher.matches(vector["path"], tool) else "no_match"


def symlink(vector: Vector) -> str:
    rules = vector["rules"]
    link, target = vector["link"], vector["target"]
    if "sandbox" in rules:
        links: dict[str, str | bytes | None] = {link: target, target: None}
        if link != target and target.endswith(link):
            # The way is the link and not its end: /tmp is /private/tmp.
            top = "/" + link.split("/")[1]
            links = {top: target.removesuffix(link) + top, target: None}
        layout, view = laid_out(vector, rules["sandbox"], links)
        layout.places()
        return "write_allowed" if layout.access(view.resolve(link).path) is Access.WRITE else "write_refused"
    context = context_of(vector)
    matchers = {
        name: [m for text in rules.get(name, ()) if (m := PathMatcher.of(text, name, origin_of(vector, f"permissions.{name}", text), context)) is not None]
        for name in ("allow", "ask", "deny")
    }
    tool = vector.get("tool", next((m.rule.tool for found in matchers.values() for m in found), "Read"))
    return judge_path([link, *vector.get("hops", ()), target], tool, matchers)


def rule_to_sandbox(vector: Vector) -> dict[str, object]:
    list_name = vector["list"]
    context = context_of(vector)
    entry = Entry(vector["rule"], origin_of(vector, f"permissions.{list_name}", vector["rule"]))
    reference = Strictness(refuse=False, write_patterns=False, platform=vector.get("platform", "linux"))
    out: dict[str, object] = {}
    found = feed(vector["rule"], list_name, entry.origin, context, reference)
    for fed in found:
        values = out.setdefault(fed.target, [])
        if isinstance(values, list):
            values.append(fed.value)
    skipped = [fed.target for fed in feed(vector["rule"], list_name, entry.origin, context, STRICT) if fed.target not in out]
    out |= {f"{target}_skipped": True for target in skipped}
    if notices(Settings(context, {f"permissions.{list_name}": (entry,)}, {}, {}, (), (), ()), reference):
        out["warning"] = True
    return out


def domain(vector: Vector) -> object:
    """An entry that has no reading is dropped; the vector says whether it asks about the entry or about the host."""
    try:
        patterns = parse_pattern(vector["entry"], vector["list"])
    except HostError as error:
        return {"error": error.code} if isinstance(vector["expected"], dict) else "no_match"
    try:
        host = parse_host(vector["host"])
    except HostError:
        return "no_match"
    return "match" if any(pattern.matches(host, vector["port"]) for pattern in patterns) else "no_match"


def protected(vector: Vector) -> bool:
    return is_protected(vector["path"])


KINDS: dict[str, Callable[[Vector], object]] = {
    "sandbox_resolve": sandbox_resolve,
    "read_overlap": read_overlap,
    "write_overlap": write_overlap,
    "glob_support": glob_support,
    "rule_path": rule_path,
    "symlink": symlink,
    "rule_to_sandbox": rule_to_sandbox,
    "domain": domain,
    "protected": protected,
}

__all__ = ["KINDS"]
