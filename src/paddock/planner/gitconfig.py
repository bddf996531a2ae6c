"""Reading git's configuration files without git: git-config(1), section SYNTAX.

Asking git would run what the configuration names. Only what the planner needs is understood: sections, keys, quoting, continued lines and ``include.path``.
Conditional includes are read too, whatever their condition: what they might set is then protected as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from paddock.model import paths
from paddock.planner.view import View

__all__ = ["Setting", "parse", "settings_of"]

MAX_INCLUDES = 16
MAX_BYTES = 1 << 18
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}


class Setting(NamedTuple):
    """``section`` and ``key`` are lower case, ``subsection`` as it was written; ``value`` is None for a key without ``=``. ``line`` counts from 1."""

    section: str
    subsection: str
    key: str
    value: str | None
    line: int


def parse(text: str) -> Iterator[Setting]:
    """Every setting in order. Lines that are no configuration end the reading: git would refuse the file as a whole."""
    section = subsection = ""
    lines = enumerate(text.split("\n"), 1)
    for number, raw in lines:
        line = raw.strip(" \t\r\f\v")
        if line.startswith("["):
            head, rest = _header(line)
            if head is None:
                return
            section, subsection = head
            line = rest.strip(" \t\r")
        if not line or line[0] in "#;":
            continue
        key, found, value = line.partition("=")
        key = key.strip(" \t").lower()
        if not found:
            key = key.split("#")[0].split(";")[0].strip()
        if not section or not key or not key[0].isalpha() or not all(c.isalnum() or c == "-" for c in key):
            return
        if not found:
            yield Setting(section, subsection, key, None, number)
            continue
        parsed, more = _value(value)
        while more:
            try:
                _, following = next(lines)
            except StopIteration:
                break
            part, more = _value(following, parsed)
            parsed = part
        yield Setting(section, subsection, key, parsed, number)


def _header(line: str) -> tuple[tuple[str, str] | None, str]:
    """``([section "sub"], what follows on the line)``; None when the line is malformed."""
    name = ""
    position = 1
    while position < len(line) and (line[position].isalnum() or line[position] in "-."):
        name += line[position]
        position += 1
    sub = ""
    rest = line[position:].lstrip(" \t")
    if rest.startswith('"'):
        end = 1
        while end < len(rest) and rest[end] != '"':
            if rest[end] == "\\":
                end += 1
            sub += rest[end : end + 1]
            end += 1
        rest = rest[end + 1 :].lstrip(" \t")
    elif "." in name:
        name, _, sub = name.partition(".")
    if not rest.startswith("]"):
        return None, ""
    return (name.lower(), sub), rest[1:]


def _value(text: str, begun: str = "") -> tuple[str, bool]:
    """The value so far and whether the next line belongs to it."""
    out = begun
    quoted = False
    kept = len(out)
    text = text if begun else text.lstrip(" \t")
    position = 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            following = text[position + 1 : position + 2]
            if following in ("", "\r"):
                return out, True
            out += _ESCAPES.get(following, following)
            position += 2
            kept = len(out)
            continue
        position += 1
        if character == '"':
            quoted = not quoted
            kept = len(out)
        elif character in "#;" and not quoted:
            break
        else:
            out += character
            if quoted or character not in " \t\r":
                kept = len(out)
    return out[:kept], False


def settings_of(view: View, path: str, home: str, _seen: set[str] | None = None) -> Iterator[tuple[str, Setting]]:
    """``(file, setting)`` for a configuration file and everything that it includes."""
    seen = set() if _seen is None else _seen
    content = None if path in seen or len(seen) >= MAX_INCLUDES else view.read(path, MAX_BYTES)
    if content is None:
        return
    seen.add(path)
    for setting in parse(content.decode("utf-8", "surrogateescape")):
        yield path, setting
        if setting.section in ("include", "includeif") and setting.key == "path" and setting.value:
            yield from settings_of(view, expand(setting.value, paths.ancestors(path)[0], home), home, seen)


def expand(value: str, base: str, home: str) -> str:
    """A path in a configuration: ``~/`` is home, anything relative is relative to ``base``."""
    value = value.replace("\0", "")
    if value == "~" or value.startswith("~/"):
        return paths.join(home, value[2:] or ".")
    return paths.join(base, value)
