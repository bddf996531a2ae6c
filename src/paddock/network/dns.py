"""The fence's resolver: answers everything itself, so that a lookup carries nothing out and brings nothing in.

A records are synthetic addresses (``names``), every other type is answered empty, reverse lookups give the name back. Only names that the policy lists for
it have SRV and TXT records, which the host's resolver is asked for. Wire format by dnspython (RFC 1035, RFC 6761
for special names, RFC 2308 for empty answers).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from paddock.model.decision import Decision
from paddock.model.hosts import Host, HostError, parse_address, parse_host, show
from paddock.model.record import replace
from paddock.network.decide import Decider
from paddock.network.names import NameTable
from paddock.network.tell import Teller

__all__ = ["Answerer", "RecordSource"]

TTL_ALLOWED: Final = 60
TTL_REFUSED: Final = 1
"""Seconds. A refused name may be allowed a moment later."""
UDP_LIMIT: Final = 1232
"""Octets of an answer over UDP for a client that offers more than 512 (DNS flag day 2020)."""
QUERY_LIMIT: Final = 4096
HEADER: Final = 12
CANARIES: Final = frozenset({"use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"})
"""Names whose absence tells browsers and systems to leave the resolver alone."""
QUIET: Final = frozenset({dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.HTTPS, dns.rdatatype.SVCB, dns.rdatatype.PTR})
"""Types that ordinary programs ask for with every connection: nothing to tell beyond the name itself."""
LOOPBACK: Final = {dns.rdatatype.A: "127.0.0.1", dns.rdatatype.AAAA: "::1"}


class RecordSource(Protocol):
    """Real SRV and TXT records, from the host's resolver."""

    def records(self, name: str, kind: str) -> list[str]:
        """Records in presentation format, empty when there are none or the lookup failed."""


