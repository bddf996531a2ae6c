"""Paths and what is at them: openat2(2), statx(2), renameat2(2)."""

from __future__ import annotations

import ctypes
import os
import struct

from paddock.fence.kernel.libc import function, system_call

__all__ = ["enter", "filesystem", "locate", "mount_id", "rename", "tee"]

RESOLVE_IN_ROOT = 0x10
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
STATX_MNT_ID = 0x1000
AT_EMPTY_PATH = 0x1000

_openat2 = system_call("openat2", ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)
_HOW = struct.pack("=3Q", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS)


def locate(root: int, path: str) -> int:
    """An ``O_PATH`` descriptor of ``path`` (absolute, taken below ``root``). A symbolic link at the end is named itself; one on the way raises ``ELOOP``."""
    return _openat2(root, os.fsencode(path), _HOW, len(_HOW))


_renameat2 = system_call("renameat2", ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
_statx = system_call("statx", ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p)
_FOLDER = struct.pack("=3Q", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS)
_STATX_BYTES = 256
_STATX_MNT_ID_AT = 144  # struct statx (linux/stat.h)


def enter(start: int, path: bytes) -> int:
    """An ``O_PATH`` descriptor of the directory that ``path`` leads to from ``start``. Links are followed, except those of ``/proc`` that lead to an open file
    without a path (``ELOOP``).
    """
    return _openat2(start, path, _FOLDER, len(_FOLDER))


def mount_id(fd: int) -> int:
    """The number, in ``/proc/PID/mountinfo``, of the mount that ``fd`` was opened through (Linux 5.8)."""
    buffer = ctypes.create_string_buffer(_STATX_BYTES)
    _statx(fd, b"", AT_EMPTY_PATH, STATX_MNT_ID, buffer)
    number: int = struct.unpack_from("=Q", buffer, _STATX_MNT_ID_AT)[0]
    return number


def rename(source: int, old: bytes, target: int, new: bytes, flags: int) -> None:
    """renameat2(2) with its flags."""
    _renameat2(source, old, target, new, flags)


_fstatfs = function("fstatfs", ctypes.c_int, ctypes.c_char_p)
_STATFS_BYTES = 256


def filesystem(fd: int) -> int:
    """The magic number of the file system behind ``fd`` (statfs(2), ``f_type``)."""
    buffer = ctypes.create_string_buffer(_STATFS_BYTES)
    _fstatfs(fd, buffer)
    number: int = struct.unpack_from("=I", buffer)[0]
    return number


_tee = system_call("tee", ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint)
_SPLICE_F_NONBLOCK = 2


def tee(source: int, target: int, length: int) -> int:
    """Copy what waits in one pipe to another, and leave it (tee(2)). 0 when nothing waits and nobody has ``source`` open for writing, ``EAGAIN`` when
    somebody has.
    """
    return _tee(source, target, length, _SPLICE_F_NONBLOCK)
