"""Looking for protected names and repositories below the write roots.

Breadth first and bounded by a count of folders, so that the same tree always gives the same answer and a huge one costs no more than a large one. Ignore
files are not asked (what they hide is still read by tools), links are not followed (their targets are found where they really are), and folders that tools
fill themselves come last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from paddock.model import paths
from paddock.model.plan import Kind
from paddock.planner.names import ANYWHERE, DEPENDENCY_FOLDERS, KEPT_WRITABLE, NESTED, OWN_FOLDER, PREFIXES
from paddock.planner.view import View

__all__ = ["MAX_FOLDERS", "Finding", "Findings", "scan"]

MAX_FOLDERS = 2500
"""How many folders are listed in one plan."""

# The look of a git directory (gitrepository-layout(5)): all three, or git does not accept it.
_GIT_LOOK = (("HEAD", Kind.FILE), ("objects", Kind.DIRECTORY), ("refs", Kind.DIRECTORY))


@dataclass(frozen=True, slots=True)
class Finding:
    """A protected name that exists. ``kept`` are the places inside it that stay ordinary."""

    path: str
    kind: Kind
    reason: str
    kept: tuple[str, ...] = ()


@dataclass(slots=True)
class Findings:
    """``repositories`` are folders with an entry ``.git``; ``git_folders`` look like git directories themselves (bare repositories).

    ``unreached`` says how many folders were known and not looked into, ``first_unreached`` names one.
    """

    names: list[Finding] = field(default_factory=list)
    repositories: list[str] = field(default_factory=list)
    git_folders: list[str] = field(default_factory=list)
    unreached: int = 0
    first_unreached: str = ""


class _Scan:
    def __init__(self, view: View) -> None:
        self.view = view
        self.out = Findings()
        self.ordinary: deque[str] = deque()
        self.dependencies: deque[str] = deque()
        self.queued: set[str] = set()

    def add(self, path: str, *, dependency: bool) -> None:
        if path not in self.queued:
            self.queued.add(path)
            (self.dependencies if dependency else self.ordinary).append(path)

    def folder(self, path: str, *, dependency: bool) -> None:
        entries = self.view.names(path)
        if entries is None:
            return
        base = path if path != "/" else ""
        if ".git" in entries:
            self.out.repositories.append(path)
        if "HEAD" in entries and all(entries.get(name) is kind for name, kind in _GIT_LOOK):
            self.out.git_folders.append(path)
            return
        for name, kind in entries.items():
            if name == ".git":
                continue
            if not dependency and self.protected(f"{base}/{name}", name, kind):
                continue
            if kind is Kind.DIRECTORY:
                self.add(f"{base}/{name}", dependency=dependency or name in DEPENDENCY_FOLDERS)

    def protected(self, path: str, name: str, kind: Kind) -> bool:
        """Note ``path`` when its name is protected. True when nothing below it needs looking at."""
        reason = ANYWHERE.get(name)
        if reason is None and name[0] == ".":
            reason = "settings of Paddock" if name == OWN_FOLDER else next((why for begin, why in PREFIXES.items() if name.startswith(begin)), None)
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
        listed = 0
        for queue, dependency in ((self.ordinary, False), (self.dependencies, True)):
            while queue and listed < limit:
                listed += 1
                self.folder(queue.popleft(), dependency=dependency)
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
