"""Attacks on the framing of plain HTTP: a request for another host behind or within one for an allowed host, through every door.

The server behind the gate is as lenient as servers get: it never closes, answers what it is asked to answer, and keeps every octet. What it must not get is
the second request.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.escape.doors import NAMES, TUNNELS, Door
from tests.network.support import Server, policy, read_all, running

ANSWERS = {
    b"/101": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: anything\r\n\r\n",
    b"/204": b"HTTP/1.1 204 No Content\r\n\r\n",
    b"/304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    b"/early": b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n",
}
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
LAST_CHUNK = re.compile(rb"(?:^|\n)0\r\n(?:[^\r\n]+\r\n)*\r\n")


def lenient(server: Server, client: socket.socket) -> None:
    held = b""
    while True:
        while b"\r\n\r\n" not in held:
            data = client.recv(65_536)
            if not data:
                return
            server.received.append(data)
            held += data
        head, _, held = held.partition(b"\r\n\r\n")
        answer = next((a for path, a in ANSWERS.items() if path in head), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        if b"/early" in head:
            client.sendall(answer)
        if b"100-continue" in head:
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        found = LENGTH.search(head)
        size = int(found[1]) if found else 0
        chunked = b"transfer-encoding: chunked" in head.lower()
        while (len(held) < size) or (chunked and not LAST_CHUNK.search(held)):
            data = client.recv(65_536)
            if not data:
                return
            server.received.append(data)
            held += data
        end = LAST_CHUNK.search(held) if chunked else None
        held = held[end.end() if end else size :]
        if b"/early" not in head:
            client.sendall(answer)


class Way(Door):
    """A door, and the requests that belong to it."""

    def request(self, method: str = "GET", path: str = "/first", extra: str = "", *, host: str = "allowed.test", version: str = "1.1") -> bytes:
        authority = f"{host}:{self.server.port}"
        start = f"http://{authority}" if self.door == "http" else ""
        return f"{method} {start}{path} HTTP/{version}\r\nHost: {authority}\r\n{extra}\r\n".encode("latin-1")

    def say(self, data: bytes, step: int = 1 << 20) -> bytes:
        """Everything that comes back for ``data``, the end of the client's side included."""
        with self.open() as client, contextlib.suppress(OSError):  # the gate may hang up while the rest is still being sent
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(data), step):
                client.sendall(data[at : at + step])
            client.shutdown(socket.SHUT_WR)
            return read_all(client)
        return b""


@pytest.fixture(params=[*TUNNELS, "http"])
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    server = Server(lenient)
    with running(policy(f"allowed.test:{server.port}", "127.0.0.1"), NAMES) as rig:
        yield Way(rig, server, request.param)
    server.close()


CHUNKED = "Transfer-Encoding: chunked\r\n"
FOUR = "Content-Length: 4\r\n"
WEBSOCKET = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"

# What comes first is honest, so the twin (the second request is for the allowed host) arrives.
HONEST: dict[str, Callable[[Way], bytes]] = {
    "another request": lambda w: w.request(),
    "empty lines": lambda w: w.request() + b"\r\n\r\n",
    "a counted body": lambda w: w.request("POST", extra=FOUR) + b"body",
    "a body of no length": lambda w: w.request("POST", extra="Content-Length: 0\r\n"),
    "the same length twice": lambda w: w.request("POST", extra=FOUR + FOUR) + b"body",
    "a chunked body": lambda w: w.request("POST", extra=CHUNKED) + b"4\r\nbody\r\n0\r\n\r\n",
    "chunks with extensions": lambda w: w.request("POST", extra=CHUNKED) + b'4;a="0\r\n4'[:5] + b"\r\nbody\r\n0;b=c\r\n\r\n",
    "trailers": lambda w: w.request("POST", extra=CHUNKED) + b"4\r\nbody\r\n0\r\nX-Checksum: 1\r\n\r\n",
    "100-continue": lambda w: w.request("POST", extra=FOUR + "Expect: 100-continue\r\n") + b"body",
    "an answer without a body to HEAD": lambda w: w.request("HEAD"),
    "204": lambda w: w.request(path="/204"),
    "304": lambda w: w.request(path="/304"),
    "an early answer": lambda w: w.request("POST", "/early", FOUR) + b"body",
    "a false 101": lambda w: w.request(path="/101"),
    "an upgrade that was not granted": lambda w: w.request(extra=WEBSOCKET),
    "an offer of HTTP/2": lambda w: w.request(path="/101", extra=H2C),
    "HTTP/1.0 that is kept": lambda w: w.request(version="1.0", extra="Connection: keep-alive\r\n"),
    "a folded field": lambda w: w.request(extra="X-Folded: a\r\n b\r\n"),
}
ENDS_THE_HTTP_DOOR = {"a false 101", "an offer of HTTP/2"}
"""A proxy that never asked for another protocol has no use for a 101: the answer is 502 and nothing follows. In a tunnel it is passed on."""


