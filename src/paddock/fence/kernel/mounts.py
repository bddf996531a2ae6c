"""The mount interface that works on descriptors: open_tree(2), mount_setattr(2), move_mount(2), fsopen(2) and their kin.

One call applies read-only to a whole tree, which the older mount(2) cannot do: it leaves writable mounts below a "read-only" bind.
"""

from __future__ import annotations

import ctypes
import os
import struct

from paddock.fence.kernel.libc import function, system_call

__all__ = [
    "MOUNT_ATTR_NODEV",
    "MOUNT_ATTR_NOEXEC",
    "MOUNT_ATTR_NOSUID",
    "MOUNT_ATTR_RDONLY",
    "attach",
    "clone_tree",
    "detach",
    "make_private",
    "new_filesystem",
    "pivot_root",
    "set_attributes",
]

AT_EMPTY_PATH = 0x1000
AT_FDCWD = -100
AT_NO_AUTOMOUNT = 0x800
AT_RECURSIVE = 0x8000
AT_SYMLINK_NOFOLLOW = 0x100
FSCONFIG_CMD_CREATE = 6
FSCONFIG_SET_STRING = 1
FSMOUNT_CLOEXEC = 1
FSOPEN_CLOEXEC = 1
MNT_DETACH = 2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_RDONLY = 0x1
MOVE_MOUNT_F_EMPTY_PATH = 0x4
MOVE_MOUNT_T_EMPTY_PATH = 0x40
MS_PRIVATE = 1 << 18
MS_REC = 1 << 14
OPEN_TREE_CLOEXEC = 0o2000000
OPEN_TREE_CLONE = 1

_fsconfig = system_call("fsconfig", ctypes.c_int, ctypes.c_uint, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int)
_fsmount = system_call("fsmount", ctypes.c_int, ctypes.c_uint, ctypes.c_uint)
_fsopen = system_call("fsopen", ctypes.c_char_p, ctypes.c_uint)
_mount = function("mount", ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_mount_setattr = system_call("mount_setattr", ctypes.c_int, ctypes.c_char_p, ctypes.c_uint, ctypes.c_char_p, ctypes.c_size_t)
_move_mount = system_call("move_mount", ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
_open_tree = system_call("open_tree", ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
_pivot_root = system_call("pivot_root", ctypes.c_char_p, ctypes.c_char_p)
_umount2 = function("umount2", ctypes.c_char_p, ctypes.c_int)


def clone_tree(fd: int, path: str = "", *, recursive: bool = True) -> int:
    """A detached copy of the mount at ``path`` below ``fd`` (of ``fd`` itself when empty), with the mounts below it. The last component is not followed."""
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW | (0 if path else AT_EMPTY_PATH) | (AT_RECURSIVE if recursive else 0)
    return _open_tree(fd, os.fsencode(path), flags)


def set_attributes(fd: int, attributes: int, *, clear: int = 0, recursive: bool = True) -> None:
    """Add mount attributes to the mount ``fd``, take those of ``clear`` away; unless told otherwise, for every mount below it as well (mount_setattr(2))."""
    _mount_setattr(fd, b"", AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0), struct.pack("=4Q", attributes, clear, 0, 0), 32)


def attach(mount: int, target: int) -> None:
    """Put the detached ``mount`` on the place that ``target`` (an ``O_PATH`` descriptor) names. Neither is closed."""
    _move_mount(mount, b"", target, b"", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)


def new_filesystem(kind: str, attributes: int, **options: str) -> int:
    """A detached mount of a new file system instance (``tmpfs``, ``proc``, ``devpts``); ``options`` are its own, as strings. An empty value means a flag."""
    context = _fsopen(kind.encode(), FSOPEN_CLOEXEC)
    try:
        for key, value in options.items():
            if value:
                _fsconfig(context, FSCONFIG_SET_STRING, key.encode(), value.encode(), 0)
            else:
                _fsconfig(context, 0, key.encode(), None, 0)
        _fsconfig(context, FSCONFIG_CMD_CREATE, None, None, 0)
        return _fsmount(context, FSMOUNT_CLOEXEC, attributes)
    finally:
        os.close(context)


def make_private() -> None:
    """End propagation in both directions for every mount of this namespace: nothing that the host mounts later appears inside."""
    _mount(None, b"/", None, MS_REC | MS_PRIVATE, None)


def pivot_root() -> None:
    """Make the working directory, a mount point, the root and put the old root on top of it (pivot_root(2), "pivot_root(".", ".")")."""
    _pivot_root(b".", b".")


def detach() -> None:
    """Take what is mounted on the working directory away, with all below it."""
    _umount2(b".", MNT_DETACH)
