"""Whether a ``git`` of ours stands before the real one inside, and what it is told.

A kept file is a mount: git cannot replace it, finds that out in the middle of a checkout or merge, and leaves a tree in pieces. So where repositories can be
written and something in them is kept, a small script on the PATH asks the real git first (``preflight_script``). It is no boundary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from paddock.model import paths
from paddock.model.guard import NOTHING_GUARDED, Denial, GuardRules
from paddock.model.plan import Access, Place, PrivateFile
from paddock.model.programs import DENIED
from paddock.model.settings import Origin, Scope
from paddock.model.text import escape
from paddock.model.unprotect import PROTECTED, Lifting
from paddock.planner.preflight_script import FOLDER, KEPT, SCRIPT
from paddock.planner.view import View

__all__ = ["preflight"]

_SHELL = "/bin/sh"
_ANY_NAME = Origin(Scope.BUILTIN, "builtin", key=PROTECTED)
_WHY = Origin(Scope.BUILTIN, "builtin", text="a look at what git would change")


def preflight(
    view: View, places: Sequence[Place], repositories: Iterable[str], lifting: Lifting, variables: Mapping[str, str], guard: GuardRules = NOTHING_GUARDED
) -> tuple[PrivateFile, ...]:
    """The script and its list, and nothing where there is nothing to look at: no repository that can be written, nothing kept in one, no git."""
    folders = tuple(folder for folder in repositories if any(paths.is_beneath(folder, root) for root in guard.roots))
    lines = [*_kept((*places, *guard.denied), folders, lifting), *_names(guard, lifting)] if folders else []
    if not lines or not _has_git(view, variables.get("PATH", ""), places):
        return ()
    lines.append(f"r\t{lifting.root}\t-\t-")
    content = "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
    return PrivateFile(f"{FOLDER}/git", SCRIPT.encode(), 0o555, _WHY), PrivateFile(KEPT, content, 0o444, _WHY)


def _kept(places: Iterable[Place | Denial], repositories: tuple[str, ...], lifting: Lifting) -> Iterator[str]:
    for place in places:
        path = place.path
        if (place.is_glob if isinstance(place, Denial) else place.access is Access.WRITE) or "\n" in path or "\t" in path or ".git" in path.split("/"):
            continue
        if any(path != folder and paths.is_beneath(path, folder) for folder in repositories):
            lifts = lifting.lifts(place.why)
            yield "\t".join(("k", path, lifting.entry(path) if lifts else "-", "-" if lifts else _who(path, place.why, lifting)))


def _names(guard: GuardRules, lifting: Lifting) -> Iterator[str]:
    """Names that may not be made: one pattern for looking, and a line each for saying what lifts them."""
    if not guard.anywhere:
        return
    names = [name for name in guard.anywhere if name not in guard.lifted_names]
    inner = [f"{folder}/{name}" for folder, below in guard.nested.items() for name in below if name not in guard.lifted_names]
    sealed = [guard.own_folder, *(f"{folder}/{name}" for folder, below in guard.settings_files.items() for name in below)]
    every = "|".join(_escaped(name) for name in (*sealed, *names, *inner))
    begun = "|".join(_escaped(name) for name in guard.prefixes)
    apart = "|".join(_escaped(name) for name in sorted(guard.dependency_folders))
    # Git prints a name with anything odd in it in double quotes.
    yield f'e\t(^|/|")(({every})(/|"?$)|{begun})\t-\t-'
    yield f'x\t(^|/|")({apart})/\t-\t-'
    inside = [f"{folder}/{name}" for folder, below in guard.kept.items() for name in below]
    yield from (f'w\t{name}\t(^|/|")({_escaped(name)})/\t-' for name in inside)
    yield from (f"n\t{name}\t-\tnothing lifts this: {name}" for name in sealed)
    who = lifting.remedy("/", _ANY_NAME) if lifting.lock is not None else "-"
    yield from (f"n\t{name}\t-\t{who}" for name in (*inner, *names))
    yield from (f"p\t{name}\t-\t{who}" for name in guard.prefixes)
    yield from (f"l\t{path}\t-\t-" for path in guard.lifted_paths if "\n" not in path and "\t" not in path)


def _escaped(name: str) -> str:
    """For an extended regular expression: names hold nothing else that means something there."""
    return name.replace(".", "\\.")


def _who(path: str, why: Origin, lifting: Lifting) -> str:
    """Who keeps what no entry lifts, in one line."""
    words = lifting.remedy(path, why) or f"kept by {why.key or 'a rule'} ({why})"
    return escape(" ".join(words.split()))


def _has_git(view: View, path: str, places: Iterable[Place]) -> bool:
    """Whether git can be started, and the shell that looks before it: a rule may have taken either away."""
    denied = {place.path for place in places if place.reason == DENIED}
    programs = [paths.join(folder, "git") for folder in path.split(":") if folder.startswith("/")]
    found = next((program for program in programs if view.executable(program)), None)
    return found is not None and not denied.intersection(view.resolve(program).path for program in (found, _SHELL))
