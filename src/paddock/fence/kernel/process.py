"""Namespaces, capabilities, process attributes, descriptors and the memory of other processes."""

from __future__ import annotations

import ctypes
import errno
import struct

from paddock.fence.kernel.libc import function, system_call

__all__ = [
    "CLONE_NEWCGROUP",
    "CLONE_NEWIPC",
    "CLONE_NEWNET",
    "CLONE_NEWNS",
    "CLONE_NEWPID",
    "CLONE_NEWUSER",
    "CLONE_NEWUTS",
    "adopt_orphans",
    "close_from",
    "die_with_parent",
    "drop_capabilities",
    "no_new_privileges",
    "read_memory",
    "set_dumpable",
    "set_namespace",
    "unshare",
]

CLONE_NEWCGROUP = 0x02000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWNET = 0x40000000
CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWUTS = 0x04000000
LINUX_CAPABILITY_VERSION_3 = 0x20080522
PR_CAPBSET_DROP = 24
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28

# capabilities(7): NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE, each with its lock, and the lock of KEEP_CAPS: no way of becoming more by being uid 0.
_SECUREBITS_ALL_LOCKED = 0b11101111

_IOVEC = struct.Struct("@PN")  # struct iovec: address, length

_capset = system_call("capset", ctypes.c_char_p, ctypes.c_char_p)
_close_range = system_call("close_range", ctypes.c_uint, ctypes.c_uint, ctypes.c_uint)
_prctl = function("prctl", ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong)
_process_vm_readv = system_call("process_vm_readv", ctypes.c_int, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong)
_setns = function("setns", ctypes.c_int, ctypes.c_int)
_unshare = function("unshare", ctypes.c_int)


def unshare(flags: int) -> None:
    """Leave the namespaces of ``flags`` for new ones (unshare(2)). A new user namespace needs a process with a single thread."""
    _unshare(flags)


def set_namespace(fd: int, kind: int) -> None:
    """Enter the namespace that ``fd`` is open on; ``kind`` is its ``CLONE_NEW`` flag (setns(2))."""
    _setns(fd, kind)


def set_dumpable(*, dumpable: bool) -> None:
    """Whether processes of the same user may look into this one and whether its files in ``/proc`` belong to it (PR_SET_DUMPABLE)."""
    _prctl(PR_SET_DUMPABLE, int(dumpable), 0, 0, 0)


def adopt_orphans() -> None:
    """From now on a descendant whose parent ends becomes a child of this process (PR_SET_CHILD_SUBREAPER)."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent() -> None:
    """End by SIGKILL when the thread that forked this process ends (PR_SET_PDEATHSIG). It may have ended already: compare the parent's process id after."""
    _prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)


def no_new_privileges() -> None:
    """From now on execve(2) grants nothing, here and in every descendant."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def drop_capabilities() -> None:
    """Give up every capability in every set, and the ways back to them (capabilities(7))."""
    _prctl(PR_SET_SECUREBITS, _SECUREBITS_ALL_LOCKED, 0, 0, 0)
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for capability in range(64):
        try:
            _prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            break  # the kernel's last capability was the one before
    _capset(struct.pack("=Ii", LINUX_CAPABILITY_VERSION_3, 0), bytes(24))


def close_from(first: int, keep: frozenset[int] = frozenset()) -> None:
    """Close every descriptor from ``first`` on that is not in ``keep`` (close_range(2))."""
    for fd in sorted(fd for fd in keep if fd >= first):
        if fd > first:
            _close_range(first, fd - 1, 0)
        first = fd + 1
    _close_range(first, 0xFFFFFFFF, 0)


def read_memory(pid: int, address: int, buffer: ctypes.Array[ctypes.c_char]) -> int:
    """Copy up to ``len(buffer)`` bytes from ``address`` of another process; gives how many. Stops early at a page that is not there (process_vm_readv(2))."""
    length = len(buffer)
    return _process_vm_readv(pid, _IOVEC.pack(ctypes.addressof(buffer), length), 1, _IOVEC.pack(address, length), 1, 0)
