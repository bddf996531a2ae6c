from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from paddock.agents.claude_code import answer
from paddock.agents.event import Event
from paddock.errors import SettingsError, UsageError
from tests.session.seat import Seat, take_seat

PROGRAM = "/opt/paddock/bin/paddock"


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    seat = take_seat(tmp_path, monkeypatch)
    seat.world.write("project", {"permissions": {"deny": ["Bash(curl *)", "Read(./.env)"], "ask": ["Bash(git push *)"]}})
    return seat


def ask(
    seat: Seat, tool: str, given: dict[str, object], *, name: str = "PreToolUse", mode: str = "default", cwd: Path | None = None, runs: tuple[str, ...] = ()
) -> Any:
    event = Event(name, "s", str(cwd or seat.world.project), mode, tool, given, "t1")
    environ = {**os.environ, **seat.environ, "CLAUDE_PROJECT_DIR": str(seat.world.project)}
    return answer(event, environ, PROGRAM, lambda tool_use: tool_use in runs)


def test_a_command_that_may_run_is_allowed_and_rewritten(seat: Seat) -> None:
    given: dict[str, object] = {"command": "make 'a b'", "timeout": 5, "description": "d"}
    specific = ask(seat, "Bash", given)["hookSpecificOutput"]
    assert (specific["hookEventName"], specific["permissionDecision"]) == ("PreToolUse", "allow")
    updated = specific["updatedInput"]
    assert (updated["timeout"], updated["description"]) == (5, "d")
    assert f"{PROGRAM} run --tool-use t1 -- /bin/bash -c " in updated["command"]
    assert "make" in updated["command"]


def test_a_command_that_is_asked_about_is_rewritten_too(seat: Seat) -> None:
    specific = ask(seat, "Bash", {"command": "git push"})["hookSpecificOutput"]
    assert specific["permissionDecision"] == "ask"
    assert "--tool-use t1" in specific["updatedInput"]["command"]
    assert "Bash(git push *)" in specific["permissionDecisionReason"]


def test_a_refused_command_is_not_rewritten_and_says_which_rule_and_where(seat: Seat) -> None:
    specific = ask(seat, "Bash", {"command": "sh -c 'curl x'"})["hookSpecificOutput"]
    assert specific["permissionDecision"] == "deny"
    assert "updatedInput" not in specific
    assert "Bash(curl *)" in specific["permissionDecisionReason"]
    assert "settings.json:" in specific["permissionDecisionReason"]


def test_what_a_command_says_does_not_change_how_the_answer_reads(seat: Seat) -> None:
    specific = ask(seat, "Bash", {"command": "git push \u202ex\x1b[2J\nallowed"})["hookSpecificOutput"]
    assert specific["permissionDecision"] == "ask"
    assert "\\u202ex\\x1b[2J" in specific["permissionDecisionReason"]
    assert specific["permissionDecisionReason"].isprintable()


def test_standing_elsewhere_makes_it_no_working_folder(seat: Seat, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for folder, decision in ((elsewhere, "ask"), (seat.world.project, "allow")):
        specific = ask(seat, "Write", {"file_path": str(folder / "x"), "content": ""}, mode="acceptEdits", cwd=folder)["hookSpecificOutput"]
        assert specific["permissionDecision"] == decision


def test_the_settings_of_the_project_count_wherever_the_agent_stands(seat: Seat) -> None:
    inner = seat.world.project / "sub"
    inner.mkdir()
    assert ask(seat, "Bash", {"command": "curl x"}, cwd=inner)["hookSpecificOutput"]["permissionDecision"] == "deny"
    specific = ask(seat, "Bash", {"command": "make"}, cwd=inner)["hookSpecificOutput"]
    assert specific["updatedInput"]["command"].startswith(f"cd -- {seat.world.project} && exec ")
    assert str(inner) in specific["updatedInput"]["command"]
    assert ask(seat, "Read", {"file_path": "../.env"}, cwd=inner)["hookSpecificOutput"]["permissionDecision"] == "deny"


def test_a_call_that_asks_to_leave_the_fence_is_asked_about_and_left_as_it_is(seat: Seat) -> None:
    specific = ask(seat, "Bash", {"command": "make", "dangerouslyDisableSandbox": True})["hookSpecificOutput"]
    assert specific["permissionDecision"] == "ask"
    assert "updatedInput" not in specific


@pytest.mark.parametrize(
    ("tool", "given", "decision"),
    [
        ("Read", {"file_path": ".env"}, "deny"),
        ("Read", {"file_path": "README"}, "allow"),
        ("Write", {"file_path": ".env", "content": "x"}, "deny"),
        ("Edit", {"file_path": "src/a"}, "ask"),
        ("Grep", {"pattern": "x"}, "allow"),
        ("WebFetch", {"url": "https://a.example/"}, "ask"),
        ("mcp__s__t", {}, "ask"),
    ],
)
def test_every_tool_gets_an_answer(seat: Seat, tool: str, given: dict[str, object], decision: str) -> None:
    specific = ask(seat, tool, given)["hookSpecificOutput"]
    assert specific["permissionDecision"] == decision
    assert "updatedInput" not in specific


def test_the_agents_mode_counts(seat: Seat) -> None:
    assert ask(seat, "Edit", {"file_path": "src/a"}, mode="acceptEdits")["hookSpecificOutput"]["permissionDecision"] == "allow"
    assert ask(seat, "Edit", {"file_path": "src/a"}, mode="dontAsk")["hookSpecificOutput"]["permissionDecision"] == "deny"


@pytest.mark.parametrize("given", [{}, {"command": 5}, {"command": None}])
def test_a_shell_call_without_a_command_is_an_error(seat: Seat, given: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="no command"):
        ask(seat, "Bash", given)


def test_broken_settings_raise_and_allow_nothing(seat: Seat) -> None:
    (seat.world.project / ".claude" / "settings.json").write_text("{")
    with pytest.raises(SettingsError):
        ask(seat, "Bash", {"command": "make"})


@pytest.mark.parametrize("name", ["PostToolUse", "PostToolUseFailure"])
def test_a_command_that_ran_outside_is_told(seat: Seat, name: str) -> None:
    assert ask(seat, "Bash", {"command": "make"}, name=name, runs=("t1",)) == {}
    told = ask(seat, "Bash", {"command": "make"}, name=name, runs=("t2",))
    assert "OUTSIDE the fence" in told["systemMessage"]
    assert told["decision"] == "block"
    asked = ask(seat, "Bash", {"command": "make", "dangerouslyDisableSandbox": True}, name=name)
    assert "OUTSIDE the fence" in asked["systemMessage"]
    assert "decision" not in asked


def test_other_events_get_nothing(seat: Seat) -> None:
    assert ask(seat, "Read", {"file_path": "x"}, name="PostToolUse") == {}
    assert ask(seat, "", {}, name="Stop") == {}
