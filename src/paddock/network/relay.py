"""Moving bytes: one thread for each direction, through user space at first and by splice(2) once a direction proves to be a large transfer.

Sockets are blocking throughout: a thread that waits costs nobody anything, and splice(2) on a non-blocking socket would have to poll. Half-close is passed on;
a reset on one side becomes a reset on the other.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import socket
import struct
import sys
from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Final

from paddock.network.watch import Watch

__all__ = ["CHUNK", "Direction", "close_both", "readable_within", "reset", "wake"]

CHUNK: Final = 65_536
SPLICE_AFTER: Final = 262_144
"""Bytes in one direction before a pipe is made for it: short exchanges, which are most, never cost two descriptors and a system call more."""
PIPE_SIZE: Final = 262_144
"""Larger pipes were not faster, and the kernel grants each user only 64 MiB of them (pipe(7), pipe-user-pages-soft)."""
LARGE_PIPES: Final = 32
SPLICE_F_MOVE: Final = os.SPLICE_F_MOVE
_large_pipes = BoundedSemaphore(LARGE_PIPES)


class Direction:
    """Bytes from ``source`` to ``sink`` until the source ends.

    ``moved`` counts what was delivered; ``failed`` tells an error from an orderly end; ``keep_sink`` leaves the sink open at the end, because somebody else
    still has something to say there.
    """

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.moved = 0
        self.failed = False
        self.keep_sink = False

    def send(self, data: bytes) -> None:
        """Deliver bytes that were already read. Raises ``OSError``."""
        self.sink.sendall(data)
        self.moved += len(data)

    def run(self, watch: Watch | None = None) -> None:
        """Carry everything, then close the writing half of the sink.

        An ``OSError`` is not raised: it sets ``failed`` and wakes whoever reads from either side. The sockets' owner then resets both, so that a connection
        that broke does not look like one that ended.
        """
        try:
            if watch is None or self._run_watched(watch):
                self._run_freely()
            if not self.keep_sink:
                self.sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.failed = True
            wake(self.source, self.sink)

    def run_exactly(self, count: int) -> bool:
        """Carry ``count`` octets and leave both sockets open; whether all of them came. Raises ``OSError``."""
        if count > SPLICE_AFTER:
            with _pipe() as ends:
                if ends is not None:
                    return self._splice(*ends, count) == 0
        while count and (data := self.source.recv(min(count, CHUNK))):
            self.send(data)
            count -= len(data)
        return count == 0

    def _run_watched(self, watch: Watch) -> bool:
        """Carry bytes while ``watch`` may still want to see them; False when the source ended meanwhile.

        Readiness is asked for before the flag is looked at: bytes that answer a request cannot be there before the request was forwarded, and the flag is
        set before that.
        """
        try:
            while not watch.settled:
                readable_within(self.source, None)
                data = self.source.recv(CHUNK)
                if watch.armed:
                    watch.feed(data)
                if not data:
                    return False
                self.send(data)
        finally:
            watch.end()
        return True

    def _run_freely(self) -> None:
        start = self.moved
        while self.moved - start < SPLICE_AFTER:
            data = self.source.recv(CHUNK)
            if not data:
                return
            self.send(data)
        with _pipe() as ends:
            if ends is not None:
                self._splice(*ends)
                return
        while data := self.source.recv(CHUNK):
            self.send(data)

    def _splice(self, reader: int, writer: int, count: int = sys.maxsize) -> int:
        """Carry up to ``count`` octets through the pipe; how many are missing when the source ends."""
        source, sink = self.source.fileno(), self.sink.fileno()
        while count:
            held = os.splice(source, writer, min(count, PIPE_SIZE), flags=SPLICE_F_MOVE)
            if held == 0:
                break
            count -= held
            while held:
                sent = os.splice(reader, sink, held, flags=SPLICE_F_MOVE)
                held -= sent
                self.moved += sent
        return count


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int] | None]:
    """A pipe, enlarged while few others are; None when there are no descriptors left, because copying works without any."""
    try:
        reader, writer = os.pipe2(os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        yield None
        return
    large = _large_pipes.acquire(blocking=False)
    try:
        if large:
            with contextlib.suppress(PermissionError):  # over the user's share of pipe memory: the pipe keeps its 64 KiB
                fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)
        if large:
            _large_pipes.release()


def readable_within(sock: socket.socket, seconds: float | None) -> bool:
    """Whether there is something to read (or the end, or an error) within ``seconds``; None waits for ever."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(None if seconds is None else max(0.0, seconds) * 1000))


def wake(*sockets: socket.socket) -> None:
    """Let threads that read from these sockets see an end, without telling the other sides anything."""
    for sock in sockets:
        with contextlib.suppress(OSError):  # already ended by the other side
            sock.shutdown(socket.SHUT_RD)


def close_both(*sockets: socket.socket) -> None:
    """End connections in both directions so that every thread that waits on them wakes up; their owners close them."""
    for sock in sockets:
        with contextlib.suppress(OSError):  # already ended by the other side
            sock.shutdown(socket.SHUT_RDWR)


def reset(sock: socket.socket) -> None:
    """Close so that the other side sees a reset (socket(7), SO_LINGER with no time)."""
    with contextlib.suppress(OSError):  # a socket that is already dead needs no reset
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
