"""Attacks on the check of names: an allowed connection that asks the server behind it for somebody else, in a form that looks like no protocol at all."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.network.support import Server, answer, policy, running, swallow, web
from tests.network.wire import hellos


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(web)
    yield made
    made.close()


@pytest.fixture
def sink() -> Iterator[Server]:
    made = Server(swallow)
    yield made
    made.close()


# What goes before the rest: a method of any length (Go's server takes it), and what lenient servers take for a space.
STARTS = [b"GET", b"A" * 41, b"A" * 4000, b"GET\x0b", b"GET\x1c", b"GET\xa0", b"\x1cGET", b"\x85GET"]


@pytest.mark.parametrize("first", STARTS, ids=[repr(start[:8]) for start in STARTS])
def test_a_strange_first_word_does_not_hide_another_host(server: Server, first: bytes) -> None:
    with running(policy("allowed.test", "127.0.0.1"), {"allowed.test": ["127.0.0.1"]}) as rig:
        client = rig.named("allowed.test", server.port)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client:
            client.sendall(first)
            # The gate must still be waiting for more: it has forwarded nothing, so the second segment is judged together with the first.
            client.sendall(b" / HTTP/1.1\r\nHost: other.test:%d\r\n\r\n" % server.port)
            assert b"paddock" in answer(client)
        rig.sink.wait("violation", f"allowed.test:{server.port}")
        assert server.received == []


def test_a_long_method_for_the_right_host_arrives(server: Server) -> None:
    with running(policy("allowed.test", "127.0.0.1"), {"allowed.test": ["127.0.0.1"]}) as rig, rig.named("allowed.test", server.port) as client:
        client.sendall(b"A" * 41)
        client.sendall(b" / HTTP/1.1\r\nHost: allowed.test:%d\r\n\r\n" % server.port)
        assert b"served AAAA" in answer(client)


@pytest.mark.parametrize("major", [0, 1, 2, 4, 15])
def test_a_record_version_that_servers_ignore_does_not_hide_another_name(sink: Server, major: int) -> None:
    greeting = bytearray(hellos.real("other.test"))
    greeting[1] = major
    with running(policy("allowed.test", "127.0.0.1"), {"allowed.test": ["127.0.0.1"]}) as rig:
        with rig.named("allowed.test", sink.port) as client:
            client.sendall(bytes(greeting))
            assert client.recv(7)[:1] == b"\x15"  # an alert
        rig.sink.wait("violation", f"allowed.test:{sink.port}")
        assert sink.received == []


def test_the_usual_record_version_with_the_right_name_arrives(sink: Server) -> None:
    greeting = hellos.real("allowed.test")
    with running(policy("allowed.test", "127.0.0.1"), {"allowed.test": ["127.0.0.1"]}) as rig:
        with rig.named("allowed.test", sink.port) as client:
            client.sendall(greeting)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
        assert b"".join(sink.received) == greeting
