"""Deny rules that name a program, as places that cannot be executed.

A name is looked up in the folders of the PATH inside and in those where systems keep programs; what it leads to is hidden as a file, so that no other way to
it helps: a link, another folder, a second name of the same file. A file that stands behind other programs' names as well would take them along: the few
that are made for that lose only the name (``MULTI_CALL``), of others that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from paddock.model import paths
from paddock.model.plan import Kind, Uncovered
from paddock.model.policy import ProgramPolicy, ProgramRule
from paddock.model.programs import DENIED
from paddock.model.settings import Notice
from paddock.planner.layout import Layout
from paddock.planner.preflight_script import FOLDER
from paddock.planner.view import Resolved, View

__all__ = ["FOLDERS", "MULTI_CALL", "SHELLS", "Search", "deny", "is_denied"]

FOLDERS = (
    *("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/games", "/usr/local/games", "/snap/bin"),
    *("/usr/lib/git-core", "/usr/libexec/git-core"),
)
"""Where systems keep programs, besides the PATH (hier(7)). Git keeps further names of itself in a folder of its own."""

MULTI_CALL = frozenset(("busybox", "toybox", "coreutils", "sbase-box", "ubase-box"))
"""Programs that are many, by the name they are called with."""

SHELLS = frozenset(("ash", "bash", "csh", "dash", "fish", "ksh", "ksh93", "mksh", "rbash", "sh", "tcsh", "yash", "zsh"))
"""What agents hand a command line to. The one that the run itself is asked to start can be started, whatever a rule says about it."""

# More second names than this, and they are other programs: no release of one program has as many names in its own right.
_MOST_NAMES = 8


class _Target(NamedTuple):
    """``place`` is what has the name, resolved but for a link at its end; ``found`` where it leads."""

    place: str
    found: Resolved


class Search:
    """Where programs are. ``path`` is the PATH inside, ``cwd`` what its relative entries start from."""

    def __init__(self, view: View, path: str, cwd: str, home: str) -> None:
        self.view = view
        self.home = home
        self.cwd = cwd
        listed = [paths.join(cwd, entry or ".") for entry in path.split(":") if "\0" not in entry] if path else []
        self.path = tuple(entry for entry in listed if entry != FOLDER)
        found = (view.resolve(folder) for folder in (*self.path, *FOLDERS))
        self.folders = tuple(dict.fromkeys(one.path for one in found if one.kind is Kind.DIRECTORY))
        """Every folder of programs, resolved."""
        self._links: dict[str, list[str]] | None = None
        self._inodes: dict[tuple[int, int], list[str]] | None = None

    def everywhere(self, name: str) -> Iterator[_Target]:
        """All programs with this name, or the one at this absolute path."""
        for place in self._places(name):
            found = self.view.resolve(place)
            if found.kind is Kind.FILE and self.view.executable(found.path):
                yield _Target(place, found)

    def first(self, name: str) -> Resolved | None:
        """What execvp(3) would start, inside."""
        places = (name,) if name.startswith("/") else tuple(paths.join(folder, name) for folder in self.path)
        found = (self.view.resolve(paths.normalise(place)) for place in places)
        return next((one for one in found if one.kind is Kind.FILE and self.view.executable(one.path)), None)

    def _places(self, name: str) -> Iterator[str]:
        if name.startswith("~/"):
            name = paths.join(self.home, name[2:])
        if not name.startswith("/"):
            yield from (paths.join(folder, name) for folder in self.folders if name in (self.view.names(folder) or ()))
            return
        folder, _, last = paths.normalise(name).rpartition("/")
        yield paths.join(self.view.resolve(folder or "/").path, last)

    def links_to(self, path: str) -> list[str]:
        """The symbolic links in the folders that lead to a file."""
        if self._links is None:
            self._links = {}
            for folder in self.folders:
                for name, kind in (self.view.names(folder) or {}).items():
                    if kind is Kind.SYMLINK:
                        place = paths.join(folder, name)
                        self._links.setdefault(self.view.resolve(place).path, []).append(place)
        return self._links.get(path, [])

    def names_of(self, path: str) -> tuple[list[str], int]:
        """The names in the folders that are the very same file, and how many it has."""
        try:
            device, inode, count = self.view.links(path)
        except OSError:
            return [path], 1
        if count < 2:
            return [path], 1
        if self._inodes is None:
            self._inodes = {}
            for place in (paths.join(folder, name) for folder in self.folders for name, kind in (self.view.names(folder) or {}).items() if kind is Kind.FILE):
                self._remember(place)
        return sorted({path, *self._inodes.get((device, inode), ())}), count

    def _remember(self, place: str) -> None:
        try:
            device, inode, count = self.view.links(place)
        except OSError:
            return  # it has gone meanwhile, or may not be looked at
        if count > 1 and self._inodes is not None:
            self._inodes.setdefault((device, inode), []).append(place)


def deny(policy: ProgramPolicy, layout: Layout, search: Search, command: str) -> None:
    """Mark the files of denied programs in ``layout``. ``command`` is the first word of the run's own command."""
    if not policy.denied:
        return
    own = search.first(paths.join(search.cwd, command) if "/" in command else command)
    work = _Work(policy, layout, search, own.path if own is not None and own.path.rpartition("/")[2] in SHELLS else "")
    for rule in policy.denied:
        work.rule(rule)


