"""Attacks on the one outside who watches and counts: what the command does must neither end nor hold up its supervisor."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from paddock.fence.inside.keeper import MOST_PORTS
from paddock.fence.launcher.limits import _sweep
from paddock.fence.namespaces import Fence, start
from paddock.model.plan import Access
from paddock.planner.globs import component
from tests.conftest import must
from tests.fence.conftest import why_not
from tests.fence.running import PYTHON, Sink, make_plan, place, shell


@pytest.fixture
def project(tmp_path: Path) -> Path:
    must(not why_not(), f"no fence can be built here: {why_not()}")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_a_chain_of_links_longer_than_the_interpreter_is_deep(project: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    for number in range(3000):
        (project / f"l{number}").symlink_to(f"l{number + 1}")
    result = shell(project, f"cat l0; cat {tmp_path}/secret; exit 7", place(tmp_path, Access.READ), place(tmp_path / "secret", Access.HIDDEN))
    assert result.code == 7
    assert "Too many levels" in result.err
    # The twin: what came after the chain is still told.
    assert result.sink.violations() == [("read", str(tmp_path / "secret"))]


def test_more_listening_ports_than_one_answer_holds(project: Path) -> None:
    script = """
import os, resource, socket
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
made = 0
for first in range(2000, 36000, 500):
    read, write = os.pipe()
    if os.fork() == 0:
        kept = []
        for port in range(first, first + 500):
            kept.append(socket.create_server(('127.0.0.1', port), backlog=1))
        os.close(write)
        os.read(0, 1)
        os._exit(0)
    os.close(write)
    os.read(read, 1)
    os.close(read)
os.write(1, b'!')
os.read(0, 1)
"""
    stdin, stdout = os.pipe(), os.pipe()
    null = os.open(os.devnull, os.O_WRONLY)
    fence = start(make_plan(project, (PYTHON, "-c", script)), Sink(), stdio=(stdin[0], stdout[1], null))
    try:
        fence.spawn()
        os.close(stdout[1])
        wait_for_output(fence, stdout[0])
        assert os.read(stdout[0], 1) == b"!"
        assert fence.inside_listeners() == list(range(2000, 2000 + MOST_PORTS))
    finally:
        fence.close()
        for fd in (*stdin, stdout[0], null, *(listener.fd for listener in fence.listeners)):
            os.close(fd)


def wait_for_output(fence: Fence, fd: int) -> None:
    """Answer the observer until the command says something."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if fence.observer is not None:
        poll.register(fence.observer.fileno(), select.POLLIN)
    while all(ready != fd for ready, _ in poll.poll()):
        if fence.observer is not None:
            fence.observer.handle()


def test_a_pattern_of_a_project_cannot_keep_the_planner_busy() -> None:
    test = component("*a" * 24 + "b")
    assert not test("a" * 250)  # by backtracking: longer than the universe is old
    assert test("a" * 250 + "b")


def test_what_a_killed_launcher_left_is_removed_by_the_next(tmp_path: Path) -> None:
    ended = os.fork()
    if ended == 0:
        os._exit(0)
    os.waitpid(ended, 0)
    kept = {f"paddock-{os.getpid()}", "paddock-x", f"other-{ended}"}
    for name in (*kept, f"paddock-{ended}"):
        (tmp_path / name).mkdir()
    folder = os.open(tmp_path, os.O_RDONLY)
    _sweep(folder)
    os.close(folder)
    assert {path.name for path in tmp_path.iterdir()} == kept
