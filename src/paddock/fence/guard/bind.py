"""Giving a socket its address for its caller: unix(7). A socket with a path is a name like any other.

The kernel would read the address from the caller's memory once more, after it was judged. And there are readers to whom a socket is as good as a folder: git
only asks ``access(2)`` of ``refs``. So a copy of the socket is bound here, to a copy of the address.
"""

from __future__ import annotations

import errno
import os
import sys

from paddock.fence.guard.caller import Caller
from paddock.fence.guard.check import Check
from paddock.fence.guard.walk import Pin, Walk
from paddock.fence.kernel import sockets

__all__ = ["bind"]

_AF_UNIX = 1
_FAMILY_BYTES = 2
_MOST = 128
"""``struct sockaddr_storage``: what the kernel takes at most."""


def bind(check: Check, caller: Caller, number: int, where: int, length: int) -> None:
    """Give the caller's socket ``number`` the address at ``where``. Raises ``Refused``, or ``OSError`` as the call itself would."""
    if not 0 <= length <= _MOST:
        raise OSError(errno.EINVAL, "no address is that long")
    socket = caller.socket(number)
    address = caller.memory(where, length)
    path = address[_FAMILY_BYTES:].partition(b"\0")[0]
    if address[:_FAMILY_BYTES] != _AF_UNIX.to_bytes(_FAMILY_BYTES, sys.byteorder) or not path:
        sockets.bind(socket, address)
        return
    walk = Walk(caller)
    start = caller.start(None, path)
    pin, name = walk.parent(start, path)
    if not _there(pin, name):
        check.node(pin, name)
    os.umask(caller.umask())
    # The path as it was given, because getsockname(2) gives it back; where it means something else for this process, the name in the folder it leads to.
    os.fchdir(pin.fd if walk.by_hand else start)
    try:
        sockets.bind(socket, address[:_FAMILY_BYTES] + name if walk.by_hand else address)
    finally:
        os.fchdir(caller.world.root)


def _there(pin: Pin, name: bytes) -> bool:
    """Whether there is something already: then the call fails, and that is what its caller wants to know."""
    try:
        os.stat(name.rstrip(b"/") or name, dir_fd=pin.fd, follow_symlinks=False)
    except OSError:
        return False
    return True
