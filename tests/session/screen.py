"""A scripted terminal: a pseudo-terminal in which the test is the person. It waits for what is shown, and never for a time."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

__all__ = ["Screen", "same"]

# Only against a test that hangs for ever: nothing waits for it when all is well.
PATIENCE = 60.0


class Screen:
    """``argv`` with a controlling terminal of its own. ``shown`` is everything that the terminal was sent so far.

    ``passed`` is a descriptor that stays open in it.
    """

    def __init__(
        self, argv: Sequence[str], *, cwd: str | os.PathLike[str], env: Mapping[str, str] | None = None, size: tuple[int, int] = (24, 80), passed: int = -1
    ) -> None:
        self.shown = b""
        self.code: int | None = None
        self._looked = 0
        read, write = os.pipe()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                os.read(read, 1)  # the size is set first
                os.chdir(cwd)
                for fd in set(range(3, 256)) - {passed}:
                    with suppress(OSError):
                        os.close(fd)
                os.execvpe(argv[0], list(argv), {"TERM": "xterm", **os.environ, **(env or {})})  # noqa: S606 -- what a terminal does
            finally:
                os._exit(99)
        self.resize(*size)
        os.write(write, b"!")
        os.close(read)
        os.close(write)

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self._fd, keys.encode())

    def expect(self, pattern: str) -> re.Match[bytes]:
        """Wait until the terminal shows ``pattern`` after what was found last. Fails with what it showed instead."""
        wanted = re.compile(pattern.encode(), re.DOTALL)
        while not (found := wanted.search(self.shown, self._looked)):
            assert self._read(), f"ended without {pattern!r}: {self.shown[self._looked :]!r}"
        self._looked = found.end()
        return found

    def resize(self, rows: int, columns: int) -> None:
        """As a window that is dragged."""
        termios.tcsetwinsize(self._fd, (rows, columns))

    def modes(self) -> list[Any]:
        """The modes of the terminal now (termios.tcgetattr)."""
        return termios.tcgetattr(self._fd)

    def fileno(self) -> int:
        """The person's end of the terminal."""
        return self._fd

    def end(self) -> int:
        """Wait for the program's end; its exit code, 128 and the number for a signal."""
        while self._fd >= 0 and self._read():
            pass
        if self.code is None:
            code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self.code = code if code >= 0 else 128 - code
        return self.code

    def hang_up(self) -> None:
        """Close the window."""
        os.close(self._fd)
        self._fd = -1

    def _read(self) -> bool:
        ready, _, _ = select.select([self._fd], [], [], PATIENCE)
        assert ready, f"nothing more is shown: {self.shown[self._looked :]!r}"
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False  # nobody has the other end any more
        self.shown += data
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def same(shown: bytes) -> bytes:
    """What is shown, without what differs between any two runs: the process ids that shells tell."""
    return re.sub(rb"(\[\d+\]) \d+", rb"\1 N", shown)
