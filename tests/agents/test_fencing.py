"""The rewritten command goes through a shell once more: whatever it holds, it must arrive as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paddock.agents.fencing import fenced

# Stands in for paddock: does what follows "--", as the fence would.
PRETEND = f"#!{sys.executable} -IS\nimport os, sys\nat = sys.argv.index('--')\nos.execv(sys.argv[at + 1], sys.argv[at + 1:])\n"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp('it\'s a "place" $HOME') / "paddock"
    path.write_text(PRETEND)
    path.chmod(0o755)
    return str(path)


def run(command: str, program: str, project: str, cwd: str) -> subprocess.CompletedProcess[bytes]:
    line = fenced(command, program=program, project=project, cwd=cwd, tool_use="t 'x'")
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=False, timeout=30)


# NUL cannot be in an argument, and a lone surrogate cannot be in the JSON that the command came in.
TEXT = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT)
def test_any_text_arrives_as_it_was(program: str, tmp_path: Path, text: str) -> None:
    quoted = "'" + text.replace("'", "'\"'\"'") + "'"
    inner = tmp_path / "sub dir'"
    inner.mkdir(exist_ok=True)
    for cwd in (tmp_path, inner):
        assert run(f"printf %s {quoted}", program, str(tmp_path), str(cwd)).stdout == text.encode()


@pytest.mark.parametrize("command", ["echo a; exit 3", "false || { echo b; exit 3; }", "cd / && pwd; (exit 3)", "cat <<E\n$((1+1))\nE\nexit 3"])
def test_what_a_command_does_is_what_it_does_without_paddock(program: str, tmp_path: Path, command: str) -> None:
    inner = tmp_path / "sub"
    inner.mkdir()
    plain = subprocess.run(["/bin/bash", "-c", command], capture_output=True, check=False, timeout=30, cwd=inner)
    done = run(command, program, str(tmp_path), str(inner))
    assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout) == (3, plain.stdout)


def test_it_stands_where_the_agent_stands(program: str, tmp_path: Path) -> None:
    inner = tmp_path / "sub"
    inner.mkdir()
    assert run("pwd", program, str(tmp_path), str(inner)).stdout == f"{inner}\n".encode()
    assert run("pwd", program, str(tmp_path), str(tmp_path)).stdout == f"{tmp_path}\n".encode()
    gone = run("echo ran", program, str(tmp_path), str(tmp_path / "gone"))
    assert gone.returncode != 0
    assert gone.stdout == b""
