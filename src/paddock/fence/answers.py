"""What process 1 answers, read without believing it.

Process 1 is ours, but it lives inside, next to programs that may have found a way into it. What it says decides nothing (it grants nothing and opens nothing
outside); it must not be able to stop, confuse or exhaust the supervisor either. ``ValueError`` is the one thing that reading raises.
"""

from __future__ import annotations

import _socket
import errno
import os
import signal
import stat
import struct

from paddock.fence.inside import keeper

__all__ = ["Answer", "close_all", "error_of", "exit_code", "exit_signal", "ports", "read", "stop_signal", "stream"]

_LARGEST_ERRNO = 4095
"""MAX_ERRNO of the kernel (linux/err.h)."""


class Answer:
    """One packet. ``request`` is 0 for what nobody asked for; ``fds`` belong to whoever takes the answer."""

    __slots__ = ("extra", "fds", "first", "kind", "request", "second")

    kind: int
    request: int
    first: int
    second: int

    def __init__(self, data: bytes, fds: list[int]) -> None:
        self.kind, self.request, self.first, self.second = keeper.ANSWER.unpack_from(data)
        self.extra = data[keeper.ANSWER.size :]
        self.fds = fds


def read(data: bytes, fds: list[int]) -> Answer:
    """One packet as an answer; its descriptors are closed when it is none. Raises ``ValueError``."""
    try:
        answer = Answer(data, fds)
    except struct.error as error:
        close_all(fds)
        raise ValueError(str(error)) from error
    if answer.kind not in (keeper.ANSWERED, keeper.EXITED, keeper.STOPPED):
        close_all(fds)
        raise ValueError(f"a packet of kind {answer.kind}")
    return answer


def exit_code(answer: Answer) -> int:
    """The exit code in an ``EXITED`` packet, 128 plus the number for a signal. Raises ``ValueError``."""
    if not 0 <= answer.second <= 0xFFFF:
        raise ValueError("no wait status")
    code = os.waitstatus_to_exitcode(answer.second)
    return code if code >= 0 else 128 - code


def stop_signal(answer: Answer) -> int:
    """The signal in a ``STOPPED`` packet. Raises ``ValueError``."""
    if answer.second not in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        raise ValueError("no signal that stops")
    return answer.second


def exit_signal(answer: Answer) -> int:
    """The signal in an ``EXITED`` packet that ``exit_code`` has read; 0 for a command that left by itself."""
    code: int = os.waitstatus_to_exitcode(answer.second)
    return max(0, -code)


def ports(answer: Answer) -> list[int]:
    """The ports in an answer to ``LISTENERS``, ascending. Raises ``ValueError``."""
    if len(answer.extra) % 2 or len(answer.extra) > 2 * keeper.MOST_PORTS:
        raise ValueError("no list of ports")
    found = {port for (port,) in struct.iter_unpack("=H", answer.extra)}
    if 0 in found:
        raise ValueError("port 0")
    return sorted(found)


def error_of(answer: Answer) -> OSError:
    """What a refusal says, as the exception that the system call would have raised here."""
    number = answer.second if 0 < answer.second <= _LARGEST_ERRNO else errno.EIO
    return OSError(number, os.strerror(number))


def stream(answer: Answer) -> int:
    """The one TCP socket in an answer to ``DIAL``. Raises ``ValueError`` for anything else, which is then closed."""
    if len(answer.fds) == 1 and _is_stream(answer.fds[0]):
        return answer.fds[0]
    close_all(answer.fds)
    raise ValueError("no connection in the answer")


def _is_stream(fd: int) -> bool:
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        return False
    sock = _socket.socket(fileno=fd)
    try:
        return sock.family in (_socket.AF_INET, _socket.AF_INET6) and sock.type == _socket.SOCK_STREAM
    finally:
        sock.detach()


def close_all(fds: list[int]) -> None:
    """Close descriptors that nobody asked for."""
    while fds:
        os.close(fds.pop())
