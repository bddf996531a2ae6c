"""The whole story of one event, and the narrowest settings that would have changed its end. Pure."""

from __future__ import annotations

from paddock.events.record import Record, rfc3339
from paddock.model.events import Event
from paddock.model.hosts import HostError, parse_host, parse_target
from paddock.model.settings import Origin, Scope
from paddock.session.paste import PASTE_INTO
from paddock.session.rendering import entry_of

__all__ = ["PASTE_INTO", "snippet", "story"]

_ACTS = {
    "read": "tried to read",
    "write": "tried to write",
    "connect": "tried to connect to",
    "lookup": "tried to look up",
    "variable": "had the variable",
    "listen": "tried to listen on",
}


def story(record: Record) -> list[tuple[str, str]]:
    """Label and text, a line each, in reading order. Texts are as they were recorded: escape them."""
    event = record.event
    lines = [("what", f"the command {_ACTS[event.act]} {event.subject}" if event.act in _ACTS else f"{event.act} {event.subject}".strip() or event.kind)]
    lines.append(("outcome", "refused" if event.kind == "violation" else event.kind))
    lines.append(("when", rfc3339(record.time) + (f", and again until {rfc3339(record.last)}: {record.count} times" if record.count > 1 else "")))
    lines.append(("run", record.run))
    if event.reason:
        lines.append(("why", event.reason))
    if event.rule is not None:
        lines += _rule(event.rule)
    elif event.kind == "violation":
        lines.append(("rule", "no entry decided; what is not allowed is refused"))
    lines += [(name, str(value)) for name, value in event.detail]
    if event.kind == "violation":
        lines.append(("to allow", event.remedy or "nothing in the settings allows this"))
    return lines


def _rule(rule: Origin) -> list[tuple[str, str]]:
    place = f"{rule.file}:{rule.line}" if rule.line else rule.file
    return [("rule", entry_of(rule) or "no single entry"), ("from", place if rule.file == rule.scope.value else f"{place} ({rule.scope.value} settings)")]


def snippet(record: Record) -> dict[str, object] | None:
    """The smallest settings that would allow the event, as JSON values to paste into ``PASTE_INTO``.

    None when nothing should (no remedy was recorded), and when no added entry could: a deny entry wins over every allow entry, so it has to be taken out
    instead, and what the administrator's file says is the administrator's to change.
    """
    event = record.event
    rule = event.rule
    if event.kind != "violation" or not event.remedy or (rule is not None and (rule.scope is Scope.MANAGED or _always_wins(rule.key))):
        return None
    if event.area == "file":
        return _file_snippet(event)
    if event.area == "dns" and (name := _record_name(event.subject)):
        return {"paddock": {"network": {"dns": [name]}}}
    if event.area in ("network", "dns"):
        entry = _domain_entry(event.subject)
        return {"sandbox": {"network": {"allowedDomains": [entry]}}} if entry else None
    if event.area == "environment":
        return {"paddock": {"environment": {"keep": [event.subject]}}}
    return None


def _always_wins(key: str) -> bool:
    """Keys whose entries no allow entry can answer (spec 2.2, 2.3, 2.4); a denied read can be re-opened."""
    return key.endswith((".deniedDomains", ".denyWrite", "permissions.deny", ".credentials.envVars"))


def _file_snippet(event: Event) -> dict[str, object] | None:
    if event.act == "read":
        return {"sandbox": {"filesystem": {"allowRead": [event.subject]}}}
    if event.act != "write":
        return None
    if event.rule is None or event.rule.scope is not Scope.BUILTIN:
        return {"sandbox": {"filesystem": {"allowWrite": [event.subject]}}}
    # What is protected may be a folder above what was touched, and an administrator may keep it so: whoever refused knows the entry.
    entry = dict(event.detail).get("unprotect")
    return {"paddock": {"filesystem": {"unprotect": [entry]}}} if entry else None


def _record_name(subject: str) -> str:
    """The name in ``TXT example.test``: only these two kinds of record can really be asked for."""
    kind, _, name = subject.partition(" ")
    return name if kind in ("TXT", "SRV") else ""


def _domain_entry(subject: str) -> str:
    """A domain list entry for ``host:port`` or a bare name, in canonical form; empty when the text is neither."""
    try:
        host, port = parse_target(subject)
        return host.at(port)
    except HostError:
        pass
    try:
        host = parse_host(subject.rpartition(" ")[2])
    except HostError:
        return ""
    return f"[{host.text}]" if host.is_v6 else host.text
