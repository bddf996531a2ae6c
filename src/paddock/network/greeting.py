"""TLS inside an allowed connection: the server name in the clear must be the name that was asked for, in a second greeting too."""

from __future__ import annotations

from typing import Protocol

from paddock.model.hosts import Host, HostError, parse_host, show
from paddock.network.objection import FIRST_WORD, Objection
from paddock.network.relay import Direction
from paddock.network.wire.tls import ClientHello, HelloReader, RetryGuard, TlsError

__all__ = ["TlsClient", "Visible"]


class Visible(Protocol):
    """What a connection offers to the code that looks into it."""

    up: Direction

    @property
    def by_address(self) -> bool:
        """Whether there is no name to compare with."""

    def check_host(self, host: Host, how: str) -> None:
        """Raises ``Objection`` for a host that the connection is not for."""

    def objection(self, what: str, *, status: int = 403) -> Objection:
        """An objection to something seen."""

    def receive(self, seconds: float | None = None) -> bytes:
        """The client's next octets, empty at the end. Raises ``OSError``."""


class TlsClient:
    """The client's side of one TLS connection, as far as it is in the clear."""

    def __init__(self, connection: Visible) -> None:
        self._connection = connection

    def run(self, held: bytes) -> bytes:
        """Check and forward greetings; octets that are left when nothing in the clear can follow. Raises ``Objection`` and ``OSError``."""
        first, rest = self._first(held)
        self._check(first)
        self._connection.up.send((held + rest)[: first.size])
        guard = RetryGuard(first)
        ready = self._judge(guard, (held + rest)[first.size :])
        while not guard.done:
            if ready:
                self._connection.up.send(ready)
            data = self._connection.receive()
            if not data:
                return b""
            ready = self._judge(guard, data)
        return ready

    def _first(self, held: bytes) -> tuple[ClientHello, bytes]:
        """The greeting, and what had to be read for it beyond ``held``."""
        reader, data, more = HelloReader(), held, bytearray()
        while True:
            try:
                hello = reader.feed(data)
            except TlsError as error:
                raise self._connection.objection(str(error)) from error
            if hello is not None:
                return hello, bytes(more)
            data = self._connection.receive(FIRST_WORD)
            if not data:
                raise ConnectionAbortedError("the client ended within its TLS greeting")
            more += data

    def _judge(self, guard: RetryGuard, data: bytes) -> bytes:
        try:
            ready = guard.feed(data)
        except TlsError as error:
            raise self._connection.objection(str(error)) from error
        if guard.second is not None:
            self._check(guard.second)
        return ready

    def _check(self, hello: ClientHello) -> None:
        if hello.encrypted:
            raise self._connection.objection("the TLS greeting carries an encrypted server name (ECH), which cannot be checked")
        if hello.server_name is None:
            if self._connection.by_address:
                return
            raise self._connection.objection("the TLS greeting names no server")
        try:
            host = parse_host(hello.server_name.decode("ascii"))
        except (UnicodeDecodeError, HostError) as error:
            raise self._connection.objection(f"the TLS server name {show(hello.server_name.decode('latin-1'))!r} is not a host") from error
        self._connection.check_host(host, "server-name")
