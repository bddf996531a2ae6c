"""One allowed connection, from the moment when the upstream answers.

The client's bytes are held until their protocol is known, what is visible is checked, the rest is relayed.

Server bytes flow at once, so that protocols in which the server speaks first work. Bytes of a client that is never understood are never forwarded.
"""

from __future__ import annotations

import socket
from threading import Thread

from paddock.model.decision import Decision
from paddock.model.hosts import Host, show
from paddock.model.record import record
from paddock.network.addresses import Kind, kind_of
from paddock.network.decide import HOW, LOCALHOST, Decider
from paddock.network.greeting import TlsClient
from paddock.network.objection import FIRST_WORD, Objection
from paddock.network.refusal import LINGER, http_answer, say
from paddock.network.relay import CHUNK, Direction, close_both, readable_within, reset, wake
from paddock.network.tell import Teller
from paddock.network.watch import Watch
from paddock.network.wire.sniff import Protocol, Sniffer
from paddock.network.wire.tls import ALERT_ACCESS_DENIED

__all__ = ["Asked", "Conversation"]


@record
class Asked:
    """What was asked for and allowed: ``host`` and ``port``, by which ``door``, and the decision."""

    host: Host
    port: int
    door: str
    decision: Decision

    @property
    def subject(self) -> str:
        """``host:port``."""
        return self.host.at(self.port)


class Conversation:
    """Owns both sockets and closes them. ``run`` blocks until both directions have ended."""

    def __init__(self, decider: Decider, teller: Teller, asked: Asked, client: socket.socket, upstream: socket.socket) -> None:
        self.decider = decider
        self.teller = teller
        self.asked = asked
        self.client = client
        self.upstream = upstream
        self.protocol = Protocol.UNKNOWN
        self.up = Direction(client, upstream)
        self.down = Direction(upstream, client)
        self.watch = Watch()
        self._answering = Thread(target=self.down.run, args=(self.watch,), name="paddock-down", daemon=True)

    def run(self, early: bytes = b"") -> None:
        """Check and relay; ``early`` are octets of the client that a door has already read."""
        self._answering.start()
        refused: Objection | None = None
        try:
            self._client_side(early)
        except Objection as objection:
            refused = objection
        except OSError:
            self.up.failed = True
        if refused is None:
            self._finish()
        else:
            self._refuse(refused)
        self.teller.flow(self.asked.subject, self.asked.decision, **self._facts())

    def close(self) -> None:
        """Close both sockets, however ``run`` ended."""
        self.client.close()
        self.upstream.close()

    def _client_side(self, early: bytes) -> None:
        held = self._hold(early)
        if self.protocol is Protocol.TLS:
            self.watch.settle()
            held = TlsClient(self).run(held)
        elif self.protocol is Protocol.HTTP:
            from paddock.network.plain import PlainHttp  # h11 is loaded by the first plain request

            held = PlainHttp(self).run(held)
        else:
            self.watch.settle()
        if held:
            self.up.send(held)
        self.up.run()

    def _hold(self, held: bytes) -> bytes:
        """Octets until the protocol is known, or until the client has no more to say."""
        sniffer = Sniffer()
        self.protocol = sniffer.feed(held)
        while self.protocol is Protocol.UNKNOWN:
            data = self._first_word()
            if not data:  # all there will ever be, and no request among it
                self.protocol = Protocol.OPAQUE if sniffer.held else Protocol.UNKNOWN
                break
            self.protocol = sniffer.feed(data)
        if self.protocol is Protocol.HOPELESS:
            raise self.objection("the first line is too long to tell what it is", status=431)
        return bytes(sniffer.held)

    def _first_word(self) -> bytes:
        """The client's next octets. A client may be silent for as long as it is being told something."""
        told = -1
        while told != self.down.moved:
            told = self.down.moved
            if readable_within(self.client, FIRST_WORD):
                return self.client.recv(CHUNK)
        raise TimeoutError("the client is silent")

    def receive(self, seconds: float | None = None) -> bytes:
        """The client's next octets, empty at their end. Raises ``OSError``, also when nothing comes within ``seconds``."""
        if seconds is not None and not readable_within(self.client, seconds):
            raise TimeoutError("the client is silent")
        return self.client.recv(CHUNK)

    def check_host(self, host: Host, how: str) -> None:
        """A host named inside the connection must be the one that was asked for; inside a connection to an address, one that is allowed itself."""
        if host == self.asked.host or (_is_loopback(host) and _is_loopback(self.asked.host)):
            return
        if not self.by_address:
            raise self.objection(f"{HOW[how]} is {show(host.text)}")
        decision = self.decider.decide(host, self.asked.port, how)
        if not decision.allowed:
            raise Objection(decision)

    def objection(self, what: str, *, status: int = 403) -> Objection:
        """An objection to something seen inside this connection."""
        return Objection(Decision("deny", f"{what}; the connection was opened for {self.asked.subject}", self.asked.decision.rule), status)

    @property
    def by_address(self) -> bool:
        """Whether an address was asked for, or the one name that means an address: such a connection has no name to compare with."""
        return self.asked.host.text == LOCALHOST or self.asked.host.is_address

    def _finish(self) -> None:
        self.watch.settle()
        if self.up.failed:
            wake(self.client, self.upstream)
            self._join_or_cut()
        self._answering.join()
        if self.up.failed or self.down.failed:
            reset(self.client)
            reset(self.upstream)
        self.close()

    def _join_or_cut(self) -> None:
        self._answering.join(LINGER)
        if self._answering.is_alive():  # the client does not read, so it will not read a reason either
            close_both(self.client)

    def _refuse(self, objection: Objection) -> None:
        """End the upstream, let the answering thread finish, then explain, if nothing of an answer has gone out yet."""
        self.teller.refused("network", "connect", self.asked.subject, objection.decision, door=self.asked.door, protocol=self.protocol.value)
        self.watch.settle()
        self.down.keep_sink = True
        close_both(self.upstream)
        self._join_or_cut()
        self._answering.join()
        self.upstream.close()
        if self.down.moved or self.protocol not in (Protocol.TLS, Protocol.HTTP, Protocol.HOPELESS):
            reset(self.client)
        elif self.protocol is Protocol.TLS:
            say(self.client, ALERT_ACCESS_DENIED)
        else:
            say(self.client, http_answer(objection.status, objection.decision))

    def _facts(self) -> dict[str, str | int]:
        return {"door": self.asked.door, "protocol": self.protocol.value, "sent": self.up.moved, "received": self.down.moved}


def _is_loopback(host: Host) -> bool:
    return host.text == LOCALHOST or (host.is_address and kind_of(host) is Kind.LOOPBACK)
