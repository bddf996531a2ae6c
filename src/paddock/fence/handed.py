"""What may be handed in: the standard streams, and further descriptors that the caller names.

A descriptor carries what it was opened with: a path to all that lies below, the host's network, a terminal's keys. What is refused here would be a way around
the fence that no mount, rule or filter sees.
"""

from __future__ import annotations

import _socket
import fcntl
import os
import stat
from collections.abc import Iterable

from paddock.errors import LaunchError, UsageError
from paddock.fence.inside.keeper import MOST_PASSED

__all__ = ["check_passed", "is_our_terminal", "standard_stream"]

_STEP = "look at the standard streams"
_OBJECT = ("a kernel object", "pass a pipe or a file")
_SEALED = fcntl.F_SEAL_WRITE | 0x10  # F_SEAL_FUTURE_WRITE
_CONNECTED = (_socket.SOCK_STREAM, _socket.SOCK_SEQPACKET)
# null, zero, full, random, urandom (devices.txt of the kernel): what is in the fence's own /dev anyway.
_HARMLESS = frozenset(os.makedev(1, minor) for minor in (3, 5, 7, 8, 9))


def standard_stream(fd: int, null: int) -> int:
    """What the command gets for ``fd``: itself, or ``null`` where the caller has closed it. Raises ``LaunchError`` for what leads out."""
    try:
        trouble, hint = _objection(fd)
    except OSError:
        return null  # the caller has closed it
    if fd <= 2 and not os.get_inheritable(fd):
        return null  # the caller has closed it, and a descriptor of this process, which no other program gets, has taken the number
    if trouble:
        raise LaunchError(f"{trouble} cannot be standard input or output of a fenced command", step=_STEP, hint=hint)
    return fd


def check_passed(fds: Iterable[int]) -> None:
    """Raise ``UsageError`` when one of ``fds`` is not open, belongs to this process, or leads out."""
    for number, fd in enumerate(fds):
        if number == MOST_PASSED:
            raise UsageError(f"--pass-fd: more than {MOST_PASSED} descriptors", hint="pass one socket or pipe and send the rest through it")
        _check_passed(fd)


def _check_passed(fd: int) -> None:
    try:
        trouble, hint = _objection(fd)
        ours = not os.get_inheritable(fd)
    except OSError:
        trouble, hint, ours = "", "", True
    if fd <= 2 or ours:  # everything that this process opens itself is closed in programs it starts, so what is not was there before
        raise UsageError(
            f"--pass-fd {fd}: no such descriptor was passed to Paddock", hint="open it where Paddock is called: paddock run --pass-fd 3 -- COMMAND 3<FILE"
        )
    if not trouble and stat.S_ISCHR(os.fstat(fd).st_mode) and os.fstat(fd).st_rdev not in _HARMLESS:
        trouble, hint = "a terminal" if os.isatty(fd) else "a device", "pass a pipe or a file"
    if trouble:
        raise UsageError(f"--pass-fd {fd}: {trouble} cannot be passed in", hint=hint)


def is_our_terminal(fd: int) -> bool:
    """Whether this is the controlling terminal: only that one can be asked for its foreground group (ioctl_tty(2))."""
    try:
        return os.tcgetpgrp(fd) >= 0
    except OSError:
        return False


def _objection(fd: int) -> tuple[str, str]:
    """What ``fd`` is, if it is a way out, and what to do instead. Raises ``OSError`` when it is not open."""
    mode = os.fstat(fd).st_mode
    # From either, files could be opened past everything that is hidden inside.
    if stat.S_ISDIR(mode):
        return "a directory", "name its path"
    if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_PATH:
        return "a descriptor opened with O_PATH", "name its path, or open it"
    if stat.S_ISSOCK(mode):
        return _socket_objection(fd)
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        return "", ""
    if stat.S_ISREG(mode):
        return _file_objection(fd, os.readlink(f"/proc/self/fd/{fd}"))
    return ("a block device", _OBJECT[1]) if stat.S_ISBLK(mode) else _OBJECT


def _file_objection(fd: int, name: str) -> tuple[str, str]:
    """``name`` is what /proc calls it: a path, or something like ``net:[4026531840]``."""
    if not name.startswith("/"):
        return _OBJECT
    # Neither a mount nor Landlock keeps a memory file from being opened again for writing (memfd_create(2)).
    read_only = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
    if name.startswith("/memfd:") and read_only and not fcntl.fcntl(fd, fcntl.F_GET_SEALS) & _SEALED:
        return "a memory file that is only open for reading and not sealed", "seal it (F_SEAL_WRITE), or pass a pipe"
    return "", ""


def _socket_objection(fd: int) -> tuple[str, str]:
    """A socket belongs to the network it was made in. Connected to one peer for good it can be passed on; a network socket can always be connected anew."""
    sock = _socket.socket(fileno=fd)
    try:
        if sock.family != _socket.AF_UNIX:
            return "a network socket", "it would reach the host's network past the gate; put a pipe between"
        if sock.type in _CONNECTED and not sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ACCEPTCONN):
            sock.getpeername()
            return "", ""
    except OSError:
        return "an unconnected socket", "connect it first"
    else:
        return "a socket without one fixed peer", "put a pipe between"
    finally:
        sock.detach()
