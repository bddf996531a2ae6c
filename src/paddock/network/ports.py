"""What the gate needs from outside: listening sockets that were made inside the fence, and nothing else. No I/O here."""

from __future__ import annotations

from typing import Final

from paddock.model.record import record

__all__ = ["CAPTURE", "DNS_TCP", "DNS_UDP", "HTTP", "ROLES", "SOCKS", "Listener", "Listeners"]

CAPTURE: Final = "capture"
"""Every TCP connection of the fence arrives here by destination NAT; the kernel remembers where it was going."""
DNS_UDP: Final = "dns-udp"
DNS_TCP: Final = "dns-tcp"
HTTP: Final = "http"
"""Explicit HTTP proxy door: absolute form and CONNECT."""
SOCKS: Final = "socks"
ROLES: Final = (CAPTURE, DNS_UDP, DNS_TCP, HTTP, SOCKS)


@record
class Listener:
    """One socket made inside the fence: ``role`` is one of ``ROLES``, ``family`` is 4 or 6, ``fd`` a listening (or, for UDP, bound) descriptor."""

    role: str
    family: int
    fd: int


Listeners = tuple[Listener, ...]
