"""Which names may not be made or filled from inside: the rules as data, and the pure function that judges one name in one folder.

The guard (``fence/guard``) asks it for every call that could make a name or open one for writing, with the real path of a folder that it holds open. What
is judged by content (git's own files) is not decided here; ``git_name`` says where that begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from paddock.model import globs, paths
from paddock.model.record import field, record
from paddock.model.settings import Origin, Scope
from paddock.model.unprotect import PROTECTED, SEALED

__all__ = ["NOTHING_GUARDED", "Denial", "GuardRules", "Hidden", "Judge", "Refusal", "fold"]

# Code points that file systems which fold case ignore in names (Unicode's default ignorables, as far as Linux and HFS+ drop them).
_RANGES = (range(0x200B, 0x2010), range(0x202A, 0x202F), range(0x2060, 0x2070), range(0xFE00, 0xFE10))
_IGNORED = dict.fromkeys((0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF, *(point for points in _RANGES for point in points)))

_REMEMBERED = 4096


@record
class Denial:
    """A path, or a glob, that a rule keeps from being written and that does not exist (or may come to exist) where the command can write."""

    path: str
    why: Origin
    reason: str = ""
    is_glob: bool = False
    shown: tuple[tuple[str, bool], ...] = ()
    """What stays open in spite of it: paths and globs (second: whether it is one)."""


@record
class GuardRules:
    """All paths are absolute and resolved. ``roots`` are the places of the host's where the command may write; nothing outside them is judged.

    ``hidden`` may not be opened at all, wherever it is, once something makes it; with nothing in it, opening for reading is left to the kernel.
    The tables have the meaning that ``planner/names.py`` gives them. ``git_folders`` are git directories that are not called ``.git``.
    """

    roots: tuple[str, ...] = ()
    denied: tuple[Denial, ...] = ()
    hidden: tuple[Denial, ...] = ()
    lifted_names: frozenset[str] = frozenset()
    lifted_paths: frozenset[str] = frozenset()
    anywhere: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    nested: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings_files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dependency_folders: frozenset[str] = frozenset()
    own_folder: str = ""
    git_folders: frozenset[str] = frozenset()


NOTHING_GUARDED = GuardRules()


@record
class Refusal:
    """Why something may not be made or written (``act`` is ``write``), or not opened at all (``read``). ``path`` is the protected place itself: the path that
    was tried, or a folder above it.
    """

    path: str
    reason: str
    rule: Origin
    act: str = "write"


def fold(name: str) -> str:
    """What a name is compared by in a folder that ignores case: also without characters that such file systems drop, and without dots or spaces at the end."""
    return name.translate(_IGNORED).casefold().rstrip(". ")


class _Glob:
    """One denied pattern, with the cheap questions asked first."""

    def __init__(self, denial: Denial) -> None:
        self.denial = denial
        self.start = globs.literal_prefix(denial.path)
        self._last = globs.component_test(denial.path.rstrip("/").rpartition("/")[2])
        self.any_depth = globs.escape(self.start).rstrip("/") + "/**/" == denial.path[: denial.path.rstrip("/").rfind("/") + 1]
        """Only the name matters, wherever it stands below the start."""
        self._any = denial.path.endswith("**")

    def covers(self, path: str, name: str) -> bool:
        return (self._any or self._last(name)) and globs.covers(self.denial.path, path) and not _shown(self.denial, path)


def _shown(denial: Denial, path: str) -> bool:
    return any(globs.covers(item, path) if is_glob else paths.is_beneath(path, item) for item, is_glob in denial.shown)


class _Folder:
    """What the way to a folder says about everything in it."""

    __slots__ = ("dependency", "name", "path", "refusal", "root")

    def __init__(self, root: str, path: str, name: str, refusal: Refusal | None, *, dependency: bool) -> None:
        self.root = root
        self.path = path
        self.name = name
        self.refusal = refusal
        self.dependency = dependency


class Hidden:
    """What may not be opened, asked by real path. ``masked`` are places where a mount stands before what is hidden: opening that is no matter of this.

    Not for more than one thread.
    """

    def __init__(self, rules: GuardRules, masked: frozenset[str] = frozenset()) -> None:
        self._masked = masked
        self._exact = {denial.path: denial for denial in rules.hidden if not denial.is_glob}
        self._globs = [_Glob(denial) for denial in rules.hidden if denial.is_glob]
        self._folders: dict[str, Refusal | None] = {}

    def __bool__(self) -> bool:
        return bool(self._exact or self._globs)

    def judge(self, folder: str, name: str) -> Refusal | None:
        """Why ``name`` in the directory with the real path ``folder`` may not be opened."""
        above = self._above(folder)
        path = _join(folder, name)
        if above is not None and not _shown_again(above, path, self._exact):
            return above
        return self._entry(path, name)

    def add(self, denial: Denial) -> None:
        """From now on ``denial.path`` is hidden here, and no mount stands before it."""
        self._masked -= {denial.path}
        self._exact[denial.path] = denial
        self._folders.clear()

    def holds(self, folder: str) -> bool:
        """Whether something in a directory may be hidden by where it is: elsewhere it would be open."""
        if any(paths.is_beneath(path, folder) for path in self._exact):
            return True
        return any(paths.is_beneath(item.start, folder) or (paths.is_beneath(folder, item.start) and not item.any_depth) for item in self._globs)

    def _above(self, folder: str) -> Refusal | None:
        try:
            return self._folders[folder]
        except KeyError:
            pass
        if len(self._folders) >= _REMEMBERED:
            self._folders.clear()
        chain = [folder, *paths.ancestors(folder)][:-1]
        found = next((refusal for path in reversed(chain) if (refusal := self._entry(path, path.rpartition("/")[2])) is not None), None)
        self._folders[folder] = found
        return found

    def _entry(self, path: str, name: str) -> Refusal | None:
        denial = self._exact.get(path) or next((item.denial for item in self._globs if item.covers(path, name)), None)
        if denial is None or any(above in self._masked for above in (path, *paths.ancestors(path))):
            return None
        return Refusal(path, "may not be read", denial.why, "read")


def _shown_again(refusal: Refusal, path: str, exact: Mapping[str, Denial]) -> bool:
    denial = exact.get(refusal.path)
    return denial is not None and _shown(denial, path)


class Judge:
    """``GuardRules`` made ready to be asked. Not for more than one thread."""

    def __init__(self, rules: GuardRules) -> None:
        self.rules = rules
        self._exact = {denial.path: denial for denial in rules.denied if not denial.is_glob}
        self._globs = [_Glob(denial) for denial in rules.denied if denial.is_glob]
        self._roots = frozenset(rules.roots)
        self._folders: dict[str, _Folder | None] = {}
        inner = {name for table in rules.nested.values() for name in table} | {name for names in rules.settings_files.values() for name in names}
        self._folded = {fold(name): name for name in (".git", rules.own_folder, *rules.anywhere, *rules.nested, *inner)}

    def add(self, denial: Denial) -> None:
        """From now on ``denial.path`` may not be written."""
        self._exact[denial.path] = denial
        self._folders.clear()

    def guarded(self, folder: str) -> bool:
        """Whether names in ``folder`` are judged at all."""
        return self._folder(folder) is not None

    def judge(self, folder: str, name: str, folds: Callable[[], bool] = bool) -> Refusal | None:
        """Why ``name`` may not be made or written in the directory whose real path is ``folder``; None when no rule of names speaks against it.

        ``folds`` is asked, rarely, whether the folder takes names that differ in case for the same.
        """
        above = self._folder(folder)
        if above is None:
            return None
        if above.refusal is not None:
            return above.refusal
        found = self._entry(above, name)
        if found is None and (meant := self._other_spelling(name)) is not None and folds():
            found = self._entry(above, meant) or self._odd(above, name, meant)
        return found

    def _odd(self, above: _Folder, name: str, meant: str) -> Refusal | None:
        """``.GIT`` where that is ``.git``: nobody needs the other spelling, and what is judged by what is in it would be missed."""
        if meant != ".git" and meant not in self.rules.nested and meant not in self.rules.settings_files:
            return None
        return Refusal(_join(above.path, name), f"protected: another spelling of {meant}", Origin(Scope.BUILTIN, "builtin", key=PROTECTED, text=meant))

    def _other_spelling(self, name: str) -> str | None:
        if "~" in name:  # short names of FAT and NTFS: GIT~1
            stem = name.partition("~")[0].casefold()
            return next((known for folded, known in self._folded.items() if stem and folded.lstrip(".").startswith(stem)), None)
        meant = self._folded.get(fold(name))
        return meant if meant != name else None

    def differs(self, source: str, folder: str, name: str) -> bool:
        """Whether something may be allowed at ``source`` and not at ``name`` in ``folder``: what lies in a directory must then be judged before it is moved."""
        target = _join(folder, name)
        if name in self.rules.nested or name in self.rules.settings_files:
            return True
        there, here = self._folder(folder), self._folder(source)
        if there is not None and (here is None or (here.dependency and not there.dependency) or here.root != there.root):
            return True
        if any(paths.is_beneath(path, target) for path in self._exact):
            return True
        return any(
            paths.is_beneath(item.start, target) or (paths.is_beneath(target, item.start) and not (item.any_depth and paths.is_beneath(source, item.start)))
            for item in self._globs
        )

    def stands_for(self, folder: str, name: str) -> Refusal | None:
        """Why ``name`` may not be a link, or anything but an ordinary directory: a protected path lies below it and would then be somewhere else."""
        path = _join(folder, name)
        if name in self.rules.nested or name in self.rules.settings_files:
            return _builtin(path, "protected names lie below it", PROTECTED)
        below = (denial for denied, denial in self._exact.items() if paths.is_beneath(denied, path))
        denial = next(below, None) or next((item.denial for item in self._globs if paths.is_beneath(item.start, path)), None)
        return None if denial is None else Refusal(path, "a path that may not be made lies below it", denial.why)

    def _folder(self, path: str) -> _Folder | None:
        try:
            return self._folders[path]
        except KeyError:
            pass
        if len(self._folders) >= _REMEMBERED:
            self._folders.clear()
        found = self._folders[path] = self._walk(path)
        return found

    def _walk(self, path: str) -> _Folder | None:
        root = next((above for above in (path, *paths.ancestors(path)) if above in self._roots), None)
        if root is None:
            return None
        here = _Folder(root, root, root.rpartition("/")[2], None, dependency=False)
        for name in paths.relative(path, root).split("/") if path != root else ():
            inner = _join(here.path, name)
            kept = here.refusal is not None and here.refusal.path == here.path and name in self.rules.kept.get(here.name, ())
            refusal = None if kept else here.refusal or self._entry(here, name)
            if refusal is not None and refusal.rule.key == PROTECTED and inner in self.rules.lifted_paths:
                refusal = None
            here = _Folder(root, inner, name, refusal, dependency=here.dependency or name in self.rules.dependency_folders)
        return here

    def _entry(self, above: _Folder, name: str) -> Refusal | None:
        """The verdict on one name in a folder that is not protected as a whole."""
        path = _join(above.path, name)
        denial = self._exact.get(path) or next((item.denial for item in self._globs if item.covers(path, name)), None)
        if denial is not None:
            return Refusal(path, denial.reason or (denial.why.text if denial.why.scope is Scope.BUILTIN else "may not be made"), denial.why)
        if name == self.rules.own_folder:
            return _builtin(path, "settings of Paddock", SEALED)
        if name in self.rules.settings_files.get(above.name, ()):
            return _builtin(path, "policy of this project", SEALED)
        if name in self.rules.lifted_names or path in self.rules.lifted_paths or above.dependency:
            return None
        reason = self.rules.anywhere.get(name) or self.rules.nested.get(above.name, {}).get(name)
        if reason is None and name[:1] == ".":
            reason = next((why for begin, why in self.rules.prefixes.items() if name.startswith(begin)), None)
        return _builtin(path, reason, PROTECTED) if reason is not None else None

    def lifted(self, folder: str, name: str) -> bool:
        """Whether the team lifted this name or path."""
        return name in self.rules.lifted_names or _join(folder, name) in self.rules.lifted_paths


def _builtin(path: str, reason: str, key: str) -> Refusal:
    return Refusal(path, f"protected: {reason}", Origin(Scope.BUILTIN, "builtin", key=key, text=path.rpartition("/")[2]))


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder != "/" else f"/{name}"
