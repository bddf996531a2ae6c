"""What goes over the border between the caller and its helper, as JSON: a request one way, an outcome or an error the other.

What the operating system gave (arguments, variables, paths) is bytes there and text here, decoded by rules that depend on the process. Each travels as its
bytes, one character a byte, so that no sequence is changed on the way.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from paddock import errors
from paddock.errors import InternalError, PaddockError, Problem, SettingsError
from paddock.model.record import names
from paddock.model.settings import Context, Entry, Notice, Origin, Scope, Settings, Source

__all__ = ["error_from_json", "error_to_json", "from_raw", "origin_from_json", "settings_from_json", "settings_to_json", "to_raw"]

Json = dict[str, Any]

_EXTRAS = ("cause", "step", "errno", "code")


def to_raw(text: str) -> str:
    """Text of the operating system as one character for each of its bytes."""
    return os.fsencode(text).decode("latin-1")


def from_raw(text: str) -> str:
    """The inverse of ``to_raw``, in this process's decoding."""
    return os.fsdecode(text.encode("latin-1"))


def settings_to_json(settings: Settings) -> Json:
    """Merged settings with every place, as plain values."""
    return {
        "context": {name: to_raw(getattr(settings.context, name)) for name in names(Context)},
        "lists": {key: _entries(items) for key, items in settings.lists.items()},
        "scalars": {key: _entry(item) for key, item in settings.scalars.items()},
        "maps": {key: {name: _entry(item) for name, item in members.items()} for key, members in settings.maps.items()},
        "void": [[_entry(item), reason] for item, reason in settings.void],
        "notices": [[notice.text, None if notice.origin is None else _origin(notice.origin), notice.level] for notice in settings.notices],
        "sources": [[source.scope.value, source.file, source.state, source.detail] for source in settings.sources],
        "trust_needed": _entries(settings.trust_needed),
        "trust_digest": settings.trust_digest,
        "beaten": {key: _entries(items) for key, items in settings.beaten.items()},
        "trusted_hosts": None if settings.trusted_hosts is None else sorted(settings.trusted_hosts),
    }


def settings_from_json(value: Json) -> Settings:
    """The inverse of ``settings_to_json``."""
    hosts = value["trusted_hosts"]
    return Settings(
        context=Context(**{name: from_raw(text) for name, text in value["context"].items()}),
        lists={key: _to_entries(items) for key, items in value["lists"].items()},
        scalars={key: _to_entry(item) for key, item in value["scalars"].items()},
        maps={key: {name: _to_entry(item) for name, item in members.items()} for key, members in value["maps"].items()},
        void=tuple((_to_entry(item), reason) for item, reason in value["void"]),
        notices=tuple(Notice(text, None if origin is None else _to_origin(origin), level) for text, origin, level in value["notices"]),
        sources=tuple(Source(Scope(scope), file, state, detail) for scope, file, state, detail in value["sources"]),
        trust_needed=_to_entries(value["trust_needed"]),
        trust_digest=value["trust_digest"],
        beaten={key: _to_entries(items) for key, items in value["beaten"].items()},
        trusted_hosts=None if hosts is None else frozenset(hosts),
    )


def _entries(items: tuple[Entry, ...]) -> list[object]:
    return [_entry(item) for item in items]


def _entry(entry: Entry) -> list[object]:
    return [entry.value, _origin(entry.origin)]


def _origin(origin: Origin) -> list[object]:
    return [origin.scope.value, origin.file, origin.line, origin.column, origin.key, origin.text]


def _to_entries(items: list[Any]) -> tuple[Entry, ...]:
    return tuple(_to_entry(item) for item in items)


def _to_entry(item: list[Any]) -> Entry:
    return Entry(item[0], _to_origin(item[1]))


def _to_origin(item: list[Any]) -> Origin:
    scope, file, line, column, key, text = item
    return Origin(Scope(scope), file, line, column, key, text)


def origin_from_json(value: Json | None) -> Origin | None:
    """An origin as the report for programs writes it."""
    return None if value is None else Origin(Scope(value["scope"]), value["file"], value["line"], value["column"], value["key"], value["text"])


def error_to_json(error: PaddockError) -> Json:
    """An error of the tree with everything that it carries."""
    out: Json = {"class": type(error).__name__, "message": str(error), "hint": error.hint}
    out |= {name: getattr(error, name) for name in _EXTRAS if hasattr(error, name)}
    if isinstance(error, SettingsError):
        out["problems"] = [[problem.file, problem.line, problem.column, problem.message, problem.hint] for problem in error.problems]
    return out


def error_from_json(value: Mapping[str, Any]) -> PaddockError:
    """The same error on the other side; one that this version does not know becomes an ``InternalError``."""
    kind = getattr(errors, value["class"], None)
    if kind is SettingsError:
        return SettingsError([Problem(*problem) for problem in value["problems"]])
    if isinstance(kind, type) and issubclass(kind, PaddockError) and kind is not PaddockError:
        extra = {name: value[name] for name in _EXTRAS if name in value}
        error = kind(value["message"], hint=value["hint"], **extra)
    else:
        error = InternalError(f"{value['class']}: {value['message']}", hint=value["hint"])
    if value.get("traceback"):
        error.add_note(value["traceback"])
    return error
