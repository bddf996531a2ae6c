"""The fence's own terminal: job control between process 1, the command, and whoever relays."""

from __future__ import annotations

import errno
import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paddock.fence.namespaces import Fence, start
from tests.fence.running import PYTHON, Sink, make_plan


@contextmanager
def standing(project: Path, *argv: str, foreground: bool) -> Iterator[Fence]:
    """A fence with a terminal whose command has all three streams from there. No process here needs one for that."""
    null = os.open(os.devnull, os.O_RDWR)
    fence = start(make_plan(project, argv), Sink(), stdio=(null, null, null), terminal=True)
    try:
        fence.spawn(foreground=foreground)
        yield fence
    finally:
        fence.close()
        os.close(fence.terminal)
        os.close(null)
        for listener in fence.listeners:
            os.close(listener.fd)


def until(fence: Fence, wanted: str) -> int:
    """Serve until the command stops (``wanted`` is ``stop``; gives the signal) or ends (``end``; gives the code)."""
    poll = select.poll()
    poll.register(fence.control_fd, select.POLLIN)
    if fence.observer is not None:
        poll.register(fence.observer.fileno(), select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd != fence.control_fd:
                assert fence.observer is not None
                if not fence.observer.handle():
                    poll.unregister(fd)
                continue
            fence.handle_control()
            if wanted == "stop" and (signo := fence.take_stop()):
                return signo
            if fence.exit_code is not None:
                assert wanted == "end", f"ended with {fence.exit_code}"
                return fence.exit_code


READER = ("sh", "-c", 'read line < /dev/tty; echo "got $line" > /dev/tty; exit 5')


def test_a_command_in_the_background_is_stopped_when_it_reads_and_goes_on_in_the_foreground(project: Path) -> None:
    with standing(project, *READER, foreground=False) as fence:
        assert until(fence, "stop") == signal.SIGTTIN
        assert fence.take_stop() == 0, "told once"
        fence.resume(foreground=False)
        assert until(fence, "stop") == signal.SIGTTIN
        fence.resume(foreground=True)
        os.write(fence.terminal, b"line\n")
        assert until(fence, "end") == 5
        assert os.read(fence.terminal, 100) == b"line\r\ngot line\r\n"


def test_a_command_in_the_foreground_reads_at_once(project: Path) -> None:
    with standing(project, *READER, foreground=True) as fence:
        os.write(fence.terminal, b"line\n")
        assert until(fence, "end") == 5


@pytest.mark.parametrize(("key", "code"), [(b"\x03", 130), (b"\x1c", 131)])
def test_keys_act_on_the_foreground_only(project: Path, key: bytes, code: int) -> None:
    script = """
import os, resource, signal
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
os.write(os.open('/dev/tty', os.O_RDWR), b'up')
signal.sigwait([signal.SIGHUP])
"""
    with standing(project, PYTHON, "-I", "-S", "-c", script, foreground=True) as fence:
        serve_until_shown(fence, b"up")
        os.write(fence.terminal, key)
        assert until(fence, "end") == code
    with standing(project, PYTHON, "-I", "-S", "-c", script, foreground=False) as fence:
        serve_until_shown(fence, b"up")
        os.write(fence.terminal, key)
        fence.key(signal.SIGHUP)
        assert until(fence, "end") == 0, "nothing came before what it waited for"


def serve_until_shown(fence: Fence, text: bytes) -> None:
    poll = select.poll()
    poll.register(fence.terminal, select.POLLIN)
    if fence.observer is not None:
        poll.register(fence.observer.fileno(), select.POLLIN)
    shown = b""
    while text not in shown:
        for fd, _ in poll.poll():
            if fd == fence.terminal:
                shown += os.read(fd, 100)
            elif fence.observer is not None:
                fence.observer.handle()


def test_a_key_for_the_group_reaches_the_whole_group_and_no_other(project: Path) -> None:
    script = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
other = os.fork()
if other == 0:
    os.setpgid(0, 0)
    open('/dev/tty', 'w').write('other ')
    signal.pause()
same = os.fork()
if same == 0:
    signal.sigwait([signal.SIGINT])
    os._exit(3)
signal.sigwait([signal.SIGINT])
print(os.waitpid(same, 0)[1] >> 8, os.waitpid(other, os.WNOHANG), file=open('/dev/tty', 'w'))
"""
    with standing(project, PYTHON, "-I", "-S", "-c", script, foreground=False) as fence:
        serve_until_shown(fence, b"other ")
        fence.key(signal.SIGINT)
        assert until(fence, "end") == 0
        assert os.read(fence.terminal, 100) == b"3 (0, 0)\r\n"


def test_what_was_written_last_can_be_read_when_the_fence_has_ended(project: Path) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    fence = start(make_plan(project, ("sh", "-c", "echo last words > /dev/tty; kill -9 $$")), Sink(), stdio=(null, null, null), terminal=True)
    fence.spawn(foreground=True)
    assert until(fence, "end") == 137
    fence.close()
    assert os.read(fence.terminal, 100) == b"last words\r\n"
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        os.read(fence.terminal, 100)
    os.close(fence.terminal)
    os.close(null)
    for listener in fence.listeners:
        os.close(listener.fd)


def test_without_a_terminal_there_is_none(project: Path) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    script = "import os\ntry: os.open('/dev/tty', 2)\nexcept OSError as error: os._exit(error.errno)"
    fence = start(make_plan(project, (PYTHON, "-I", "-S", "-c", script)), Sink(), stdio=(null, null, null))
    assert fence.terminal == -1
    fence.spawn()
    assert until(fence, "end") == errno.ENXIO
    fence.close()
    os.close(null)
    for listener in fence.listeners:
        os.close(listener.fd)