@pytest.mark.parametrize("first", HONEST)
@pytest.mark.parametrize("step", [7, 1 << 20], ids=["in pieces", "at once"])
def test_a_second_request_for_another_host(way: Way, first: str, step: int) -> None:
    way.say(HONEST[first](way) + way.request(path="/stolen", host="denied.test"), step)
    assert b"/stolen" not in way.arrived
    assert b"denied" not in way.arrived
    if not (way.door == "http" and first in ENDS_THE_HTTP_DOOR):
        way.refused()


@pytest.mark.parametrize("first", HONEST)
def test_a_second_request_for_the_same_host_arrives(way: Way, first: str) -> None:
    if way.door == "http" and first in ENDS_THE_HTTP_DOOR:
        assert way.say(HONEST[first](way)).startswith(b"HTTP/1.1 502 ")
        return
    way.say(HONEST[first](way) + way.request(path="/second"))
    assert b"GET /second HTTP/1.1" in way.arrived
    assert way.rig.sink.of("violation") == []


# What two readers would cut into requests in two ways. ``%s`` stands for a request to the denied host where it can be part of a body.
DOUBTFUL: dict[str, Callable[[Way, bytes], bytes]] = {
    "length and chunks": lambda w, s: w.request("POST", extra=f"Content-Length: {len(s) + 5}\r\n{CHUNKED}") + b"0\r\n\r\n" + s,
    "chunks and length": lambda w, s: w.request("POST", extra=f"{CHUNKED}Content-Length: {len(s) + 5}\r\n") + b"0\r\n\r\n" + s,
    "two lengths": lambda w, s: w.request("POST", extra=f"Content-Length: 0\r\nContent-Length: {len(s)}\r\n") + s,
    "two lengths in one": lambda w, s: w.request("POST", extra=f"Content-Length: 0, {len(s)}\r\n") + s,
    "a length with a sign": lambda w, s: w.request("POST", extra=f"Content-Length: +{len(s)}\r\n") + s,
    "a length with a point": lambda w, s: w.request("POST", extra=f"Content-Length: {len(s)}.0\r\n") + s,
    "an octal length": lambda w, s: w.request("POST", extra=f"Content-Length: 0{len(s)}\r\n") + s,
    "a hexadecimal length": lambda w, s: w.request("POST", extra=f"Content-Length: 0x{len(s):x}\r\n") + s,
    "a length of 2^64": lambda w, s: w.request("POST", extra="Content-Length: 18446744073709551616\r\n") + s,
    "a length that Connection names": lambda w, s: w.request("POST", extra=f"Content-Length: {len(s)}\r\nConnection: Content-Length\r\n") + s,
    "chunks that Connection names": lambda w, s: (
        w.request("POST", extra=CHUNKED + "Connection: transfer-encoding\r\n") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(s), s)
    ),
    "a length with an underscore": lambda w, s: w.request("POST", extra=f"Content_Length: {len(s)}\r\n") + s,
    "xchunked": lambda w, s: w.request("POST", extra=f"Transfer-Encoding: xchunked\r\nContent-Length: {len(s)}\r\n") + s,
    "chunked, identity": lambda w, s: w.request("POST", extra="Transfer-Encoding: chunked, identity\r\n") + b"0\r\n\r\n" + s,
    "chunked twice": lambda w, s: w.request("POST", extra=CHUNKED * 2) + b"0\r\n\r\n" + s,
    "chunked with a vertical tab": lambda w, s: w.request("POST", extra="Transfer-Encoding: \x0bchunked\r\n") + b"0\r\n\r\n" + s,
    "chunked in quotes": lambda w, s: w.request("POST", extra='Transfer-Encoding: "chunked"\r\n') + b"0\r\n\r\n" + s,
    "a blank before the colon": lambda w, s: w.request("POST", extra=f"Transfer-Encoding : chunked\r\nContent-Length: {len(s) + 5}\r\n") + b"0\r\n\r\n" + s,
    "a folded name": lambda w, s: w.request("POST", extra=f"X: a\r\n{FOUR}Transfer-Encoding:\r\n chunked\r\n") + b"0\r\n\r\n" + s,
    "a bare line feed": lambda w, s: w.request("POST", extra=f"X: a\nTransfer-Encoding: chunked\r\nContent-Length: {len(s) + 5}\r\n") + b"0\r\n\r\n" + s,
    "a bare carriage return": lambda w, s: w.request("POST", extra=f"X: a\rTransfer-Encoding: chunked\r\nContent-Length: {len(s) + 5}\r\n") + b"0\r\n\r\n" + s,
    "a NUL": lambda w, s: w.request("POST", extra=f"X: a\0b\r\nContent-Length: {len(s)}\r\n") + s,
    "chunks in HTTP/1.0": lambda w, s: w.request("POST", extra=CHUNKED, version="1.0") + b"0\r\n\r\n" + s,
    "a version of nobody": lambda w, s: w.request(version="1.9") + s,
    "a second Host": lambda w, s: w.request(extra="Host: denied.test\r\n") + s,
    "a Host with an underscore": lambda w, s: w.request(extra="Host_: x\r\nHOST: denied.test\r\n") + s,
    "a Host that Connection names": lambda w, s: w.request(extra="Connection: close, Host\r\n") + s,
    "a Host of nothing": lambda w, s: w.request().replace(b"Host: allowed.test:%d" % w.server.port, b"Host: ") + s,
    "HTTP/2 in the clear": lambda w, s: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\x12\x04\0\0\0\0\0" + s,
    "HTTP/0.9 first": lambda w, s: b"GET /\r\n" + s,
    "a PROXY line first": lambda w, s: b"PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n" + s,
    "CONNECT behind a request": lambda w, s: w.request() + b"CONNECT denied.test:%d HTTP/1.1\r\nHost: denied.test\r\n\r\n" % w.server.port,
    "an absolute target": lambda w, s: b"GET http://denied.test:%d/stolen HTTP/1.1\r\nHost: allowed.test:%d\r\n\r\n" % (w.server.port, w.server.port),
    "an absolute Host": lambda w, s: b"GET http://allowed.test:%d/stolen HTTP/1.1\r\nHost: denied.test:%d\r\n\r\n" % (w.server.port, w.server.port),
}


