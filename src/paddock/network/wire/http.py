"""HTTP/1 requests, one after the other, from one side of a connection (RFC 9112).

Grammar and framing are h11's; the ambiguities that it tolerates are refused here.

A reader never writes what it read: the caller sends ``Head.encode`` and ``frame``, so that the next server sees exactly what was checked.
"""

from __future__ import annotations

from typing import Final

import h11

from paddock.model.record import record
from paddock.network.wire.simple import may_become_simple, simple_head

__all__ = ["HEAD_LIMIT", "Body", "End", "Head", "Headers", "HttpEndedError", "HttpError", "RequestReader", "frame", "last_chunk"]

HEAD_LIMIT: Final = 65_536
LENGTH_DIGITS: Final = 15
"""A petabyte. What a counter of 64 bits cannot hold is a small number to a server that does not look."""
END_TO_END: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})
"""Fields that say where a request goes and where it ends. Whoever drops or changes one of them on the way turns a body into requests."""
NO_TRAILERS: Final = END_TO_END | {b"connection", b"upgrade", b"te", b"trailer", b"expect", b"authorization", b"cookie", b"proxy-authorization"}
"""RFC 9110 6.5.1: framing, routing, request modifiers and logins must not come behind a body; some server would take them for the next request's."""
CONTROLS: Final = frozenset((*range(9), *range(10, 32), 127))
Headers = tuple[tuple[bytes, bytes], ...]


class HttpError(ValueError):
    """The bytes are not a request that is forwarded. ``status`` is the answer they deserve."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class HttpEndedError(HttpError):
    """The client ended within a request: nobody is left to answer, and nothing was wrong with what came."""


@record
class Head:
    """A request line and its header fields, names as they were written."""

    method: str
    target: str
    version: str
    headers: Headers

    def values(self, name: bytes) -> list[bytes]:
        """Every value of one field; ``name`` in lower case."""
        return [value for field, value in self.headers if field.lower() == name]

    def tokens(self, name: bytes) -> set[bytes]:
        """The comma-separated members of a list field, lower case."""
        return {token.strip().lower() for value in self.values(name) for token in value.split(b",") if token.strip()}

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return bool(self.values(b"transfer-encoding"))

    @property
    def keeps_alive(self) -> bool:
        """Whether the client expects to send more on this connection (RFC 9112 9.3)."""
        options = self.tokens(b"connection") | self.tokens(b"proxy-connection")
        return b"close" not in options and (self.version == "1.1" or b"keep-alive" in options)

    def encode(self, target: str | None = None, headers: Headers | None = None) -> bytes:
        """The head as octets, with another target or other fields when given."""
        line = f"{self.method} {self.target if target is None else target} HTTP/{self.version}\r\n".encode("ascii")
        fields = self.headers if headers is None else headers
        return line + b"".join(name + b": " + value + b"\r\n" for name, value in fields) + b"\r\n"


@record
class Body:
    """Some octets of the body."""

    data: bytes


@record
class End:
    """The request is complete. ``trailers`` follow a chunked body."""

    trailers: Headers = ()


def frame(head: Head, data: bytes) -> bytes:
    """Body octets as the head announced them."""
    return b"%x\r\n%b\r\n" % (len(data), data) if head.is_chunked and data else data


def last_chunk(head: Head, end: End) -> bytes:
    """What follows the last body octet."""
    if not head.is_chunked:
        return b""
    return b"0\r\n" + b"".join(name + b": " + value + b"\r\n" for name, value in end.trailers) + b"\r\n"


_NOTHING_FOLLOWS: Final = End()


class RequestReader:
    """Requests in the order in which they come; pipelining is fine.

    A request begins in ``_held``. It is taken from there when its head is a simple one, or goes to the machine with everything that follows.
    """

    def __init__(self) -> None:
        self._machine = self._new()
        self._held = b""
        self._in_machine = False
        self._ended = False
        self._simple_end = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing of another request has come yet."""
        return not self.rest and not self._simple_end and (self._ended or not self._in_machine)

    @property
    def rest(self) -> bytes:
        """Octets after the last complete request."""
        return self._machine.trailing_data[0] if self._in_machine else self._held

    def feed(self, data: bytes) -> None:
        """More octets; empty for the end of the stream. Raises ``HttpError``."""
        if self._in_machine:
            self._give(data)
        elif data:
            # Empty lines before a request are no part of it (RFC 9112 2.2), and they are not passed on.
            self._held = self._held + data if self._held else data.lstrip(b"\r\n")
        else:
            self._to_machine()
            self._give(data)

    def next(self) -> Head | Body | End | None:
        """The next part, or None when more octets are needed. Raises ``HttpError``; the reader is of no use afterwards."""
        if self._simple_end:
            self._simple_end = False
            return _NOTHING_FOLLOWS
        if self._ended:
            self._ended = self._in_machine = False
            self._machine, self._held = self._new(), self._machine.trailing_data[0].lstrip(b"\r\n")
        if not self._in_machine:
            head = self._simple()
            if head is not None or not self._in_machine:
                return head
        return self._from_machine()

    def _simple(self) -> Head | None:
        """A simple request's head. None when more octets are needed, or when the machine has to read it and has been given it."""
        if not self._held:
            return None
        text, end, rest = self._held.partition(b"\r\n\r\n")
        if not end and may_become_simple(text):
            return None
        parts = simple_head(text) if end else None
        if parts is None:
            self._to_machine()
            return None
        self._held = rest.lstrip(b"\r\n")
        self._simple_end = True
        method, target, fields = parts
        return Head(method, target, "1.1", fields)

    def _to_machine(self) -> None:
        held, self._held, self._in_machine = self._held, b"", True
        if held:
            self._give(held)

    def _give(self, data: bytes) -> None:
        try:
            self._machine.receive_data(data)
        except (h11.RemoteProtocolError, RuntimeError) as error:
            raise HttpError(str(error)) from error

    def _from_machine(self) -> Head | Body | End | None:
        try:
            event = self._machine.next_event()
        except h11.RemoteProtocolError as error:
            raise HttpError(str(error), error.error_status_hint) from error
        if isinstance(event, h11.Request):
            return _head(event)
        if isinstance(event, h11.Data):
            return Body(bytes(event.data))
        if isinstance(event, h11.EndOfMessage):
            self._ended = True
            return _end(event)
        return None

    @staticmethod
    def _new() -> h11.Connection:
        """One machine per request: this side never answers, and h11 starts another cycle only after an answer."""
        return h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)


