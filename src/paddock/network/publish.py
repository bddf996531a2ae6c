"""Inside ports on the host's loopback: what a fenced program listens on becomes reachable for the people outside, and for nobody beyond this machine."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
from collections.abc import Callable, Iterable
from threading import Lock, Thread
from typing import Final

from paddock.model.events import Event, EventSink
from paddock.model.record import record
from paddock.network.relay import Direction, close_both, reset

__all__ = ["Published", "Publisher"]

LOOPBACKS: Final = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
CONNECTIONS: Final = 256
"""Connections at once over all published ports."""


@record
class Published:
    """An inside port and the port that stands for it on the host's loopback: the same number when it was free. ``note`` says why not, or what else to know."""

    inside: int
    outside: int
    note: str = ""

    @property
    def sentence(self) -> str:
        """For people."""
        return f"inside {self.inside} is http://127.0.0.1:{self.outside}" + (f" ({self.note})" if self.note else "")


Room = tuple[Published, tuple[socket.socket, ...]]


class Publisher:
    """Listens on the host's loopback for inside ports.

    ``dial`` connects to a port inside and raises ``OSError``; it is called from threads of this class. ``on_publish`` gets a sentence for people.
    """

    def __init__(self, dial: Callable[[int], socket.socket], events: EventSink, *, on_publish: Callable[[str], None] = lambda _: None) -> None:
        self._dial = dial
        self._events = events
        self._on_publish = on_publish
        self._lock = Lock()
        self._listening: dict[int, Room] = {}
        self._reserved: dict[int, Room] = {}
        self._refused: set[int] = set()
        self._live: set[socket.socket] = set()
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._stopping = False
        self._thread: Thread | None = None

    def reserve(self, ports: Iterable[int]) -> None:
        """Take the numbers for ``ports`` now, whether or not anybody listens inside yet: until then, and in between, connections are refused as they would be
        if nobody had them, and nobody else can take them. For ports that are known before the command starts.
        """
        with self._lock:
            for port in sorted(set(ports)):
                try:
                    self._reserved[port] = _take(port)
                except OSError:
                    continue  # it is tried again, and told, when somebody listens inside

    def update(self, ports: Iterable[int]) -> tuple[Published, ...]:
        """Publish exactly ``ports``: new ones appear, others go; connections that are open stay. Returns what is published now, by inside port.

        A port for which the host has no room is told once and left out.
        """
        wanted = set(ports)
        with self._lock:
            for port in self._listening.keys() - wanted:
                self._close(port)
            self._refused &= wanted
            for port in sorted(wanted - self._listening.keys() - self._refused):
                self._open(port)
            if self._thread is None and self._listening:
                self._thread = Thread(target=self._loop, name="paddock-publish", daemon=True)
                self._thread.start()
            now = tuple(published for _, (published, _) in sorted(self._listening.items()))
        self._wake()
        return now

    def stop(self) -> None:
        """Stop listening and cut every connection."""
        self._stopping = True
        self._wake()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            for port in list(self._listening):
                self._close(port)
            for _, sockets in self._reserved.values():
                for sock in sockets:
                    sock.close()
            close_both(*self._live)
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _open(self, port: int) -> None:
        room = self._reserved.get(port)
        try:
            if room is None:
                room = _take(port)
            for sock in room[1]:
                _listen(sock)
        except OSError as error:
            self._refused.add(port)
            self._events.emit(Event("notice", "network", "listen", str(port), f"inside {port} cannot be published: {error.strerror}"))
            for sock in room[1] if room is not None and port not in self._reserved else ():
                sock.close()
            return
        self._listening[port] = room
        published = room[0]
        self._events.emit(Event("notice", "network", "listen", str(port), published.sentence, detail=(("inside", port), ("outside", published.outside))))
        self._on_publish(published.sentence)

    def _close(self, port: int) -> None:
        for sock in self._listening.pop(port)[1]:
            close_both(sock)  # at once: closing alone would wait until the thread that polls it lets go
            if port in self._reserved:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            else:
                sock.close()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # the pipe is full of wake-ups: one more says nothing new
            os.write(self._wake_write, b"\0")

    def _loop(self) -> None:
        while not self._stopping:
            poll = select.poll()
            poll.register(self._wake_read, select.POLLIN)
            with self._lock:
                waiting = {sock.fileno(): (port, sock) for port, (_, sockets) in self._listening.items() for sock in sockets}
            for fd in waiting:
                poll.register(fd, select.POLLIN)
            for fd, _ in poll.poll():
                if fd == self._wake_read:
                    os.read(self._wake_read, 4096)
                else:
                    self._accept(*waiting[fd])

    def _accept(self, port: int, sock: socket.socket) -> None:
        try:
            client, _ = sock.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                select.poll().poll(50)  # let others end first: the caller stays in the queue, and asking at once again would only burn time
            return  # the port went away meanwhile, or the connection did
        client.setblocking(True)
        with self._lock:
            full = len(self._live) >= CONNECTIONS
            if not full:
                self._live.add(client)
        if not full:
            try:
                Thread(target=self._serve, args=(port, client), name="paddock-published", daemon=True).start()
            except RuntimeError:  # no more threads on this system
                full = True
        if full:
            self._forget(client)
            reset(client)

    def _serve(self, port: int, client: socket.socket) -> None:
        try:
            inside = self._dial(port)
        except OSError:
            reset(client)  # nobody listens inside any more: that is what a reset says
        else:
            self._relay(client, inside)
        self._forget(client)

    def _forget(self, client: socket.socket) -> None:
        with self._lock:
            self._live.discard(client)

    def _relay(self, client: socket.socket, inside: socket.socket) -> None:
        inside.setblocking(True)
        for sock in (client, inside):
            with contextlib.suppress(OSError):  # it ended already, as the first read will show
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        inward, outward = Direction(client, inside), Direction(inside, client)
        answering = Thread(target=outward.run, name="paddock-published-down", daemon=True)
        try:
            answering.start()
        except RuntimeError:
            reset(client)
            reset(inside)
            return
        inward.run()
        answering.join()
        if inward.failed or outward.failed:
            reset(client)
        client.close()
        inside.close()


def _take(port: int) -> Room:
    """Sockets on both loopbacks under the same number: the inside one when it is free, else one that the kernel picks. Raises ``OSError``."""
    note = ""
    try:
        first = _bound(*LOOPBACKS[0], port)
    except OSError as error:
        note = f"{port} is taken on this machine" if error.errno == errno.EADDRINUSE else f"{port} is not for this user on this machine"
        first = _bound(*LOOPBACKS[0], 0)
    outside = int(first.getsockname()[1])
    sockets = [first]
    try:
        sockets.append(_bound(*LOOPBACKS[1], outside))
    except OSError as error:  # no IPv6 on this host, or somebody else has the number there: 127.0.0.1 is what is announced
        if error.errno == errno.EADDRINUSE:
            note += f"{'; ' if note else ''}[::1]:{outside} is something else"
    return Published(port, outside, note), tuple(sockets)


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    """A socket that has the number and does not listen yet. Raises ``OSError``."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # The first for connections of an earlier run that the kernel still remembers. Taken back, because two sockets that both allow it share a number.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _listen(sock: socket.socket) -> None:
    """Begin to listen, for the first time or again: connections of the time before hold the number too, as long as one of them is open. Raises ``OSError``."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.listen(128)
