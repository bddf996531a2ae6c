"""The table as a JSON Schema (draft 2020-12), for editors and for other tools. Nothing here knows a key that is not in the table."""

from __future__ import annotations

from paddock.model.settings import SCOPES, Scope
from paddock.settings.examples import EXAMPLES
from paddock.settings.table import SECTIONS, TABLE, Key
from paddock.settings.validate import COMMENT

__all__ = ["json_schema"]

_ABOUT = {
    "sandbox": "What a command may touch.",
    "sandbox.filesystem": "What a command may read and write.",
    "sandbox.network": "What a command may reach.",
    "sandbox.credentials": "Secrets that a command may not have.",
    "permissions": "Rules about an agent's tool calls.",
    "paddock": "Settings that only Paddock knows.",
}


def json_schema() -> dict[str, object]:
    """The schema of a settings file. Names at the top belong to other readers too; below ``sandbox``, ``permissions`` and ``paddock`` all is closed."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Paddock settings",
        **_section("", additional=True),
    }


def _section(name: str, *, additional: bool) -> dict[str, object]:
    """One object: the rows and the sections directly below a dotted name."""
    properties: dict[str, object] = {_leaf(key.name): _row(key) for key in TABLE if _parent(key.name) == name}
    properties |= {_leaf(section): _section(section, additional=False) for section in sorted(SECTIONS) if _parent(section) == name}
    properties[COMMENT] = {"type": ["string", "array"], "items": {"type": "string"}, "description": "A comment; it has no effect."}
    described = {"description": _ABOUT[name]} if name in _ABOUT else {}
    return {"type": "object", **described, "properties": properties, "additionalProperties": additional}


def _parent(dotted: str) -> str:
    return dotted.rpartition(".")[0]


def _leaf(dotted: str) -> str:
    return dotted.rpartition(".")[2]


def _row(key: Key) -> dict[str, object]:
    row: dict[str, object] = {**key.shape.schema, "description": key.about, "x-class": key.cls.value, "x-merge": key.merge.value, "x-since": key.since}
    if key.default is not None:
        row["default"] = key.default
    row["examples"] = [EXAMPLES[key.name]]
    row["x-scopes"] = [scope.value for scope in SCOPES if scope in key.scopes and scope is not Scope.BUILTIN]
    return row
