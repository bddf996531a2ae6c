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
    """Every setting. ``continued`` joins lines that are indented further than a setting to it, as Python's configparser does."""
    section = ""
    pending: Line | None = None
    indent = 0
    more: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip("\r")
        stripped = line.strip()
        if continued and pending is not None and (not stripped or stripped[0] in "#;"):
            continue
        if continued and pending is not None and len(line) - len(line.lstrip()) > indent:
            more.append(stripped)
            continue
        if pending is not None:
            yield pending._replace(value="\n".join((pending.value, *more)))
            pending = None
        if not stripped or stripped[0] in "#;":
            continue
        end = stripped.rfind("]")
        if stripped.startswith("[") and (end == len(stripped) - 1 or (continued and end > 1)):  # Python's reader does not look behind the bracket
            section = stripped[1:end].strip()
            continue
        mark = ":" if continued and ":" in stripped.partition("=")[0] else "="
        key, found, value = stripped.partition(mark)
        pending = Line(number, section, key.strip(), value.strip() if found else "true")
        indent = len(line) - len(line.lstrip())
        more = []
    if pending is not None:
        yield pending._replace(value="\n".join((pending.value, *more)))
