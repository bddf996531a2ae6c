"""openat2(2): opening a path with the kernel's own promise that no symbolic link was followed."""

from __future__ import annotations

import ctypes
import os
import struct

from paddock.fence.kernel.libc import system_call

__all__ = ["locate"]

RESOLVE_IN_ROOT = 0x10
RESOLVE_NO_SYMLINKS = 0x04

_openat2 = system_call("openat2", ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)
_HOW = struct.pack("=3Q", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS)


def locate(root: int, path: str) -> int:
    """An ``O_PATH`` descriptor of ``path`` (absolute, taken below ``root``). A symbolic link at the end is named itself; one on the way raises ``ELOOP``."""
    return _openat2(root, os.fsencode(path), _HOW, len(_HOW))
