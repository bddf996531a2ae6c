"""The gate: takes over listening sockets that were made inside the fence and serves them, a thread for each connection, until it is stopped.

It is loaded when the first connection or query arrives; h11 and dnspython are loaded by the first request that needs them.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket
import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from paddock.model.decision import Decision
from paddock.model.events import EventSink
from paddock.model.hosts import Host
from paddock.model.policy import NetworkPolicy
from paddock.model.record import record
from paddock.network.capture import original_destination
from paddock.network.decide import Decider
from paddock.network.desk import Desk
from paddock.network.dial import Dialler, Refusal, Resolver
from paddock.network.names import NameTable
from paddock.network.ports import CAPTURE, DNS_TCP, DNS_UDP, HTTP, SOCKS, Listener, Listeners
from paddock.network.refusal import explain
from paddock.network.relay import close_both, reset
from paddock.network.resolve import HostResolver, is_own_address
from paddock.network.tell import Teller

if TYPE_CHECKING:
    from paddock.network.dns import Answerer, RecordSource

__all__ = ["Gate", "Stats"]

CONNECTIONS: Final = 1024
"""Connections at once; further ones are reset."""
RESERVED_DESCRIPTORS: Final = 128
STOP_PATIENCE: Final = 2.0
"""Seconds for connections to end after the gate cut them."""
Destination = Callable[[socket.socket], tuple[Host, int] | None]


@record
class Stats:
    """``open`` connections now, ``accepted`` and ``turned_away`` (over the limit) so far, ``refusals`` by (area, act, subject)."""

    open: int
    accepted: int
    turned_away: int
    refusals: dict[tuple[str, str, str], int]


class Gate:
    """Owns the descriptors in ``listeners`` from construction on and closes them in ``stop``. Raises ``PolicyError`` for an entry without meaning.

    ``destination`` tells where a captured connection was going; ``resolver``, ``records`` and ``is_own`` are the host's name resolution and addresses.
    """

    def __init__(
        self,
        policy: NetworkPolicy,
        listeners: Listeners,
        events: EventSink,
        *,
        resolver: Resolver | None = None,
        records: RecordSource | None = None,
        is_own: Callable[[Host], bool] = is_own_address,
        destination: Destination = original_destination,
        connections: int = CONNECTIONS,
    ) -> None:
        self._decider = Decider(policy)
        self._teller = Teller(events)
        self._names = NameTable()
        self._records = records
        self._desk = Desk(lambda: self._decider, self._names, Dialler(resolver or HostResolver(), is_own), self._teller)
        self._desk.on_open = self._remember
        self._destination = destination
        self._limit = min(connections, _affordable())
        self._listeners = {listener.fd: (listener, socket.socket(fileno=listener.fd)) for listener in listeners}
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC)
        self._lock = Lock()
        self._answerer: Answerer | None = None
        self._live: dict[socket.socket, Thread] = {}
        self._dialled: set[socket.socket] = set()
        self._threads: list[Thread] = []
        self._accepted = 0
        self._turned_away = 0
        self._stopping = False

    def start(self) -> None:
        """Begin to serve, in threads of its own."""
        loops = [Thread(target=self._accept_loop, name="paddock-gate", daemon=True)]
        if any(listener.role == DNS_UDP for listener, _ in self._listeners.values()):
            loops.append(Thread(target=self._datagram_loop, name="paddock-dns", daemon=True))
        self._threads = loops
        for loop in loops:
            loop.start()

    def update(self, policy: NetworkPolicy) -> None:
        """Decide new connections and lookups by another policy; open connections stay. Raises ``PolicyError``."""
        self._decider = Decider(policy)

    def stop(self) -> None:
        """Stop serving, cut every connection, close every socket, tell what was counted."""
        if self._stopping:
            return
        self._stopping = True
        os.write(self._wake_write, b"\0")
        for loop in self._threads:
            loop.join()
        for _, sock in self._listeners.values():
            sock.close()
        with self._lock:
            threads = list(self._live.values())
            close_both(*self._live, *self._dialled)
        deadline = time.monotonic() + STOP_PATIENCE
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        os.close(self._wake_read)
        os.close(self._wake_write)
        self._teller.close()

    def stats(self) -> Stats:
        """Counts so far."""
        with self._lock:
            return Stats(len(self._live), self._accepted, self._turned_away, self._teller.repeated())

    def _accept_loop(self) -> None:
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        for listener, sock in self._listeners.values():
            if listener.role != DNS_UDP:
                sock.setblocking(False)
                poll.register(sock, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == self._wake_read:
                    return
                self._accept(*self._listeners[fd])

    def _accept(self, listener: Listener, sock: socket.socket) -> None:
        try:
            client, _ = sock.accept()
        except BlockingIOError:
            return
        except OSError:
            # Out of descriptors, or a connection that died in the queue: let others end first. The listener stays readable, so nothing is lost.
            select.poll().poll(50)
            return
        client.setblocking(True)
        thread = Thread(target=self._serve, args=(listener.role, client), name=f"paddock-{listener.role}", daemon=True)
        with self._lock:
            full = len(self._live) >= self._limit
            if full:
                self._turned_away += 1
            else:
                self._accepted += 1
                self._live[client] = thread
        if full:
            self._turn_away(client, f"{self._limit} connections are open already")
            return
        try:
            thread.start()
        except RuntimeError:
            with self._lock:
                self._live.pop(client)
            self._turn_away(client, "this system has no more threads to give")

    def _turn_away(self, client: socket.socket, why: str) -> None:
        reset(client)
        self._teller.refused("network", "connect", "(too many connections)", Decision("deny", why))

    def _serve(self, role: str, client: socket.socket) -> None:
        try:
            if role != DNS_TCP:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._doors(role, client)
        except (OSError, RuntimeError):
            reset(client)  # the client went away or stayed silent too long, or there is no thread for its answers: nobody can be served
        finally:
            client.close()
            with self._lock:
                self._live.pop(client, None)
                self._dialled = {sock for sock in self._dialled if sock.fileno() >= 0}

    def _doors(self, role: str, client: socket.socket) -> None:
        if role == CAPTURE:
            self._captured(client)
        elif role == HTTP:
            from paddock.network.http_door import serve_http  # h11 is loaded by the first request

            serve_http(self._desk, client)
        elif role == SOCKS:
            from paddock.network.socks_door import serve_socks

            serve_socks(self._desk, client)
        elif role == DNS_TCP:
            from paddock.network.dns_door import serve_dns_tcp

            serve_dns_tcp(self._get_answerer(), client)

    def _captured(self, client: socket.socket) -> None:
        asked = self._destination(client)
        if asked is None:
            self._teller.refused("network", "connect", "(the gate)", Decision("deny", "a connection to the gate itself has no destination"), door=CAPTURE)
            reset(client)
            return
        host, port = asked
        found = self._desk.open(host, port, CAPTURE)
        if isinstance(found, Refusal):
            explain(client, port, found.decision, found.status)
        else:
            self._desk.converse(found, client)

    def _datagram_loop(self) -> None:
        sockets = [sock for listener, sock in self._listeners.values() if listener.role == DNS_UDP]
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        for sock in sockets:
            poll.register(sock, select.POLLIN)
        if any(fd == self._wake_read for fd, _ in poll.poll()):
            return
        from paddock.network.dns_door import DatagramDoor  # dnspython is loaded by the first query

        DatagramDoor(sockets, self._get_answerer()).run(self._wake_read)

    def _get_answerer(self) -> Answerer:
        from paddock.network.dns import Answerer
        from paddock.network.records import HostRecords

        with self._lock:
            if self._answerer is None:
                self._answerer = Answerer(lambda: self._decider, self._names, self._teller, self._records or HostRecords())
            return self._answerer

    def _remember(self, upstream: socket.socket) -> None:
        """So that ``stop`` can cut it; a connection that was dialled while the gate stops is cut at once."""
        with self._lock:
            self._dialled.add(upstream)
            stopping = self._stopping
        if stopping:
            with contextlib.suppress(OSError):
                upstream.shutdown(socket.SHUT_RDWR)


def _affordable() -> int:
    """Connections for which this process has descriptors: two each, and some for everything else. A pipe that cannot be had is done without."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if soft == resource.RLIM_INFINITY else max(16, (soft - RESERVED_DESCRIPTORS) // 2)
