"""What a ClientHello says in the clear (RFC 8446 4.1.2 and 5.1, RFC 6066 3, encrypted ClientHello of RFC 9849).

The greeting may be cut anywhere: into TCP segments, and into several records. It is read whole, up to ``LIMIT`` octets, or refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["ALERT_ACCESS_DENIED", "ClientHello", "HelloReader", "RetryGuard", "TlsError"]

LIMIT: Final = 65_536
RECORD_HEADER: Final = 5
RECORD_LIMIT: Final = 16_384 + 256
CHANGE_CIPHER_SPEC: Final = 20
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23
CLIENT_HELLO: Final = 1
EXT_SERVER_NAME: Final = 0
EXT_EARLY_DATA: Final = 42
EXT_ENCRYPTED_HELLO: Final = 0xFE0D
NAME_TYPE_HOST: Final = 0

ALERT_ACCESS_DENIED: Final = bytes((21, 3, 3, 0, 2, 2, 49))
"""A fatal alert record, ``access_denied``: "a valid certificate was received, but when access control was applied, the sender decided not to proceed"."""


class TlsError(ValueError):
    """The bytes are not a ClientHello that this reader accepts."""


@dataclass(frozen=True, slots=True)
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
    return ClientHello(server_name, EXT_ENCRYPTED_HELLO in seen, EXT_EARLY_DATA in seen, size)


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

    It is over when the client sends anything that only follows the last greeting. Octets are given back once it is clear what they are.
    """

    def __init__(self, first: ClientHello) -> None:
        self._early_data = first.early_data
        self._changed = False
        self._held = b""
        self.done = False
        self.second: ClientHello | None = None

    def feed(self, data: bytes) -> bytes:
        """More octets; those that may go on, as far as this guard is concerned. ``second`` is set before its octets are given back. Raises ``TlsError``."""
        self._held += data
        ready = b""
        while not self.done:
            size = self._step()
            if size == 0 and not self.done:
                return ready
            ready, self._held = ready + self._held[:size], self._held[size:]
        rest, self._held = self._held, b""
        return ready + rest

    def _step(self) -> int:
        """How many of the held octets are judged; 0 when more are needed. Sets ``done`` when the rest need not be judged."""
        if len(self._held) < RECORD_HEADER + 1:
            return 0
        kind, major, length = self._held[0], self._held[1], int.from_bytes(self._held[3:5], "big")
        if major != 3 or length > RECORD_LIMIT:
            raise TlsError("a malformed TLS record")
        whole = RECORD_HEADER + length
        if kind == CHANGE_CIPHER_SPEC or (kind == APPLICATION_DATA and self._early_data):
            self._changed |= kind == CHANGE_CIPHER_SPEC
            return whole if len(self._held) >= whole else 0
        if kind == HANDSHAKE and self._held[RECORD_HEADER] == CLIENT_HELLO:
            return self._greeting()
        self.done = True
        return 0

    def _greeting(self) -> int:
        try:
            self.second = HelloReader().feed(self._held)
        except TlsError:
            if not self._changed:
                raise
            self.done = True  # after a change of cipher this is an encrypted message that happens to begin like a greeting
            return 0
        if self.second is None:
            return 0
        self.done = True
        return self.second.size
