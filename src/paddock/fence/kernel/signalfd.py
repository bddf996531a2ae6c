"""Signals as readable descriptors: signalfd(2)."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from paddock.fence.kernel.libc import system_call

__all__ = ["SI_KERNEL", "SignalFd"]

SFD_CLOEXEC = 0o2000000
SFD_NONBLOCK = 0o4000

SI_KERNEL = 0x80
"""The ``si_code`` of a signal that the kernel sent itself: for SIGINT and its kin, a key pressed at the terminal (sigaction(2))."""

_SIZE = 128  # struct signalfd_siginfo
_signalfd4 = system_call("signalfd4", ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)


class SignalFd:
    """Blocks ``signals`` for this thread and reads them instead. As a context manager it drops those that still wait and puts the mask back.

    Reading takes the signals of the process that reads, so the descriptor stays right across fork(2).
    """

    def __init__(self, signals: Iterable[int]) -> None:
        self._numbers = frozenset(signals)
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, self._numbers)
        mask = sum(1 << (number - 1) for number in self._numbers)
        try:
            self._fd = _signalfd4(-1, struct.pack("=Q", mask), 8, SFD_CLOEXEC | SFD_NONBLOCK)
        except OSError:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
            raise

    def fileno(self) -> int:
        """The descriptor; readable when a signal waits."""
        return self._fd

    def read(self) -> tuple[int, int]:
        """``(signal number, si_code)`` of one waiting signal. Raises ``BlockingIOError`` when there is none."""
        data = os.read(self._fd, _SIZE)
        number, _, code = struct.unpack_from("=Iii", data)
        return number, code

    def waits(self) -> bool:
        """Whether a signal waits to be read."""
        return not self._numbers.isdisjoint(signal.sigpending())

    def close(self) -> None:
        """Drop what still waits, close the descriptor and put the mask back. What came before this moment was meant for what these signals were read for."""
        while self.waits():
            self.read()
        os.close(self._fd)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
