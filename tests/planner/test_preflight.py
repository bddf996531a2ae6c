"""When a look stands before git, and what it is told."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest

from paddock.model.guard import Denial, GuardRules
from paddock.model.plan import Access, Kind, Place, PrivateFile
from paddock.model.settings import Origin, Scope
from paddock.model.unprotect import PROTECTED, SEALED, Lifting
from paddock.planner.preflight import preflight
from paddock.planner.preflight_script import FOLDER, KEPT, SCRIPT
from paddock.planner.view import View
from tests.planner.fakes import APP, tree

ROOT = GuardRules(roots=(APP,))
PATH = {"PATH": "relative:/usr/bin"}
NAME = Origin(Scope.BUILTIN, "builtin", key=PROTECTED, text="x")


def place(path: str, why: Origin = NAME, access: Access = Access.READ) -> Place:
    return Place(path, access, Kind.FILE, why)


def made(
    *places: Place, repositories: Sequence[str] = (APP,), lock: Origin | None = None, git: bool = True, guard: GuardRules = ROOT
) -> tuple[PrivateFile, ...]:
    files = tree({"/usr/bin/git": ""})
    files.programs.update({"/usr/bin/git"} if git else ())
    return preflight(View(files), places, repositories, Lifting(APP, lock), PATH, guard)


def lines(*places: Place, lock: Origin | None = None, guard: GuardRules = ROOT) -> list[str]:
    script, kept = made(*places, lock=lock, guard=guard)
    assert (script.path, script.mode, kept.path, kept.mode) == (f"{FOLDER}/git", 0o555, KEPT, 0o444)
    assert script.content.decode() == SCRIPT
    *found, last = kept.content.decode("utf-8", "surrogateescape").splitlines()
    assert last == f"r\t{APP}\t-\t-"
    return found


@pytest.mark.parametrize(
    ("places", "more"),
    [
        ((), {}),
        ((place(f"{APP}/.mcp.json"),), {"repositories": ()}),
        ((place(f"{APP}/.mcp.json"),), {"git": False}),
        ((place("/srv/.mcp.json"),), {}),
        ((place(f"{APP}/.mcp.json"),), {"guard": GuardRules()}),
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


NAMES = GuardRules(
    roots=(APP,),
    denied=(Denial(f"{APP}/later", Origin(Scope.USER, "/s.json", 3, 1, "sandbox.filesystem.denyWrite")), Denial(f"{APP}/**/*.x", NAME, is_glob=True)),
    lifted_names=frozenset({".envrc"}),
    lifted_paths=frozenset({f"{APP}/.git/hooks", f"{APP}/sub/.mcp.json"}),
    anywhere={".mcp.json": "", ".envrc": "", ".claude": ""},
    prefixes={".aider": ""},
    nested={".github": {"workflows": ""}},
    kept={".claude": ("worktrees",)},
    settings_files={".claude": ("settings.json",)},
    dependency_folders=frozenset({"node_modules"}),
    own_folder=".paddock",
)


def test_names_that_may_not_be_made() -> None:
    found = lines(guard=NAMES)
    assert found[0] == f"k\t{APP}/later\t-\tkept by sandbox.filesystem.denyWrite (user /s.json:3)"
    assert {line.split("\t")[1] for line in found if line.startswith("n")} == {".paddock", ".claude/settings.json", ".mcp.json", ".claude", ".github/workflows"}
    assert "p\t.aider\t-\t-" in found
    assert f"l\t{APP}/sub/.mcp.json\t-\t-" in found
    assert all("nothing lifts this" in line for line in found if "\t.paddock\t" in line or "settings.json\t-" in line)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (".mcp.json", True),
        ("a/b/.mcp.json", True),
        ("a/.mcp.json/x", True),
        ('"\\303\\244/.mcp.json"', True),
        (".aider.conf.yml", True),
        ("x/.github/workflows/ci.yml", True),
        (".paddock/settings.json", True),
        (".claude/commands/x.md", True),
        (".claude/worktrees/a/src", True),
        ("node_modules/p/.mcp.json", False),
        ("a.mcp.json", False),
        (".mcp.jsonx", False),
        ("xmcp/json", False),
        (".envrc", False),
        (".github/dependabot.yml", False),
        ("src/main.py", False),
    ],
)
def test_the_patterns(path: str, *, kept: bool) -> None:
    patterns = {line[0]: line.split("\t")[1] for line in lines(guard=NAMES) if line[0] in "ex"}
    found = subprocess.run(["grep", "-E", "-e", patterns["e"]], input=path + "\n", capture_output=True, text=True, check=False, timeout=20).stdout
    left = subprocess.run(["grep", "-E", "-v", "-e", patterns["x"]], input=found, capture_output=True, text=True, check=False, timeout=20).stdout
    assert bool(left) is kept


def test_what_is_ordinary_in_a_protected_folder_counts_where_it_exists() -> None:
    assert "\n".join(lines(guard=NAMES)).count('w\t.claude/worktrees\t(^|/|")(\\.claude/worktrees)/\t-') == 1


def test_an_administrators_lock_is_named_for_names() -> None:
    found = lines(lock=Origin(Scope.MANAGED, "/etc/m.json", 2, 1, "the.lock"), guard=NAMES)
    assert {line.split("\t")[3] for line in found if line.startswith("n\t.mcp.json")} == {"only managed settings may lift it (/etc/m.json:2 sets the.lock)"}
