"""One decision for every door: may this be reached, which entry says so, and what would have to change. Pure.

Order: a deny entry wins, then an allow entry, then nothing is reachable. A name that may be reached is looked up afterwards, outside, and ``vet_addresses``
judges what it turned out to be: a listed name must not be a way to this machine, its neighbours or its cloud's credentials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from paddock.errors import PolicyError
from paddock.model.decision import Decision
from paddock.model.hosts import Host, HostError, Pattern, parse_host, parse_pattern
from paddock.model.policy import HostRule, NetworkPolicy
from paddock.model.record import record
from paddock.model.settings import Origin, Scope
from paddock.network.addresses import Kind, kind_of

__all__ = ["HOW", "LOCALHOST", "LOOPBACK_TWINS", "Decider", "Match", "decide", "vet_addresses"]

LOCALHOST = "localhost"
LOOPBACK_TWINS = {"127.0.0.1": parse_host("::1"), "::1": parse_host("127.0.0.1")}
"""The two addresses of ``localhost``, each with the other."""

HOW = {
    "capture": "connection",
    "connect": "CONNECT",
    "http": "HTTP request",
    "host-header": "HTTP Host header",
    "server-name": "TLS server name",
    "socks": "SOCKS request",
}
"""How a host can be asked for, in words. A door that is not here uses its own name."""


@record
class Match:
    """A pattern that matched, with the entry it came from."""

    pattern: Pattern
    rule: HostRule


class _Index:
    """Patterns by what they can match, so that a decision costs the same for ten entries and ten thousand."""

    def __init__(self, rules: Iterable[HostRule], list_kind: str) -> None:
        self._exact: dict[str, list[Match]] = {}
        self._addresses: dict[bytes, list[Match]] = {}
        self._suffixes: dict[str, list[Match]] = {}
        self._rest: list[Match] = []
        for rule in rules:
            for pattern in _parsed(rule, list_kind):
                self._add(Match(pattern, rule))

    def _add(self, match: Match) -> None:
        pattern = match.pattern
        if pattern.address:
            self._addresses.setdefault(pattern.address, []).append(match)
        elif not pattern.is_wildcard:
            self._exact.setdefault(".".join(pattern.labels), []).append(match)
        elif not pattern.everything and pattern.labels[0] == "**" and not any("*" in label for label in pattern.labels[1:]):
            self._suffixes.setdefault(".".join(pattern.labels[1:]), []).append(match)
        else:
            self._rest.append(match)

    def candidates(self, host: Host) -> Iterable[Match]:
        """Entries that can match the host at some port, the most exact first."""
        if host.is_address:
            yield from self._addresses.get(host.packed, ())
        else:
            yield from self._exact.get(host.text, ())
            tail = host.text
            while "." in tail:
                tail = tail.partition(".")[2]
                yield from self._suffixes.get(tail, ())
        yield from self._rest

    def find(self, host: Host, port: int) -> Match | None:
        """The most exact entry that matches."""
        return next((m for m in self.candidates(host) if m.pattern.matches(host, port)), None)


def _parsed(rule: HostRule, list_kind: str) -> tuple[Pattern, ...]:
    try:
        return parse_pattern(rule.pattern, list_kind)
    except HostError as error:
        raise PolicyError(f"{rule.origin}: {error}", hint=error.hint) from error


ALLOWED = "sandbox.network.allowedDomains"


class Decider:
    """A policy's lists, made ready. Immutable after construction, so any thread may ask. Raises ``PolicyError`` for an entry that has no meaning."""

    def __init__(self, policy: NetworkPolicy) -> None:
        self.policy = policy
        self._denied = _Index(policy.denied, "deny")
        self._allowed = _Index(policy.allowed, "allow")
        self._records = _Index(policy.dns_names, "allow")

    def decide(self, host: Host, port: int, how: str) -> Decision:
        """Whether ``host`` may be reached at ``port``. ``how`` names the door and colours the reason; it never changes the answer."""
        return self.judge(host, port, how)[0]

    def judge(self, host: Host, port: int, how: str) -> tuple[Decision, Match | None]:
        """The decision, and the allow entry behind it when there is one."""
        asked = f"{HOW.get(how, how)} to {host.at(port)}"
        denied = self._denied.find(host, port)
        if denied is not None:
            return self._by_deny(asked, denied), None
        allowed = self._allowed.find(host, port)
        if allowed is None and host.is_address and kind_of(host) is Kind.LOOPBACK:
            return self._loopback_by_name(host, port, asked, how)
        if allowed is None:
            return Decision("deny", f"{asked}: no entry allows it", self._list(), self.remedy(host, port)), None
        return Decision("allow", f"{asked}: listed as {allowed.pattern.text}", allowed.rule.origin), allowed

    def may_look_up(self, host: Host) -> bool:
        """Whether some port of this name could be allowed, so that an address of its own is worth giving."""
        return any(not self._denies_wholly(host, m.pattern.port) for m in self._allowed.candidates(host) if _covers(m.pattern, host))

    def decide_name(self, host: Host) -> Decision:
        """Why a name that ``may_look_up`` refuses is refused, at whichever port."""
        denied = next((m for m in self._denied.candidates(host) if m.pattern.port is None and _covers(m.pattern, host)), None)
        if denied is not None:
            return self._by_deny(f"lookup of {host.text}", denied)
        remedy = f'add "{host.text}" to sandbox.network.allowedDomains in {self._file()}, or run with --allow-domain {host.text}'
        return Decision("deny", f"lookup of {host.text}: no entry allows it", self._list(), remedy)

    def may_ask_records(self, host: Host) -> Origin | None:
        """The entry that lets SRV and TXT records of this name be asked for, or None; a denied name never may."""
        found = next((m for m in self._records.candidates(host) if _covers(m.pattern, host)), None)
        return found.rule.origin if found is not None and not self._denies_wholly(host, None) else None

    def records_remedy(self, host: Host) -> str:
        """What would let SRV and TXT records of a name be asked for."""
        return f'add "{host.text}" to paddock.network.dns in {self._file()}'

    def allows_literal(self, address: Host, port: int) -> bool:
        """Whether this very address is on the allow list."""
        return self._allowed.find(address, port) is not None

    def denied_literal(self, address: Host, port: int) -> Match | None:
        """The deny entry for this very address, if there is one."""
        return self._denied.find(address, port)

    def remedy(self, host: Host, port: int) -> str:
        """The smallest change that would allow it."""
        return f'add "{host.at(port)}" to sandbox.network.allowedDomains in {self._file()}, or run with --allow-domain {host.at(port)}'

    def _denies_wholly(self, host: Host, port: int | None) -> bool:
        return any(_covers(m.pattern, host) and m.pattern.port in (None, port) for m in self._denied.candidates(host))

    def _loopback_by_name(self, host: Host, port: int, asked: str, how: str) -> tuple[Decision, Match | None]:
        """``localhost:3000`` also stands for the loopback address that the program inside connected to.

        A listed literal stands for its twin: what asks for ``localhost`` tries ``::1`` first, and the gate has accepted before anybody could go on to
        ``127.0.0.1``. Only the literal that is listed is dialled (``network/dial.py``), so nothing more can be reached.
        """
        decision, match = self.judge(Host(LOCALHOST), port, how)
        if match is not None and not match.pattern.is_wildcard:
            return decision, match
        if not decision.allowed and decision.rule != self._list():
            return decision, None
        other = self._allowed.find(LOOPBACK_TWINS[host.text], port) if host.text in LOOPBACK_TWINS else None
        if other is not None and other.pattern.address:
            return Decision("allow", f"{asked}: listed as {other.pattern.text}", other.rule.origin), other
        return Decision("deny", f"{asked}: no entry allows it", self._list(), self.remedy(host, port)), None

    def _by_deny(self, asked: str, match: Match) -> Decision:
        origin = match.rule.origin
        remedy = "" if origin.scope is Scope.MANAGED else f'remove "{match.pattern.text}" from {origin.key or "sandbox.network.deniedDomains"} ({origin})'
        return Decision("deny", f"{asked}: denied by {match.pattern.text}", origin, remedy)

    def _list(self) -> Origin:
        """The list that a refused host is not on: where its first entry stands, or our own empty one. No single entry decided, so it quotes none."""
        listed = next((r.origin for r in self.policy.allowed if r.origin.key == ALLOWED and r.origin.scope is not Scope.BUILTIN), None)
        if listed is None:
            return Origin(Scope.BUILTIN, "builtin", key=ALLOWED)
        return Origin(listed.scope, listed.file, listed.line, key=listed.key)

    def _file(self) -> str:
        """A file where the team already lists hosts, else the project's file."""
        files = (r.origin.file for r in self.policy.allowed if r.origin.scope in (Scope.LOCAL, Scope.PROJECT, Scope.USER) and r.origin.line)
        return next(files, ".paddock/settings.json")


