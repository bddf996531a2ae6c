"""The explicit HTTP proxy door: CONNECT and absolute-form requests (RFC 9110 9.3.6, RFC 9112 3.2). Every request is decided on its own."""

from __future__ import annotations

import socket
import time
from typing import Final

from paddock.model.decision import Decision
from paddock.model.hosts import Host, HostError, parse_target, show
from paddock.network.desk import Desk
from paddock.network.dial import Refusal
from paddock.network.exchange import Exchange
from paddock.network.plain import split_absolute
from paddock.network.refusal import http_answer, say
from paddock.network.relay import CHUNK, readable_within
from paddock.network.wire.http import Body, End, Head, HttpEndedError, HttpError, RequestReader

__all__ = ["serve_http"]

HEAD_TIME: Final = 60.0
"""Seconds for a request head, and for which an idle connection is kept. A body may take its time."""
ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


def serve_http(desk: Desk, client: socket.socket) -> None:
    """Carry one proxy connection to its end. Raises ``OSError`` when the client goes away or stays silent."""
    reader = RequestReader()
    while True:
        try:
            head = _head(reader, client)
            if head is None:
                client.close()
                return
            if head.method == "CONNECT":
                _tunnel(desk, client, reader, head)
                return
            if not _forward(desk, client, reader, head):
                return
        except HttpEndedError:
            client.close()
            return
        except HttpError as error:
            say(client, http_answer(error.status, desk.malformed("http", str(error))))
            return
        except _NoDestinationError as error:
            say(client, http_answer(400, error.decision))
            return


class _NoDestinationError(Exception):
    """A well-formed request whose destination is no host. The refusal is told already."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.reason)
        self.decision = decision


def _head(reader: RequestReader, client: socket.socket) -> Head | None:
    deadline = time.monotonic() + HEAD_TIME
    while True:
        part = reader.next()
        if isinstance(part, Head):
            return part
        if isinstance(part, Body | End):
            raise HttpError("a body without a request")
        if not readable_within(client, deadline - time.monotonic()):
            if reader.is_idle:
                return None
            raise HttpError(f"no whole request head within {HEAD_TIME:.0f} seconds", 408)
        data = client.recv(CHUNK)
        if not data:
            return None
        reader.feed(data)


def _tunnel(desk: Desk, client: socket.socket, reader: RequestReader, head: Head) -> None:
    if head.is_chunked or head.values(b"content-length") not in ([], [b"0"]):
        raise HttpError("a CONNECT request has no body")
    while not isinstance(reader.next(), End):
        pass  # h11 reports the end of a request without a body at once
    try:
        host, port = parse_target(head.target)
    except HostError as error:
        raise _NoDestinationError(desk.unreadable(head.target, "connect", str(error)).decision) from error
    found = desk.open(host, port, "connect")
    if isinstance(found, Refusal):
        say(client, http_answer(found.status, found.decision))
        return
    desk.converse(found, client, reader.rest, greeting=ESTABLISHED)


def _forward(desk: Desk, client: socket.socket, reader: RequestReader, head: Head) -> bool:
    """Carry out one absolute-form request; whether the client's connection goes on."""
    host, port, path = _target(desk, head)
    found = desk.open(host, port, "http")
    if isinstance(found, Refusal):
        say(client, http_answer(found.status, found.decision, head_only=head.method == "HEAD"))
        return False
    exchange = Exchange(desk.teller, found, client, reader, head)
    if exchange.run(path):
        return True
    client.close()
    return False


def _target(desk: Desk, head: Head) -> tuple[Host, int, str]:
    """Where a request goes. A Host field that says something else is refused and not repaired: some server behind might believe it (RFC 9112 3.2.2)."""
    try:
        host, port, path = split_absolute(head.target)
    except HostError as error:
        if head.target.startswith("/"):
            raise HttpError("a proxy takes absolute http:// targets and CONNECT") from error
        raise _NoDestinationError(desk.unreadable(head.target, "http", str(error)).decision) from error
    for value in head.values(b"host"):
        try:
            named = parse_target(value.decode("ascii"), port)
        except (HostError, UnicodeDecodeError) as error:
            raise HttpError(f"Host {show(value.decode('latin-1'))!r} is not a host") from error
        if named != (host, port):
            raise HttpError(f"Host {show(value.decode('latin-1'))!r} is not the target {host.at(port)}")
    return host, port, path
