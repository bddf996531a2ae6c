"""The hook as an agent calls it: a process, an event on standard input. Exit code 2 is the only one that blocks a tool."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from paddock.session.tooluse import was_fenced
from tests.project.source import ROOT

START = "import sys; sys.path[:0] = [sys.argv[1], *sys.argv[2].split(':')]; from paddock.cli.main import main; sys.exit(main(sys.argv[3:]))"


def call(data: bytes, cwd: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    libraries = ":".join(path for path in sys.path if path.endswith("site-packages"))
    argv = [sys.executable, "-I", "-S", "-c", START, str(ROOT / "src"), libraries, *words]
    return subprocess.run(argv, input=data, capture_output=True, check=False, cwd=cwd, timeout=60)


def event(cwd: Path, **more: object) -> bytes:
    about = {"tool_name": "Read", "tool_input": {"file_path": "a"}}
    whole = {"session_id": "s", "cwd": str(cwd), "permission_mode": "default", "hook_event_name": "PreToolUse", **about}
    return json.dumps(whole | more).encode()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_an_answer(project: Path) -> None:
    done = call(event(project, hook_event_name="Stop"), project, "hook", "claude-code")
    assert (done.returncode, json.loads(done.stdout)) == (0, {})


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"hook_event_name": 5}'])
def test_whatever_is_no_event_blocks(project: Path, data: bytes) -> None:
    done = call(data, project, "hook", "claude-code")
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"paddock:" in done.stderr


def test_settings_that_cannot_be_read_block(project: Path) -> None:
    (project / ".claude").mkdir()
    (project / ".claude" / "settings.json").write_text('{"permissions": {"deny": ["Bash(rm"]}}')
    done = call(event(project), project, "hook", "claude-code")
    assert done.returncode == 2
    assert b"settings.json:1" in done.stderr


def test_settings_that_change_between_two_calls_count_from_the_next_one(project: Path) -> None:
    (project / ".claude").mkdir()
    file = project / ".claude" / "settings.json"
    file.write_text("{}")

    def decision() -> str:
        done = call(event(project), project, "hook", "claude-code")
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"])

    assert decision() == "allow"
    file.write_text('{"permissions": {"deny": ["Read(a)"]}}')
    assert decision() == "deny"
    file.write_text("{")
    assert call(event(project), project, "hook", "claude-code").returncode == 2
    file.unlink()
    assert decision() == "allow"


def test_an_event_may_be_large_up_to_a_bound(project: Path) -> None:
    about = {"tool_name": "Write", "tool_input": {"file_path": "a", "content": "x" * (7 << 20)}}
    done = call(event(project, **about), project, "hook", "claude-code")
    assert (done.returncode, json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"]) == (0, "ask")
    about["tool_input"] = {"file_path": "a", "content": "x" * (9 << 20)}
    done = call(event(project, **about), project, "hook", "claude-code")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"longer than" in done.stderr


@pytest.mark.parametrize("name", ["a b'$(x)", "-x", "\u202ex", "x" * 500, "a\nb"])
def test_an_odd_name_of_a_call_never_makes_a_command_run_otherwise(project: Path, name: str) -> None:
    """The rewritten line hands the name on as one word; a name that the run does not take ends it before anything starts."""
    shell = {"tool_name": "Bash", "tool_input": {"command": "echo ran"}, "tool_use_id": name}
    done = call(event(project, **shell), project, "hook", "claude-code")
    assert done.returncode in (0, 2)
    if done.returncode == 0:
        line = json.loads(done.stdout)["hookSpecificOutput"]["updatedInput"]["command"]
        words = shlex.split(line)
        assert words[words.index("--tool-use") + 1] == name


def test_a_run_is_found_by_the_name_of_the_call(project: Path, isolated_environment: Path) -> None:
    state = str(isolated_environment / ".local" / "state" / "paddock")
    done = call(b"", project, "run", "--tool-use", "toolu_1", "--", "true")
    assert done.returncode == 0, done.stderr
    assert was_fenced(state, "toolu_1")
    assert not was_fenced(state, "toolu_2")


def test_an_agent_that_stands_in_a_fence_itself_is_not_told_of_commands_outside(project: Path) -> None:
    """A run inside a run keeps no log. The twin: the same event outside of every fence is told."""
    after = event(project, hook_event_name="PostToolUse", tool_name="Bash", tool_input={"command": "true"}, tool_use_id="toolu_9")
    libraries = ":".join(path for path in sys.path if path.endswith("site-packages"))
    hook = [sys.executable, "-I", "-S", "-c", START, str(ROOT / "src"), libraries, "hook", "claude-code"]
    inside = call(after, project, "run", "--quiet", "--", *hook)
    assert (inside.returncode, json.loads(inside.stdout)) == (0, {}), inside.stderr
    outside = call(after, project, "hook", "claude-code")
    assert "OUTSIDE the fence" in json.loads(outside.stdout)["systemMessage"]


def test_a_name_has_to_be_plain(project: Path) -> None:
    assert call(b"", project, "run", "--tool-use", "a\nb", "--", "true").returncode == 125


def decision(done: subprocess.CompletedProcess[bytes]) -> tuple[str, str]:
    assert done.returncode == 0, done.stderr
    specific = json.loads(done.stdout)["hookSpecificOutput"]
    return specific["permissionDecision"], specific["permissionDecisionReason"]


def bash(project: Path, command: str) -> bytes:
    return event(project, tool_name="Bash", tool_input={"command": command}, tool_use_id="t1")


def deny(project: Path, *rules: str) -> None:
    (project / ".claude").mkdir(exist_ok=True)
    (project / ".claude" / "settings.json").write_text(json.dumps({"permissions": {"deny": rules}}))


def test_settings_that_change_between_two_calls_count_from_the_next_one_on(project: Path) -> None:
    assert decision(call(bash(project, "make all"), project, "hook", "claude-code"))[0] == "allow"
    deny(project, "Bash(make *)")
    said, why = decision(call(bash(project, "make all"), project, "hook", "claude-code"))
    assert said == "deny"
    assert "Bash(make *)" in why
    (project / ".claude" / "settings.json").write_text("{")
    assert call(bash(project, "make all"), project, "hook", "claude-code").returncode == 2


@pytest.mark.parametrize("command", ["echo " + "a" * (1 << 20), "true; " * (1 << 17) + "curl x", "$(" * (1 << 10) + "curl x" + ")" * (1 << 10)])
def test_a_huge_command_is_never_waved_through(project: Path, command: str) -> None:
    deny(project, "Bash(curl *)")
    assert decision(call(bash(project, command), project, "hook", "claude-code"))[0] in ("ask", "deny")


def test_a_small_command_of_the_same_form_is(project: Path) -> None:
    deny(project, "Bash(curl *)")
    assert decision(call(bash(project, "echo " + "a" * 100), project, "hook", "claude-code"))[0] == "allow"


def test_an_event_beyond_all_bounds_blocks(project: Path) -> None:
    done = call(bash(project, "a" * (9 << 20)), project, "hook", "claude-code")
    assert done.returncode == 2
    assert b"longer than" in done.stderr


@pytest.mark.parametrize("tool", ["Teleport", "mcp__desk__read", "mcp__desk", "Bash ", "bash", "\u202eBash", "x" * 10_000])
def test_a_tool_that_nobody_knows_is_asked_about_and_not_rewritten(project: Path, tool: str) -> None:
    done = call(event(project, tool_name=tool, tool_input={"command": "make", "anything": [1]}), project, "hook", "claude-code")
    assert decision(done)[0] == "ask"
    assert b"updatedInput" not in done.stdout


def test_a_rule_reaches_a_tool_that_nobody_knows(project: Path) -> None:
    deny(project, "Teleport", "mcp__desk")
    for tool in ("Teleport", "mcp__desk__read"):
        assert decision(call(event(project, tool_name=tool, tool_input={}), project, "hook", "claude-code"))[0] == "deny"
    assert decision(call(event(project, tool_name="mcp__shelf__read", tool_input={}), project, "hook", "claude-code"))[0] == "ask"


@pytest.mark.parametrize("given", [{}, {"command": 5}, {"command": None}, {"command": ["make"]}])
def test_a_shell_call_without_a_command_runs_nothing(project: Path, given: dict[str, object]) -> None:
    done = call(event(project, tool_name="Bash", tool_input=given), project, "hook", "claude-code")
    assert done.returncode == 2 or decision(done)[0] in ("ask", "deny")
    assert b"updatedInput" not in done.stdout
