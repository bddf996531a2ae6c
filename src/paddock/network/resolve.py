"""Real name resolution, on the host, for allowed flows only: the host's hosts file, search list and name service switch apply (getaddrinfo(3))."""

from __future__ import annotations

import socket
import time
from threading import Condition, Lock, Thread
from typing import Final

from paddock.model.hosts import Host, HostError, parse_address

__all__ = ["HostResolver", "is_own_address"]

TIMEOUT: Final = 10.0
"""Seconds before a lookup counts as failed; the thread that made it ends on its own."""
IN_FLIGHT: Final = 64
"""Lookups under way at once. getaddrinfo cannot be interrupted, so a dead name server must not gather threads."""
KEEP: Final = 5.0
"""Seconds for which an answer (or its absence) is used again."""
KEPT_NAMES: Final = 512


class _Lookup:
    """One lookup that any number of flows wait for."""

    def __init__(self) -> None:
        self.done = Condition()
        self.addresses: tuple[Host, ...] | None = None
        self.finished_at = 0.0


class HostResolver:
    """Asks the host's resolver, with a time limit, remembering answers for a few seconds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lookups: dict[str, _Lookup] = {}
        self._running = 0

    def addresses(self, name: str) -> tuple[Host, ...]:
        """Every address of ``name`` in the order of RFC 6724; empty when it does not resolve. Raises ``TimeoutError``."""
        lookup = self._join_or_start(name)
        with lookup.done:
            lookup.done.wait_for(lambda: lookup.addresses is not None, TIMEOUT)
        if lookup.addresses is None:
            raise TimeoutError(f"looking up {name} took more than {TIMEOUT:.0f} s")
        return lookup.addresses

    def _join_or_start(self, name: str) -> _Lookup:
        now = time.monotonic()
        with self._lock:
            known = self._lookups.get(name)
            if known is not None and (known.addresses is None or now - known.finished_at < KEEP):
                return known
            if self._running >= IN_FLIGHT:
                raise TimeoutError("too many lookups wait for the host's resolver")
            if len(self._lookups) >= KEPT_NAMES:
                self._lookups = {n: entry for n, entry in self._lookups.items() if entry.addresses is None}
            lookup = self._lookups[name] = _Lookup()
            self._running += 1
        Thread(target=self._run, args=(name, lookup), name="paddock-lookup", daemon=True).start()
        return lookup

    def _run(self, name: str, lookup: _Lookup) -> None:
        found = _getaddrinfo(name)
        with self._lock:
            self._running -= 1
        with lookup.done:
            lookup.finished_at = time.monotonic()
            lookup.addresses = found
            lookup.done.notify_all()


def _getaddrinfo(name: str) -> tuple[Host, ...]:
    """Empty for every way in which a name can fail to have an address; the caller refuses then."""
    try:
        rows = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        found = [parse_address(socket.inet_pton(row[0], str(row[4][0]).partition("%")[0])) for row in rows]
    except (OSError, UnicodeError, HostError):
        return ()
    return tuple(dict.fromkeys(found))


def is_own_address(address: Host) -> bool:
    """Whether a connection to ``address`` would stay on this machine: the kernel then picks the same address as its source.

    Connecting a datagram socket sends nothing (udp(7)). Unlike trying to bind, this does not depend on ``ip_nonlocal_bind``.
    """
    family = socket.AF_INET6 if address.is_v6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address.text, 9))
        except OSError:
            return False  # no route: nothing can be reached there, on this machine or elsewhere
        return bool(socket.inet_pton(family, str(probe.getsockname()[0]).partition("%")[0]) == address.packed)
