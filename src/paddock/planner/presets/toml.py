"""Configuration in TOML: read, and written again on one line per top-level key."""

from __future__ import annotations

from collections.abc import Mapping

from paddock.planner.presets.urls import without_login

__all__ = ["MAX_DEPTH", "line_of", "parsed", "written"]

MAX_DEPTH = 64
MAX_BYTES = 1 << 16
"""Settings that are longer are no settings. The standard library's reader needs memory with the square of a key's length, for every key."""
MAX_DOTS = 500
"""In one line: a longer key is an attack."""


def parsed(content: bytes) -> dict[str, object]:
    """Empty for a file that is no TOML (or nested deeper than any settings are): that is the tool's own to complain about."""
    import tomllib

    if len(content) > MAX_BYTES or any(line.count(b".") > MAX_DOTS for line in content.split(b"\n")):
        return {}
    try:
        table = tomllib.loads(content.decode("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    return {} if _too_deep(table) else table


def _too_deep(table: object) -> bool:
    """Whether something lies below ``MAX_DEPTH`` tables and lists: dotted keys make a thousand of them in a line."""
    layer: list[object] = [table]
    for _ in range(MAX_DEPTH):
        layer = [inner for value in layer for inner in _inside(value)]
        if not layer:
            return False
    return True


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def written(table: Mapping[str, object]) -> bytes:
    """The table with logins taken out of addresses. Dates and other kinds that settings do not have become text."""
    return "".join(f"{_quoted(key)} = {_value(value)}\n" for key, value in table.items()).encode("utf-8", "replace")


def line_of(text: str, value: str) -> int:
    """The first line that holds ``value``, counted from 1; 0 when it is written in another way."""
    return next((number for number, line in enumerate(text.split("\n"), 1) if value in line), 0)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    return _quoted(_clean(str(value)))


def _clean(text: str) -> str:
    """``NAME=ADDRESS`` or an address."""
    name, found, url = text.partition("=")
    return f"{name}={without_login(url)}" if found and "://" not in name else without_login(text)


def _quoted(text: str) -> str:
    """A basic string: JSON's escapes are TOML's too, except for DEL (TOML 1.0, "String")."""
    from json import dumps

    return dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
