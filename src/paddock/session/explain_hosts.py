"""The host half of ``paddock policy explain``: the question as people write it, the gate's own decision, what else speaks about the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from paddock.errors import UsageError
from paddock.model.decision import Decision
from paddock.model.hosts import Host, HostError, parse_host, parse_pattern, parse_target, show
from paddock.model.plan import Plan
from paddock.model.policy import NetworkPolicy
from paddock.model.settings import Origin
from paddock.network.addresses import Kind, kind_of
from paddock.network.decide import LOCALHOST, Decider

__all__ = ["HostQuestion", "decide_host", "host_notes", "host_rules", "parse_question"]

# IANA's ports of the schemes that people paste.
_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80, "ssh": 22, "git+ssh": 22, "git": 9418, "ftp": 21}
_DEFAULT_PORT = 443


class HostQuestion(NamedTuple):
    """``assumed`` says that the port was not written."""

    host: Host
    port: int
    assumed: bool = False


def parse_question(text: str) -> HostQuestion:
    """``host``, ``host:port`` or a URL. Raises ``UsageError``."""
    scheme, colon, rest = text.partition("://")
    port = _PORTS.get(scheme.lower()) if colon else None
    target = (rest if colon else text).partition("/")[0].rpartition("@")[2] if colon else text
    try:
        if target.count(":") > 1 and not target.startswith("["):
            return HostQuestion(parse_host(target), port or _DEFAULT_PORT, assumed=port is None)
        host, found = parse_target(target, port or _DEFAULT_PORT)
    except HostError as error:
        raise UsageError(f"{show(text)!r} is not a host: {error}", hint=error.hint) from error
    return HostQuestion(host, found, assumed=port is None and not _has_port(target))


def _has_port(target: str) -> bool:
    return ":" in target.rpartition("]")[2]


def decide_host(network: NetworkPolicy, question: HostQuestion) -> Decision:
    """What the gate would say to a connection."""
    return Decider(network).decide(question.host, question.port, "capture")


def host_rules(network: NetworkPolicy, question: HostQuestion) -> Iterator[tuple[str, Origin]]:
    """Every entry that matches the host, at whichever port."""
    for name, kind, rules in (("allowedDomains", "allow", network.allowed), ("deniedDomains", "deny", network.denied)):
        for rule in rules:
            if any(pattern.matches(question.host, pattern.port or question.port) for pattern in parse_pattern(rule.pattern, kind)):
                yield name, rule.origin


def host_notes(plan: Plan, question: HostQuestion, decision: Decision) -> Iterator[str]:
    """What the decision leaves open."""
    host = question.host
    loopback = host.text == LOCALHOST or (host.is_address and kind_of(host) is Kind.LOOPBACK)
    if question.assumed:
        yield f"port {question.port} is assumed: write HOST:PORT for another"
    if loopback and question.port not in plan.host_ports:
        yield "inside, loopback is the fence's own: what listens inside can be reached there, what listens on the host cannot"
    elif decision.allowed and not host.is_address:
        yield "the name is looked up outside when it is used: addresses of this machine and of its cloud stay refused unless listed themselves"
    if not decision.allowed and not host.is_address and Decider(plan.network).may_look_up(host):
        yield "another port of this host is allowed, so the name itself can be looked up"
