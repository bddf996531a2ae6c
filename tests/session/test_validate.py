"""Files checked for editors: every problem at its place, and what a run would make of the same file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paddock.errors import PaddockError
from paddock.model.settings import Scope
from paddock.session.prepare import prepare
from paddock.session.validate import Finding, guess_scope, validate
from paddock.settings.layer import Family
from paddock.settings.managed import Roots
from paddock.settings.places import context_for
from tests.session.seat import Seat, take_seat


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    return take_seat(tmp_path, monkeypatch)


def check(seat: Seat, content: object, scope: Scope | None = None, name: str = "settings.json") -> list[Finding]:
    file = seat.world.project / name
    file.write_bytes(content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content, indent=2)).encode())
    return validate([name], str(seat.world.project), seat.environ, scope)


def said(found: list[Finding], level: str) -> list[str]:
    return [item.message for item in found if item.level == level]


def test_a_good_file_has_nothing_to_say(seat: Seat) -> None:
    good = {"sandbox": {"filesystem": {"denyRead": ["./x"]}}, "permissions": {"deny": ["Read(./y)"], "ask": ["Bash(git push *)"]}, "theirs": {"a": 1}}
    assert check(seat, good) == []


def test_every_problem_is_told_at_its_place(seat: Seat) -> None:
    text = '{"sandbox": {\n  "filesystem": {"denyred": [],\n    "denyRead": [3]}},\n "permissions": {"deny": ["Read("]}}'
    found = check(seat, text)
    assert [(item.line, item.column, item.level) for item in found] == [(2, 18, "error"), (3, 18, "error"), (4, 27, "error")]
    assert str(found[0]) == "settings.json:2:18: error: unknown setting sandbox.filesystem.denyred (did you mean sandbox.filesystem.denyRead?)"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("{", "ends"),
        ('{"a": 1, "a": 2}', "twice"),
        ("{} // c", "after the end"),
        (b"\xff{}", "UTF-8"),
        ("[]", "one JSON object"),
        ("[" * 2000, "inside each other"),
    ],
)
def test_what_is_no_settings_file(seat: Seat, content: str | bytes, words: str) -> None:
    found = check(seat, content)
    assert [item.level for item in found] == ["error"]
    assert words in found[0].message
    assert found[0].line


def test_what_cannot_be_read(seat: Seat) -> None:
    (seat.world.project / "folder").mkdir()
    found = validate(["absent.json", "folder"], str(seat.world.project), seat.environ)
    assert [(item.file, item.line, item.level) for item in found] == [("absent.json", 0, "error"), ("folder", 0, "error")]
    assert str(found[0]) == "absent.json: error: no such file"


def test_the_scope_decides_what_counts(seat: Seat) -> None:
    locked = {"sandbox": {"network": {"allowManagedDomainsOnly": True}}}
    assert any("only from managed" in text for text in said(check(seat, locked, Scope.USER), "warning"))
    assert check(seat, locked, Scope.MANAGED) == []
    relative = {"sandbox": {"filesystem": {"denyRead": ["./x"]}}}
    assert check(seat, relative, Scope.PROJECT) == []
    assert any("relative path" in text for text in said(check(seat, relative, Scope.MANAGED), "error"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"sandbox": {"excludedCommands": ["docker"]}}, "takes no command outside"),
        ({"sandbox": {"filesystem": {"allowWrite": ["./a*"]}}}, "name the folder itself"),
        ({"permissions": {"deny": ["Write(./a)"]}}, "write Edit(./a)"),
        ({"permissions": {"allow": ["*"]}}, "names its tool"),
        ({"permissions": {"allow": ["Read("]}}, "not a permission rule"),
        ({"permissions": {"deny": ["Raed(./x)"]}}, "no tool called Raed"),
        ({"sandbx": {}}, "not a setting of Paddock"),
    ],
)
def test_what_does_nothing_is_a_warning_and_no_error(seat: Seat, content: object, words: str) -> None:
    found = check(seat, content)
    assert [item.level for item in found] == ["warning"]
    assert words in found[0].message


def test_servers_tools_and_patterns_are_never_unknown(seat: Seat) -> None:
    assert check(seat, {"permissions": {"deny": ["mcp__x", "mcp__*", "My_Tool", "WebSearch", "Agent(x)"]}}) == []


BROKEN: tuple[object, ...] = (
    {"permissions": {"deny": ["Read("]}},
    {"permissions": {"deny": ["Read(~other/x)"]}},
    {"sandbox": {"network": {"tlsTerminate": {}}}},
    {"sandbox": {"network": {"allowedDomains": ["http://x"]}}},
    {"paddock": {"audit": {"anything": 1}}},
    {"sandbox": {"filesystem": {"denyRead": ["~other/x"]}}},
)
FINE: tuple[object, ...] = (
    {"permissions": {"allow": ["Read("]}},
    {"sandbox": {"excludedCommands": ["docker"]}},
    {"theirs": 1},
    {"sandbox": {"filesystem": {"denyRead": ["~/x"]}}},
)


@pytest.mark.parametrize(("content", "valid"), [*((c, False) for c in BROKEN), *((c, True) for c in FINE)])
def test_an_error_is_what_a_run_is_refused_for(seat: Seat, content: object, valid: bool) -> None:
    found = check(seat, content, Scope.USER)
    assert (not said(found, "error")) is valid
    seat.world.write("user", content)
    if valid:
        prepare(seat.request())
    else:
        with pytest.raises(PaddockError):
            prepare(seat.request())


@pytest.mark.parametrize(
    ("path", "scope", "family"),
    [
        ("{project}/.claude/settings.json", Scope.PROJECT, Family.CLAUDE),
        ("{project}/.paddock/settings.json", Scope.PROJECT, Family.PADDOCK),
        ("{project}/.claude/settings.local.json", Scope.LOCAL, Family.CLAUDE),
        ("{home}/.claude/settings.json", Scope.USER, Family.CLAUDE),
        ("{home}/.config/paddock/settings.json", Scope.USER, Family.PADDOCK),
        ("/etc/paddock/managed-settings.json", Scope.MANAGED, Family.PADDOCK),
        ("/etc/claude-code/managed-settings.d/10-a.json", Scope.MANAGED, Family.CLAUDE),
        ("{project}/anything.json", Scope.CLI, Family.PADDOCK),
    ],
)
def test_the_scope_is_guessed_from_the_path(seat: Seat, path: str, scope: Scope, family: Family) -> None:
    context = context_for(str(seat.world.project), seat.environ)
    assert guess_scope(path.format(project=seat.world.project, home=seat.world.home), context) == (scope, family)


def test_a_managed_file_in_its_place_must_belong_to_root(seat: Seat) -> None:
    path = seat.world.write("managed", {}, "paddock")
    roots = Roots(str(seat.world.system))
    assert validate([str(path)], "/", seat.environ, roots=roots) == []
    path.chmod(0o666)
    found = validate([str(path)], "/", seat.environ, roots=roots)
    assert [item.level for item in found] == ["error"]
    assert "can be written by group or others" in found[0].message
