"""Policy and plan as rows of text and as plain JSON values: what ``policy show`` and ``--dry-run`` print. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from paddock.model.paths import is_beneath, relative
from paddock.model.plan import Plan
from paddock.model.record import is_record, names
from paddock.model.settings import Context, Entry, Origin, Settings
from paddock.planner.ways import ways
from paddock.session.prepare import Prepared
from paddock.settings.layer import key_of
from paddock.settings.table import Merge

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


def policy_sections(settings: Settings, *, origins: bool = False) -> Sections:
    """The effective settings, one row a value; then what was read and does not count. ``origins`` adds scope, file, line and what each value beat."""
    context = settings.context
    rows: list[Row] = []
    for key, entry in sorted(_entries(settings), key=lambda pair: pair[0]):
        row = (key, _value_text(entry), key_of(key).cls.value)
        if origins:
            beaten = _beaten(settings, key, entry)
            rows.append((*row, entry.origin.scope.value, _place(entry.origin, context), "; ".join(_loser(other, context) for other in beaten)))
        else:
            rows.append((*row, where(entry.origin, context)))
    heads = ("key", "value", "class", "scope", "file:line", "beat") if origins else ("key", "value", "class", "from")
    void: list[Row] = [(e.origin.key, _value_text(e), where(e.origin, context), reason) for e, reason in settings.void]
    sources: list[Row] = [(s.scope.value, shorten(s.file, context), s.state, s.detail) for s in settings.sources]
    return [
        ("in force", heads, rows),
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


def _beaten(settings: Settings, key: str, entry: Entry) -> tuple[Entry, ...]:
    """What lost to this value. A list that replaces others says so once, at its first entry."""
    listed = settings.lists.get(key, ())
    return settings.beaten.get(key, ()) if not listed or listed[0] is entry else ()


def _loser(entry: Entry, context: Context) -> str:
    return f"{_value_text(entry)} ({where(entry.origin, context)})"


def _place(origin: Origin, context: Context) -> str:
    """``file:line`` in a form that editors open."""
    file = shorten(origin.file, context).removeprefix("./")
    return f"{file}:{origin.line}" if origin.line else file


def _is_secret(origin: Origin) -> bool:
    """Values of variables are secrets often enough, and tables end in tickets."""
    return bool(origin.key) and key_of(origin.key).merge is Merge.MAP


def _value_text(entry: Entry) -> str:
    if _is_secret(entry.origin):
        return "(set; the value is not shown)"
    if isinstance(entry.value, str):
        return entry.value
    import json

    return json.dumps(entry.value, ensure_ascii=False)


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
        *_programs(plan, context),
        ("network (everything else: refused)", ("verdict", "host", "from"), hosts),
        ("ports", ("what", "port"), [*(("host port reachable inside", str(p)) for p in plan.host_ports), *(("published", str(p)) for p in net.publish)]),
        ("environment", ("what", "variable", "from"), variables),
        ("limits", ("limit", "value", "kept by", "which means"), [(way.key, way.value, way.by, way.means) for way in ways(plan.limits, plan.cgroups)]),
        ("not covered", ("subject", "why", "from"), [(shorten(u.subject, context), u.reason, where(u.why, context)) for u in plan.uncovered]),
    ]


def _programs(plan: Plan, context: Context) -> Sections:
    """Only where there is a list: denied programs stand among the files."""
    found = plan.startable
    if found is None:
        return []
    rows: list[Row] = [("start", path, where(found.why, context)) for path in found.files]
    rows += [("libraries of", path, where(found.why, context)) for path in found.folders]
    return [("programs (everything else: cannot be started)", ("what", "path", "from"), rows)]


def as_json(value: object) -> object:
    """Plain JSON values for any of the model's nouns. Bytes become their length: private files may quote a person's configuration."""
    if isinstance(value, Enum):
        return value.value
    if is_record(value):
        return {name: as_json(getattr(value, name)) for name in names(value)}
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
    """The effective settings for programs: key, value, class, origin, what it beat. Values of variables stay out."""
    effective = [
        {**_entry_json(key, entry), "class": key_of(key).cls.value, "beat": [_entry_json(key, other) for other in _beaten(settings, key, entry)]}
        for key, entry in _entries(settings)
    ]
    void = [{**_entry_json(e.origin.key, e), "reason": reason} for e, reason in settings.void]
    waiting = [{k: v for k, v in _entry_json(e.origin.key, e).items() if k != "key"} for e in settings.trust_needed]
    return {"schema": 1, "effective": effective, "void": void, "sources": as_json(settings.sources), "trust_needed": waiting}


def _entry_json(key: str, entry: Entry) -> dict[str, object]:
    return {"key": key, "value": None if _is_secret(entry.origin) else as_json(entry.value), "origin": as_json(entry.origin)}
