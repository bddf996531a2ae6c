"""A gate on loopback: the destinations that the kernel would remember are set by the test, so no namespace is needed."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Condition, Thread

import dns.message
import dns.query

from paddock.model.events import Event
from paddock.model.hosts import Host, parse_host
from paddock.model.policy import HostRule, NetworkPolicy
from paddock.model.settings import Origin, Scope
from paddock.network.gate import Gate
from paddock.network.ports import CAPTURE, DNS_TCP, DNS_UDP, HTTP, SOCKS, Listener

TIMEOUT = 20.0
"""Seconds after which a test gives up on a socket: never part of what is asserted."""


def origin(text: str) -> Origin:
    return Origin(Scope.PROJECT, "/project/.claude/settings.json", 7, 3, "sandbox.network.allowedDomains", text)


def rules(*patterns: str) -> tuple[HostRule, ...]:
    return tuple(HostRule(p, origin(p)) for p in patterns)


def policy(*allowed: str, denied: tuple[str, ...] = (), dns_names: tuple[str, ...] = ()) -> NetworkPolicy:
    return NetworkPolicy(allowed=rules(*allowed), denied=rules(*denied), dns_names=rules(*dns_names))


class Sink:
    """Keeps events and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = Condition()

    def emit(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait(self, kind: str, subject: str) -> Event:
        def found() -> Event | None:
            return next((e for e in self.events if e.kind == kind and e.subject == subject), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None, TIMEOUT)
            event = found()
        assert event is not None, f"no {kind} for {subject} among {[(e.kind, e.subject, e.reason) for e in self.events]}"
        return event

    def of(self, kind: str) -> list[Event]:
        with self._changed:
            return [e for e in self.events if e.kind == kind]


@dataclass
class Names:
    """A resolver that knows what the test told it."""

    table: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def addresses(self, name: str) -> tuple[Host, ...]:
        self.asked.append(name)
        return tuple(parse_host(a) for a in self.table.get(name, ()))


@dataclass
class Records:
    table: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def records(self, name: str, kind: str) -> list[str]:
        self.asked.append((name, kind))
        return self.table.get((name, kind), [])


class Server:
    """A TCP server on loopback that runs ``talk`` for each connection and keeps what it received."""

    def __init__(self, talk: Callable[[Server, socket.socket], None]) -> None:
        self.received: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._talk = talk
        Thread(target=self._loop, daemon=True).start()

    def _loop(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        client.settimeout(TIMEOUT)
        with client, contextlib.suppress(OSError):
            self._talk(self, client)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def echo(server: Server, client: socket.socket) -> None:
    while data := client.recv(65536):
        server.received.append(data)
        client.sendall(data)


def swallow(server: Server, client: socket.socket) -> None:
    while data := client.recv(65536):
        server.received.append(data)


def web(server: Server, client: socket.socket) -> None:
    """Answers every request head with its own request line and Host; bodies are read by length or chunks are left to the test."""
    held = b""
    while True:
        while b"\r\n\r\n" not in held:
            data = client.recv(65536)
            if not data:
                return
            held += data
        head, _, held = held.partition(b"\r\n\r\n")
        server.received.append(head)
        size = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        while len(held) < size:
            held += client.recv(65536)
        server.received.append(held[:size])
        held = held[size:]
        body = b"served " + head.split(b"\r\n")[0]
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@dataclass
class Rig:
    """A running gate with everything a test wants to reach."""

    gate: Gate
    sink: Sink
    names: Names
    records: Records
    ports: dict[str, int]
    destination: list[tuple[Host, int] | None]

    def connect(self, role: str) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.ports[role]), timeout=TIMEOUT)
        client.settimeout(TIMEOUT)
        return client

    def captured(self, host: str, port: int) -> socket.socket:
        """A connection that the program inside made to ``host:port``."""
        self.destination[0] = (parse_host(host), port)
        return self.connect(CAPTURE)

    def turned_away(self, host: Host | None, port: int = 0) -> bool:
        """Whether a captured connection is reset before anything is said: at the connect already, or at the first read."""
        self.destination[0] = (host, port) if host is not None else None
        try:
            with self.connect(CAPTURE) as client:
                return is_reset(client)
        except ConnectionResetError:
            return True

    def look_up(self, name: str, kind: str = "A") -> list[str]:
        """What the fence's resolver answers."""
        answer = dns.query.udp(dns.message.make_query(name, kind), "127.0.0.1", port=self.ports[DNS_UDP], timeout=TIMEOUT)
        return [record.to_text() for rows in answer.answer for record in rows]

    def named(self, name: str, port: int) -> socket.socket:
        """A connection that the program inside made to a name: look it up, connect to the answer."""
        (address,) = self.look_up(name)
        return self.captured(address, port)


@contextlib.contextmanager
def running(net: NetworkPolicy, names: dict[str, list[str]] | None = None, *, own: tuple[str, ...] = (), connections: int = 1024) -> Iterator[Rig]:
    ports: dict[str, int] = {}
    listeners: list[Listener] = []
    for role in (CAPTURE, HTTP, SOCKS, DNS_TCP):
        sock = socket.create_server(("127.0.0.1", 0), backlog=256)
        ports[role] = sock.getsockname()[1]
        listeners.append(Listener(role, 4, sock.detach()))
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    ports[DNS_UDP] = datagrams.getsockname()[1]
    listeners.append(Listener(DNS_UDP, 4, datagrams.detach()))
    sink, table, records = Sink(), Names(names or {}), Records()
    destination: list[tuple[Host, int] | None] = [None]
    mine = {parse_host(a) for a in own}
    gate = Gate(
        net,
        tuple(listeners),
        sink,
        resolver=table,
        records=records,
        is_own=lambda address: address in mine,
        destination=lambda _: destination[0],
        connections=connections,
    )
    gate.start()
    try:
        yield Rig(gate, sink, table, records, ports, destination)
    finally:
        gate.stop()


def read_exactly(client: socket.socket, count: int) -> bytes:
    out = b""
    while len(out) < count and (data := client.recv(count - len(out))):
        out += data
    return out


def answer(client: socket.socket) -> bytes:
    """One HTTP answer with a counted body."""
    out = b""
    while b"\r\n\r\n" not in out and (data := client.recv(1)):
        out += data
    size = next((int(line.split(b":")[1]) for line in out.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
    return out + read_exactly(client, size)


def is_reset(client: socket.socket) -> bool:
    """Whether the other side ends the connection with a reset and says nothing before."""
    try:
        return client.recv(1) == b"" and False
    except ConnectionResetError:
        return True


def read_all(client: socket.socket) -> bytes:
    """Everything until the other side ends; a reset counts as the end."""
    out = b""
    with contextlib.suppress(ConnectionError):
        while data := client.recv(65536):
            out += data
    return out
