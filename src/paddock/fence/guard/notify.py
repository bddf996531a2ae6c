"""The kernel's side of the observer: which system calls are reported, and reading and answering one report (seccomp_unotify(2))."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from typing import NamedTuple

from paddock.fence.kernel.bpf import NOTIFY, Rule, assemble
from paddock.fence.kernel.numbers import AUDIT_ARCH, NUMBERS
from paddock.fence.kernel.process import read_memory

__all__ = ["CALLS", "Call", "Notifications", "observed_calls"]

_RECV = 0xC0502100
_SEND = 0xC0182101
_CONTINUE = 1
_NOTIFICATION = struct.Struct("=QII iIQ 6Q")
_ZEROS = bytes(_NOTIFICATION.size)
_ANSWER = struct.Struct("=QqiI")

_AT_FDCWD = -100
_PATH_MAX = 4096
_FIRST_LOOK = 256


class Call(NamedTuple):
    """Where a system call keeps what matters. ``directory`` is the argument with the directory's descriptor (None: the working directory)."""

    name: str
    path: int
    directory: int | None = None
    flags: int | None = None


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
        self._short = (ctypes.c_char * _FIRST_LOOK).from_buffer(self._memory)

    def receive(self) -> tuple[int, int, Call | None, tuple[int, ...]]:
        """``(id, process, call, arguments)``. Raises ``FileNotFoundError`` when the caller has died in the meantime."""
        self._buffer[:] = _ZEROS  # the kernel insists on it
        fcntl.ioctl(self._fd, _RECV, self._buffer)
        report, pid, _, number, _, _, *arguments = _NOTIFICATION.unpack(self._buffer)
        return report, pid, _BY_NUMBER.get(number), tuple(arguments)

    def go_on(self, report: int) -> None:
        """Let the kernel carry the call out as if nobody had looked. Raises ``FileNotFoundError`` when the caller is gone."""
        fcntl.ioctl(self._fd, _SEND, _ANSWER.pack(report, 0, 0, _CONTINUE))

    def path(self, pid: int, call: Call, arguments: tuple[int, ...]) -> str:
        """The path of a call, absolute in the caller's view as far as that can be told from outside; not resolved. Raises ``OSError``."""
        text = os.fsdecode(self._string(pid, arguments[call.path]))
        if text.startswith("/"):
            return text
        descriptor = _AT_FDCWD if call.directory is None else ctypes.c_int(arguments[call.directory]).value
        base = os.readlink(f"/proc/{pid}/cwd" if descriptor == _AT_FDCWD else f"/proc/{pid}/fd/{descriptor}")
        return f"{base}/{text}"

    def _string(self, pid: int, address: int) -> bytes:
        read_memory(pid, address, self._short)
        text = self._short.value
        if len(text) < _FIRST_LOOK:
            return text
        read_memory(pid, address, self._memory)
        return self._memory.value
