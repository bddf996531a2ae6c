"""What every door does with a destination: find the name behind it, decide, dial; tell when the answer is no."""

from __future__ import annotations

import socket
from collections.abc import Callable

from paddock.model.decision import Decision
from paddock.model.hosts import Host, HostError, parse_host, show
from paddock.model.record import record
from paddock.network.addresses import is_synthetic_range
from paddock.network.conversation import Asked, Conversation
from paddock.network.decide import Decider
from paddock.network.dial import Dialler, Refusal
from paddock.network.names import NameTable
from paddock.network.tell import Teller

__all__ = ["Desk", "Passage"]


@record
class Passage:
    """An allowed destination and the connection to it."""

    asked: Asked
    upstream: socket.socket


class Desk:
    """One for each gate, shared by its doors; safe to use from any thread."""

    def __init__(self, decider: Callable[[], Decider], names: NameTable, dialler: Dialler, teller: Teller) -> None:
        self._decider = decider
        self._names = names
        self._dialler = dialler
        self.teller = teller
        self.on_open: Callable[[socket.socket], None] = lambda _: None

    def open(self, host: Host, port: int, door: str) -> Passage | Refusal:
        """A connection to the destination, or why there is none; the refusal is told here."""
        decider = self._decider()
        meant = self._meant(host, port, door)
        if isinstance(meant, Refusal):
            return self._tell(host, port, door, meant)
        decision, match = decider.judge(meant, port, door)
        if match is None:
            return self._tell(meant, port, door, Refusal(decision))
        upstream = self._dialler.open(decider, meant, port, match)
        if isinstance(upstream, Refusal):
            return self._tell(meant, port, door, upstream)
        self.on_open(upstream)
        return Passage(Asked(meant, port, door, decision), upstream)

    def unreadable(self, what: str, door: str, error: str) -> Refusal:
        """The refusal for a destination that is not even a host."""
        refusal = Refusal(Decision("deny", f"{show(what)!r} is no destination: {error}"))
        self.teller.refused("network", "connect", show(what), refusal.decision, door=door)
        return refusal

    def malformed(self, door: str, what: str) -> Decision:
        """The refusal for what is no request at all; told here."""
        decision = Decision("deny", f"malformed request: {what}")
        self.teller.refused("network", "connect", "(malformed request)", decision, door=door)
        return decision

    def converse(self, passage: Passage, client: socket.socket, early: bytes = b"", *, greeting: bytes = b"") -> None:
        """Relay an opened connection until it ends, checking what is visible; ``greeting`` tells the client first that it is open. Closes both sockets."""
        conversation = Conversation(self._decider(), self.teller, passage.asked, client, passage.upstream)
        try:
            client.sendall(greeting)
            conversation.run(early)
        finally:
            conversation.close()

    def _meant(self, host: Host, port: int, door: str) -> Host | Refusal:
        """The name for which a synthetic address stands; any other host is what it says."""
        if not host.is_address or not is_synthetic_range(host):
            return host
        name = self._names.name_of(host)
        if name is None:
            return Refusal(Decision("deny", f"{host.at(port)} belongs to the fence itself and no name stands behind it"))
        try:
            meant = parse_host(name)
        except HostError as error:  # pragma: no cover - names enter the table in canonical form
            return Refusal(Decision("deny", f"{host.at(port)}: {error}"))
        if not self._names.is_refused(host):
            return meant
        decision = self._decider().decide(meant, port, door)
        if decision.allowed:
            decision = Decision("deny", f"{meant.at(port)} was refused when its name was looked up, or this run has used up its names", decision.rule)
        self.teller.refused("network", "connect", meant.at(port), decision, door=door)
        return Refusal(decision)

    def _tell(self, host: Host, port: int, door: str, refusal: Refusal) -> Refusal:
        if refusal.by_policy:
            if not is_synthetic_range(host) or self._names.name_of(host) is None:
                self.teller.refused("network", "connect", host.at(port), refusal.decision, door=door)
        else:
            self.teller.failed(host.at(port), refusal.decision, door=door, status=refusal.status)
        return refusal
