"""The hook as an agent calls it: a process, an event on standard input. Exit code 2 is the only one that blocks a tool."""

from __future__ import annotations

import json
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


def test_a_run_is_found_by_the_name_of_the_call(project: Path, isolated_environment: Path) -> None:
    state = str(isolated_environment / ".local" / "state" / "paddock")
    done = call(b"", project, "run", "--tool-use", "toolu_1", "--", "true")
    assert done.returncode == 0, done.stderr
    assert was_fenced(state, "toolu_1")
    assert not was_fenced(state, "toolu_2")


def test_a_name_has_to_be_plain(project: Path) -> None:
    assert call(b"", project, "run", "--tool-use", "a\nb", "--", "true").returncode == 125
