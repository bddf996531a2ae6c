"""Hosts, ports and sockets."""

from __future__ import annotations

import os
from collections.abc import Iterator

from paddock.errors import PolicyError
from paddock.model import paths
from paddock.model.globs import covers
from paddock.model.hosts import Host, HostError, Pattern, parse_pattern
from paddock.model.settings import Entry
from paddock.permissions.classify import classify
from paddock.permissions.ruleset import hosts_of
from paddock.session.lint.finding import INFO, WARNING, Case, Found, Rule
from paddock.session.lint.known import CONTROL_SOCKETS, OPEN_HOSTS, PUBLIC_NAMES, SERVICES
from paddock.settings.paths import resolve_entry

__all__ = ["RULES"]

_ALLOWED = "sandbox.network.allowedDomains"
_ALL_SOCKETS = "sandbox.network.allowAllUnixSockets"
_SOCKET_LISTS = ("sandbox.network.allowUnixSockets", "sandbox.filesystem.allowRead", "sandbox.filesystem.allowWrite", "permissions.additionalDirectories")


def _hosts(case: Case) -> Iterator[tuple[Entry, tuple[Pattern, ...]]]:
    """What may be reached, and by which entries."""
    for entry in case.list(_ALLOWED):
        try:
            yield entry, parse_pattern(str(entry.value), "allow")
        except HostError:
            continue
    for entry in case.list("permissions.allow"):
        try:
            rule = classify(str(entry.value), "allow").rule
            if rule.tool == "WebFetch" and rule.specifier is not None:
                yield entry, hosts_of(rule.text, rule.specifier, "allow")
        except (PolicyError, HostError):
            continue


def host_everything(case: Case) -> Iterator[Found]:
    """``*``, ``*.com``."""
    for entry, patterns in _hosts(case):
        if any(pattern.everything or _below_public(pattern) for pattern in patterns):
            yield Found(entry, "anybody can have a host that this matches: the network keeps no secret in then", "name the hosts that are needed")


def _below_public(pattern: Pattern) -> bool:
    """Whether what follows the wildcard is a name that anybody can register below."""
    fixed = list(pattern.labels)
    while fixed and "*" in fixed[0]:
        fixed.pop(0)
    return pattern.is_wildcard and (".".join(fixed) in PUBLIC_NAMES or "*" in (pattern.labels or ("",))[-1])


def host_takes_anything(case: Case) -> Iterator[Found]:
    """Hosts where anybody can put data."""
    for entry, patterns in _hosts(case):
        if any(pattern.everything or _below_public(pattern) for pattern in patterns):
            continue
        about = next(((name, what) for name, what in OPEN_HOSTS if any(p.matches(Host(name), p.port or 443) for p in patterns)), None)
        about = about or next(((suffix, what) for suffix, what in _rented() if any(_named_below(p, suffix) for p in patterns)), None)
        if about is not None:
            reason = f"{about[0].removeprefix('x.')} is {about[1]}: whoever has an account there can be sent what the command may read"
            yield Found(entry, reason, "name a host of your own, or one path's own host; where it has to be, hide what must not leave")


def _rented() -> Iterator[tuple[str, str]]:
    return ((name[2:], what) for name, what in OPEN_HOSTS if name.startswith("x."))


def _named_below(pattern: Pattern, suffix: str) -> bool:
    """A wildcard below such a host; a single name there may well be one's own."""
    labels = suffix.split(".")
    return pattern.is_wildcard and tuple(pattern.labels[-len(labels) :]) == tuple(labels)


def control_socket(case: Case) -> Iterator[Found]:
    """``/var/run/docker.sock``."""
    for key in _SOCKET_LISTS:
        for entry in case.entries.get(key, ()):
            try:
                rule = resolve_entry(entry, case.context)
            except PolicyError:
                continue
            socket = next(((path, what) for path, what in _sockets(case) if _opens(rule.path, path, is_glob=rule.is_glob)), None)
            if socket is not None:
                yield Found(entry, f"it opens {socket[0]}: {socket[1]}", "remove it; what needs it runs outside, started by a person")
    for entry in case.entries.get(_ALL_SOCKETS, ()):
        if entry.value is True:
            yield Found(entry, "every socket of this machine: container engines, keyrings and desktops take orders there", "name the one socket that is needed")


def _sockets(case: Case) -> Iterator[tuple[str, str]]:
    for path, what in CONTROL_SOCKETS:
        yield (case.context.home + path[1:] if path.startswith("~") else path.replace("/1000/", f"/{os.getuid()}/")), what
    agent = case.environ.get("SSH_AUTH_SOCK", "")
    if agent.startswith("/"):
        yield agent, "the ssh agent signs for whoever reaches it"


def _opens(rule: str, path: str, *, is_glob: bool) -> bool:
    # Folders high above are about other things, and other rules speak about them.
    return (
        covers(rule, path) if is_glob else rule == path or (paths.is_beneath(path, rule) and paths.depth(rule) >= 1 and rule.startswith(("/run", "/var/run")))
    )


def loopback(case: Case) -> Iterator[Found]:
    """``allowLocalBinding``."""
    for entry in case.list("sandbox.network.allowLocalBinding"):
        if entry.value is True:
            reason = "every port that the command listens on is open to all programs and users of this machine, and to pages in its browsers"
            yield Found(entry, reason, "name the ports of the dev server in paddock.network.publish")


def service_port(case: Case) -> Iterator[Found]:
    """A published port that programs take for a service of this machine."""
    for entry in case.list("paddock.network.publish"):
        if isinstance(entry.value, int) and entry.value in SERVICES:
            reason = f"programs of this machine take port {entry.value} for {SERVICES[entry.value]}, and would hand their logins to the command"
            yield Found(entry, reason, "let the command listen on a port above 1024 that nothing else uses, and publish that")


RULES = (
    Rule("host-everything", WARNING, "An entry that matches hosts which anybody can have is no limit on where data goes.", host_everything),
    Rule(
        "host-takes-anything",
        WARNING,
        "On code hosts, object stores, paste sites and the like anybody can put data, so allowing the whole host lets a command send what it reads.",
        host_takes_anything,
    ),
    Rule("socket-host-access", WARNING, "Some sockets do what they are asked outside of every fence: who reaches them has the machine.", control_socket),
    Rule("loopback-open", INFO, "Ports on the loopback address are open to every program and user of the machine, and to pages in its browsers.", loopback),
    Rule("publish-service-port", WARNING, "A command that answers at the port of a well-known service gets the logins meant for that service.", service_port),
)
