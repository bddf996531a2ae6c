"""When a look stands before git, and what it is told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from paddock.model.plan import Access, Kind, Place, PrivateFile
from paddock.model.settings import Origin, Scope
from paddock.model.unprotect import PROTECTED, SEALED, Lifting
from paddock.planner.preflight import preflight
from paddock.planner.preflight_script import FOLDER, KEPT, SCRIPT
from paddock.planner.view import View
from tests.planner.fakes import APP, tree

PATH = {"PATH": "relative:/usr/bin"}
NAME = Origin(Scope.BUILTIN, "builtin", key=PROTECTED, text="x")


def place(path: str, why: Origin = NAME, access: Access = Access.READ) -> Place:
    return Place(path, access, Kind.FILE, why)


def made(*places: Place, repositories: Sequence[str] = (APP,), lock: Origin | None = None, git: bool = True) -> tuple[PrivateFile, ...]:
    files = tree({"/usr/bin/git": ""})
    files.programs.update({"/usr/bin/git"} if git else ())
    return preflight(View(files), places, repositories, Lifting(APP, lock), PATH)


def lines(*places: Place, lock: Origin | None = None) -> list[str]:
    script, kept = made(*places, lock=lock)
    assert (script.path, script.mode, kept.path, kept.mode) == (f"{FOLDER}/git", 0o555, KEPT, 0o444)
    assert script.content.decode() == SCRIPT
    return kept.content.decode("utf-8", "surrogateescape").splitlines()


@pytest.mark.parametrize(
    ("places", "more"),
    [
        ((), {}),
        ((place(f"{APP}/.mcp.json"),), {"repositories": ()}),
        ((place(f"{APP}/.mcp.json"),), {"git": False}),
        ((place("/srv/.mcp.json"),), {}),
        ((place(f"{APP}/.git/hooks"), place(f"{APP}/sub/.git")), {}),
        ((place(APP),), {}),
        ((place(f"{APP}/out", access=Access.WRITE),), {}),
        ((place(f"{APP}/two\nlines"), place(f"{APP}/a\ttab")), {}),
    ],
)
def test_where_there_is_nothing_to_look_at_there_is_no_script(places: tuple[Place, ...], more: dict[str, object]) -> None:
    assert made(*places, **more) == ()  # type: ignore[arg-type]  # as the parameters are named


def test_the_list() -> None:
    denied = Origin(Scope.PROJECT, "/s.json", 3, 1, "sandbox.filesystem.denyWrite", "./infra")
    hidden = Place(f"{APP}/.env", Access.HIDDEN, Kind.FILE, Origin(Scope.PROJECT, "/s.json", 4, 1, "permissions.deny", "Read(.env)"))
    assert lines(
        place(f"{APP}/.github/workflows"), place(f"{APP}/infra", denied), place(f"{APP}/.paddock", Origin(Scope.BUILTIN, "builtin", key=SEALED)), hidden
    ) == [
        f"k\t{APP}/.github/workflows\t.github/workflows\t-",
        f"k\t{APP}/infra\t-\tkept by sandbox.filesystem.denyWrite (project /s.json:3)",
        f"k\t{APP}/.paddock\t-\tnothing lifts this",
        f"k\t{APP}/.env\t-\tkept by permissions.deny (project /s.json:4)",
    ]


def test_an_administrators_lock_is_named() -> None:
    (line,) = lines(place(f"{APP}/.mcp.json"), lock=Origin(Scope.MANAGED, "/etc/m.json", 2, 1, "the.lock"))
    assert line == f"k\t{APP}/.mcp.json\t-\tonly managed settings may lift it (/etc/m.json:2 sets the.lock)"


def test_a_rule_with_a_line_break_in_it_stays_one_line() -> None:
    (line,) = lines(place(f"{APP}/x", Origin(Scope.PROJECT, "/a\tb\nk\t/", 3, 1, "sandbox.filesystem.denyWrite")))
    assert line.count("\t") == 3
