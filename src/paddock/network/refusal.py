"""Saying no in the client's own protocol: a TLS alert, an HTTP answer, or a reset."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Final

from paddock.model.decision import Decision
from paddock.model.hosts import show
from paddock.network.relay import readable_within, reset
from paddock.network.wire.sniff import Protocol, Sniffer
from paddock.network.wire.tls import ALERT_ACCESS_DENIED

__all__ = ["LINGER", "explain", "first_bytes", "http_answer", "say"]

PATIENCE: Final = 1.0
"""Seconds that a refused client gets to show which protocol it speaks."""
LINGER: Final = 1.0
"""Seconds for a client to finish sending and read the answer: closing earlier would turn the answer into a reset."""
SERVER_SPEAKS_FIRST: Final = frozenset({21, 22, 23, 25, 110, 119, 143, 587, 3306})
"""Ports whose protocols begin with the server's greeting: nothing to wait for, nothing to explain in."""
REASONS: Final = {
    400: "Bad Request",
    403: "Forbidden",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}


def http_answer(status: int, decision: Decision, *, head_only: bool = False) -> bytes:
    """A complete HTTP/1.1 answer that gives the reason and the way to allow it, and closes the connection."""
    verb = "refused" if status == 403 else "could not carry out"
    text = f"paddock {verb} this request.\n{show(decision.reason, 600)}\n"
    if decision.rule is not None:
        text += f"rule: {show(decision.rule.text or decision.rule.key, 200)} ({show(str(decision.rule), 300)})\n"
    if decision.remedy:
        text += f"to allow it: {show(decision.remedy, 600)}\n"
    body = text.encode("ascii")
    lines = (
        f"HTTP/1.1 {status} {REASONS.get(status, 'Refused')}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        f"Proxy-Status: paddock; error={_proxy_error(status)}",  # RFC 9209: for programs
        "Cache-Control: no-store",
        "Connection: close",
    )
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + (b"" if head_only else body)


def _proxy_error(status: int) -> str:
    if status == 403:
        return "http_request_denied"
    if status == 504:
        return "connection_timeout"
    return "destination_unavailable" if status in (502, 503) else "http_request_error"


def say(client: socket.socket, data: bytes) -> None:
    """Send a last word, give the client time to read it, and close."""
    try:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + LINGER
        while readable_within(client, deadline - time.monotonic()) and client.recv(65_536):
            if time.monotonic() > deadline:
                break
    except OSError:
        pass  # the client is gone: nobody left to tell, and the refusal stands either way
    client.close()


def first_bytes(client: socket.socket, held: bytes, seconds: float) -> tuple[bytes, Protocol]:
    """What the client sent within ``seconds`` (at most until its protocol is clear), and the protocol. Raises ``OSError``."""
    deadline = time.monotonic() + seconds
    sniffer = Sniffer()
    protocol = sniffer.feed(held)
    while protocol is Protocol.UNKNOWN and readable_within(client, deadline - time.monotonic()):
        data = client.recv(65_536)
        if not data:
            break
        protocol = sniffer.feed(data)
    return bytes(sniffer.held), protocol


def explain(client: socket.socket, port: int, decision: Decision, status: int, held: bytes = b"") -> None:
    """Refuse a captured connection in the protocol that the client turns out to speak, and close it."""
    protocol = Protocol.UNKNOWN
    if port not in SERVER_SPEAKS_FIRST:
        with contextlib.suppress(OSError):  # the client is gone; the reset below is all that is left to do
            held, protocol = first_bytes(client, held, PATIENCE)
    if protocol is Protocol.TLS:
        say(client, ALERT_ACCESS_DENIED)
    elif protocol is Protocol.HTTP:
        say(client, http_answer(status, decision, head_only=held.lstrip().startswith(b"HEAD ")))
    else:
        reset(client)