def _head(event: h11.Request) -> Head:
    head = Head(event.method.decode("ascii"), event.target.decode("ascii"), event.http_version.decode("ascii"), tuple(event.headers.raw_items()))
    if len(head.encode()) > HEAD_LIMIT:
        raise HttpError(f"a request head of more than {HEAD_LIMIT} octets", 431)
    if head.version not in ("1.0", "1.1"):
        raise HttpError(f"HTTP/{head.version} is not spoken here", 505)
    _check_framing(head)
    _check_fields(head.headers)
    twisted = [name for name, _ in head.headers if b"_" in name and name.lower().replace(b"_", b"-") in END_TO_END]
    if twisted:  # to many servers a hyphen and an underscore are one letter
        raise HttpError(f"the field name {twisted[0].decode('ascii')}")
    return head


def _check_framing(head: Head) -> None:
    """What h11 lets pass, and what two readers could understand in two ways (RFC 9112 11.2)."""
    if head.is_chunked and head.values(b"content-length"):
        raise HttpError("both Content-Length and Transfer-Encoding")
    if head.is_chunked and head.version != "1.1":
        raise HttpError("Transfer-Encoding in an HTTP/1.0 request")
    if len(head.values(b"transfer-encoding")) > 1:
        raise HttpError("Transfer-Encoding appears twice")
    for value in head.values(b"content-length"):
        if len(value) > LENGTH_DIGITS or (value != b"0" and value.startswith(b"0")):
            raise HttpError("a Content-Length that not every server reads in the same way")
    dropped = head.tokens(b"connection") & END_TO_END
    if dropped:
        raise HttpError(f"Connection names {min(dropped).decode('ascii')}, which an intermediary would then drop")


def _check_fields(fields: Headers) -> None:
    """Control characters are invalid in values (RFC 9110 5.5); h11 takes some, and some readers end a line at them."""
    for name, value in fields:
        if not CONTROLS.isdisjoint(value):
            raise HttpError(f"a control character in {name.decode('ascii')}")


def _end(event: h11.EndOfMessage) -> End:
    trailers = tuple(event.headers.raw_items())
    _check_fields(trailers)
    forbidden = [name for name, _ in trailers if name.lower().replace(b"_", b"-") in NO_TRAILERS]
    if forbidden:
        raise HttpError(f"{forbidden[0].decode('ascii')} behind a body")
    return End(trailers)
