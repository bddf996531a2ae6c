"""The other side of the canaries: what stands outside for the run of ``paddock verify``, so that somebody would notice an act that gets through.

A process to be signalled and traced, listeners on the host's loopback, sockets of the host's, a segment of shared memory, files with a secret in them. The
process is also the one who clears up: it holds the other end of a pipe of this program's and removes every file when that end is closed, however this program
ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from paddock.fence.kernel.libc import function
from paddock.fence.kernel.process import close_from
from paddock.fence.kernel.signalfd import SignalFd

__all__ = ["NOTED", "HostSide", "Seen"]

# Process numbers inside start from 1 again: one that nothing inside has got yet cannot be taken for the wrong process.
_DISTANT = 256
_TRIES = 512
NOTED = (signal.SIGURG, signal.SIGCHLD)
"""Signals that do nothing to whoever did not ask for them, and that nobody sends to a process without children: one for each way that is tried."""
_IPC_PRIVATE, _IPC_RMID = 0, 0
_TEMPORARY = "/tmp"  # noqa: S108 -- the place that a fence must not show; the folder in it is made with a random name


@dataclass(frozen=True, slots=True)
class Seen:
    """What was noticed outside. ``signals``: those that the process there got. ``arrived``: listeners that were reached. ``left``: files that got made."""

    signals: frozenset[int] = frozenset()
    arrived: frozenset[str] = frozenset()
    left: tuple[str, ...] = ()


@dataclass(slots=True)
class HostSide:
    """Made before the fence, asked and removed after it; the process must have a single thread. ``hidden`` is a folder that the plan hides, or empty.

    ``made`` are paths under names of this run that the probe tries to make, ``absent`` ones under other names: none exists before, and what got made is found
    and removed; under other names only what is empty. Raises ``OSError``.
    """

    hidden: str
    made: Iterable[str]
    absent: Iterable[str] = ()
    token: str = field(init=False)
    secret: str = field(init=False)
    process: int = field(init=False, default=-1)
    segment: int = field(init=False, default=-1)
    ports: dict[str, int] = field(init=False, default_factory=dict)
    _sockets: dict[str, socket.socket] = field(init=False, default_factory=dict)
    _lifeline: int = field(init=False, default=-1)
    _reports: int = field(init=False, default=-1)
    _memory: int = field(init=False, default=0)
    _files: list[int] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.token = f"paddock-verify-{os.urandom(8).hex()}"
        self.secret = os.urandom(16).hex()

    @property
    def hidden_file(self) -> str:
        """A file with the secret, where the plan hides it; empty when there is no such place."""
        return f"{self.hidden}/{self.token}" if self.hidden else ""

    @property
    def temporary_file(self) -> str:
        """A file with the secret in the host's folder for temporary files."""
        return f"{_TEMPORARY}/{self.token}/file"

    @property
    def socket_path(self) -> str:
        """A listening socket beside it."""
        return f"{_TEMPORARY}/{self.token}/socket"

    @property
    def socket_name(self) -> str:
        """An abstract one, written with ``@`` for the NUL byte."""
        return f"@{self.token}"

    @property
    def streams(self) -> tuple[int, int]:
        """What the probe gets as standard input and error: a file of the host's, and one without a name; both open for reading only."""
        return self._files[0], self._files[1]

    def __enter__(self) -> Self:
        self._start_process()
        try:
            self._make_files()
            self._listen()
            self._share_memory()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for sock in self._sockets.values():
            sock.close()
        for fd in (*self._files, self._lifeline, self._reports):
            if fd >= 0:
                os.close(fd)
        if self._memory:
            _detach(self._memory)
        if self.process > 0:
            os.waitpid(self.process, 0)

    # -- the process

    def _start_process(self) -> None:
        """Fork until its number is one that nothing inside will have soon; each that is too near ends at once."""
        for _ in range(_TRIES):
            life, reports = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            before = signal.pthread_sigmask(signal.SIG_BLOCK, NOTED)  # the child notes them from its first moment on
            child = os.fork()
            if child == 0:
                _be_the_process(life[0], reports[1], *self._to_remove())
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(life[0])
            os.close(reports[1])
            if child >= _DISTANT:
                self.process, self._lifeline, self._reports = child, life[1], reports[0]
                return
            os.close(life[1])
            os.close(reports[0])
            os.waitpid(child, 0)
        raise ChildProcessError(f"no process number above {_DISTANT} was given out")

    def _to_remove(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What has this run's name in it, and what goes only when it is empty."""
        files = (self.temporary_file, self.socket_path, *self.made, *((self.hidden_file,) if self.hidden else ()))
        return files, (f"{_TEMPORARY}/{self.token}", *self.absent)

    # -- what is in place

    def _make_files(self) -> None:
        os.mkdir(f"{_TEMPORARY}/{self.token}", 0o700)
        for path in (self.temporary_file, *((self.hidden_file,) if self.hidden else ())):
            self._write(path)
        self._files.append(os.open(self.temporary_file, os.O_RDONLY | os.O_CLOEXEC))
        nameless = f"{_TEMPORARY}/{self.token}/nameless"
        self._write(nameless)
        try:
            self._files.append(os.open(nameless, os.O_RDONLY | os.O_CLOEXEC))
        finally:
            os.unlink(nameless)

    def _write(self, path: str) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, self.secret.encode("ascii"))
        finally:
            os.close(fd)

    def _listen(self) -> None:
        for name, family, kind, address in (
            ("TCP", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            ("UDP", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self.token),
            ("path", socket.AF_UNIX, socket.SOCK_STREAM, self.socket_path),
        ):
            sock = socket.socket(family, kind)
            self._sockets[name] = sock
            sock.bind(address)
            sock.setblocking(False)
            if kind == socket.SOCK_STREAM:
                sock.listen(4)
            if family == socket.AF_INET:
                self.ports[name] = sock.getsockname()[1]

    def _share_memory(self) -> None:
        """Marked for removal as soon as it is attached: the kernel keeps it until this process lets go of it (shmctl(2))."""
        self.segment = function("shmget", ctypes.c_int, ctypes.c_size_t, ctypes.c_int)(_IPC_PRIVATE, 4096, 0o600)
        try:
            self._memory = _attach(self.segment)
        finally:
            function("shmctl", ctypes.c_int, ctypes.c_int, ctypes.c_void_p)(self.segment, _IPC_RMID, None)

    # -- what was noticed

    def look(self) -> Seen:
        """What arrived. To be asked when nothing inside runs any more."""
        try:
            signals = frozenset(os.read(self._reports, 4096))
        except BlockingIOError:
            signals = frozenset()
        arrived = frozenset(name for name, sock in self._sockets.items() if select.select([sock], [], [], 0)[0])
        left = tuple(path for path in (*self.made, *self.absent) if os.path.lexists(path))
        return Seen(signals=signals, arrived=arrived, left=left)


def _attach(segment: int) -> int:
    """shmat(2), whose result is an address: the wrapper of ``fence.kernel`` is for numbers."""
    call = ctypes.CDLL(None, use_errno=True).shmat
    call.restype = ctypes.c_void_p
    call.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
    address: int | None = call(segment, None, 0)
    if address is None or address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "shmat")
    return address


def _detach(address: int) -> None:
    function("shmdt", ctypes.c_void_p)(address)


def _be_the_process(lifeline: int, reports: int, ours: Iterable[str], empty: Iterable[str]) -> None:
    """In the child: note signals until the other end of ``lifeline`` is closed, then remove what is left, and leave. Never returns."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)  # they end this program's parent, which ends this one
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for fd in range(3):
            os.dup2(null, fd)
        close_from(3, frozenset((lifeline, reports)))
        with SignalFd(NOTED) as signals:
            poll = select.poll()
            poll.register(lifeline, select.POLLIN)
            poll.register(signals.fileno(), select.POLLIN)
            while all(fd != lifeline for fd, _ in poll.poll()):
                noted, _ = signals.read()
                os.write(reports, bytes((noted,)))
        _remove(ours, empty)
    finally:
        os._exit(0)


def _remove(ours: Iterable[str], empty: Iterable[str]) -> None:
    for path in ours:
        _try(os.unlink, path)
    for path in empty:
        _try(os.rmdir, path)
        if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) == 0:
            _try(os.unlink, path)


def _try(away: Callable[[str], None], path: str) -> None:
    """None of these is there in a run that goes well."""
    with contextlib.suppress(OSError):
        away(path)
