from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from paddock.network.publish import Publisher
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
        with connect(published.outside) as client:
            client.sendall(b"hello")
            assert read_exactly(client, 5) == b"hello"
    assert inside.dialled == [port]


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
    port = free_port()
    publisher = Publisher(inside.dial, sink)
    publisher.update([port])
    publisher.stop()
    socket.create_server(("127.0.0.1", port)).close()
