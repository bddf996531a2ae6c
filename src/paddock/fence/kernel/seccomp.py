"""Putting a filter on this process: seccomp(2)."""

from __future__ import annotations

import ctypes
import struct

from paddock.fence.kernel.libc import system_call

__all__ = ["install", "install_listener"]

FILTER_FLAG_NEW_LISTENER = 1 << 3
FILTER_FLAG_WAIT_KILLABLE_RECV = 1 << 5
SET_MODE_FILTER = 1


_PROGRAM = struct.Struct("@HP")  # struct sock_fprog: number of instructions, their address

_seccomp = system_call("seccomp", ctypes.c_uint, ctypes.c_uint, ctypes.c_char_p)


def install(program: bytes) -> None:
    """Put ``program`` on this process and every later child, for good. Needs ``no_new_privileges``."""
    _load(program, 0)


def install_listener(program: bytes, *, killable: bool) -> int:
    """As ``install``, and give the descriptor that the calls it notifies of arrive at. ``EBUSY`` when a listener watches this process already.

    ``killable`` (Linux 5.19) makes a caller whose call was received deaf to signals that would not end it, so that no call is made twice.
    """
    flags = FILTER_FLAG_NEW_LISTENER | (FILTER_FLAG_WAIT_KILLABLE_RECV if killable else 0)
    return _load(program, flags)


def _load(program: bytes, flags: int) -> int:
    code = ctypes.create_string_buffer(program, len(program))
    return _seccomp(SET_MODE_FILTER, flags, _PROGRAM.pack(len(program) // 8, ctypes.addressof(code)))
