"""Policy and plan as rows of text and as plain JSON values: what ``policy show`` and ``--dry-run`` print. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum

from paddock.model.paths import is_beneath, relative
from paddock.model.plan import Plan
from paddock.model.settings import Context, Entry, Origin, Settings
from paddock.session.prepare import Prepared

__all__ = ["Row", "Sections", "as_json", "plan_json", "plan_sections", "policy_json", "policy_sections", "shorten", "where"]

Row = tuple[str, ...]
# (title, column heads, rows); a section without rows is not shown.
Sections = list[tuple[str, Row, list[Row]]]


def shorten(path: str, context: Context) -> str:
    """A path as a person would write it: relative to the working folder, else with ``~``, else whole."""
    if not path.startswith("/"):
        return path
    if is_beneath(path, context.cwd):
        return "./" + relative(path, context.cwd) if path != context.cwd else "."
    if is_beneath(path, context.home) and context.home != "/":
        return "~/" + relative(path, context.home) if path != context.home else "~"
    return path


def where(origin: Origin, context: Context) -> str:
    """``project .claude/settings.json:9``; ``builtin`` for our own defaults."""
    if origin.file == origin.scope.value:
        return origin.file
    file = shorten(origin.file, context).removeprefix("./")
    return f"{origin.scope.value} {file}" + (f":{origin.line}" if origin.line else "")


def policy_sections(settings: Settings) -> Sections:
    """The effective settings, one row a value, with the place each came from; then what was read and does not count."""
    context = settings.context
    rows: list[Row] = []
    for key, entry in sorted(_entries(settings), key=lambda pair: pair[0]):
        rows.append((key, _value_text(entry.value), where(entry.origin, context)))
    void: list[Row] = [(e.origin.key, _value_text(e.value), where(e.origin, context), reason) for e, reason in settings.void]
    sources: list[Row] = [(s.scope.value, shorten(s.file, context), s.state, s.detail) for s in settings.sources]
    return [
        ("in force", ("key", "value", "from"), rows),
        ("read, and does not count", ("key", "value", "from", "why"), void),
        ("sources", ("scope", "file", "state", ""), sources),
    ]


def _entries(settings: Settings) -> Iterator[tuple[str, Entry]]:
    for key, entries in settings.lists.items():
        for entry in entries:
            yield key, entry
    yield from settings.scalars.items()
    for key, named in settings.maps.items():
        for name, entry in named.items():
            yield f"{key}.{name}", entry


def _value_text(value: object) -> str:
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, ensure_ascii=False)


def plan_sections(prepared: Prepared) -> Sections:
    """The plan, part by part, each with its origin; last what it does not cover."""
    plan, context = prepared.plan, prepared.settings.context
    net = plan.network
    files: list[Row] = [(p.access.value + (" (pin)" if p.pin else ""), shorten(p.path, context), p.reason, where(p.why, context)) for p in plan.layout]
    private: list[Row] = [("private", shorten(f.path, context), f"{len(f.content)} bytes, only inside", where(f.why, context)) for f in plan.private_files]
    binds: list[Row] = [("cache", b.target, f"kept in {shorten(b.source, context)}", where(b.why, context)) for b in plan.binds]
    hosts: list[Row] = [("allow", r.pattern, where(r.origin, context)) for r in net.allowed]
    hosts += [("deny", r.pattern, where(r.origin, context)) for r in net.denied]
    variables: list[Row] = [("removed", r.name, where(r.why, context)) for r in plan.removed]
    return [
        ("files (everything else: readable, not writable)", ("access", "path", "reason", "from"), [*files, *private, *binds]),
        ("network (everything else: refused)", ("verdict", "host", "from"), hosts),
        ("ports", ("what", "port"), [*(("host port reachable inside", str(p)) for p in plan.host_ports), *(("published", str(p)) for p in net.publish)]),
        ("environment", ("what", "variable", "from"), variables),
        ("limits", ("limit", "value"), [(f.name, str(v)) for f in fields(plan.limits) if (v := getattr(plan.limits, f.name)) is not None]),
        ("not covered", ("subject", "why", "from"), [(shorten(u.subject, context), u.reason, where(u.why, context)) for u in plan.uncovered]),
    ]


def as_json(value: object) -> object:
    """Plain JSON values for any of the model's nouns. Bytes become their length: private files may quote a person's configuration."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_json(v) for v in value]
    if hasattr(value, "items"):
        return {str(k): as_json(v) for k, v in value.items()}
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value


def plan_json(plan: Plan) -> dict[str, object]:
    """The plan for programs. Values of variables stay out: names only."""
    out = as_json(plan)
    if not isinstance(out, dict):
        raise TypeError("a plan is an object")
    out["environment"] = sorted(plan.environment)
    return out


def policy_json(settings: Settings) -> dict[str, object]:
    """The effective settings for programs: key, value, origin."""
    effective = [{"key": key, "value": entry.value, "origin": as_json(entry.origin)} for key, entry in _entries(settings)]
    void = [{"key": e.origin.key, "value": e.value, "origin": as_json(e.origin), "reason": reason} for e, reason in settings.void]
    return {"schema": 1, "effective": effective, "void": void, "sources": as_json(settings.sources), "trust_needed": as_json(settings.trust_needed)}
