"""Messages from the launcher to the supervisor while the fence is built. One packet each: a kind, then what the kind says.

Both processes of the launcher write to the same socket; packets do not mix.
"""

from __future__ import annotations

import _socket
import errno
import os
import struct

from paddock.fence.launcher.state import StepFailed
from paddock.fence.ports import CAPTURE, DNS_TCP, DNS_UDP, HTTP, SOCKS

__all__ = [
    "COUNTERS",
    "FAILED",
    "GROUP",
    "KEEPER",
    "LISTENERS",
    "NOTICE",
    "OBSERVER",
    "PROCESSES",
    "READY",
    "ROLES",
    "STREAM",
    "TERMINAL",
    "pack_failure",
    "receive",
    "rights",
    "send",
    "unpack_failure",
]

FAILED = 1
GROUP = 8
"""The name of the cgroup that the launcher is about to make, with a descriptor of the folder that holds it: should the launcher not live to remove it."""
KEEPER = 2
"""With a pidfd of process 1."""
LISTENERS = 3
"""Two bytes for each descriptor: index into ``ROLES``, family."""
NOTICE = 4
OBSERVER = 5
"""With the descriptor on which the guard tells of refusals, or with none where nothing can be watched. From process 1 to the launcher: see ``guarding``."""
READY = 6
STREAM = 7
"""One byte, the number of a standard stream, with the descriptor that takes its place."""
TERMINAL = 9
"""With both ends of the pseudo-terminal: first the one that is relayed, then the command's."""
COUNTERS = 11
"""With the reading end of a pipe, into which the launcher writes what the cgroups counted before it removes them, and a folder descriptor of each."""
PROCESSES = 12
"""With the root of the fence's own ``/proc``."""

ROLES = (CAPTURE, DNS_UDP, DNS_TCP, HTTP, SOCKS)

_MAX_MESSAGE = 65536
_MAX_FDS = 16
_FD = struct.Struct("=i")
_FAILURE = struct.Struct("=i?")


def send(control: int, kind: int, payload: bytes = b"", fds: tuple[int, ...] = ()) -> None:
    """Send one message. ``MSG_NOSIGNAL``: a supervisor that is gone is an ``OSError`` here."""
    channel = _socket.socket(fileno=control)
    try:
        channel.sendmsg([bytes([kind]) + payload], rights(fds), _socket.MSG_NOSIGNAL)
    finally:
        channel.detach()


def receive(control: int) -> tuple[int, bytes, list[int]]:
    """``(kind, payload, descriptors)``; kind 0 when the other side is gone. Raises ``OSError`` when this process has no room for the descriptors (unix(7))."""
    channel = _socket.socket(fileno=control)
    try:
        data, ancillary, flags, _ = channel.recvmsg(_MAX_MESSAGE, _socket.CMSG_SPACE(_MAX_FDS * _FD.size), _socket.MSG_CMSG_CLOEXEC)
    finally:
        channel.detach()
    received = b"".join(payload for level, kind, payload in ancillary if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS)
    fds = [fd for (fd,) in _FD.iter_unpack(received)]
    if flags & _socket.MSG_CTRUNC:
        for fd in fds:
            os.close(fd)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return (data[0] if data else 0), data[1:], fds


def rights(fds: tuple[int, ...]) -> list[tuple[int, int, bytes]]:
    """Ancillary data that hands these descriptors over (unix(7))."""
    return [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, b"".join(_FD.pack(fd) for fd in fds))] if fds else []


def pack_failure(failure: StepFailed) -> bytes:
    """The payload of ``FAILED``."""
    text = f"{failure.step}\0{failure.message}".encode("utf-8", "surrogateescape")
    return _FAILURE.pack(failure.number, failure.changed) + text[: _MAX_MESSAGE - 64]


def unpack_failure(payload: bytes) -> StepFailed:
    """The other direction."""
    number, changed = _FAILURE.unpack_from(payload)
    step, _, message = payload[_FAILURE.size :].decode("utf-8", "surrogateescape").partition("\0")
    return StepFailed(step, number, message, changed=changed)