def is_denied(layout: Layout, path: str) -> bool:
    """Whether a program at ``path``, which must be resolved, is denied by name."""
    hidden = layout.tree.standing(path).hidden
    return hidden is not None and hidden[1] == DENIED


class _Work:
    def __init__(self, policy: ProgramPolicy, layout: Layout, search: Search, own: str) -> None:
        self.layout = layout
        self.search = search
        self.own = own
        self.denied = frozenset(rule.name.rpartition("/")[2] for rule in policy.denied)

    def rule(self, rule: ProgramRule) -> None:
        if "/" in rule.name and not rule.name.startswith(("/", "~/")):
            self._uncovered(rule.name, "a program by a relative path lies wherever the command stands, and can be copied there", rule)
            return
        for target in self.search.everywhere(rule.name):
            self._target(target, rule)

    def _target(self, target: _Target, rule: ProgramRule) -> None:
        path = target.found.path
        standing = self.layout.tree.standing(path)
        if standing.private or (standing.hidden is not None and standing.hidden[1] != DENIED):
            return  # it cannot be started anyway
        last = target.place.rpartition("/")[2]
        if path == self.own:
            self._uncovered(path, "this run's own command is this shell, which can therefore be started", rule)
            self.layout.notices.append(
                Notice(f"{rule.origin.text} does not keep {path} from being started: it is what this run was asked to start", rule.origin)
            )
        elif self._writable(path):
            self._uncovered(path, "the command can write there: it could put the program back, so it is not kept from being started", rule)
        elif path.rpartition("/")[2] in MULTI_CALL and path.rpartition("/")[2] != last:
            self._name_only(target, rule)
        else:
            self._file(target, rule)

    def _file(self, target: _Target, rule: ProgramRule) -> None:
        path = target.found.path
        names, count = self.search.names_of(path)
        last = target.place.rpartition("/")[2]
        others = [name for name in names if name != path and not self._same_program(name.rpartition("/")[2], last)]
        if len(others) > _MOST_NAMES:
            self._uncovered(path, f"a file of many programs ({len(others)} other names): it can still be started by another name", rule)
            self._hide(path, Kind.FILE, rule)
            return
        for name in names:
            if self._writable(name):
                self._uncovered(name, "a second name of a denied program, where the command can write", rule)
            else:
                self._hide(name, Kind.FILE, rule)
        if count > len(names):
            self._uncovered(path, f"{count - len(names)} more names of this file are not in the folders of programs: it can be started by them", rule)
        if others or target.place != path:
            self._tell(path, {name.rpartition("/")[2] for name in (*names, *self.search.links_to(path))} - self.denied, rule)

    def _same_program(self, name: str, denied: str) -> bool:
        """``git-add`` for ``git``, ``perl5.36.0`` for ``perl``."""
        return name in self.denied or (name.startswith(denied) and not name[len(denied) : len(denied) + 1].isalpha())

    def _name_only(self, target: _Target, rule: ProgramRule) -> None:
        """The link and not the file, which other programs are too."""
        path = target.found.path
        self._hide(target.place, Kind.SYMLINK, rule)
        self._uncovered(path, f"many programs in one file: it can still be asked to be {target.place.rpartition('/')[2]} by other ways", rule)

    def _hide(self, path: str, kind: Kind, rule: ProgramRule) -> None:
        node = self.layout.tree.at(path, kind)
        if node.deny_read is None or node.deny_read[1] != DENIED:
            node.deny_read = (rule.origin, DENIED)
        node.allow_read = None  # deny wins, whatever shows the file

    def _writable(self, path: str) -> bool:
        standing = self.layout.tree.standing(path)
        return standing.write is not None and not standing.sealed

    def _uncovered(self, subject: str, reason: str, rule: ProgramRule) -> None:
        self.layout.uncovered.append(Uncovered(subject, reason, rule.origin))

    def _tell(self, path: str, along: set[str], rule: ProgramRule) -> None:
        if along:
            names = sorted(along)
            text = f"{rule.origin.text} keeps {path} from being started, and so {_listed(names)}"
            self.layout.notices.append(Notice(text, rule.origin, "info"))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown
