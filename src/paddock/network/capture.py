"""Where a captured connection was going, as the kernel's connection table remembers it.

``SO_ORIGINAL_DST`` of linux/netfilter_ipv4.h and ``IP6T_SO_ORIGINAL_DST`` of linux/netfilter_ipv6/ip6_tables.h.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from paddock.model.hosts import Host, HostError, parse_address

__all__ = ["original_destination"]

SO_ORIGINAL_DST: Final = 80
SOL_IP: Final = 0
SOL_IPV6: Final = 41
SOCKADDR_IN: Final = 16
SOCKADDR_IN6: Final = 28


def original_destination(client: socket.socket) -> tuple[Host, int] | None:
    """Address and port that the program asked for; None when the kernel does not know, or when it asked for the gate's own listener."""
    try:
        if client.family == socket.AF_INET6:
            raw = client.getsockopt(SOL_IPV6, SO_ORIGINAL_DST, SOCKADDR_IN6)
            packed = raw[8:24]
        else:
            raw = client.getsockopt(SOL_IP, SO_ORIGINAL_DST, SOCKADDR_IN)
            packed = raw[4:8]
        here = parse_address(socket.inet_pton(client.family, client.getsockname()[0])), int(client.getsockname()[1])
        (port,) = struct.unpack_from("!H", raw, 2)
        asked = parse_address(packed), int(port)
    except (OSError, HostError, struct.error):
        return None  # the caller refuses: an unknown destination is never dialled
    return None if asked == here else asked
