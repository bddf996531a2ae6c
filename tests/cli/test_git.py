"""Commits work wherever git keeps its data, while what the host's git would execute later stays as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import must

WHO = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.test")


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *WHO, "-c", "protocol.file.allow=always", *words], cwd=folder, check=True, capture_output=True, text=True, timeout=60).stdout


def inside(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("paddock")
    must(command.exists(), "Paddock is not installed beside this interpreter: use ./dev test")
    return subprocess.run([str(command), "run", "--", "sh", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def plain(base: Path) -> Path:
    git(base, "init", "-q", "app")
    return base / "app"


def worktree(base: Path) -> Path:
    main = plain(base)
    git(main, "commit", "-q", "--allow-empty", "-m", "first")
    git(main, "worktree", "add", "-q", str(base / "tree"))
    return base / "tree"


def submodule(base: Path) -> Path:
    git(base, "init", "-q", "library")
    git(base / "library", "commit", "-q", "--allow-empty", "-m", "first")
    app = plain(base)
    git(app, "submodule", "--quiet", "add", str(base / "library"), "part")
    return app / "part"


@pytest.fixture(params=[plain, worktree, submodule], ids=lambda made: made.__name__)
def repository(request: pytest.FixtureRequest, isolated_environment: Path) -> Path:
    made: Path = request.param(isolated_environment)
    return made


def common_of(repository: Path) -> Path:
    """Where hooks and configuration are, shared by all worktrees."""
    return Path(git(repository, "rev-parse", "--path-format=absolute", "--git-common-dir").rstrip("\n"))


def test_commit_and_switch(repository: Path) -> None:
    who = " ".join(WHO)
    steps = (
        "echo text > file",
        "git add file",
        f"git {who} commit -qm inside",
        "git switch -qc other",
        f"git {who} commit -q --allow-empty -m more",
        "git switch -q -",
    )
    ran = inside(repository, " && ".join(steps))
    assert ran.returncode == 0, ran.stderr
    assert "inside" in git(repository, "log", "--format=%s")
    assert git(repository, "log", "--format=%s", "-1", "other") == "more\n"
    assert git(repository, "status", "--porcelain", "--untracked-files=all") == ""


@pytest.mark.parametrize("name", ["hooks/pre-commit", "config"])
def test_what_git_executes_stays(repository: Path, name: str) -> None:
    target = common_of(repository) / name
    before = target.read_bytes() if target.exists() else None
    ran = inside(repository, f"echo planted >> '{target}'")
    assert ran.returncode != 0
    assert "Read-only file system" in ran.stderr
    assert (target.read_bytes() if target.exists() else None) == before


def test_the_way_to_the_data_cannot_be_bent(repository: Path) -> None:
    before = git(repository, "rev-parse", "--absolute-git-dir")
    script = "mv .git aside; rm -f .git; mkdir -p evil; echo 'gitdir: evil' > .git; true"
    inside(repository, script)
    assert git(repository, "rev-parse", "--absolute-git-dir") == before


def test_another_repository_is_not_opened_by_a_planted_git_file(isolated_environment: Path) -> None:
    victim = plain(isolated_environment)
    git(victim, "commit", "-q", "--allow-empty", "-m", "first")
    project = isolated_environment / "project"
    project.mkdir()
    (project / ".git").write_text(f"gitdir: {victim}/.git\n")
    before = git(victim, "rev-parse", "HEAD")
    inside(project, f"git {' '.join(WHO)} commit -q --allow-empty -m planted; echo x > '{victim}/.git/objects/x'")
    assert git(victim, "rev-parse", "HEAD") == before
    assert not (victim / ".git/objects/x").exists()
