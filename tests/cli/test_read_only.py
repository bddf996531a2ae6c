"""``paddock.filesystem.project: read-only`` with output folders: a build writes its results, and nothing else changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import must

MAKEFILE = "dist/out: src\n\tmkdir -p dist\n\tcp src dist/out\n"


@pytest.fixture
def project(isolated_environment: Path) -> Path:
    folder = isolated_environment / "project"
    folder.mkdir()
    (folder / "Makefile").write_text(MAKEFILE)
    (folder / "src").write_text("text")
    (folder / ".gitignore").write_text("dist\n")
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=n", "-c", "user.email=n@example.test", "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=folder, check=True, timeout=60)
    return folder


def paddock(project: Path, script: str, *options: str, write: tuple[str, ...] = ("./dist",), **filesystem: object) -> subprocess.CompletedProcess[str]:
    installed = Path(sys.executable).with_name("paddock")
    must(installed.exists(), "Paddock is not installed beside this interpreter: use ./dev test")
    settings = {"paddock": {"filesystem": {"project": "read-only", **filesystem}}, "sandbox": {"filesystem": {"allowWrite": list(write)}}}
    argv = [str(installed), "run", *options, "--settings", json.dumps(settings), "--", "sh", "-c", script]
    return subprocess.run(argv, cwd=project, capture_output=True, text=True, timeout=60, check=False)


def names(project: Path) -> set[str]:
    return {path.name for path in project.iterdir()}


def test_a_build_with_make(project: Path) -> None:
    must(shutil.which("make"), "no make")
    ran = paddock(project, "make -s && make -q && git status --porcelain")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert (project / "dist" / "out").read_text() == "text"
    assert names(project) == {".git", ".gitignore", "Makefile", "src", "dist"}


def test_git_looks_and_cannot_change(project: Path) -> None:
    os.utime(project / "src", (1, 1))  # git would like to write its index anew
    ran = paddock(project, "git status --porcelain && git log --oneline | wc -l")
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "1", "")
    assert paddock(project, "git diff --stat --exit-code").returncode == 0
    refused = paddock(project, "git commit --allow-empty -qm x || echo $?")
    assert refused.stdout == "128\n"
    assert "Read-only file system" in refused.stderr


def test_everything_else_is_refused_with_the_entry(project: Path) -> None:
    ran = paddock(project, "echo x > dist/in && echo x > src; echo $?; mkdir new; rm Makefile")
    assert ran.stdout == "2\n"
    assert (project / "dist" / "in").exists()
    assert (project / "src").read_text() == "text"
    assert names(project) == {".git", ".gitignore", "Makefile", "src", "dist"}
    assert "this project is read-only (paddock.filesystem.project" in ran.stderr
    assert "sandbox.filesystem.allowWrite" in ran.stderr


def test_a_dry_run_makes_nothing_and_says_what_a_run_would(project: Path) -> None:
    ran = paddock(project, "true", "--dry-run")
    assert ran.returncode == 0
    assert "made when a run starts" in ran.stderr
    assert "dist" not in names(project)


def test_a_protected_name_is_no_output_folder(project: Path) -> None:
    ran = paddock(project, "echo x > .vscode/tasks.json", write=("./.vscode", "./.git/hooks"))
    assert ran.returncode != 0
    assert ".vscode" not in names(project)
    (project / ".vscode").mkdir()
    assert paddock(project, "echo x > .vscode/tasks.json", write=("./.vscode",)).returncode != 0
    lifted = paddock(project, "echo x > .vscode/tasks.json", write=("./.vscode",), unprotect=[".vscode"])
    assert lifted.returncode == 0, lifted.stderr


def test_a_link_to_somewhere_else_is_no_output_folder(project: Path, tmp_path: Path) -> None:
    (project / "dist").symlink_to(tmp_path)
    assert paddock(project, "echo x > dist/out").returncode != 0
    assert list(tmp_path.iterdir()) == []
