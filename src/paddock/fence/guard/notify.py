"""The kernel's side of the guard: which system calls wait for an answer, and reading and answering one of them (seccomp_unotify(2))."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct

from paddock.fence.kernel.bpf import ALLOW, NOTIFY, Clause, Rule, assemble, has_bits
from paddock.fence.kernel.numbers import AUDIT_ARCH, NUMBERS
from paddock.fence.kernel.process import read_memory

__all__ = ["CALLS", "NAMES", "O_PATH", "PATH_MAX", "STARTS", "VALID_FLAGS", "WRITING", "Call", "Gone", "Notifications", "watched_calls"]

_RECV = 0xC0502100
_SEND = 0xC0182101
_ID_VALID = 0x40082102
_ADD_FD = 0x40182103
_SET_FLAGS = 0x40082104
_CONTINUE = 1
_SYNC_WAKE_UP = 1
_NOTIFICATION = struct.Struct("=QII iIQ 6Q")
_ZEROS = bytes(_NOTIFICATION.size)
_ANSWER = struct.Struct("=QqiI")
_ID = struct.Struct("=Q")
_GIVEN = struct.Struct("=QIIII")

PATH_MAX = 4096
_FIRST_LOOK = 256

# asm-generic/fcntl.h; the same on both architectures.
O_PATH = 0o10000000
WRITING = 0o3 | 0o100 | 0o1000 | 0o20000000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, and the bit that only O_TMPFILE has: an ``open`` with one of them can make or fill a name."""
VALID_FLAGS = 0o37777703
"""open(2) drops every other bit without a word."""


class Gone(Exception):  # noqa: N818 -- no error: the caller died, and with it the question
    """The caller has died while its call waited."""


class Call:
    """One system call. ``paths`` are pairs of argument numbers: the directory's descriptor (None: the working directory) and the path.

    ``flags`` is where an open keeps its flags, ``carried`` whether the guard carries the call out itself, for an open: when its flags say so.
    """

    __slots__ = ("carried", "flags", "index", "name", "paths", "told")

    def __init__(self, name: str, paths: tuple[tuple[int | None, int], ...], *, flags: int | None = None, carried: bool = True) -> None:
        self.name = name
        self.paths = paths
        self.flags = flags
        self.carried = carried
        self.index = 0
        # Of calls with two paths the one that is made comes last. Of a rename the source is told about: it is the more frequent mistake.
        self.told = paths[0 if name.startswith("rename") else -1] if paths else None


CALLS = (
    Call("open", ((None, 0),), flags=1),
    Call("openat", ((0, 1),), flags=2),
    Call("creat", ((None, 0),)),
    Call("link", ((None, 0), (None, 1))),
    Call("linkat", ((0, 1), (2, 3))),
    Call("mkdir", ((None, 0),)),
    Call("mkdirat", ((0, 1),)),
    Call("mknod", ((None, 0),)),
    Call("mknodat", ((0, 1),)),
    Call("rename", ((None, 0), (None, 1))),
    Call("renameat", ((0, 1), (2, 3))),
    Call("renameat2", ((0, 1), (2, 3))),
    Call("symlink", ((None, 1),)),
    Call("symlinkat", ((1, 2),)),
    Call("truncate", ((None, 0),)),
    Call("bind", ()),
    Call("rmdir", ((None, 0),), carried=False),
    Call("unlink", ((None, 0),), carried=False),
    Call("unlinkat", ((0, 1),), carried=False),
)
STARTS = (
    Call("execve", ((None, 0),), carried=False),
    Call("execveat", ((0, 1),), carried=False),
)
"""Only looked at, and only in runs with rules about programs: what may be executed is the kernel's to decide, by mounts and by Landlock."""

for _index, _call in enumerate((*CALLS, *STARTS)):
    _call.index = _index
NAMES = {call.name: call for call in CALLS}
_BY_NUMBER = {NUMBERS[call.name]: call for call in (*CALLS, *STARTS) if call.name in NUMBERS}


