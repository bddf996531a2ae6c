"""Connections out: an allowed name is looked up, its addresses are vetted, and exactly those are dialled."""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, Protocol

from paddock.model.decision import Decision
from paddock.model.hosts import Host
from paddock.model.record import record
from paddock.network.decide import LOCALHOST, LOOPBACK_TWINS, Decider, Match, vet_addresses

__all__ = ["Dialler", "Refusal", "Resolver", "connect_any"]

CONNECT_TIMEOUT: Final = 20.0
"""Seconds for all attempts together."""
HEAD_START: Final = 0.25
"""Seconds that one address gets before the next one is tried beside it (RFC 8305 5)."""
WILDCARD_NAMES: Final = 200
"""Distinct names below wildcard entries that may be looked up in one run: every lookup tells a name server something, and labels can carry data."""


class Resolver(Protocol):
    """Real name resolution."""

    def addresses(self, name: str) -> tuple[Host, ...]:
        """Addresses of a name, empty when there are none. Raises ``TimeoutError``."""


@record
class Refusal:
    """Why there is no connection. ``status`` is the HTTP status that says it: 403 by policy, 502 and 504 when the other side failed."""

    decision: Decision
    status: int = 403

    @property
    def by_policy(self) -> bool:
        """Whether a rule refused it (a violation) and not the network."""
        return self.status == 403


class Dialler:
    """Opens connections for allowed flows. One for each gate; safe to use from any thread."""

    def __init__(self, resolver: Resolver, is_own: Callable[[Host], bool]) -> None:
        self._resolver = resolver
        self._is_own = is_own
        self._lock = Lock()
        self._wildcard_names: set[str] = set()

    def open(self, decider: Decider, host: Host, port: int, match: Match) -> socket.socket | Refusal:
        """A connected socket, or the reason why not."""
        addresses = _loopbacks(host, match) if host.text in LOOPBACK_TWINS else (host,)
        if not host.is_address:
            found = self._look_up(host, port, match)
            if isinstance(found, Refusal):
                return found
            addresses = found
        checked, decision = vet_addresses(decider, host, port, match, addresses, self._is_own)
        if not checked:
            return Refusal(decision)
        try:
            return connect_any(checked, port)
        except TimeoutError:
            return Refusal(Decision("deny", f"{host.at(port)} does not answer", match.rule.origin), 504)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            return Refusal(Decision("deny", f"{host.at(port)} cannot be reached: {reason}", match.rule.origin), 502)

    def _look_up(self, host: Host, port: int, match: Match) -> tuple[Host, ...] | Refusal:
        if match.pattern.is_wildcard and not match.pattern.everything and not self._within_budget(host.text):
            reason = f"{host.at(port)}: this run has looked up {WILDCARD_NAMES} names below wildcard entries"
            return Refusal(Decision("deny", reason, match.rule.origin, f'list "{host.text}" itself in sandbox.network.allowedDomains'))
        try:
            found = self._resolver.addresses(host.text)
        except TimeoutError as error:
            return Refusal(Decision("deny", f"{host.at(port)}: {error}", match.rule.origin), 403 if match.pattern.is_wildcard else 504)
        if not found:
            # Below a wildcard the name is the program's own words, and whether it exists is an answer from outside: that reads like any refusal.
            return Refusal(Decision("deny", f"{host.at(port)} does not resolve", match.rule.origin), 403 if match.pattern.is_wildcard else 502)
        return found

    def _within_budget(self, name: str) -> bool:
        with self._lock:
            if name in self._wildcard_names:
                return True
            if len(self._wildcard_names) >= WILDCARD_NAMES:
                return False
            self._wildcard_names.add(name)
            return True


def _loopbacks(asked: Host, match: Match) -> tuple[Host, ...]:
    """What an entry means for one of the two addresses of ``localhost``: both of them, the one that was asked for first, or the literal that it names.

    A program that wants ``localhost`` tries ``::1`` first and goes on to ``127.0.0.1`` when nobody listens there. Inside, the gate has already accepted its
    first attempt, so going on is up to the gate.
    """
    twin = LOOPBACK_TWINS[asked.text]
    if match.pattern.labels == (LOCALHOST,):
        return asked, twin
    return (twin,) if match.pattern.address == twin.packed else (asked,)


def connect_any(addresses: Sequence[Host], port: int) -> socket.socket:
    """The first connection that succeeds, attempts started ``HEAD_START`` apart (RFC 8305). Raises ``OSError`` or ``TimeoutError``."""
    deadline = time.monotonic() + CONNECT_TIMEOUT
    waiting = list(addresses)
    poll = select.poll()
    pending: dict[int, socket.socket] = {}
    last = OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
    try:
        while waiting or pending:
            if waiting:
                attempt = _begin(waiting.pop(0), port)
                if isinstance(attempt, OSError):
                    last = attempt
                    continue
                pending[attempt.fileno()] = attempt
                poll.register(attempt, select.POLLOUT)
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no answer")
            for fd, _ in poll.poll(1000 * min(left, HEAD_START) if waiting else 1000 * left):
                code = pending[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                poll.unregister(fd)
                done = pending.pop(fd)
                if code == 0:
                    done.setblocking(True)
                    return done
                done.close()
                last = OSError(code, os.strerror(code))
    finally:
        for attempt in pending.values():
            attempt.close()
    if last.errno == errno.ETIMEDOUT:
        raise TimeoutError("no answer")
    raise last


def _begin(address: Host, port: int) -> socket.socket | OSError:
    attempt = socket.socket(socket.AF_INET6 if address.is_v6 else socket.AF_INET, socket.SOCK_STREAM)
    attempt.setblocking(False)
    attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    attempt.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    code = attempt.connect_ex((address.text, port))
    if code in (0, errno.EINPROGRESS):
        return attempt
    attempt.close()
    return OSError(code, os.strerror(code))