def _covers(pattern: Pattern, host: Host) -> bool:
    """Whether the pattern matches the host at whichever port it speaks about."""
    return pattern.matches(host, pattern.port or 1)


def decide(policy: NetworkPolicy, host: Host, port: int, how: str) -> Decision:
    """``Decider.decide`` for a single question (``paddock why``, ``--dry-run``)."""
    return Decider(policy).decide(host, port, how)


def vet_addresses(
    decider: Decider, host: Host, port: int, match: Match, addresses: Sequence[Host], is_own: Callable[[Host], bool]
) -> tuple[tuple[Host, ...], Decision]:
    """The addresses that may be dialled for an allowed ``host``, and why (or why none).

    ``is_own`` tells whether an address belongs to this machine. Only addresses returned here may be dialled: asking the resolver again would undo the check.
    """
    kept: list[Host] = []
    refused: Decision | None = None
    for address in addresses:
        problem = _problem(decider, host, port, match, address, is_own)
        if problem is None:
            kept.append(address)
        elif refused is None:
            refused = problem
    if kept:
        return tuple(kept), Decision("allow", f"{host.at(port)} is {', '.join(a.text for a in kept)}", match.rule.origin)
    return (), refused or Decision("deny", f"{host.at(port)}: the name does not resolve", match.rule.origin)


def _problem(decider: Decider, host: Host, port: int, match: Match, address: Host, is_own: Callable[[Host], bool]) -> Decision | None:
    denied = decider.denied_literal(address, port)
    if denied is not None:
        return Decision("deny", f"{host.at(port)} is {address.text}, which {denied.pattern.text} denies", denied.rule.origin)
    if host.is_address or decider.allows_literal(address, port):
        return None
    kind = kind_of(address)
    if kind is Kind.LOOPBACK and host.text == LOCALHOST and not match.pattern.is_wildcard:
        return None  # RFC 6761 6.3: the name means nothing else, so listing it is listing the address
    if kind is Kind.PUBLIC or (kind is Kind.PRIVATE and not match.pattern.is_wildcard):
        return None if not is_own(address) else _refusal(decider, host, port, address, "an address of this machine")
    if kind is Kind.PRIVATE:
        return _refusal(decider, host, port, address, "a private address, and a wildcard entry does not reach those")
    return _refusal(decider, host, port, address, f"a {kind.value} address")


def _refusal(decider: Decider, host: Host, port: int, address: Host, what: str) -> Decision:
    remedy = "" if kind_of(address) is Kind.METADATA else decider.remedy(address, port)
    return Decision("deny", f"{host.at(port)} is {address.text}: {what}", None, remedy)
