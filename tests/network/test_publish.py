from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from paddock.network.publish import Published, Publisher
from tests.network.support import TIMEOUT, Server, Sink, echo, read_exactly


class Inside:
    """Ports inside, each with a server of its own."""

    def __init__(self) -> None:
        self.servers: dict[int, Server] = {}
        self.dialled: list[int] = []

    def dial(self, port: int) -> socket.socket:
        self.dialled.append(port)
        if port not in self.servers:
            raise ConnectionRefusedError(port)
        return socket.create_connection(("127.0.0.1", self.servers[port].port), timeout=TIMEOUT)


@pytest.fixture
def inside() -> Iterator[Inside]:
    made = Inside()
    yield made
    for server in made.servers.values():
        server.close()


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as sock:
        return int(sock.getsockname()[1])


def connect(port: int, host: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((host, port), timeout=TIMEOUT)


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def publisher(inside: Inside, sink: Sink, said: list[str]) -> Iterator[Publisher]:
    made = Publisher(inside.dial, sink, on_publish=said.append)
    yield made
    made.stop()


def test_a_port_appears_under_its_own_number(publisher: Publisher, inside: Inside, sink: Sink, said: list[str]) -> None:
    port = free_port()
    inside.servers[port] = Server(echo)
    (published,) = publisher.update([port])
    assert (published.inside, published.outside) == (port, port)
    with connect(port) as client:
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
    assert said == [f"inside {port} is http://127.0.0.1:{port}"]
    assert sink.wait("notice", str(port)).detail == (("inside", port), ("outside", port))


def test_a_taken_port_appears_under_another(publisher: Publisher, inside: Inside) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = int(taken.getsockname()[1])
        inside.servers[port] = Server(echo)
        (published,) = publisher.update([port])
        assert published.outside != port
        assert published.sentence == f"inside {port} is http://127.0.0.1:{published.outside} ({port} is taken on this machine)"
        with connect(published.outside) as client:
            client.sendall(b"hello")
            assert read_exactly(client, 5) == b"hello"
    assert inside.dialled == [port]


def test_another_program_on_the_other_loopback_is_told(publisher: Publisher, inside: Inside) -> None:
    with contextlib.closing(socket.create_server(("::1", 0), family=socket.AF_INET6)) as other:
        port = int(other.getsockname()[1])
        inside.servers[port] = Server(echo)
        (published,) = publisher.update([port])
        assert published.sentence == f"inside {port} is http://127.0.0.1:{port} ([::1]:{port} is something else)"
        with connect(port) as client:
            client.sendall(b"a")
            assert client.recv(1) == b"a"


def try_to_take(port: int, host: str) -> None:
    """As a server does that wants the number badly."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, port))
        server.listen()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0"])
def test_a_reserved_port_is_refused_until_somebody_listens_and_taken_by_nobody(publisher: Publisher, inside: Inside, said: list[str], host: str) -> None:
    port = free_port()
    publisher.reserve([port])
    assert said == []
    server = inside.servers[port] = Server(echo)
    kept: list[socket.socket] = []
    for _ in range(3):  # a server that is started again and again, with connections of each time left open
        with pytest.raises(ConnectionRefusedError):
            connect(port)
        with pytest.raises(OSError, match="in use"):
            try_to_take(port, host)
        (published,) = publisher.update([port])
        assert published.outside == port
        kept.append(connect(port))
        kept[-1].sendall(b"a")
        assert kept[-1].recv(1) == b"a"
        connect(port).close()
        with pytest.raises(OSError, match="in use"):
            try_to_take(port, host)
        publisher.update([])
    for client in kept:
        client.close()
    server.close()


def test_two_that_want_one_port(publisher: Publisher, inside: Inside, sink: Sink) -> None:
    port = free_port()
    inside.servers[port] = Server(echo)
    publisher.reserve([port])
    second = Publisher(inside.dial, sink)
    second.reserve([port])
    (theirs,) = second.update([port])
    assert theirs.note == f"{port} is taken on this machine"
    (ours,) = publisher.update([port])
    assert ours == Published(port, port)
    for number in (port, theirs.outside):
        with connect(number) as client:
            client.sendall(b"a")
            assert client.recv(1) == b"a"
    second.stop()
    with connect(port) as client:
        client.sendall(b"a")
        assert client.recv(1) == b"a", "the first is unharmed"


def test_ports_come_and_go(publisher: Publisher, inside: Inside) -> None:
    first, second = free_port(), free_port()
    inside.servers |= {first: Server(echo), second: Server(echo)}
    publisher.update([first])
    with connect(first) as kept:
        kept.sendall(b"a")
        assert kept.recv(1) == b"a"
        assert [p.inside for p in publisher.update([second])] == [second]
        with pytest.raises(ConnectionRefusedError):
            connect(first).close()
        with connect(second) as other:
            other.sendall(b"b")
            assert other.recv(1) == b"b"
        kept.sendall(b"c")
        assert kept.recv(1) == b"c"
    assert publisher.update([]) == ()


def test_only_loopback_is_bound(publisher: Publisher) -> None:
    port = free_port()
    publisher.update([port])
    bound = {sock.getsockname()[0] for sock in publisher._listening[port][1]}
    assert bound <= {"127.0.0.1", "::1"}
    assert "127.0.0.1" in bound


def test_nobody_inside_is_a_reset(publisher: Publisher) -> None:
    port = free_port()
    publisher.update([port])
    with pytest.raises(ConnectionResetError), connect(port) as client:
        client.recv(1)


def test_asking_twice_changes_nothing(publisher: Publisher, sink: Sink) -> None:
    port = free_port()
    assert publisher.update([port]) == publisher.update([port])
    assert len(sink.of("notice")) == 1


def test_stopping_frees_the_ports(inside: Inside, sink: Sink) -> None:
    port, other = free_port(), free_port()
    publisher = Publisher(inside.dial, sink)
    publisher.reserve([port, other])
    publisher.update([port])
    publisher.stop()
    socket.create_server(("127.0.0.1", port)).close()
    socket.create_server(("127.0.0.1", other)).close()
