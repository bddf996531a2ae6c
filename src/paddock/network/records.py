"""SRV and TXT records of the names that the policy lists for it, from the host's resolver (RFC 2782, RFC 1035 3.3.14)."""

from __future__ import annotations

from typing import Final

import dns.exception
import dns.resolver

__all__ = ["HostRecords"]

LIFETIME: Final = 5.0
"""Seconds for all attempts of one lookup."""


class HostRecords:
    """Asks the name servers of the host's resolv.conf."""

    def records(self, name: str, kind: str) -> list[str]:
        """Records in presentation format; empty when there are none, and when the lookup fails: a program inside sees an empty answer either way."""
        try:
            answer = dns.resolver.Resolver().resolve(f"{name}.", kind, lifetime=LIFETIME)
        except (dns.exception.DNSException, OSError):
            return []
        return [record.to_text() for record in answer]
