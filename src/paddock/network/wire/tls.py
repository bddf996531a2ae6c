"""What a ClientHello says in the clear (RFC 8446 4.1.2 and 5.1, RFC 6066 3, encrypted ClientHello of RFC 9849).

The greeting may be cut anywhere: into TCP segments, and into several records. It is read whole, up to ``LIMIT`` octets, or refused.
"""

from __future__ import annotations

from typing import Final

from paddock.model.record import record

__all__ = ["ALERT_ACCESS_DENIED", "ClientHello", "HelloReader", "RetryGuard", "TlsError"]

LIMIT: Final = 65_536
RECORD_HEADER: Final = 5
RECORD_LIMIT: Final = 16_384 + 256
CHANGE_CIPHER_SPEC: Final = 20
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23
RECORD_TYPES: Final = (20, 21, 22, 23)
LARGEST_HELLO: Final = 131_396
"""Octets of the largest greeting that a known server takes (OpenSSL's limit). Ours is lower: see ``LIMIT``."""
CLIENT_HELLO: Final = 1
EXT_SERVER_NAME: Final = 0
EXT_EARLY_DATA: Final = 42
EXT_ENCRYPTED_HELLO: Final = frozenset({0xFE0D, 0xFE08, 0xFE09, 0xFE0A, 0xFFCE})
"""The extension and what its drafts used before (the last one is ESNI)."""
NAME_TYPE_HOST: Final = 0

ALERT_ACCESS_DENIED: Final = bytes((21, 3, 3, 0, 2, 2, 49))
"""A fatal alert record, ``access_denied``: "a valid certificate was received, but when access control was applied, the sender decided not to proceed"."""


class TlsError(ValueError):
    """The bytes are not a ClientHello that this reader accepts."""


@record
class ClientHello:
    """``server_name`` is the host name as sent (None: there was none). ``size`` is how many octets of input the greeting took.

    ``encrypted`` tells that the extension of encrypted ClientHello is there, in earnest or as grease: the two cannot be told apart. ``early_data`` tells that
    the client sends application data before the server has answered.
    """

    server_name: bytes | None
    encrypted: bool
    early_data: bool
    size: int


class HelloReader:
    """Gathers octets until a ClientHello is whole."""

    def __init__(self) -> None:
        self._input = bytearray()
        self._position = 0
        self._message = bytearray()

    def feed(self, data: bytes) -> ClientHello | None:
        """More octets; the greeting once it is whole. Raises ``TlsError``."""
        self._input += data
        while self._take_record():
            body = self._body()
            if body is not None:
                return _parse(body, self._position)
        if len(self._input) > LIMIT:
            raise TlsError(f"the TLS greeting has more than {LIMIT} octets")
        return None

    def _take_record(self) -> bool:
        start = self._position
        header = self._input[start : start + RECORD_HEADER]
        if header and header[0] != HANDSHAKE:
            raise TlsError(f"a record of type {header[0]} within the TLS greeting")
        if len(header) < RECORD_HEADER:
            return False
        length = int.from_bytes(header[3:5], "big")
        if header[1] != 3 or not 0 < length <= RECORD_LIMIT:
            raise TlsError("a malformed TLS record")
        end = start + RECORD_HEADER + length
        if len(self._input) < end:
            return False
        self._message += self._input[start + RECORD_HEADER : end]
        self._position = end
        if self._position > LIMIT:
            raise TlsError(f"the TLS greeting has more than {LIMIT} octets")
        return True

    def _body(self) -> bytes | None:
        if self._message[0] != CLIENT_HELLO:
            raise TlsError(f"handshake message {self._message[0]} where a ClientHello belongs")
        if len(self._message) < 4:
            return None
        length = int.from_bytes(self._message[1:4], "big")
        if length > LIMIT:
            raise TlsError(f"the TLS greeting has more than {LIMIT} octets")
        if len(self._message) < 4 + length:
            return None
        if len(self._message) > 4 + length:
            raise TlsError("another handshake message in the record of the TLS greeting")
        return bytes(self._message[4:])


