"""SOCKS5 as far as a gate needs it (RFC 1928): no authentication, CONNECT only, names and addresses.

SOCKS4 is recognised so that it can be refused in its own words.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from paddock.model.record import record

__all__ = ["Greeting", "Reply", "Request", "SocksError", "SocksReader", "reply"]

VERSION: Final = 5
CONNECT: Final = 1
NO_AUTHENTICATION: Final = 0
CHOOSE_NONE: Final = bytes((VERSION, NO_AUTHENTICATION))
CHOOSE_NOTHING: Final = bytes((VERSION, 0xFF))
SOCKS4_REJECTED: Final = bytes((0, 0x5B, 0, 0, 0, 0, 0, 0))
IPV4: Final = 1
NAME: Final = 3
IPV6: Final = 4


class Reply(IntEnum):
    """The REP field (RFC 1928 6)."""

    SUCCEEDED = 0
    GENERAL_FAILURE = 1
    NOT_ALLOWED = 2
    HOST_UNREACHABLE = 4
    CONNECTION_REFUSED = 5
    COMMAND_NOT_SUPPORTED = 7
    ADDRESS_NOT_SUPPORTED = 8


class SocksError(ValueError):
    """The bytes are not what this door takes. ``answer`` is the last word, in the protocol that the client speaks; possibly empty."""

    def __init__(self, message: str, answer: bytes = b"") -> None:
        super().__init__(message)
        self.answer = answer


@record
class Greeting:
    """The client's offer was taken: send ``answer``, then read on."""

    answer: bytes


@record
class Request:
    """A CONNECT: either ``name`` (octets as sent) or ``address`` (4 or 16 octets), and a port."""

    name: bytes
    address: bytes
    port: int


def reply(code: Reply) -> bytes:
    """The server's reply; the bound address is never told."""
    return bytes((VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0))


class SocksReader:
    """Octets in, first a ``Greeting``, then a ``Request``. Nothing in the protocol is longer than 262 octets, so nothing needs a limit of its own."""

    def __init__(self) -> None:
        self._input = b""
        self._greeted = False

    @property
    def rest(self) -> bytes:
        """Octets after the request."""
        return self._input

    def feed(self, data: bytes) -> Greeting | Request | None:
        """More octets; the next message once it is whole. Raises ``SocksError``."""
        self._input += data
        return self._request() if self._greeted else self._greeting()

    def _greeting(self) -> Greeting | None:
        if not self._input:
            return None
        if self._input[0] == 4:
            raise SocksError("SOCKS4 is not spoken here: use SOCKS5", SOCKS4_REJECTED)
        if self._input[0] != VERSION:
            raise SocksError("not SOCKS5")
        if len(self._input) < 2 or len(self._input) < 2 + self._input[1]:
            return None
        methods, self._input = self._input[2 : 2 + self._input[1]], self._input[2 + self._input[1] :]
        if NO_AUTHENTICATION not in methods:
            raise SocksError("the client insists on authentication", CHOOSE_NOTHING)
        self._greeted = True
        return Greeting(CHOOSE_NONE)

    def _request(self) -> Request | None:
        data = self._input
        if len(data) < 5:
            return None
        version, command, _, kind, first = data[:5]
        if version != VERSION:
            raise SocksError("not SOCKS5", reply(Reply.GENERAL_FAILURE))
        if command != CONNECT:
            raise SocksError("only CONNECT is carried out", reply(Reply.COMMAND_NOT_SUPPORTED))
        if kind not in (IPV4, NAME, IPV6):
            raise SocksError(f"address type {kind}", reply(Reply.ADDRESS_NOT_SUPPORTED))
        start = 5 if kind == NAME else 4
        end = start + {IPV4: 4, NAME: first, IPV6: 16}[kind]
        if len(data) < end + 2:
            return None
        self._input = data[end + 2 :]
        port = int.from_bytes(data[end : end + 2], "big")
        return Request(data[start:end], b"", port) if kind == NAME else Request(b"", data[start:end], port)
