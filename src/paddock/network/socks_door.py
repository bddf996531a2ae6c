"""The SOCKS5 door."""

from __future__ import annotations

import socket
import time
from typing import Final

from paddock.model.hosts import HostError, parse_address, parse_host
from paddock.network.desk import Desk, Passage
from paddock.network.dial import Refusal
from paddock.network.ports import SOCKS
from paddock.network.refusal import say
from paddock.network.relay import CHUNK, readable_within
from paddock.network.wire.socks import Greeting, Reply, Request, SocksError, SocksReader, reply

__all__ = ["serve_socks"]

HANDSHAKE: Final = 60.0
"""Seconds for greeting and request together."""
REPLIES: Final = {403: Reply.NOT_ALLOWED, 502: Reply.CONNECTION_REFUSED, 504: Reply.HOST_UNREACHABLE}


def serve_socks(desk: Desk, client: socket.socket) -> None:
    """Carry one SOCKS connection from greeting to end. Raises ``OSError`` when the client goes away or stays silent."""
    reader = SocksReader()
    try:
        request = _request(reader, client)
    except SocksError as error:
        desk.malformed(SOCKS, str(error))
        say(client, error.answer)
        return
    found = _open(desk, request)
    if isinstance(found, Refusal):
        say(client, reply(REPLIES.get(found.status, Reply.GENERAL_FAILURE)))
        return
    desk.converse(found, client, reader.rest, greeting=reply(Reply.SUCCEEDED))


def _request(reader: SocksReader, client: socket.socket) -> Request:
    deadline = time.monotonic() + HANDSHAKE
    data = b""
    while True:
        message = reader.feed(data)
        if isinstance(message, Request):
            return message
        data = b""
        if isinstance(message, Greeting):
            client.sendall(message.answer)
            continue
        if not readable_within(client, deadline - time.monotonic()):
            raise TimeoutError("the client does not finish its request")
        data = client.recv(CHUNK)
        if not data:
            raise ConnectionResetError("the client ended within its request")


def _open(desk: Desk, request: Request) -> Passage | Refusal:
    try:
        host = parse_address(request.address) if request.address else parse_host(request.name.decode("ascii"))
    except (HostError, UnicodeDecodeError) as error:
        return desk.unreadable(request.name.decode("latin-1"), SOCKS, str(error))
    if not request.port:
        return desk.unreadable(host.text, SOCKS, "port 0")
    return desk.open(host, request.port, SOCKS)
