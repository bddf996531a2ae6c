from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from paddock.cli.check import main
from paddock.cli.output import Output
from paddock.errors import PolicyError, UsageError
from tests.session.seat import Seat, take_seat


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    seat = take_seat(tmp_path, monkeypatch)
    rules = {"deny": ["Bash(curl *)", "Read(./.env)"], "ask": ["Bash(git push *)"]}
    seat.world.write("project", {"permissions": rules, "sandbox": {"autoAllowBashIfSandboxed": False}})
    return seat


def run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    return main(list(words), Output(out, io.StringIO())), out.getvalue()


def option(*rules: str) -> tuple[str, str]:
    return "--settings", json.dumps({"permissions": {"allow": list(rules)}})


@pytest.mark.parametrize(
    ("command", "code"),
    [("make", 10), ("make test", 0), ("curl x", 11), ("sh -c 'curl x'", 11), ("git push", 10), ("cat .env", 11), ("cat README", 0), ('make test "', 10)],
)
def test_the_exit_code_is_the_decision(seat: Seat, command: str, code: int) -> None:
    assert run(*option("Bash(make test *)"), command)[0] == code


def test_a_person_reads_which_rule_where_and_what_would_change_it(seat: Seat) -> None:
    code, text = run("curl x")
    assert code == 11
    lines = [line.split(maxsplit=1) for line in text.splitlines()]
    assert lines[0] == ["deny", "curl x"]
    assert any(line[0] == "by" and "Bash(curl *) in permissions.deny (project, .claude/settings.json:" in line[1] for line in lines)
    assert ["runs", "inside the fence"] in lines


def test_nothing_that_a_terminal_obeys_is_shown(seat: Seat) -> None:
    assert "\x1b" not in run("echo \x1b[2J \u202e")[1]


def test_other_tools_and_the_document(seat: Seat) -> None:
    code, text = run("--tool", "Read", "--input", '{"file_path": ".env"}', "--json")
    document = json.loads(text)
    assert code == 11
    assert (document["decision"], document["fenced"], document["tool"]) == ("deny", None, "Read")
    rule = document["reasons"][0]["rule"]
    assert (rule["text"], rule["list"], rule["scope"]) == ("Read(./.env)", "deny", "project")
    assert rule["line"] > 0


def test_a_link_to_a_denied_file_is_denied(seat: Seat) -> None:
    (seat.world.project / ".env").touch()
    (seat.world.project / "other").symlink_to(".env")
    assert run("--tool", "Read", "--input", '{"file_path": "other"}')[0] == 11
    assert run("--tool", "Read", "--input", '{"file_path": "another"}')[0] == 0


def test_links_in_a_circle_are_denied(seat: Seat) -> None:
    (seat.world.project / "a").symlink_to("b")
    (seat.world.project / "b").symlink_to("a")
    code, text = run("--tool", "Read", "--input", '{"file_path": "a"}')
    assert code == 11
    assert "cannot be told" in text


def test_a_stream_answers_every_line_and_ends_with_the_highest_code(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = ['{"tool_name": "Bash", "tool_input": {"command": "ls"}}', "", '{"tool": "Bash", "input": {"command": "make"}}']
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(calls) + "\n"))
    code, text = run("--lines")
    assert [json.loads(line)["decision"] for line in text.splitlines()] == ["allow", "ask"]
    assert code == 10
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join([*calls, "no JSON", "[1]", '{"tool_name": 5}', '{"tool_name": "Bash", "tool_input": 5}']) + "\n"))
    code, text = run("--lines")
    assert [json.loads(line)["decision"] for line in text.splitlines()] == ["allow", "ask", *["error"] * 4]
    assert code == 12


def test_modes_and_nobody_to_ask(seat: Seat) -> None:
    assert run("--mode", "dontAsk", "make")[0] == 11
    assert run("--mode", "bypassPermissions", "make")[0] == 0
    assert run("--mode", "auto", "make")[0] == 10
    assert run("--nobody", "make")[0] == 11
    with pytest.raises(UsageError, match="unknown mode 'defualt'"):
        run("--mode", "defualt", "make")


def test_a_mode_that_is_switched_off_is_the_default_one(seat: Seat) -> None:
    off = json.dumps({"permissions": {"disableBypassPermissionsMode": "disable"}})
    assert run("--settings", off, "--mode", "bypassPermissions", "make")[0] == 10


@pytest.mark.parametrize("words", [(), ("a", "b"), ("--tool", "Read"), ("--input", "{"), ("--input", "{}", "x"), ("--lines", "x"), ("--input", "[]")])
def test_wrong_words(seat: Seat, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        run(*words)


def test_a_deny_rule_that_is_none_is_an_error_and_not_less_denied(seat: Seat) -> None:
    seat.world.write("user", {"permissions": {"deny": ["Bash(rm"]}})
    with pytest.raises(PolicyError, match=r"settings\.json:\d+"):
        run("make")


def test_no_excluded_command_runs_outside_and_a_call_that_asks_to_is_asked_about(seat: Seat) -> None:
    settings = ("--settings", json.dumps({"sandbox": {"excludedCommands": ["docker *"]}}))
    assert "inside the fence" in run(*settings, "docker build .")[1]
    call = json.dumps({"command": "docker build .", "dangerouslyDisableSandbox": True})
    code, text = run(*option("Bash"), "--tool", "Bash", "--input", call)
    assert code == 10
    assert "OUTSIDE the fence" in text
    kept = ("--settings", json.dumps({"sandbox": {"allowUnsandboxedCommands": False}}))
    assert "inside the fence" in run(*kept, "--tool", "Bash", "--input", call)[1]
