"""The addresses and ports of the fence's own network: what the launcher sets up, the gate listens on and the environment announces.

Nothing of this exists outside a fence. The IPv4 numbers lie in 198.18.0.0/15, set aside for benchmarks (RFC 2544, RFC 6890), so they belong to nobody; the IPv6
prefix is a unique local one (RFC 4193).
"""

from __future__ import annotations

__all__ = [
    "CAPTURE_PORT",
    "DNS_PORT",
    "GATE_IPV4",
    "GATE_IPV6",
    "HTTP_PROXY_PORT",
    "OWN_IPV4",
    "OWN_IPV6",
    "SOCKS_PROXY_PORT",
    "SYNTHETIC_RANGE",
]

GATE_IPV4 = "198.19.255.253"
GATE_IPV6 = "fd5a:7061:6464::253"

# The fence's global addresses on ``lo``: without one of each family getaddrinfo(3) with AI_ADDRCONFIG finds nothing.
OWN_IPV4 = "198.19.255.1"
OWN_IPV6 = "fd5a:7061:6464::1"

CAPTURE_PORT = 1
DNS_PORT = 2
HTTP_PROXY_PORT = 3128
SOCKS_PROXY_PORT = 1080

# Addresses that stand for names inside (the gate's own addresses are taken out of it).
SYNTHETIC_RANGE = "198.18.0.0/15"
