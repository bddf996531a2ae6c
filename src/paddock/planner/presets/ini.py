"""Configuration files of the ini family, line by line: npm's rc files, pip's, yarn's first.

Kept lines are copied as they stand (with logins taken out of addresses), so that a copy means exactly what the original means.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Line", "lines"]


class Line(NamedTuple):
    """One setting. ``number`` counts from 1; a value that goes on over indented lines is one setting, ``value`` with its newlines."""

    number: int
    section: str
    key: str
    value: str


def lines(text: str, *, continued: bool = False) -> Iterator[Line]:
    """Every setting. ``continued`` joins indented lines to the one before, as Python's configparser does."""
    section = ""
    pending: Line | None = None
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip("\r")
        if continued and pending is not None and line[:1] in (" ", "\t") and line.strip():
            pending = pending._replace(value=f"{pending.value}\n{line.strip()}")
            continue
        if pending is not None:
            yield pending
            pending = None
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if stripped.startswith("[") and stripped.endswith("]"):
            section = stripped[1:-1].strip()
            continue
        key, found, value = stripped.partition("=")
        if not found and continued:
            key, found, value = stripped.partition(":")
        pending = Line(number, section, key.strip(), value.strip() if found else "true")
    if pending is not None:
        yield pending
