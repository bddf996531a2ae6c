from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from paddock.network.ports import SOCKS
from tests.network.support import Rig, Server, echo, policy, read_all, read_exactly, running
from tests.network.wire import hellos

NAMES = {"allowed.test": ["127.0.0.1"], "priv.wild.test": ["10.255.255.1"]}
GREETING = b"\x05\x01\x00"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(echo)
    yield made
    made.close()


@pytest.fixture
def rig(server: Server) -> Iterator[Rig]:
    with running(policy(f"allowed.test:{server.port}", f"127.0.0.1:{server.port}", "*.wild.test"), NAMES) as made:
        yield made


def by_name(name: bytes, port: int) -> bytes:
    return b"\x05\x01\x00\x03" + bytes((len(name),)) + name + port.to_bytes(2, "big")


def by_address(text: str, port: int) -> bytes:
    packed = socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    return b"\x05\x01\x00" + (b"\x04" if ":" in text else b"\x01") + packed + port.to_bytes(2, "big")


def reply(rig: Rig, request: bytes) -> int:
    with rig.connect(SOCKS) as client:
        client.sendall(GREETING + request)
        assert read_exactly(client, 2) == b"\x05\x00"
        return read_exactly(client, 10)[1]


def test_names_and_addresses_reach_their_server(rig: Rig, server: Server) -> None:
    (synthetic,) = rig.look_up("allowed.test")
    requests = [
        by_name(b"allowed.test", server.port),
        by_address("127.0.0.1", server.port),
        by_address("::ffff:127.0.0.1", server.port),
        by_address(synthetic, server.port),
    ]
    for request in requests:
        with rig.connect(SOCKS) as client:
            client.sendall(GREETING + request + b"\0early")
            assert read_exactly(client, 12) == b"\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
            assert read_exactly(client, 6) == b"\0early"
    assert rig.names.asked == ["allowed.test", "allowed.test"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        by_name(b"denied.test", 80),
        by_name(b"0177.0.0.1", 80),
        by_name(b"denied.test\0.wild.test", 80),
        by_name(b"127.0.0.1\0.wild.test", 80),
        by_name(b"%64enied.test", 80),
        by_name(b"", 80),
        by_name(b"\xff.wild.test", 80),
        by_name(b"priv.wild.test", 80),
        by_name(b"x.wild.test", 0),
        by_address("127.0.0.1", 9),
        by_address("::1", 9),
        by_address("::ffff:127.0.0.1", 9),
        by_address("198.18.9.9", 80),
    ],
)
def test_what_is_not_allowed_is_refused_in_its_own_words(rig: Rig, request_bytes: bytes) -> None:
    assert reply(rig, request_bytes) == 2
    assert len(rig.sink.of("violation")) == 1


def test_a_server_that_is_down_is_unreachable(rig: Rig, server: Server) -> None:
    server.close()
    assert reply(rig, by_name(b"allowed.test", server.port)) == 5
    assert rig.sink.of("violation") == []


def test_socks4_is_refused_in_its_own_words(rig: Rig) -> None:
    with rig.connect(SOCKS) as client:
        client.sendall(b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00")
        assert read_all(client) == b"\x00\x5b" + bytes(6)


def test_the_server_name_inside_counts(rig: Rig, server: Server) -> None:
    with rig.connect(SOCKS) as client:
        client.sendall(GREETING + by_name(b"allowed.test", server.port))
        read_exactly(client, 12)
        client.sendall(hellos.real("denied.test"))
        assert read_all(client) == bytes((21, 3, 3, 0, 2, 2, 49))
    assert server.received == []
