"""Whether a ``git`` of ours stands before the real one inside, and what it is told.

A kept file is a mount: git cannot replace it, finds that out in the middle of a checkout or merge, and leaves a tree in pieces. So where repositories can be
written and something in them is kept, a small script on the PATH asks the real git first (``preflight_script``). It is no boundary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from paddock.model import paths
from paddock.model.plan import Access, Place, PrivateFile
from paddock.model.settings import Origin, Scope
from paddock.model.unprotect import Lifting
from paddock.planner.preflight_script import FOLDER, KEPT, SCRIPT
from paddock.planner.view import View

__all__ = ["preflight"]

_WHY = Origin(Scope.BUILTIN, "builtin", text="a look at what git would change")


def preflight(view: View, places: Iterable[Place], repositories: Iterable[str], lifting: Lifting, variables: Mapping[str, str]) -> tuple[PrivateFile, ...]:
    """The script and its list, and nothing where there is nothing to look at: no repository, nothing kept in one, no git."""
    folders = tuple(repositories)
    lines = list(_kept(places, folders, lifting)) if folders else []
    if not lines or not _has_git(view, variables.get("PATH", "")):
        return ()
    content = "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
    return PrivateFile(f"{FOLDER}/git", SCRIPT.encode(), 0o555, _WHY), PrivateFile(KEPT, content, 0o444, _WHY)


def _kept(places: Iterable[Place], repositories: tuple[str, ...], lifting: Lifting) -> Iterator[str]:
    for place in places:
        path = place.path
        if place.access is Access.WRITE or "\n" in path or "\t" in path or ".git" in path.split("/"):
            continue
        if any(path != folder and paths.is_beneath(path, folder) for folder in repositories):
            lifts = lifting.lifts(place.why)
            yield "\t".join(("k", path, lifting.entry(path) if lifts else "-", "-" if lifts else _who(place, lifting)))


def _who(place: Place, lifting: Lifting) -> str:
    """Who keeps what no entry lifts, in one line."""
    words = lifting.remedy(place.path, place.why) or f"kept by {place.why.key or 'a rule'} ({place.why})"
    return " ".join(words.split())


def _has_git(view: View, path: str) -> bool:
    return any(folder.startswith("/") and view.executable(paths.join(folder, "git")) for folder in path.split(":"))
