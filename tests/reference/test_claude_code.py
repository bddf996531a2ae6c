"""Claude Code itself, as installed from its registry, with Paddock's hooks in its settings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reference.conftest import SECRET, Seat, agent_program
from tests.reference.endpoint import Endpoint, ToolCall, listening
from tests.reference.wires import Messages

Drive = Callable[..., Endpoint]
OUTSIDE = "ran OUTSIDE the fence"


@pytest.fixture
def client(seat: Seat) -> Seat:
    """A seat with the client set up, and Paddock installed in it by its own installer."""
    trusted = {"hasCompletedOnboarding": True, "projects": {str(seat.project): {"hasTrustDialogAccepted": True}}}
    (seat.home / ".claude.json").write_text(json.dumps(trusted))
    seat.good(seat.paddock, "install", "claude-code")
    return seat


@pytest.fixture
def drive(client: Seat) -> Drive:
    program = agent_program("claude")

    def drive(*calls: ToolCall) -> Endpoint:
        with listening(Messages(), *calls) as endpoint:
            extra = {
                "ANTHROPIC_BASE_URL": endpoint.url,
                "ANTHROPIC_API_KEY": "sk-test",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_AUTOUPDATER": "1",
            }
            done = client.call(program, "-p", "--permission-mode", "default", "do the work", extra=extra)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert endpoint.made == len(calls), f"{endpoint.offered}\n{done.stdout}\n{done.stderr}"
        return endpoint

    return drive


def bash(command: str, name: str = "toolu_reference_1") -> ToolCall:
    return ToolCall("Bash", {"command": command, "description": "work"}, name)


def client_settings(client: Seat) -> Path:
    return client.home / ".claude" / "settings.json"


def test_the_work_is_done_inside(client: Seat, drive: Drive) -> None:
    endpoint = drive(bash("cat notes.txt && echo made > made.txt", "toolu_reference_work"))
    assert (client.project / "made.txt").read_text() == "made\n"
    assert "notes for everybody" in endpoint.result
    assert client.fenced_calls() == ["toolu_reference_work"]
    assert OUTSIDE not in endpoint.everything


def test_a_denied_file_stays_unread(client: Seat, drive: Drive) -> None:
    endpoint = drive(bash("python3 -c \"print(open('canary' + '.txt').read())\""))
    assert SECRET not in endpoint.everything
    assert client.fenced_calls() == ["toolu_reference_1"]
    assert str(client.project / "canary.txt") in client.refused()


def fetch(url: str) -> ToolCall:
    return bash(f"python3 -c 'import urllib.request; print(urllib.request.urlopen(\"{url}\").status)'")


def test_an_unlisted_host_is_refused(client: Seat, drive: Drive) -> None:
    assert "403" in drive(fetch("http://collector.example/")).result
    assert "collector.example:80" in client.refused()


def test_a_listed_service_is_reached(client: Seat, drive: Drive) -> None:
    with listening(Messages()) as other:
        client.settings({"sandbox": {"network": {"allowedDomains": [f"localhost:{other.port}"]}}})
        assert drive(fetch(other.url)).result.strip() == "200"
    assert client.refused() == []


def test_what_a_rule_refuses_comes_back_with_the_rule(client: Seat, drive: Drive) -> None:
    endpoint = drive(bash("curl -s http://198.51.100.7/"))
    assert "Bash(curl *)" in endpoint.result
    assert "settings.json:1" in endpoint.result
    assert client.fenced_calls() == []


def test_the_file_tool_is_decided_too(client: Seat, drive: Drive) -> None:
    given = [ToolCall("Read", {"file_path": str(client.project / name)}, f"toolu_{name[:-4]}") for name in ("notes.txt", "canary.txt")]
    endpoint = drive(*given)
    assert "notes for everybody" in endpoint.results[0]
    assert "Read(canary.txt)" in endpoint.results[1]
    assert SECRET not in endpoint.everything


# -- a hook that is hindered: either nothing runs, or it is told that something ran outside


def wrapper(folder: Path, body: str, real: str) -> str:
    """A program in Paddock's place: ``body`` before a call, Paddock itself after it."""
    path = folder / "paddock"
    path.write_text(f"""#!/bin/bash
event=$(cat)
case $event in *'"PreToolUse"'*) {body} ;; esac
exec '{real}' "$@" <<<"$event"
""")
    path.chmod(0o755)
    return str(path)


