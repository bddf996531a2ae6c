"""Looking for protected names and repositories below the write roots.

Breadth first and bounded by a count of folders, so that the same tree always gives the same answer and a huge one costs no more than a large one. Ignore
files are not asked (what they hide is still read by tools), links are not followed (their targets are found where they really are), and folders that tools
fill themselves come last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from paddock.model import paths
from paddock.model.plan import Kind
from paddock.model.record import field, record, slotted
from paddock.planner.names import ANYWHERE, DEPENDENCY_FOLDERS, KEPT_WRITABLE, NESTED, OWN_FOLDER, PREFIXES
from paddock.planner.view import View

__all__ = ["GIT_LOOK", "MAX_DEPENDENCY_FOLDERS", "MAX_FILES", "MAX_FOLDERS", "MAX_NAMES", "Finding", "Findings", "scan", "what_reads"]

MAX_FOLDERS = 2500
"""How many ordinary folders are listed in one plan."""

MAX_DEPENDENCY_FOLDERS = 300
"""How many folders are listed inside those that tools fill themselves. Every package next to each other is still asked for a repository of its own."""

MAX_NAMES = 20_000
"""How many names are looked at in ordinary folders. What lies beyond is not mounted read-only; the guard judges every name that is written, wherever."""

MAX_FILES = 2000
"""How many files are asked for the number of their names."""

# What a name without a leading dot has to be in to mean anything here: most names are ruled out by one look.
_TELLING = frozenset((*ANYWHERE, *NESTED, *KEPT_WRITABLE, *DEPENDENCY_FOLDERS))

# The look of a git directory (gitrepository-layout(5)): all three, or git does not accept it. Of whatever kind: it follows links, and only asks access(2) of
# the two folders, which a socket passes.
GIT_LOOK = frozenset(("HEAD", "objects", "refs"))


@record
class Finding:
    """A protected name that exists. ``kept`` are the places inside it that stay ordinary."""

    path: str
    kind: Kind
    reason: str
    kept: tuple[str, ...] = ()


@slotted
class Findings:
    """``repositories`` are folders with an entry ``.git``; ``git_folders`` look like git directories themselves (bare repositories).

    ``unasked`` counts the files that were not asked for other names.
    ``linked`` are files with a second name that was not found here: writing to them writes somewhere else.
    ``folders`` are the ordinary folders that were looked into, as they were listed; ``links`` the symbolic links in them, as (folder, name).
    ``unreached`` says how many folders were known and not looked into, ``first_unreached`` names one.
    """

    names: list[Finding] = field(default_factory=list)
    repositories: list[str] = field(default_factory=list)
    git_folders: list[str] = field(default_factory=list)
    linked: list[Finding] = field(default_factory=list)
    folders: dict[str, dict[str, Kind]] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)
    unasked: int = 0
    unreached: int = 0
    first_unreached: str = ""


def what_reads(name: str) -> str | None:
    """What reads a file or folder of this name wherever it stands, None for an ordinary name."""
    reason = ANYWHERE.get(name)
    if reason is None and name[0] == ".":
        reason = "settings of Paddock" if name == OWN_FOLDER else next((why for begin, why in PREFIXES.items() if name.startswith(begin)), None)
    return reason


class _Scan:
    def __init__(self, view: View) -> None:
        self.view = view
        self.out = Findings()
        self.ordinary: deque[str] = deque()
        self.dependencies: deque[str] = deque()
        self.queued: set[str] = set()
        self.repositories: dict[str, None] = {}
        self.files: dict[tuple[int, int], list[str]] = {}
        self.counts: dict[tuple[int, int], int] = {}
        self.asked = 0
        self.names = 0

    def add(self, path: str, *, dependency: bool) -> None:
        if path not in self.queued:
            self.queued.add(path)
            (self.dependencies if dependency else self.ordinary).append(path)

    def folder(self, path: str, *, dependency: bool) -> None:
        entries = self.view.names(path)
        if entries is None:
            return
        base = path if path != "/" else ""
        if not dependency:
            self.out.folders[path] = entries
        if ".git" in entries:
            self.repositories[path] = None
        if entries.keys() >= GIT_LOOK:
            self.out.git_folders.append(path)
            return
        self.names += 0 if dependency else len(entries)
        for name, kind in entries.items():
            if name == ".git":
                continue
            telling = name[0] == "." or name in _TELLING
            if telling and not dependency and self.protected(f"{base}/{name}", name, kind):
                continue
            if kind is Kind.DIRECTORY:
                self.add(f"{base}/{name}", dependency=dependency or name in DEPENDENCY_FOLDERS)
                if dependency and self.view.kind(f"{base}/{name}/.git") is not None:
                    self.repositories[f"{base}/{name}"] = None
            elif not dependency:
                if kind is Kind.FILE:
                    self.count_names(f"{base}/{name}")
                else:
                    self.out.links.append((path, name))

    def count_names(self, path: str) -> None:
        """Remember a file that has more than one name (link(2)). Package managers link whole dependency folders: those are not asked about."""
        if self.asked >= MAX_FILES:
            self.out.unasked += 1
            return
        self.asked += 1
        try:
            device, inode, names = self.view.links(path)
        except OSError:
            return  # gone since it was listed
        if names > 1:
            self.files.setdefault((device, inode), []).append(path)
            self.counts[device, inode] = names

    def protected(self, path: str, name: str, kind: Kind) -> bool:
        """Note ``path`` when its name is protected. True when nothing below it needs looking at."""
        reason = what_reads(name)
        if reason is None:
            inner = NESTED.get(name)
            if inner is not None and kind is Kind.DIRECTORY:
                self.nested(path, inner)
            return False
        kept = tuple(f"{path}/{inner}" for inner in KEPT_WRITABLE.get(name, ()) if self.view.kind(f"{path}/{inner}") is Kind.DIRECTORY)
        self.out.names.append(Finding(path, kind, reason, kept))
        for folder in kept:
            self.add(folder, dependency=False)
        return True

    def nested(self, path: str, inner: dict[str, str]) -> None:
        for name, reason in inner.items():
            kind = self.view.kind(f"{path}/{name}")
            if kind is not None:
                self.out.names.append(Finding(f"{path}/{name}", kind, reason))

    def run(self, limit: int) -> None:
        for queue, dependency, bound in ((self.ordinary, False, limit), (self.dependencies, True, MAX_DEPENDENCY_FOLDERS)):
            listed = 0
            while queue and listed < bound and (dependency or self.names < MAX_NAMES):
                listed += 1
                self.folder(queue.popleft(), dependency=dependency)
        self.out.repositories = list(self.repositories)
        for identity, found in self.files.items():
            if len(found) < self.counts[identity]:
                self.out.linked += [Finding(path, Kind.FILE, "has another name outside, through which a write would be seen there") for path in found]
        left = [*self.ordinary, *self.dependencies]
        self.out.unreached = len(left)
        self.out.first_unreached = left[0] if left else ""


def scan(view: View, roots: Sequence[str], *, limit: int = MAX_FOLDERS) -> Findings:
    """Look below every root, first the roots themselves in the order given. A root that lies inside a dependency folder counts as ordinary."""
    work = _Scan(view)
    for root in roots:
        work.add(paths.normalise(root), dependency=False)
    work.run(limit)
    return work.out
