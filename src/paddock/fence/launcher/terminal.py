"""The step that takes the command away from the caller's session, and gives it a terminal of the fence's own where it is to have one."""

from __future__ import annotations

import fcntl
import os
import struct

from paddock.fence.launcher import report
from paddock.fence.launcher.state import State, Step

__all__ = ["session_step"]

# ioctl_tty(2); the same numbers on every architecture of kernel.numbers.
_TIOCGPTN = 0x80045430
_TIOCSCTTY = 0x540E
_TIOCSPTLCK = 0x40045431

_NUMBER = struct.Struct("=i")
_FLAGS = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC


def session_step() -> Step:
    """The one step: in process 1, before it gives its rights up."""
    return _OwnSession()


class _OwnSession:
    """Signals to "my process group" (kill(2) with 0) do not stop at the process namespace: in the caller's group they reach the supervisor, and the script that
    started it. And ``/dev/tty`` is the terminal of the session, wherever that is.

    So process 1 leads a session. With a terminal, that is a pseudo-terminal (pty(7)) from the fence's own devpts: the supervisor gets the other end and relays.
    Commands get process groups of their own in this session, because only a group whose parent is in the same session can be stopped by ``Ctrl-Z``.
    """

    def describe(self) -> str:
        return "leave the caller's session; where it has a terminal, open a pseudo-terminal of the fence's own in its place"

    def execute(self, state: State) -> None:
        os.setsid()
        if not state.wants_terminal:
            return
        master = os.open("/dev/pts/ptmx", _FLAGS)
        fcntl.ioctl(master, _TIOCSPTLCK, _NUMBER.pack(0))
        (number,) = _NUMBER.unpack(fcntl.ioctl(master, _TIOCGPTN, bytes(_NUMBER.size)))
        state.terminal = os.open(f"/dev/pts/{number}", _FLAGS)
        fcntl.ioctl(state.terminal, _TIOCSCTTY, 0)
        report.send(state.control, report.TERMINAL, fds=(master, state.terminal))
        os.close(master)
