"""Plain HTTP inside an allowed connection: every request on it must be for the host that the connection was opened for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from paddock.model.hosts import Host, HostError, parse_target, show
from paddock.network.wire.http import Body, End, Head, Headers, HttpError, RequestReader, frame, last_chunk

if TYPE_CHECKING:
    from paddock.network.conversation import Conversation

__all__ = ["PlainHttp", "split_absolute"]

HTTP_PORT: Final = 80
PRIOR_KNOWLEDGE: Final = b"PRI * HTTP/2"
HIDES_NAMES: Final = (b"h2", b"http", b"spdy", b"tls", b"connect")
"""What the names of protocols begin with that name hosts again."""


class PlainHttp:
    """The request side of one connection. The answers flow past it, untouched; only a 101 is waited for."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._reader = RequestReader()
        self._first = True
        self._ended = False
        self._approved: bytes | None = None
        """The Host that was checked last: on one connection the same text gets the same answer."""

    def run(self, held: bytes) -> bytes:
        """Check and forward requests until the client ends; or until the protocol was switched, with octets that already belong to the new one.

        Raises ``Objection`` and ``OSError``.
        """
        if held.lstrip(b"\r\n").startswith(PRIOR_KNOWLEDGE):
            raise self._conversation.objection("HTTP/2 without TLS cannot be checked")
        self._feed(held)
        while True:
            head = self._next_head()
            if head is None:
                return b""
            switches = self._forward(head)
            if switches and self._conversation.watch.switched():
                return self._reader.rest

    def _next_head(self) -> Head | None:
        """The next request, None when the client ended between two of them."""
        part = self._next()
        while part is None:
            data = self._conversation.receive()
            self._feed(data)
            part = self._next()
            if part is None and not data:
                return None
        if not isinstance(part, Head):
            raise self._conversation.objection("a body without a request")
        return part

    def _forward(self, head: Head) -> bool:
        """Check one request and pass it on, body and all; whether it asks for another protocol in a way that is let through."""
        up, watch = self._conversation.up, self._conversation.watch
        self._check(head)
        wanted = self._first and _may_switch(head.tokens(b"upgrade"))
        headers = self._named(head.headers if wanted else _without_upgrade(head))
        if wanted:
            watch.arm()
        else:
            watch.settle()
        self._first = False
        up.send(head.encode(headers=headers))
        while True:
            part = self._next()
            if isinstance(part, Body):
                up.send(frame(head, part.data))
            elif isinstance(part, End):
                up.send(last_chunk(head, part))
                return wanted
            elif part is None:
                self._feed(self._conversation.receive())
            else:
                raise self._conversation.objection("a request within a request")

    def _named(self, headers: Headers) -> Headers:
        """The fields with Host in front (RFC 9110 7.2), so that no other field's text can pass for an earlier one.

        An old request without one gets it: a server of many names would give it to whichever of them it likes best.
        """
        asked = self._conversation.asked
        named = tuple(field for field in headers if field[0].lower() == b"host")
        if not named and not self._conversation.by_address:
            named = ((b"Host", (asked.host.text if asked.port == HTTP_PORT else asked.subject).encode("ascii")),)
        return (*named, *(field for field in headers if field[0].lower() != b"host"))

    def _check(self, head: Head) -> None:
        asked = self._conversation.asked
        if head.method == "CONNECT":
            raise self._conversation.objection("CONNECT inside a connection that is not to a proxy")
        if not (head.target.startswith("/") or (head.target == "*" and head.method == "OPTIONS")):
            try:
                self._check_authority(*split_absolute(head.target)[:2])
            except HostError as error:
                raise self._conversation.objection(f"request target: {error}", status=400) from error
        for value in head.values(b"host"):
            if value == self._approved:
                continue
            try:
                self._check_authority(*parse_target(value.decode("ascii"), asked.port))
            except (HostError, UnicodeDecodeError) as error:
                raise self._conversation.objection(f"HTTP Host {show(value.decode('latin-1'))!r} is not a host", status=400) from error
            self._approved = value

    def _check_authority(self, host: Host, port: int) -> None:
        self._conversation.check_host(host, "host-header")
        if port != self._conversation.asked.port:
            raise self._conversation.objection(f"the request is for port {port}")

    def _feed(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
        except HttpError as error:
            raise self._conversation.objection(f"malformed HTTP: {error}", status=error.status) from error
        self._ended = not data

    def _next(self) -> Head | Body | End | None:
        try:
            return self._reader.next()
        except HttpError as error:
            if self._ended:
                raise ConnectionAbortedError("the client ended within a request") from error
            raise self._conversation.objection(f"malformed HTTP: {error}", status=error.status) from error


def split_absolute(target: str) -> tuple[Host, int, str]:
    """Host, port and origin form of an absolute ``http`` target (RFC 9112 3.2.2). Raises ``HostError``."""
    scheme, found, rest = target.partition("://")
    if not found or scheme.lower() != "http":
        raise HostError(f"only http:// targets are forwarded, not {show(target, 60)!r}", hint="use CONNECT")
    cut = next((i for i, c in enumerate(rest) if c in "/?#"), len(rest))
    host, port = parse_target(rest[:cut], HTTP_PORT)
    path = rest[cut:].partition("#")[0]
    return host, port, path if path.startswith("/") else f"/{path}"


def _may_switch(offers: set[bytes]) -> bool:
    """Whether every protocol on offer may follow unseen: HTTP/2, SPDY and TLS (RFC 2817) name hosts again, where nobody would look."""
    return bool(offers) and not any(offer.startswith(HIDES_NAMES) for offer in offers)


def _without_upgrade(head: Head) -> tuple[tuple[bytes, bytes], ...]:
    """The fields without an offer to change the protocol; leaving it out is any intermediary's right (RFC 9110 7.8)."""
    if not head.values(b"upgrade"):
        return head.headers
    gone = {b"upgrade", b"http2-settings"}
    options = b", ".join(sorted(head.tokens(b"connection") - gone))
    kept = tuple((name, value) for name, value in head.headers if name.lower() not in gone | {b"connection"})
    return (*kept, (b"Connection", options)) if options else kept
