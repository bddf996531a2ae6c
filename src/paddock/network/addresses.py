"""What kind of address an address is. Pure; the tables are IANA's special-purpose registries (RFC 6890) and the clouds' published metadata endpoints."""

from __future__ import annotations

from enum import Enum

from paddock.model.hosts import Host, parse_address, parse_host

__all__ = ["Kind", "embedded_v4", "is_synthetic_range", "kind_of"]


class Kind(str, Enum):
    """Why an address may be more than a place on the internet. ``PUBLIC`` and ``PRIVATE`` are ordinary destinations, the rest are not."""

    PUBLIC = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"
    METADATA = "cloud metadata"
    MULTICAST = "multicast"
    UNSPECIFIED = "unspecified"
    RESERVED = "reserved"


def _networks(*rows: tuple[str, int]) -> tuple[tuple[int, int, int], ...]:
    """(value of the prefix, bits to drop, octets) for each ``(address, prefix length)``."""
    out = []
    for text, length in rows:
        packed = parse_host(text).packed
        drop = len(packed) * 8 - length
        out.append((int.from_bytes(packed, "big") >> drop, drop, len(packed)))
    return tuple(out)


# The first row that holds the address decides, so single addresses stand before the ranges around them.
TABLE: tuple[tuple[Kind, tuple[tuple[int, int, int], ...]], ...] = (
    (
        Kind.METADATA,
        _networks(
            ("169.254.169.254", 32),
            ("169.254.170.2", 32),
            ("169.254.170.23", 32),
            ("100.100.100.200", 32),
            ("168.63.129.16", 32),
            ("192.0.0.192", 32),
            ("fd00:ec2::254", 128),
            ("fd00:ec2::23", 128),
            ("fd20:ce::254", 128),
        ),
    ),
    (Kind.LOOPBACK, _networks(("127.0.0.0", 8), ("::1", 128))),
    (Kind.UNSPECIFIED, _networks(("0.0.0.0", 8), ("::", 128))),  # noqa: S104 - recognised here, never bound
    (Kind.LINK_LOCAL, _networks(("169.254.0.0", 16), ("fe80::", 10))),
    (Kind.MULTICAST, _networks(("224.0.0.0", 4), ("ff00::", 8))),
    (Kind.PRIVATE, _networks(("10.0.0.0", 8), ("172.16.0.0", 12), ("192.168.0.0", 16), ("100.64.0.0", 10), ("fc00::", 7), ("fec0::", 10))),
    (Kind.RESERVED, _networks(("192.0.0.0", 24), ("240.0.0.0", 4), ("100::", 64))),
)

SYNTHETIC = _networks(("198.18.0.0", 15))
"""The benchmarking range of RFC 2544: routed nowhere, so the fence's resolver answers from it."""
GATE_V6 = _networks(("fd5a:7061:6464::", 64))
"""The unique local prefix of the fence itself."""
NAT64 = _networks(("64:ff9b::", 96))
SIX_TO_FOUR = _networks(("2002::", 16))


def _within(packed: bytes, networks: tuple[tuple[int, int, int], ...]) -> bool:
    value = int.from_bytes(packed, "big")
    return any(size == len(packed) and value >> drop == prefix for prefix, drop, size in networks)


def embedded_v4(host: Host) -> Host | None:
    """The IPv4 address that a translator would reach for this IPv6 address (RFC 6052 well-known prefix, RFC 3056), or None."""
    if _within(host.packed, NAT64):
        return parse_address(host.packed[12:])
    if _within(host.packed, SIX_TO_FOUR):
        return parse_address(host.packed[2:6])
    return None


def kind_of(host: Host) -> Kind:
    """The kind of an address; IPv6 that a translator turns into IPv4 has the kind of that address. Raises ``ValueError`` for a name."""
    if not host.is_address:
        raise ValueError(f"not an address: {host.text}")
    inner = embedded_v4(host)
    if inner is not None:
        return kind_of(inner)
    return next((kind for kind, networks in TABLE if _within(host.packed, networks)), Kind.PUBLIC)


def is_synthetic_range(host: Host) -> bool:
    """Whether the address belongs to the fence: the range that stands for names, the gate, and the fence's own addresses."""
    return _within(host.packed, SYNTHETIC) or _within(host.packed, GATE_V6)