class _Cursor:
    """Reads big-endian fields from one vector; running out is an error."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise TlsError("a TLS greeting that ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, octets: int) -> int:
        return int.from_bytes(self.take(octets), "big")

    def vector(self, octets: int) -> bytes:
        return self.take(self.number(octets))


def _parse(body: bytes, size: int) -> ClientHello:
    hello = _Cursor(body)
    hello.take(2 + 32)  # legacy_version, random
    hello.vector(1)  # legacy_session_id
    hello.vector(2)  # cipher_suites
    hello.vector(1)  # legacy_compression_methods
    extensions = _Cursor(hello.vector(2) if hello.left else b"")
    if hello.left:
        raise TlsError("octets after the extensions of a TLS greeting")
    seen: dict[int, bytes] = {}
    while extensions.left:
        kind, content = extensions.number(2), extensions.vector(2)
        if kind in seen:
            raise TlsError(f"TLS extension {kind} appears twice")
        seen[kind] = content
    server_name = _server_name(seen[EXT_SERVER_NAME]) if EXT_SERVER_NAME in seen else None
    return ClientHello(server_name, not EXT_ENCRYPTED_HELLO.isdisjoint(seen), EXT_EARLY_DATA in seen, size)


def _server_name(content: bytes) -> bytes:
    """RFC 6066 3: a list with one entry of type host_name; more than one was never used and is not accepted."""
    outer = _Cursor(content)
    names = _Cursor(outer.vector(2))
    if outer.left or names.number(1) != NAME_TYPE_HOST:
        raise TlsError("a malformed server name extension")
    name = names.vector(2)
    if names.left or not name:
        raise TlsError("a malformed server name extension")
    return name


class RetryGuard:
    """Watches what follows a greeting for a second one in the clear, which a server asks for with HelloRetryRequest (RFC 8446 4.1.4).

    It is over when the client sends anything that only follows the last greeting. What servers pass over between the two (a change of cipher, a warning) ends
    nothing, and what no client sends there is refused. Octets are given back once it is clear what they are.
    """

    def __init__(self, first: ClientHello) -> None:
        self._early_data = first.early_data
        self._changed = False
        self._held = bytearray()
        self._reader: HelloReader | None = None
        self._read = 0
        self.done = False
        self.second: ClientHello | None = None

    def feed(self, data: bytes) -> bytes:
        """More octets; those that may go on, as far as this guard is concerned. ``second`` is set before its octets are given back. Raises ``TlsError``."""
        self._held += data
        at = 0
        while not self.done:
            size = self._step(at)
            if size == 0 and not self.done:
                break
            at += size
        ready = bytes(self._held if self.done else self._held[:at])
        del self._held[: len(ready)]
        return ready

    def _step(self, at: int) -> int:
        """How many of the held octets from ``at`` on are judged; 0 when more are needed. Sets ``done`` when the rest need not be judged."""
        if len(self._held) < at + RECORD_HEADER:
            return 0
        kind, major, length = self._held[at], self._held[at + 1], int.from_bytes(self._held[at + 3 : at + 5], "big")
        if major != 3 or not 0 < length <= RECORD_LIMIT or kind not in RECORD_TYPES:
            raise TlsError("a malformed TLS record")  # an empty one too: some servers pass over it, and over a few more
        if kind == HANDSHAKE:
            return self._handshake(at, length)
        if kind == APPLICATION_DATA and not self._early_data:
            self.done = True
            return 0
        self._changed |= kind == CHANGE_CIPHER_SPEC
        whole = RECORD_HEADER + length
        return whole if len(self._held) >= at + whole else 0

    def _handshake(self, at: int, length: int) -> int:
        """A greeting, a later message of the handshake, or after a change of cipher one that cannot be read.

        An unreadable one that looks like a greeting is refused as a broken greeting, because some server might not find it broken. That is one connection in
        twenty thousand of those that resume a session of TLS 1.2, where the next message after the change is the client's last.
        """
        begin = at + RECORD_HEADER
        if len(self._held) < begin + min(length, 2):
            return 0
        possible = self._held[begin] == CLIENT_HELLO and not (self._changed and length > 1 and self._held[begin + 1] > LARGEST_HELLO >> 16)
        if not possible:
            self.done = True
            return 0
        self._reader = self._reader or HelloReader()
        self.second = self._reader.feed(bytes(self._held[at + self._read :]))
        self._read = len(self._held) - at
        if self.second is None:
            return 0
        self.done = True
        return self.second.size
