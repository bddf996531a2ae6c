"""The fence around this process, as it describes itself to a Paddock that is started inside: pure data, written by the outer run, read by the inner one.

What it reveals is what the command can find out anyway: places are in its own ``/proc/self/mountinfo``, an allowed host answers. Denied hosts, which it could
not guess, are there as digests; there is no value of a variable, no content of a file, no text of a rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paddock.model.paths import ancestors
from paddock.model.plan import Access, Kind, Place, Plan
from paddock.model.policy import HostRule, Limits
from paddock.model.record import as_dict, names, record
from paddock.model.settings import Entry, Scope, Settings

__all__ = ["PLACE", "SCHEMA", "STARTED_IN", "Around", "Open", "Spot", "describe", "digest_of", "nearest", "parse"]

PLACE = "/dev/paddock/fence.json"
"""Where it is inside. The ``/dev`` of a fence is a file system of ours that is read-only when the command starts: nothing above the file can be renamed, unlike
in ``/run``; and on a host only its administrator could put something there."""

SCHEMA = 1
STARTED_IN = "the folder of the outer run"
"""What stands for a file where nobody asked for a place: the outer run was started there."""


@record
class Spot:
    """A place of the outer layout. ``file`` is the settings source of the rule (``builtin`` for ours); ``kind`` what is there, empty for an emptied folder."""

    path: str
    access: Access
    kind: str
    file: str


@record
class Open:
    """Something that the outer fence lets through: a host pattern, a name for DNS, a port, with the settings source that asked for it."""

    what: str
    file: str


@record
class Around:
    """``private`` are paths of files that exist only inside. ``denied`` are digests of host patterns. ``guarded`` are paths, or globs, that the guard keeps
    from being made, ``unprotected`` protected names that were lifted. ``accepted`` is the digest of the project's widening entries that were in force, or
    empty. ``startable`` are the only files that may be started and the folders of their libraries, None where every program may.
    """

    layout: tuple[Spot, ...]
    private: frozenset[str]
    allowed: tuple[Open, ...]
    denied: frozenset[str]
    dns: tuple[Open, ...]
    publish: tuple[Open, ...]
    unprotected: tuple[Open, ...]
    guarded: frozenset[tuple[str, bool]]
    local_binding: tuple[Open, ...]
    doors: bool
    limits: Limits
    accepted: str
    startable: tuple[frozenset[str], frozenset[str]] | None = None


def nearest(places: Mapping[str, Any], path: str) -> str:
    """The path of the place that decides about ``path``: itself or the nearest above; empty for none."""
    return next((above for above in (path, *ancestors(path)) if above in places), "")


def digest_of(pattern: str) -> str:
    """The name under which a denied host pattern is described."""
    from hashlib import sha256

    return sha256(f"paddock denied host {pattern.strip().lower().rstrip('.')}".encode("utf-8", "surrogatepass")).hexdigest()


def describe(plan: Plan, settings: Settings, accepted: str) -> bytes:
    """The description of a plan's fence. ``accepted`` is the digest of the project's widening entries that are in force."""
    from json import dumps

    network = plan.network
    value = {
        "schema": SCHEMA,
        "layout": [[p.path, p.access.value, "" if p.skeleton else p.kind.value, _source(p)] for p in plan.layout if not p.pin],
        "private": [file.path for file in plan.private_files],
        "allowed": _open(network.allowed),
        "denied": sorted({digest_of(rule.pattern) for rule in network.denied}),
        "dns": _open(network.dns_names),
        "publish": _entries(settings.list("paddock.network.publish")),
        "unprotected": _entries(settings.list("paddock.filesystem.unprotect")),
        "guarded": [[denial.path, denial.is_glob] for denial in plan.guard.denied],
        "local_binding": _local_binding(plan, settings),
        "doors": plan.doors,
        "limits": as_dict(plan.limits),
        "accepted": accepted,
        "startable": None if plan.startable is None else [plan.startable.files, plan.startable.folders],
    }
    return dumps(value, separators=(",", ":")).encode("ascii")


def _local_binding(plan: Plan, settings: Settings) -> list[list[str]]:
    entry = settings.scalars.get("sandbox.network.allowLocalBinding")
    return [["every port", entry.origin.file if entry is not None else "builtin"]] if plan.network.local_binding else []


def _entries(entries: tuple[Entry, ...]) -> list[list[str]]:
    return [[str(entry.value), entry.origin.file] for entry in entries]


def _source(place: Place) -> str:
    implied = place.access is Access.WRITE and place.why.scope is Scope.BUILTIN
    return STARTED_IN if implied else place.why.file


def _open(rules: tuple[HostRule, ...]) -> list[list[str]]:
    return [[rule.pattern, rule.origin.file] for rule in rules]


def parse(data: bytes) -> Around:
    """The inverse of ``describe``. Raises ``ValueError`` for anything else: another version's description is none."""
    from json import loads

    try:
        value = loads(data)
        if value["schema"] != SCHEMA:
            raise ValueError("another version's description of a fence")
        known = set(names(Limits))
        if set(value["limits"]) != known:
            raise ValueError("another version's limits")
        return Around(
            layout=tuple(Spot(path, Access(access), Kind(kind).value if kind else "", file) for path, access, kind, file in value["layout"]),
            private=frozenset(value["private"]),
            allowed=_opened(value["allowed"]),
            denied=frozenset(value["denied"]),
            dns=_opened(value["dns"]),
            publish=_opened(value["publish"]),
            unprotected=_opened(value["unprotected"]),
            guarded=frozenset((path, is_glob) for path, is_glob in value["guarded"]),
            local_binding=_opened(value["local_binding"]),
            doors=value["doors"] is True,
            limits=Limits(**value["limits"]),
            accepted=value["accepted"],
            startable=None if value["startable"] is None else (frozenset(value["startable"][0]), frozenset(value["startable"][1])),
        )
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"no description of a fence: {error}") from error


def _opened(items: list[list[str]]) -> tuple[Open, ...]:
    return tuple(Open(what, file) for what, file in items)
