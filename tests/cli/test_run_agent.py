"""``paddock run --agent`` as a person meets it; what agents do with it is in tests/reference."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import must


@pytest.fixture
def project(isolated_environment: Path) -> Path:
    folder = isolated_environment / "project"
    folder.mkdir()
    return folder


def run(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    installed = Path(sys.executable).with_name("paddock")
    must(installed.exists(), "Paddock is not installed beside this interpreter: use ./dev test")
    return subprocess.run([installed, "run", *words], cwd=project, capture_output=True, text=True, timeout=60, check=False)


def test_the_plan_shows_what_is_granted_and_makes_nothing(project: Path) -> None:
    done = run(project, "--agent", "codex", "--dry-run", "--", "true")
    assert done.returncode == 0, done.stderr
    assert "api.openai.com" in done.stdout
    assert "--agent codex" in done.stdout
    assert not (project.parent / ".codex").exists()
    assert "api.openai.com" not in run(project, "--dry-run", "--", "true").stdout


def test_the_state_is_made_and_can_be_written_and_what_is_obeyed_cannot(project: Path) -> None:
    script = "echo 1 >~/.codex/history; echo 1 >~/.codex/config.toml"
    done = run(project, "--json", "-", "--agent", "codex", "--", "sh", "-c", script)
    state = project.parent / ".codex"
    assert (state / "history").read_text() == "1\n"
    assert not (state / "config.toml").exists()
    report = json.loads(done.stderr[done.stderr.index("{") :].splitlines()[0])
    assert [record["subject"] for record in report["refused"]] == [str(state / "config.toml")]
    assert run(project, "--", "sh", "-c", "echo 2 >~/.codex/history").returncode != 0
    assert (state / "history").read_text() == "1\n"


@pytest.mark.parametrize(("name", "hint"), [("codx", "did you mean codex?"), ("", "one of: ")])
def test_an_unknown_agent(project: Path, name: str, hint: str) -> None:
    done = run(project, "--agent", name, "--", "true")
    assert done.returncode == 125
    assert hint in done.stderr
