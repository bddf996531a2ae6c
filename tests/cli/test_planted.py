"""``paddock run`` tells what a command left for others to run, and fails on it where that was asked for."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import must

LINK = "ln -s /etc/passwd out"


@pytest.fixture
def project(isolated_environment: Path) -> Path:
    folder = isolated_environment / "project"
    folder.mkdir()
    return folder


def paddock(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    installed = Path(sys.executable).with_name("paddock")
    must(installed.exists(), "Paddock is not installed beside this interpreter: use ./dev test")
    return subprocess.run([str(installed), *words], cwd=project, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("script", "words", "code", "told"),
    [
        (LINK, (), 0, True),
        (LINK, ("--fail-on-planted",), 12, True),
        (LINK, ("--fail-on-planted", "--quiet"), 12, False),
        (f"{LINK}; exit 3", ("--fail-on-planted",), 3, True),
        ("echo x > file", ("--fail-on-planted",), 0, False),
    ],
)
def test_exit_code_and_block(project: Path, script: str, words: tuple[str, ...], code: int, *, told: bool) -> None:
    ran = paddock(project, "run", *words, "--", "sh", "-c", script)
    assert ran.returncode == code
    assert ("planted: 1 file" in ran.stderr) is told
    assert told == ("out -> /etc/passwd" in ran.stderr)


def test_the_report_and_the_log(project: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    script = "printf '#!/bin/sh\\n' > tool && chmod +x tool"
    ran = paddock(project, "run", "--fail-on-planted", "--json", str(report), "--", "sh", "-c", script)
    value = json.loads(report.read_text())
    assert (ran.returncode, value["exit"], value["cause"]) == (12, 12, "planted")
    (file,) = value["planted"]["files"]
    assert file["path"] == str(project / "tool")
    assert (file["change"], file["kind"], file["sha256"], file["size"]) == ("made", "script", hashlib.sha256(b"#!/bin/sh\n").hexdigest(), 10)
    logged = paddock(project, "log", "--kind", "planted")
    assert str(project / "tool") in logged.stdout
    assert paddock(project, "run", "--json", str(report), "--", "true").stderr == ""
    assert json.loads(report.read_text())["planted"]["files"] == []


def test_a_lifted_name_is_told_and_a_held_one_cannot_change(project: Path) -> None:
    (project / ".envrc").write_text("old")
    script = "echo new > .envrc"
    held = paddock(project, "run", "--", "sh", "-c", script)
    assert held.returncode != 0
    assert "--unprotect .envrc" in held.stderr
    assert "planted" not in held.stderr
    lifted = paddock(project, "run", "--unprotect", ".envrc", "--", "sh", "-c", script)
    assert lifted.returncode == 0
    assert "changed  .envrc" in lifted.stderr