def put_in_its_place(client: Seat, program: str, *, timeout: int = 60) -> None:
    """Let the installed lines call another program. The client's own rules would let the command run: only the hook stands in its way."""
    path = client_settings(client)
    text = path.read_text()
    assert client.paddock in text
    document = json.loads(text.replace(client.paddock, program).replace('"timeout": 60', f'"timeout": {timeout}'))
    path.write_text(json.dumps(document | {"permissions": {"allow": ["Bash(touch made.txt)"]}}))


def nothing_ran_unreported(client: Seat, endpoint: Endpoint) -> bool:
    """Whether it ran. It must have been told when it did."""
    ran = (client.project / "made.txt").exists()
    assert client.fenced_calls() == []
    told = OUTSIDE in endpoint.everything
    assert ran == told, f"ran: {ran}, told: {told}; {endpoint.results}"
    return ran


def test_without_the_program_nothing_runs(client: Seat, drive: Drive) -> None:
    put_in_its_place(client, str(client.home / "gone" / "paddock"))
    endpoint = drive(bash("touch made.txt"))
    assert not nothing_ran_unreported(client, endpoint)
    assert "hook" in endpoint.result


def test_a_program_that_dies_blocks(client: Seat, drive: Drive, tmp_path: Path) -> None:
    put_in_its_place(client, wrapper(tmp_path, "kill -KILL $$", client.paddock))
    assert not nothing_ran_unreported(client, drive(bash("touch made.txt")))


def test_the_stand_in_itself_hinders_nothing(client: Seat, drive: Drive, tmp_path: Path) -> None:
    put_in_its_place(client, wrapper(tmp_path, ":", client.paddock))
    endpoint = drive(bash("touch made.txt"))
    assert client.fenced_calls() == ["toolu_reference_1"]
    assert OUTSIDE not in endpoint.everything


def test_a_hook_that_is_killed_with_its_shell_is_told(client: Seat, drive: Drive, tmp_path: Path) -> None:
    put_in_its_place(client, wrapper(tmp_path, "kill -KILL $PPID $$", client.paddock))
    assert nothing_ran_unreported(client, drive(bash("touch made.txt")))


def test_a_hook_that_does_not_answer_in_time_is_told(client: Seat, drive: Drive, tmp_path: Path) -> None:
    put_in_its_place(client, wrapper(tmp_path, "exec sleep 60", client.paddock), timeout=5)
    assert nothing_ran_unreported(client, drive(bash("touch made.txt")))


def test_a_second_hook_that_puts_the_command_back_is_told(client: Seat, drive: Drive, tmp_path: Path) -> None:
    # Hooks run side by side, and the answer that comes last counts: this one waits until Paddock's process is gone.
    pipe = tmp_path / "first"
    os.mkfifo(pipe)
    put_in_its_place(client, wrapper(tmp_path, f"'{client.paddock}' \"$@\" <<<\"$event\"; code=$?; echo $$ >'{pipe}'; exit $code", client.paddock))
    answer = {"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow", "updatedInput": {"command": "touch made.txt"}}}
    line = f"cat >/dev/null; read -r first <'{pipe}'; tail --pid=\"$first\" -f /dev/null; printf %s '{json.dumps(answer)}'"
    path = client_settings(client)
    document = json.loads(path.read_text())
    document["hooks"]["PreToolUse"].append({"matcher": "Bash", "hooks": [{"type": "command", "command": line}]})
    path.write_text(json.dumps(document))
    assert nothing_ran_unreported(client, drive(bash("touch made.txt")))