class Answerer:
    """One query in, one answer out. Safe to use from any thread."""

    def __init__(self, decider: Callable[[], Decider], names: NameTable, teller: Teller, records: RecordSource) -> None:
        self._decider = decider
        self._names = names
        self._teller = teller
        self._records = records

    def answer(self, wire: bytes, *, udp: bool) -> bytes | None:
        """The answer to a query, or None for what deserves none (not a query at all)."""
        if len(wire) > QUERY_LIMIT:
            return None
        try:
            query = dns.message.from_wire(wire, ignore_trailing=False)
        except Exception:  # noqa: BLE001 - a parser fed by the fenced program: whatever it raises, the query is dropped and nothing is looked up
            return None
        if query.flags & dns.flags.QR:
            return None
        response = dns.message.make_response(query, recursion_available=True, our_payload=UDP_LIMIT)
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            response.set_rcode(dns.rcode.NOTIMP)
        else:
            self._fill(response, query.question[0])
        return self._encode(response, query, udp=udp)

    def waits(self, wire: bytes) -> bool:
        """Whether the answer may have to be asked for outside and so take long."""
        return bool(self._decider().policy.dns_names) and _asked_type(wire) in (dns.rdatatype.SRV, dns.rdatatype.TXT)

    def _encode(self, response: dns.message.Message, query: dns.message.Message, *, udp: bool) -> bytes:
        limit = min(max(query.payload, 512), UDP_LIMIT) if udp else 65_535
        try:
            return response.to_wire(max_size=limit)
        except dns.exception.TooBig:
            short = dns.message.make_response(query, recursion_available=True, our_payload=UDP_LIMIT)
            short.flags |= dns.flags.TC
            return short.to_wire(max_size=limit)

    def _fill(self, response: dns.message.Message, question: dns.rrset.RRset) -> None:
        kind = question.rdtype
        text = question.name.to_text(omit_final_dot=True)
        if question.rdclass != dns.rdataclass.IN:
            response.set_rcode(dns.rcode.REFUSED)
        elif kind == dns.rdatatype.PTR:
            self._reverse(response, question)
        else:
            try:
                host = parse_host(text)
            except HostError:
                self._tell(show(text), kind, Decision("deny", "the name is not a host name"))
                response.set_rcode(dns.rcode.NXDOMAIN)
                return
            self._forward(response, question, host)

    def _forward(self, response: dns.message.Message, question: dns.rrset.RRset, host: Host) -> None:
        kind, name = question.rdtype, host.text
        if host.is_address or name in CANARIES:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif name == "localhost" or name.endswith(".localhost"):
            if kind in LOOPBACK:
                _add(response, question, LOOPBACK[kind], TTL_ALLOWED)
        elif kind in (dns.rdatatype.SRV, dns.rdatatype.TXT) and self._decider().may_ask_records(host) is not None:
            for record in self._records.records(name, dns.rdatatype.to_text(kind)):
                _add(response, question, record, TTL_ALLOWED)
        else:
            self._synthetic(response, question, host)

    def _synthetic(self, response: dns.message.Message, question: dns.rrset.RRset, host: Host) -> None:
        kind = question.rdtype
        allowed = self._decider().may_look_up(host)
        if not allowed:
            decision = self._decider().decide_name(host)
            self._tell(host.text, kind, decision if kind in QUIET else replace(decision, remedy=self._records_remedy(kind, host)))
        elif kind not in QUIET:
            reason = f"{dns.rdatatype.to_text(kind)} records never leave the fence and are answered empty"
            self._tell(host.text, kind, Decision("deny", reason, remedy=self._records_remedy(kind, host)))
        if kind != dns.rdatatype.A:
            return
        address = self._names.allowed(host.text) if allowed else None
        if address is None:
            _add(response, question, self._names.refused(host.text).text, TTL_REFUSED)
        else:
            _add(response, question, address.text, TTL_ALLOWED)

    def _records_remedy(self, kind: dns.rdatatype.RdataType, host: Host) -> str:
        return self._decider().records_remedy(host) if kind in (dns.rdatatype.SRV, dns.rdatatype.TXT) else ""

    def _reverse(self, response: dns.message.Message, question: dns.rrset.RRset) -> None:
        address = _address_of(question.name)
        if address is not None and address.packed in (b"\x7f\0\0\x01", bytes(15) + b"\x01"):
            _add(response, question, "localhost.", TTL_ALLOWED)
            return
        name = self._names.name_of(address) if address is not None else None
        if name is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            _add(response, question, f"{name}.", TTL_REFUSED)

    def _tell(self, name: str, kind: dns.rdatatype.RdataType, decision: Decision) -> None:
        label = dns.rdatatype.to_text(kind)
        subject = name if kind in QUIET else f"{label} {name}"
        self._teller.refused("dns", "lookup", subject, decision, type=label)


def _asked_type(wire: bytes) -> int:
    """The type of the first question (RFC 1035 4.1.2), read without judging it; 0 when there is none."""
    at = HEADER
    while at < len(wire) and wire[at]:
        at += wire[at] + 1
    return int.from_bytes(wire[at + 1 : at + 3], "big")


def _add(response: dns.message.Message, question: dns.rrset.RRset, record: str, ttl: int) -> None:
    response.answer.append(dns.rrset.from_text(question.name, ttl, question.rdclass, question.rdtype, record))


def _address_of(name: dns.name.Name) -> Host | None:
    """The address behind a reverse name (RFC 1035 3.5, RFC 3596 2.5), or None."""
    labels = [label.decode("ascii", "replace").lower() for label in name.labels if label]
    if labels[-2:] == ["in-addr", "arpa"] and len(labels) == 6 and all(part.isdigit() and len(part) <= 3 and int(part) < 256 for part in labels[:4]):
        return parse_address(bytes(int(part) for part in reversed(labels[:4])))
    digits = "".join(reversed(labels[:-2]))
    if labels[-2:] == ["ip6", "arpa"] and len(labels) == 34 and len(digits) == 32 and set(digits) <= set("0123456789abcdef"):
        return parse_address(bytes.fromhex(digits))
    return None
