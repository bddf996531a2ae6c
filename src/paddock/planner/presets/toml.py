"""Configuration in TOML: read, and written again on one line per top-level key."""

from __future__ import annotations

from collections.abc import Mapping

from paddock.planner.presets.urls import without_login

__all__ = ["line_of", "parsed", "written"]


def parsed(content: bytes) -> dict[str, object]:
    """Empty for a file that is no TOML (or nested deeper than Python can read): that is the tool's own to complain about."""
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


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
