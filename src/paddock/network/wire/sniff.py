"""TLS, HTTP/1 or neither: decided from the first bytes of a client, and only when they leave no doubt.

A first line counts as HTTP when it names the protocol anywhere, however badly it is written: the strict parser refuses what a lenient server might accept.
What is never decided is never forwarded.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

__all__ = ["LIMIT", "Protocol", "sniff"]

LIMIT: Final = 65_536
"""Most bytes that are held back while the protocol is unknown."""
TOKEN: Final = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""RFC 9110 5.6.2."""
METHOD_LIMIT: Final = 40
TLS_HANDSHAKE: Final = 0x16
TLS_MAJOR: Final = 0x03
BLANKS: Final = b"\r\n\t \x0b\x0c"


class Protocol(str, Enum):
    """What a client speaks. ``UNKNOWN`` asks for more bytes, ``HOPELESS`` says that no number of bytes would settle it within the limit."""

    UNKNOWN = "unknown"
    TLS = "tls"
    HTTP = "http"
    OPAQUE = "opaque"
    HOPELESS = "hopeless"


def sniff(data: bytes) -> Protocol:
    """The protocol of a client that has sent ``data`` so far."""
    if not data:
        return Protocol.UNKNOWN
    if data[0] == TLS_HANDSHAKE:
        if len(data) < 2:
            return Protocol.UNKNOWN
        return Protocol.TLS if data[1] == TLS_MAJOR else Protocol.OPAQUE
    return _text(data)


def _text(data: bytes) -> Protocol:
    """Servers skip empty lines before a request line (RFC 9112 2.2), some skip blanks, so the line that counts is the first with something on it."""
    line = data.lstrip(BLANKS)
    if not line:
        return Protocol.UNKNOWN if len(data) < LIMIT else Protocol.HOPELESS
    first, newline, _ = line.partition(b"\n")
    if b"http/" in first.lower():
        return Protocol.HTTP
    if newline:
        return Protocol.OPAQUE
    word = first.split(b" ", 1)[0].split(b"\t", 1)[0]
    if len(word) > METHOD_LIMIT or not TOKEN.issuperset(word):
        return Protocol.OPAQUE
    return Protocol.UNKNOWN if len(data) < LIMIT else Protocol.HOPELESS
