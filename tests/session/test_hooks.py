from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from paddock.session.check import Call, Checker, Verdict
from paddock.session.hooks import Hooks
from tests.session.seat import Seat, take_seat

MAKE = Call("Bash", {"command": "make all"})


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    return take_seat(tmp_path, monkeypatch)


def says(decision: str, **more: object) -> str:
    answer = {"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": decision, **more}}
    return f"cat >/dev/null; printf %s '{json.dumps(answer)}'"


def hooks(*commands: str, matcher: str = "Bash", **more: object) -> dict[str, object]:
    handlers = [{"type": "command", "command": command, **more} for command in commands]
    return {"hooks": {"PreToolUse": [{"matcher": matcher, "hooks": handlers}]}}


def ask(seat: Seat, call: Call = MAKE, *, trusts: bool = False) -> tuple[Call, Verdict]:
    return Hooks(Checker(seat.request()), {**os.environ, **seat.environ, "OTEL_X": "1"}, trusts_project=trusts).ask(call)


def decision(seat: Seat, *commands: str, closed: bool = False, **more: Any) -> str:
    seat.world.write("user", {**hooks(*commands, **more), "paddock": {"hooks": {"failClosed": closed}}}, "paddock")
    return ask(seat)[1].decision


def test_without_hooks_the_rules_decide(seat: Seat) -> None:
    assert ask(seat)[1].decision == "allow"


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (("exit 0",), "allow"),
        ((says("deny"),), "deny"),
        ((says("ask"),), "ask"),
        ((says("allow"), says("ask")), "ask"),
        ((says("allow"), "echo no >&2; exit 2"), "deny"),
        (("echo plain words",), "allow"),
    ],
)
def test_what_they_say_together(seat: Seat, commands: tuple[str, ...], expected: str) -> None:
    assert decision(seat, *commands) == expected


def test_a_rule_that_refuses_is_not_undone_by_a_hook(seat: Seat) -> None:
    seat.world.write("managed", {"permissions": {"deny": ["Bash(make *)"]}})
    assert decision(seat, says("allow")) == "deny"


@pytest.mark.parametrize("command", ["exit 1", "printf '{'", "kill -KILL $$", "/nonexistent/hook", "head -c 2000000 /dev/zero | tr '\\0' '{'"])
def test_a_hook_that_fails_says_nothing_or_refuses(seat: Seat, command: str) -> None:
    assert decision(seat, command) == "allow"
    assert decision(seat, command, closed=True) == "deny"
    assert decision(seat, says("allow"), closed=True) == "allow"


def test_a_hook_that_hangs_is_ended_with_all_that_it_started(seat: Seat, tmp_path: Path) -> None:
    pipe = tmp_path / "alive"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    hanging = f"exec 3>'{pipe}'; sleep 60 & sleep 60"
    assert decision(seat, hanging, closed=True, timeout=1) == "deny"
    with open(reader, "rb") as alive:
        assert alive.read() == b""  # both ends of the writers are gone
    assert decision(seat, hanging.replace(str(pipe), "/dev/null"), timeout=1) == "allow"


def test_a_kind_that_is_not_run_counts_as_failed(seat: Seat) -> None:
    group = {"hooks": [{"type": "http", "url": "https://hooks.example"}]}
    for closed, expected in ((False, "allow"), (True, "deny")):
        seat.world.write("user", {"hooks": {"PreToolUse": [group]}, "paddock": {"hooks": {"failClosed": closed}}}, "paddock")
        assert ask(seat)[1].decision == expected


def test_the_projects_hooks_run_only_where_it_is_trusted(seat: Seat) -> None:
    seat.world.write("project", hooks(f"touch '{seat.world.home}/ran'; exit 2"))
    assert ask(seat)[1].decision == "allow"
    assert not (seat.world.home / "ran").exists()
    assert ask(seat, trusts=True)[1].decision == "deny"
    assert (seat.world.home / "ran").exists()


def test_what_a_hook_is_told(seat: Seat) -> None:
    told = seat.world.home / "told"
    assert decision(seat, f"cat >'{told}'; env >'{told}.env'") == "allow"
    event = json.loads(told.read_text())
    assert (event["hook_event_name"], event["tool_name"], event["tool_input"]) == ("PreToolUse", "Bash", {"command": "make all"})
    assert event["cwd"] == str(seat.world.project)
    lines = Path(f"{told}.env").read_text().splitlines()
    assert f"CLAUDE_PROJECT_DIR={seat.world.project}" in lines
    assert not [line for line in lines if line.startswith("OTEL_")]


def test_another_input_is_decided_about_instead(seat: Seat) -> None:
    seat.world.write("managed", {"permissions": {"deny": ["Bash(curl *)"]}})
    seat.world.write("user", hooks(says("allow", updatedInput={"command": "curl x"})), "paddock")
    call, verdict = ask(seat)
    assert (call.input, verdict.decision) == ({"command": "curl x"}, "deny")


@pytest.mark.parametrize(("matcher", "rule", "runs"), [("Bash", None, True), ("Edit", None, False), ("*", "Bash(make *)", True), ("*", "Bash(git *)", False)])
def test_only_hooks_that_are_about_the_call_run(seat: Seat, matcher: str, rule: str | None, runs: bool) -> None:
    more: dict[str, Any] = {} if rule is None else {"if": rule}
    assert decision(seat, "exit 2", matcher=matcher, **more) == ("deny" if runs else "allow")
