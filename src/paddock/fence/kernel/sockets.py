"""Sockets of other processes: pidfd_getfd(2), bind(2)."""

from __future__ import annotations

import ctypes
import errno
import os

from paddock.fence.kernel.libc import function, system_call

__all__ = ["bind", "copy_descriptor", "open_thread"]

_PIDFD_THREAD = os.O_EXCL

_bind = function("bind", ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
_pidfd_getfd = system_call("pidfd_getfd", ctypes.c_int, ctypes.c_int, ctypes.c_uint)


def bind(fd: int, address: bytes) -> None:
    """Bind to an address as it lies in memory: bytes that may hold NUL, which Python's own ``socket.bind`` would build from their meaning."""
    _bind(fd, address, len(address))


def open_thread(tid: int, process: int) -> int:
    """A pidfd of one thread, whose descriptors may be its own. Before Linux 6.9 there is none but the whole process's (pidfd_open(2), PIDFD_THREAD)."""
    try:
        return os.pidfd_open(tid, _PIDFD_THREAD)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return os.pidfd_open(process)


def copy_descriptor(pidfd: int, number: int) -> int:
    """A copy of a descriptor of another process, close-on-exec. Raises ``EBADF`` when it has none of that number (pidfd_getfd(2), Linux 5.6)."""
    return _pidfd_getfd(pidfd, number, 0)
