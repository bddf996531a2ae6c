"""The verb: what it prints, what it ends with, and when it changes files."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from paddock.cli.lint import main
from paddock.cli.output import Output
from paddock.errors import SettingsError, UsageError
from tests.session.seat import Seat, take_seat

TWICE = '{"permissions": {"deny": ["Bash(curl *)", "Bash(curl *)"], "allow": ["Bash(npx *)"]}}'
ONCE = '{"permissions": {"deny": ["Bash(curl *)"], "allow": ["Bash(npx *)"]}}'


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    return take_seat(tmp_path, monkeypatch)


def run(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return main(list(words), Output(out, err)), out.getvalue(), err.getvalue()


def test_nothing_to_say(seat: Seat) -> None:
    seat.world.write("project", {"permissions": {"deny": ["Bash(curl *)"]}})
    assert run() == (0, "", "")


def test_a_finding_is_a_line_that_editors_jump_to(seat: Seat) -> None:
    seat.world.write("project", '{"permissions": {"deny": ["Raed(x)"]}}')
    code, text, _ = run()
    assert code == 1
    expected = "deny Raed(x): no tool is called Raed, so the rule matches nothing (did you mean Read(x)?) [tool-unknown]\n"
    assert text == f".claude/settings.json:1:27: warning: {expected}"


def test_a_remark_changes_no_exit_code(seat: Seat) -> None:
    seat.world.write("project", {"allowedMcpServers": []})
    code, text, _ = run()
    assert (code, "info" in text, "[list-empty]" in text) == (0, True, True)


def test_files_are_looked_at_alone(seat: Seat) -> None:
    seat.world.write("project", {"permissions": {"deny": ["Raed(x)"]}})
    (seat.world.project / "draft.json").write_text(TWICE)
    code, text, _ = run("draft.json")
    assert code == 1
    assert [line.partition(":")[0] for line in text.splitlines()] == ["draft.json"] * 2
    assert run("--scope", "managed", "draft.json")[0] == 1


def test_a_dry_run_shows_and_changes_nothing(seat: Seat) -> None:
    path = seat.world.write("project", TWICE)
    code, text, told = run("--fix", "--dry-run")
    assert path.read_text() == TWICE
    assert code == 1
    assert f"-{TWICE}\n+{ONCE}\n" in text
    assert "nothing was changed" in told
    assert "[entry-duplicate]" in text


def test_a_fix_is_shown_made_and_gone(seat: Seat) -> None:
    path = seat.world.write("project", TWICE)
    code, text, told = run("--fix")
    assert path.read_text() == ONCE
    assert code == 1, "something is left"
    assert f"+{ONCE}\n" in text
    assert "[entry-duplicate]" not in text
    assert "[allow-too-broad]" in text
    assert told == "paddock: 1 entry fixed\n"
    assert run("--fix")[1].startswith(".claude"), "there is no second change"


def test_the_document(seat: Seat) -> None:
    seat.world.write("project", TWICE)
    code, text, _ = run("--json")
    document = json.loads(text)
    assert (code, document["schema"]) == (1, 1)
    assert [(item["id"], item["level"], item["line"], item["column"], item["key"], item["entry"]) for item in document["findings"]] == [
        ("entry-duplicate", "info", 1, 43, "permissions.deny", "Bash(curl *)"),
        ("allow-too-broad", "warning", 1, 70, "permissions.allow", "Bash(npx *)"),
    ]
    assert [item["fix"] for item in document["findings"]] == [{"action": "remove", "text": ""}, None]
    code, text, _ = run("--fix", "--json")
    document = json.loads(text)
    assert (document["changed"], [item["id"] for item in document["fixed"]]) == (True, ["entry-duplicate"])
    assert [item["id"] for item in document["findings"]] == ["allow-too-broad"]
    assert f"+{ONCE}" in document["diff"]


def test_what_a_file_holds_does_not_act_on_the_terminal(seat: Seat) -> None:
    seat.world.write("project", '{"permissions": {"deny": ["Bash(a\\u202eb)", "Bash(a\\u202eb)"]}, "x\\u001b[31m": 1}')
    _, text, _ = run("--fix")
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_settings_that_do_not_load_are_no_findings(seat: Seat) -> None:
    seat.world.write("project", '{"sandbox": {"mode": 1}}')
    with pytest.raises(SettingsError, match=r"settings.json:1:14"):
        run()


@pytest.mark.parametrize("words", [["--dry-run"], ["--scope", "project"], ["--scope", "nobody", "x.json"], ["--fixx"]])
def test_wrong_words(seat: Seat, words: list[str]) -> None:
    with pytest.raises(UsageError):
        run(*words)