def watched_calls(*, starts: bool = False) -> bytes:
    """The program for this machine; with ``starts`` it watches programs being started too. Other architectures' calls are left to the static filter, which
    ends the process.
    """
    opens = [Rule((call.name,), (Clause((has_bits(call.flags, O_PATH),), ALLOW),), NOTIFY) for call in CALLS if call.flags is not None]
    others = [call.name for call in (*CALLS, *(STARTS if starts else ())) if call.flags is None]
    return assemble((*opens, Rule(tuple(others), (), NOTIFY)), NUMBERS, AUDIT_ARCH, None)


class Notifications:
    """Calls that wait, from one listener descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._buffer = bytearray(_NOTIFICATION.size)
        self._memory = ctypes.create_string_buffer(PATH_MAX)
        self._short = ctypes.create_string_buffer(_FIRST_LOOK)
        try:
            # Linux 6.6: caller and guard take turns on one processor instead of waking each other across two, which costs several times as much.
            fcntl.ioctl(fd, _SET_FLAGS, _SYNC_WAKE_UP)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTTY):
                raise

    def receive(self) -> tuple[int, int, Call | None, tuple[int, ...]]:
        """``(id, thread, call, arguments)``. Raises ``FileNotFoundError`` when the caller has died in the meantime."""
        self._buffer[:] = _ZEROS  # the kernel insists on it
        fcntl.ioctl(self._fd, _RECV, self._buffer)
        report, tid, _, number, _, _, *arguments = _NOTIFICATION.unpack(self._buffer)
        return report, tid, _BY_NUMBER.get(number), tuple(arguments)

    def check(self, report: int) -> None:
        """Raise ``Gone`` unless the caller still waits. After that, what was opened by its thread id before was really its own."""
        try:
            fcntl.ioctl(self._fd, _ID_VALID, _ID.pack(report))
        except OSError as error:
            raise Gone from error

    def go_on(self, report: int) -> None:
        """Let the kernel carry the call out as if nobody had looked."""
        self._send(report, 0, _CONTINUE)

    def answer(self, report: int, number: int) -> None:
        """End the call: 0, or the errno it fails with."""
        self._send(report, -number, 0)

    def _send(self, report: int, error: int, flags: int, value: int = 0) -> None:
        try:
            fcntl.ioctl(self._fd, _SEND, _ANSWER.pack(report, value, error, flags))
        except FileNotFoundError:
            return  # the caller has died

    def give(self, report: int, fd: int, *, close_on_exec: bool) -> None:
        """End the call with ``fd``, which is closed here, as its result. Raises ``OSError`` (``EMFILE``) when the caller has no room for it: it still waits.

        Closed before the caller goes on: a program that was written, closed and started at once would otherwise still be open for writing here (``ETXTBSY``).
        """
        try:
            # With a buffer that can be changed, the result is that of the call: the number in the caller.
            number = fcntl.ioctl(self._fd, _ADD_FD, bytearray(_GIVEN.pack(report, 0, fd, 0, 0o2000000 if close_on_exec else 0)))
        except FileNotFoundError:
            return  # the caller has died
        finally:
            os.close(fd)
        self._send(report, 0, 0, number)

    def memory(self, tid: int, address: int, length: int) -> bytes:
        """``length`` bytes, 256 at most, of the caller's memory, copied once. Raises ``EFAULT``."""
        if length and read_memory(tid, address, self._short) < length:
            raise OSError(errno.EFAULT, "the address ends where there is no memory")
        return self._short.raw[:length]

    def text(self, tid: int, address: int) -> bytes:
        """The string at ``address`` in the caller's memory, copied once. Raises ``OSError`` as the call itself would: ``EFAULT``, ``ENAMETOOLONG``."""
        for buffer in (self._short, self._memory):
            length = read_memory(tid, address, buffer)
            text, end, _ = buffer.raw[:length].partition(b"\0")
            if end:
                return text
            if length < len(buffer):
                raise OSError(errno.EFAULT, "the path ends where there is no memory")
        raise OSError(errno.ENAMETOOLONG, "the path is too long")
