"""TLS, HTTP/1 or neither: decided from the first bytes of a client, and only when they leave no doubt.

A first line counts as HTTP when it names the protocol anywhere, however badly it is written: the strict parser refuses what a lenient server might accept.
So do a request of HTTP/0.9 (a method and a path, no version), behind which some server reads on, and the line that a load balancer puts in front of a
connection (PROXY protocol): what follows either of them would be judged by nobody.
What is never decided is never forwarded.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

__all__ = ["LIMIT", "Protocol", "Sniffer", "sniff"]

LIMIT: Final = 65_536
"""Most bytes that are held back while the protocol is unknown."""
TOKEN: Final = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""RFC 9110 5.6.2."""
TLS_HANDSHAKE: Final = 0x16
METHODS: Final = frozenset((b"CONNECT", b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PROXY", b"PUT", b"TRACE"))
PROXY_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
"""PROXY protocol, version 2."""
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
    return Sniffer().feed(data)


class Sniffer:
    """The same for octets that come one after the other: each is looked at once. ``held`` are all of them; no more are wanted after a verdict."""

    def __init__(self) -> None:
        self.held = bytearray()
        self._start = 0
        self._seen = 0
        self._word_ended = False

    def feed(self, data: bytes) -> Protocol:
        """More octets; the verdict so far."""
        self.held += data
        if not self.held:
            return Protocol.UNKNOWN
        if self.held[0] == TLS_HANDSHAKE:
            # Whatever version the record claims: servers are told to ignore it (RFC 8446 5.1), and some do. The strict reader refuses all but the usual one.
            return Protocol.TLS
        if 0x80 <= self.held[0] < 0xC0:
            old = _old_greeting(bytes(self.held[:4]))
            if old is not Protocol.OPAQUE:
                return old
        if self.held.startswith(PROXY_SIGNATURE):
            return Protocol.HTTP  # it is not, and the strict parser will say so
        if PROXY_SIGNATURE.startswith(self.held):
            return Protocol.UNKNOWN
        return self._text()

    def _text(self) -> Protocol:
        """Servers skip empty lines before a request line (RFC 9112 2.2), some skip blanks, so the line that counts is the first with something on it."""
        while self._start < len(self.held) and self.held[self._start] in BLANKS:
            self._start += 1
        newline = self.held.find(b"\n", max(self._start, self._seen))
        end = len(self.held) if newline < 0 else newline
        if b"http/" in self.held[max(self._start, self._seen - len("http")) : end].lower():
            return Protocol.HTTP
        if newline >= 0:
            return Protocol.HTTP if _versionless(bytes(self.held[self._start : end])) else Protocol.OPAQUE
        if not self._is_word(end):
            return Protocol.OPAQUE
        self._seen = end
        # No limit to the line's length but ours: servers take a method of any.
        return Protocol.UNKNOWN if end < LIMIT else Protocol.HOPELESS

    def _is_word(self, end: int) -> bool:
        """Whether the line's first word can be a method, as far as it has come."""
        if self._word_ended:
            return True
        word, blank, _ = self.held[max(self._start, self._seen) : end].translate(_TO_SPACE).partition(b" ")
        self._word_ended = bool(blank)
        return TOKEN.issuperset(word)


def _old_greeting(data: bytes) -> Protocol:
    """A ClientHello in the form of SSL 2 (RFC 5246 E.2), which has no room for a server name and which some servers still take: length, 1, version 3."""
    if len(data) > 1 and (data[0] & 0x7F) << 8 | data[1] < 9:
        return Protocol.OPAQUE
    if data[2:3] not in (b"", b"\x01") or data[3:4] not in (b"", b"\x03"):
        return Protocol.OPAQUE
    return Protocol.UNKNOWN if len(data) < 4 else Protocol.TLS


def _versionless(line: bytes) -> bool:
    """A method that everybody knows and a path, or a PROXY line."""
    words = line.translate(_TO_SPACE).split()
    return len(words) > 1 and words[0] in METHODS and (words[0] == b"PROXY" or words[1].startswith(b"/") or b"://" in words[1])
