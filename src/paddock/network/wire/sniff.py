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
TLS_HANDSHAKE: Final = 0x16
BLANKS: Final = b"\r\n\t \x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0"
"""What some server takes for a space (RFC 9112 3 lists most), the separators of Python's ``str.split`` after a Latin-1 decoding included."""
_TO_SPACE: Final = bytes.maketrans(BLANKS, b" " * len(BLANKS))


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
        # Whatever version the record claims: servers are told to ignore it (RFC 8446 5.1), and some do. The strict reader refuses all but the usual one.
        return Protocol.TLS
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
    # No limit to its length: servers take a method of any.
    if not TOKEN.issuperset(first.translate(_TO_SPACE).split(b" ", 1)[0]):
        return Protocol.OPAQUE
    return Protocol.UNKNOWN if len(data) < LIMIT else Protocol.HOPELESS
