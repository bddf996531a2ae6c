"""A day with the settings that a team has checked in: trust once, then git with its hooks, and nothing left behind."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs.conftest import need
from tests.programs.world import PADDOCK, World

HOST = "registry.servers.example"
# The file of the acceptance picture, whole.
SETTINGS = {
    "permissions": {"deny": ["Read(./.env)"], "ask": ["Bash(git push *)"]},
    "sandbox": {
        "enabled": True,
        "autoAllowBashIfSandboxed": True,
        "allowUnsandboxedCommands": True,
        "network": {"allowLocalBinding": True, "allowedDomains": [HOST, "api.code.example"]},
        "filesystem": {"denyRead": ["~/", "./.env", "./.env.*", "./secrets"], "allowRead": ["."]},
        "credentials": {
            "files": [{"path": "~/.netrc", "mode": "deny"}, {"path": "~/.ssh/id_ed25519", "mode": "deny"}],
            "envVars": [{"name": "DEPLOY_TOKEN", "mode": "deny"}],
        },
    },
}
HOOK = """\
#!/bin/sh
echo "hook of $(basename "$0") in $PADDOCK" >>hook.log
cat .env 2>>hook.log
exit 0
"""


@pytest.fixture
def repository(isolated_environment: Path) -> Path:
    """A repository with one commit, hooks that are checked in, and a person who has a name."""
    need("git")
    home = isolated_environment
    (home / ".gitconfig").write_text("[user]\n\tname = Some Body\n\temail = some@body.example\n[init]\n\tdefaultBranch = main\n")
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh" / "id_ed25519").write_text("planted\n")
    folder = home / "projects" / "tides"
    (folder / ".claude").mkdir(parents=True)
    (folder / ".claude" / "settings.json").write_text(json.dumps(SETTINGS, indent=2))
    (folder / ".gitignore").write_text(".env\nhook.log\n")
    (folder / ".env").write_text("SECRET=planted\n")
    (folder / "tides.txt").write_text("high\n")
    (folder / "hooks").mkdir()
    for name in ("pre-commit", "post-checkout"):
        (folder / "hooks" / name).write_text(HOOK)
        (folder / "hooks" / name).chmod(0o755)
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Begin"], ["config", "core.hooksPath", "hooks"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_git_works_after_one_trust(world: World, repository: Path) -> None:
    before = world.run("true", cwd=repository)
    assert "paddock trust" in before.err, "the project's widening entries wait for somebody"
    world.paddock("trust", "--yes", cwd=repository).good()
    (repository / "tides.txt").write_text("low\n")

    committed = world.run("git", "commit", "-q", "-a", "-m", "Turn", cwd=repository)
    assert committed.code == 0, committed.err
    assert "paddock trust" not in committed.err
    switched = world.run("sh", "-c", "git switch -q -c x && git switch -q main", cwd=repository)
    assert switched.code == 0, switched.err

    assert git(repository, "log", "--format=%s %an", "main").splitlines() == ["Turn Some Body", "Begin Some Body"]
    assert git(repository, "branch", "--format=%(refname:short)").split() == ["main", "x"]
    said = (repository / "hook.log").read_text()
    assert said.count("hook of pre-commit in 1\n") == 1, said
    assert said.count("hook of post-checkout in 1\n") == 2, said
    assert "SECRET" not in said
    assert committed.refused(str(repository / ".env"))["act"] == "read"
    assert git(repository, "status", "--porcelain", "--untracked-files=all") == ""


def test_hooks_and_configuration_stay_as_they_are(world: World, repository: Path) -> None:
    world.paddock("trust", "--yes", cwd=repository).good()
    config = (repository / ".git" / "config").read_text()
    ran = world.run("sh", "-c", "echo evil >hooks/pre-commit; git config core.pager evil; echo low >tides.txt", cwd=repository)
    assert (repository / "tides.txt").read_text() == "low\n", "the twin: what is no protected name is written"
    assert (repository / "hooks" / "pre-commit").read_text() == HOOK
    assert (repository / ".git" / "config").read_text() == config
    assert {record["subject"] for record in ran.report["refused"]} >= {str(repository / "hooks" / "pre-commit")}
    assert git(repository, "status", "--porcelain", "--untracked-files=all") == " M tides.txt\n"


def processes_with(mark: str) -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if mark.encode() in (folder / "cmdline").read_bytes():
                    yield int(folder.name)
            except OSError:  # it has ended meanwhile
                continue


def test_nothing_is_left_when_paddock_is_killed(world: World, repository: Path, isolated_environment: Path) -> None:
    world.paddock("trust", "--yes", cwd=repository).good()
    world.run("true", cwd=repository)  # so that state and cache folders are there
    mark = f"left-behind-{os.getpid()}-{repository.stat().st_ino}"
    mounts = world.unfenced("cat", "/proc/self/mountinfo", cwd=repository).out
    sockets = world.unfenced("cat", "/proc/net/unix", cwd=repository).out.count("\n")
    files = set(isolated_environment.parent.rglob("*"))
    # Two levels of children, one of them detached in a session of its own, and a port that is open to the outside.
    command = f"setsid sh -c 'sleep 1000; : {mark}' & sh -c 'echo ready; sleep 1000; : {mark}'"
    process = subprocess.Popen(
        world.enter(*PADDOCK, "run", "--", "sh", "-c", command, cwd=repository), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    inside = [pid for pid in processes_with(mark) if pid != process.pid]
    assert len(inside) >= 3, "the twin: while it runs its processes can be seen"
    watched = [os.pidfd_open(pid) for pid in inside]
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert process.stdout.read() == "", "the output ends when the last process inside does"
    process.stdout.close()
    for descriptor in watched:
        assert select.select([descriptor], [], [], 30)[0], "a process outlived Paddock"
        os.close(descriptor)
    assert list(processes_with(mark)) == []
    assert world.unfenced("cat", "/proc/self/mountinfo", cwd=repository).out == mounts
    assert world.unfenced("cat", "/proc/net/unix", cwd=repository).out.count("\n") == sockets
    new = {path for path in set(isolated_environment.parent.rglob("*")) - files if ".local/state/paddock" not in str(path)}
    assert not new, f"files that nobody made: {new}"
    assert git(repository, "status", "--porcelain", "--untracked-files=all") == ""