@pytest.mark.parametrize("attack", DOUBTFUL)
def test_what_can_be_read_in_two_ways_is_refused(way: Way, attack: str) -> None:
    answered = way.say(DOUBTFUL[attack](way, way.request(path="/stolen", host="denied.test")))
    assert re.search(rb"(^|\n)HTTP/1.1 (400|403|431|501|505) ", answered) or attack == "CONNECT behind a request"
    assert b"/stolen" not in way.arrived
    assert b"denied" not in way.arrived
    way.refused()


# Broken within the body: the head and part of the body are on their way already. What is not a body must never be completed, and the server sees an end.
BROKEN_BODIES = {
    "a chunk size that is no number": b"zz\r\n",
    "a chunk size with a sign": b"+4\r\nbody\r\n0\r\n\r\n",
    "a chunk size in two numbers": b"4 4\r\nbody\r\n0\r\n\r\n",
    "a chunk size beyond all counters": b"f" * 21 + b"\r\nbody",
    "a chunk without its line end": b"4\r\nbodyXX0\r\n\r\n",
    "a chunk that ends with a line feed": b"4\r\nbody\n0\r\n\r\n",
    "a trailer that routes": b"4\r\nbody\r\n0\r\nHost: denied.test\r\n\r\n",
    "a trailer that counts": b"4\r\nbody\r\n0\r\nContent-Length: 90\r\n\r\n",
}


@pytest.mark.parametrize("body", BROKEN_BODIES)
def test_a_body_without_a_clear_end_is_not_ended(way: Way, body: str) -> None:
    way.say(way.request("POST", extra=CHUNKED) + BROKEN_BODIES[body] + way.request(path="/stolen", host="denied.test"))
    assert b"0\r\n\r\n" not in way.arrived
    assert b"denied" not in way.arrived
    way.refused()


def test_a_large_chunk_is_a_body_whatever_it_contains(way: Way) -> None:
    """More octets are announced than ever come. They are framed anew, so the server cannot lose count."""
    with way.open() as client:
        client.sendall(way.request("POST", "/early", CHUNKED) + b"fffffffffffffff\r\n" + way.request(path="/inner", host="denied.test"))
        assert client.recv(999).startswith(b"HTTP/1.1 413 "), "the head has arrived"
    head, _, body = way.arrived.partition(b"\r\n\r\n")
    assert b"Host: allowed.test" in head
    if body:
        size, _, rest = body.partition(b"\r\n")
        assert len(rest) <= int(size, 16) + 2
    assert b"0\r\n\r\n" not in body


# --- too much, and for ever ----------------------------------------------------------------------------------------------------------------------------------

TOO_MUCH: dict[str, Callable[[Way], bytes]] = {
    "a field of 1 MB": lambda w: w.request(extra="X: " + "a" * 1_000_000 + "\r\n"),
    "100,000 fields": lambda w: w.request(extra="a:b\r\n" * 100_000),
    "a target of 1 MB": lambda w: w.request(path="/" + "a" * 1_000_000),
    "a head without an end": lambda w: w.request()[:-2] + b"X: " + b"a" * 1_000_000,
    "a chunk size without an end": lambda w: w.request("POST", extra=CHUNKED) + b"0" * 100_000,
    "a chunk extension without an end": lambda w: w.request("POST", extra=CHUNKED) + b"4;" + b"a" * 1_000_000,
    "trailers without an end": lambda w: w.request("POST", extra=CHUNKED) + b"0\r\n" + b"a: b\r\n" * 100_000,
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_too_much_is_refused_and_told(way: Way, what: str) -> None:
    answered = way.say(TOO_MUCH[what](way))
    assert not answered or re.match(rb"HTTP/1.1 (400|431) ", answered)
    assert len(way.arrived) < 2_000
    way.refused()
    assert b"HTTP/1.1 200 OK" in way.say(way.request()), "the next one is served"
