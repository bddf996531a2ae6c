"""Canaries about the network: a host that the plan does not list, by every way to the gate, and every way that would go around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from paddock.model.addresses import GATE_IPV4, HTTP_PROXY_PORT, SOCKS_PROXY_PORT
from paddock.model.hosts import parse_host
from paddock.model.plan import Plan
from paddock.network.decide import Decider
from paddock.network.ports import CAPTURE, HTTP, SOCKS
from paddock.session.verify_host import HostSide
from paddock.session.verify_table import Canary, Evidence, all_of

__all__ = ["canaries"]

# Set aside for documentation (RFC 5737, RFC 3849): nobody is there.
_IPV4 = "192.0.2.53"
_IPV6 = "2001:db8::53"
# A domain that never exists (RFC 6761 6.4).
_DOMAIN = "paddock.invalid"
_HTTP, _HTTPS = 80, 443
_A, _TXT = 1, 16
CONNECT = "connect"
_CLOSED = ("ECONNREFUSED",)
_EVERYTHING = "this plan allows every such host"


def canaries(plan: Plan, host: HostSide) -> Iterator[Canary]:
    """In the order in which they are tried."""
    decider = Decider(plan.network)
    ports = (host.ports["TCP"], host.ports["UDP"])
    yield Canary("host-loopback", "reach a listener on the host's loopback", "loopback", ports, all_of(*_CLOSED), _nobody("TCP", "UDP"))
    yield _address(decider)
    name = f"{host.token.rpartition('-')[2]}.{_DOMAIN}"
    yield _by_name(decider, name)
    yield from _by_doors(plan, decider, name)
    yield from _lookups(decider, name)
    yield Canary("udp", "send a datagram out", "datagram", (_IPV4, 9), all_of(*_CLOSED))
    abstract, path = ([host.socket_name], host.token), ([host.socket_path], host.token)
    yield Canary("abstract-socket", "connect to an abstract socket of the host's", "host_socket", abstract, all_of(*_CLOSED), _nobody("abstract"))
    yield Canary("path-socket", "connect to a socket of the host's in /tmp", "host_socket", path, all_of("ENOENT"), _nobody("path"))


def _nobody(*names: str) -> Callable[[Evidence], str]:
    """Nothing arrived at these listeners."""

    def check(evidence: Evidence) -> str:
        reached = evidence.seen.arrived.intersection(names)
        return f"a listener of the host's was reached ({', '.join(sorted(reached))})" if reached else ""

    return check


def _told(*asked: tuple[str, str, str, str]) -> Callable[[Evidence], str]:
    """The gate told that it refused each of these, for the reason that this plan gives: not because a name does not resolve."""

    def check(evidence: Evidence) -> str:
        missing = [subject for area, act, subject, reason in asked if not evidence.refused(area, act, subject, reason)]
        return f"the gate did not tell that the plan refuses {', '.join(missing)}" if missing else ""

    return check


def _refusal(decider: Decider, name: str, port: int, how: str) -> tuple[str, str, str, str] | None:
    """What the gate tells about a connection that the plan refuses; None when the plan allows it."""
    host = parse_host(name)
    decision = decider.decide(host, port, how)
    return None if decision.allowed else ("network", "connect", host.at(port), decision.reason)


def _address(decider: Decider) -> Canary:
    tries = "connect to an address that is not listed"
    asked = [(address, port, _refusal(decider, address, port, CAPTURE)) for address in (_IPV4, _IPV6) for port in (_HTTP, _HTTPS)]
    refusals = [refusal for _, _, refusal in asked if refusal]
    if not refusals:
        return Canary("address", tries, absent=_EVERYTHING)
    addresses = [(address, port) for address, port, refusal in asked if refusal]
    return Canary("address", f"{tries}, over IPv4 and IPv6", "address", (addresses,), all_of("403"), _told(*refusals), shown="403 from the gate")


def _by_name(decider: Decider, name: str) -> Canary:
    tries = "connect to a name that is not listed"
    refusal = _refusal(decider, name, _HTTP, CAPTURE)
    if refusal is None:
        return Canary("host", tries, absent=_EVERYTHING)
    return Canary("host", tries, "host_by_name", (name, _HTTP), all_of("403"), _told(refusal), shown="403 from the gate")


def _by_doors(plan: Plan, decider: Decider, name: str) -> Iterator[Canary]:
    """A port for each door: the gate tells about one destination once, whichever door it was asked at."""
    doors = (("http", HTTP, HTTP_PROXY_PORT, 81, "HTTP proxy door"), ("connect", CONNECT, HTTP_PROXY_PORT, 444, "proxy door with CONNECT"))
    for verb, how, gate_port, port, words in (*doors, ("socks", SOCKS, SOCKS_PROXY_PORT, 445, "SOCKS5 door")):
        canary, tries = f"door-{verb}", f"connect to a name that is not listed, by the {words}"
        arguments = (verb, GATE_IPV4, gate_port, name, port)
        refusal = _refusal(decider, name, port, how)
        if not plan.doors:
            yield Canary(canary, tries, "door", arguments, all_of(*_CLOSED), shown="ECONNREFUSED: this plan has no such door")
        elif refusal is None:
            yield Canary(canary, tries, absent=_EVERYTHING)
        else:
            yield Canary(canary, tries, "door", arguments, all_of("not allowed" if verb == "socks" else "403"), _told(refusal))


def _lookups(decider: Decider, name: str) -> Iterator[Canary]:
    """Each with a name of its own: the gate tells about a name once."""
    for canary, kind, server, transport, words in (
        ("lookup", _A, "", "udp", "look up a name"),
        ("lookup-txt", _TXT, "", "udp", "look up TXT records"),
        ("lookup-outside", _A, _IPV4, "udp", "ask a nameserver outside"),
        ("lookup-outside-tcp", _A, _IPV4, "tcp", "ask a nameserver outside over TCP"),
    ):
        asked = parse_host(f"{canary}.{name}")
        if decider.may_look_up(asked) or decider.may_ask_records(asked) is not None:
            yield Canary(canary, words, absent=_EVERYTHING)
            continue
        subject = f"TXT {asked.text}" if kind == _TXT else asked.text
        told = _told(("dns", "lookup", subject, decider.decide_name(asked).reason))
        shown = "an empty answer" if kind == _TXT else "an address of the fence's own"
        yield Canary(canary, words, "lookup", (asked.text, kind, server, transport), all_of("empty" if kind == _TXT else "fence"), told, shown=shown)
