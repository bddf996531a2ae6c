"""The kernel's side of the observer: which system calls are reported, and reading and answering one report (seccomp_unotify(2))."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct

from paddock.fence.kernel.bpf import NOTIFY, Rule, assemble
from paddock.fence.kernel.numbers import AUDIT_ARCH, NUMBERS
from paddock.fence.kernel.process import read_memory

__all__ = ["CALLS", "Call", "Notifications", "observed_calls"]

_RECV = 0xC0502100
_SEND = 0xC0182101
_SET_FLAGS = 0x40082104
_CONTINUE = 1
_SYNC_WAKE_UP = 1
_NOTIFICATION = struct.Struct("=QII iIQ 6Q")
_ZEROS = bytes(_NOTIFICATION.size)
_ANSWER = struct.Struct("=QqiI")

_AT_FDCWD = -100
_PATH_MAX = 4096
_FIRST_LOOK = 256


class Call:
    """Where a system call keeps what matters. ``directory`` is the argument with the directory's descriptor (None: the working directory)."""

    __slots__ = ("directory", "flags", "name", "path")

    def __init__(self, name: str, path: int, directory: int | None = None, flags: int | None = None) -> None:
        self.name = name
        self.path = path
        self.directory = directory
        self.flags = flags


# Of calls with two paths the one that is made or replaced is looked at last; a refused source is the more frequent mistake.
CALLS = (
    Call("open", 0, None, 1),
    Call("openat", 1, 0, 2),
    Call("creat", 0),
    Call("link", 1),
    Call("linkat", 3, 2),
    Call("mkdir", 0),
    Call("mkdirat", 1, 0),
    Call("rename", 0),
    Call("renameat", 1, 0),
    Call("renameat2", 1, 0),
    Call("rmdir", 0),
    Call("symlink", 1),
    Call("symlinkat", 2, 1),
    Call("unlink", 0),
    Call("unlinkat", 1, 0),
)
_BY_NUMBER = {NUMBERS[call.name]: call for call in CALLS if call.name in NUMBERS}


def observed_calls() -> bytes:
    """The program for this machine. Other architectures' calls are left to the static filter, which ends the process."""
    return assemble((Rule(tuple(call.name for call in CALLS), (), NOTIFY),), NUMBERS, AUDIT_ARCH, None)


class Notifications:
    """Reports from one listener descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._buffer = bytearray(_NOTIFICATION.size)
        self._memory = ctypes.create_string_buffer(_PATH_MAX)
        self._short = ctypes.create_string_buffer(_FIRST_LOOK)
        try:
            # Linux 6.6: caller and supervisor take turns on one processor instead of waking each other across two, which costs several times as much.
            fcntl.ioctl(fd, _SET_FLAGS, _SYNC_WAKE_UP)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTTY):
                raise

    def receive(self) -> tuple[int, int, Call | None, tuple[int, ...]]:
        """``(id, process, call, arguments)``. Raises ``FileNotFoundError`` when the caller has died in the meantime."""
        self._buffer[:] = _ZEROS  # the kernel insists on it
        fcntl.ioctl(self._fd, _RECV, self._buffer)
        report, pid, _, number, _, _, *arguments = _NOTIFICATION.unpack(self._buffer)
        return report, pid, _BY_NUMBER.get(number), tuple(arguments)

    def go_on(self, report: int) -> None:
        """Let the kernel carry the call out as if nobody had looked. Raises ``FileNotFoundError`` when the caller is gone."""
        fcntl.ioctl(self._fd, _SEND, _ANSWER.pack(report, 0, 0, _CONTINUE))

    def text(self, pid: int, call: Call, arguments: tuple[int, ...]) -> bytes:
        """The path of a call as the caller wrote it. Raises ``OSError`` when its memory cannot be read."""
        address = arguments[call.path]
        length = read_memory(pid, address, self._short)
        text, end, _ = self._short.raw[:length].partition(b"\0")
        if not end:
            length = read_memory(pid, address, self._memory)
            text, end, _ = self._memory.raw[:length].partition(b"\0")
        return text

    @staticmethod
    def absolute(pid: int, call: Call, arguments: tuple[int, ...], text: bytes) -> str:
        """That path taken from the caller's directory; links are not resolved. Raises ``OSError`` when it is gone."""
        if text.startswith(b"/"):
            return os.fsdecode(text)
        descriptor = _AT_FDCWD if call.directory is None else ctypes.c_int(arguments[call.directory] & 0xFFFFFFFF).value
        base = os.readlink(f"/proc/{pid}/cwd" if descriptor == _AT_FDCWD else f"/proc/{pid}/fd/{descriptor}")
        return f"{base}/{os.fsdecode(text)}"
