"""The fence around this process, as it describes itself to a Paddock that is started inside: pure data, written by the outer run, read by the inner one.

What it reveals is what the command can find out anyway: places are in its own ``/proc/self/mountinfo``, an allowed host answers. Denied hosts, which it could
not guess, are there as digests; there is no value of a variable, no content of a file, no text of a rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from paddock.model.paths import ancestors
from paddock.model.plan import Access, Kind, Plan
from paddock.model.policy import HostRule, Limits
from paddock.model.settings import Entry

__all__ = ["PLACE", "SCHEMA", "Around", "Open", "Spot", "describe", "digest_of", "nearest", "parse"]

PLACE = "/dev/paddock/fence.json"
"""Where it is inside. The ``/dev`` of a fence is a file system of ours that is read-only when the command starts: nothing above the file can be renamed, unlike
in ``/run``; and on a host only its administrator could put something there."""

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Spot:
    """A place of the outer layout. ``file`` is the settings source of the rule (``builtin`` for ours); ``kind`` what is there, empty for an emptied folder."""

    path: str
    access: Access
    kind: str
    file: str


@dataclass(frozen=True, slots=True)
class Open:
    """Something that the outer fence lets through: a host pattern, a name for DNS, a port, with the settings source that asked for it."""

    what: str
    file: str


@dataclass(frozen=True, slots=True)
class Around:
    """``private`` are paths of files that exist only inside. ``denied`` are digests of host patterns. ``accepted`` is the digest of the project's widening
    entries that were in force, empty for none.
    """

    layout: tuple[Spot, ...]
    private: frozenset[str]
    allowed: tuple[Open, ...]
    denied: frozenset[str]
    dns: tuple[Open, ...]
    publish: tuple[Open, ...]
    local_binding: bool
    doors: bool
    limits: Limits
    accepted: str


def nearest(places: Mapping[str, Any], path: str) -> str:
    """The path of the place that decides about ``path``: itself or the nearest above; empty for none."""
    return next((above for above in (path, *ancestors(path)) if above in places), "")


def digest_of(pattern: str) -> str:
    """The name under which a denied host pattern is described."""
    from hashlib import sha256

    return sha256(f"paddock denied host {pattern.strip().lower().rstrip('.')}".encode("utf-8", "surrogatepass")).hexdigest()


def describe(plan: Plan, published: tuple[Entry, ...], accepted: str) -> bytes:
    """The description of a plan's fence. ``published`` are the entries that asked for ports."""
    from json import dumps

    network = plan.network
    value = {
        "schema": SCHEMA,
        "layout": [[p.path, p.access.value, "" if p.skeleton else p.kind.value, p.why.file] for p in plan.layout if not p.pin],
        "private": [file.path for file in plan.private_files],
        "allowed": _open(network.allowed),
        "denied": sorted({digest_of(rule.pattern) for rule in network.denied}),
        "dns": _open(network.dns_names),
        "publish": [[str(entry.value), entry.origin.file] for entry in published],
        "local_binding": network.local_binding,
        "doors": plan.doors,
        "limits": asdict(plan.limits),
        "accepted": accepted,
    }
    return dumps(value, separators=(",", ":")).encode("ascii")


def _open(rules: tuple[HostRule, ...]) -> list[list[str]]:
    return [[rule.pattern, rule.origin.file] for rule in rules]


def parse(data: bytes) -> Around:
    """The inverse of ``describe``. Raises ``ValueError`` for anything else: another version's description is none."""
    from json import loads

    try:
        value = loads(data)
        if value["schema"] != SCHEMA:
            raise ValueError("another version's description of a fence")
        known = {field.name for field in fields(Limits)}
        if set(value["limits"]) != known:
            raise ValueError("another version's limits")
        return Around(
            layout=tuple(Spot(path, Access(access), Kind(kind).value if kind else "", file) for path, access, kind, file in value["layout"]),
            private=frozenset(value["private"]),
            allowed=_opened(value["allowed"]),
            denied=frozenset(value["denied"]),
            dns=_opened(value["dns"]),
            publish=_opened(value["publish"]),
            local_binding=value["local_binding"] is True,
            doors=value["doors"] is True,
            limits=Limits(**value["limits"]),
            accepted=value["accepted"],
        )
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"no description of a fence: {error}") from error


def _opened(items: list[list[str]]) -> tuple[Open, ...]:
    return tuple(Open(what, file) for what, file in items)
