"""A command that knows how the list after a run is made, and would rather not be in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import must

SCRIPT = "printf '#!/bin/sh\\n' > run && chmod +x run"


@pytest.fixture
def project(isolated_environment: Path) -> Path:
    """With a script that was there before, and a folder with an old one in it."""
    folder = isolated_environment / "project"
    (folder / "stash").mkdir(parents=True)
    for name in ("old", "stash/run"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


def planted(project: Path, script: str) -> list[str]:
    command = Path(sys.executable).with_name("paddock")
    must(command.exists(), "Paddock is not installed beside this interpreter: use ./dev test")
    report = project.parent / "report.json"
    argv = [str(command), "run", "--json", str(report), "--", "sh", "-c", script]
    ran = subprocess.run(argv, cwd=project, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return [file["path"].removeprefix(f"{project}/") for file in json.loads(report.read_text())["planted"]["files"]]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("true", []),
        ("echo >> stash/run", []),
        (SCRIPT, ["run"]),
        (f"{SCRIPT}; touch -d @0 run .", ["run"]),
        (f"{SCRIPT}; cp -p old run; touch -r old run .", ["run"]),
        ("mv stash/run run", ["run"]),
        ("mv stash bin", ["bin/run"]),
        ("cp -p old copy; mv copy old", ["old"]),
        ("mv old aside; mv stash/run old", ["aside", "old"]),
        ("ln stash/run run", ["run"]),
        ("(sleep 60; echo) & " + SCRIPT, ["run"]),
        (f"{SCRIPT}; mkdir a; mv run a; mv a bin; touch -d @0 bin .", ["bin/run"]),
        ("git init -q . && mkdir .git/rebase-merge && echo exec evil > .git/rebase-merge/git-rebase-todo", [".git/rebase-merge/git-rebase-todo"]),
        ("git init -q . && mkdir .git/rebase-merge && echo exec evil > .git/rebase-merge/todo", []),
    ],
)
def test_it_is_told(project: Path, script: str, told: list[str]) -> None:
    assert planted(project, script) == told
