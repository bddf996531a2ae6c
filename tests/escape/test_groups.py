"""Attacks that need no path and no number: a command's process group, and what else reaches everybody of one user."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
from pathlib import Path

import pytest

from paddock.fence.kernel import landlock
from tests.conftest import must
from tests.fence.conftest import why_not
from tests.fence.running import make_plan, python, run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    must(not why_not(), f"no fence can be built here: {why_not()}")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def in_a_group(project: Path, script: str, *, terminal: bool, version: int) -> tuple[int, bool]:
    """Run ``script`` fenced from a process group with a bystander in it: the command's exit code (-1: its supervisor was ended), and whether he still lives."""
    read, write = os.pipe()
    child, screen = pty.fork() if terminal else (os.fork(), -1)
    if child == 0:
        _supervise(project, script, write, terminal=terminal, version=version)
    os.close(write)
    with open(read, "rb") as told:
        bystander = int(told.readline())
        code = told.readline()
    os.waitpid(child, 0)
    stat = Path(f"/proc/{bystander}/stat")
    alive = stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
    if alive:
        os.kill(bystander, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):  # ours to bury only where an earlier test has made this process take orphans
        os.waitpid(bystander, 0)
    if screen >= 0:
        os.close(screen)
    return (int(code) if code else -1), alive


def _supervise(project: Path, script: str, write: int, *, terminal: bool, version: int) -> None:
    """The child: leader of a group of its own, with or without a terminal."""
    try:
        if not terminal:
            os.setsid()
        bystander = os.fork()
        if bystander == 0:
            os.close(write)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal's end is not the attack
            signal.pause()
            os._exit(0)
        os.write(write, f"{bystander}\n".encode())
        landlock.abi = lambda: version  # an older kernel; this process ends right after
        os.write(write, f"{run(make_plan(project, ('/bin/sh', '-c', script))).code}\n".encode())
    finally:
        os._exit(0)


@pytest.mark.parametrize("terminal", [False, True], ids=["without terminal", "with terminal"])
@pytest.mark.parametrize("old", [False, True], ids=["this kernel", "before 6.12"])
@pytest.mark.parametrize("signo", ["KILL", "TERM"])
def test_a_signal_to_the_whole_group_stays_inside(project: Path, signo: str, *, terminal: bool, old: bool) -> None:
    version = min(landlock.abi(), 5) if old else landlock.abi()
    code, alive = in_a_group(project, f"trap 'exit 3' TERM; kill -{signo} 0; exit 4", terminal=terminal, version=version)
    assert alive
    assert code >= 0, "the supervisor saw its command's end"


def test_a_group_of_the_commands_own_can_be_signalled(project: Path) -> None:
    script = """
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    signal.pause()
while os.getpgid(child) != child:
    pass
os.killpg(child, 9)
print(os.waitpid(child, 0)[1])
"""
    assert python(project, "import signal\n" + script).out.split() == ["9"]


def test_process_1_keeps_its_turn_on_the_processor(project: Path) -> None:
    script = """
idle = os.sched_param(0)
attempt(os.sched_setscheduler, 1, os.SCHED_IDLE, idle)
attempt(os.sched_setparam, 1, idle)
attempt(os.sched_setaffinity, 1, {0})
attempt(os.setpriority, os.PRIO_PROCESS, 1, 19)
attempt(os.setpriority, os.PRIO_PGRP, 0, 19)
attempt(os.setpriority, os.PRIO_USER, 0, 19)
attempt(os.sched_setscheduler, 0, os.SCHED_IDLE, idle)
attempt(os.sched_setaffinity, os.getpid(), os.sched_getaffinity(0))
attempt(os.setpriority, os.PRIO_PROCESS, 0, 19)
"""
    assert python(project, script).out.split() == ["EPERM"] * 6 + ["ok"] * 3
