"""Settings as text that people read and edit: a new file, and additions to one that is there, which keeps every other character."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps

from paddock.settings.document import Document, Node
from paddock.settings.validate import COMMENT

__all__ = ["added", "diff", "render"]

_STEP = "  "
_WIDTH = 110
"""Characters of a list that still stands on one line."""


def render(settings: Mapping[str, object]) -> str:
    """The text of a settings file, with a line end."""
    return _value(settings, "") + "\n"


def _value(value: object, indent: str) -> str:
    inner = indent + _STEP
    if isinstance(value, Mapping):
        members = [f"{inner}{_name(name)}: {_value(member, inner)}" for name, member in value.items()]
        return "{\n" + ",\n".join(members) + f"\n{indent}}}" if members else "{}"
    if isinstance(value, (list, tuple)):
        line = dumps(list(value), ensure_ascii=False)
        if len(line) <= _WIDTH and not any(isinstance(item, (dict, list)) for item in value):
            return line
        return "[\n" + ",\n".join(inner + _value(item, inner) for item in value) + f"\n{indent}]"
    return dumps(value, ensure_ascii=False)


def _name(name: str) -> str:
    return dumps(name, ensure_ascii=False)


def added(document: Document, additions: Mapping[str, object]) -> str:
    """The document's text with ``additions`` in it: new members behind the last one of their object, new items behind the last one of their list.

    Everything that stands in the text stays where it is. Where both have a value that is neither an object nor a list, the document's stays.
    """
    places: list[tuple[int, str]] = []
    _into(document.text, document.root, additions, places)
    text = document.text
    for at, new in sorted(places, reverse=True):
        text = text[:at] + new + text[at:]
    return text


def _into(text: str, node: Node, additions: Mapping[str, object], places: list[tuple[int, str]]) -> None:
    members = node.value if isinstance(node.value, dict) else {}
    new: dict[str, object] = {}
    for name, value in additions.items():
        there = members.get(name)
        if there is None:
            new[name] = value
        elif isinstance(value, Mapping) and isinstance(there.value, dict):
            _into(text, there, value, places)
        elif isinstance(value, (list, tuple)) and isinstance(there.value, list):
            _insert(text, there, there.value, list(value), places, named=False)
    if new:
        _insert(text, node, list(members.values()), list(new.items()), places, named=True)


def _insert(text: str, node: Node, there: Sequence[Node], new: Sequence[object], places: list[tuple[int, str]], *, named: bool) -> None:
    """New members (name and value each) or items of one object or list."""
    if not new:
        return
    outer = _indent(text, node.start)
    spread = not there or "\n" in text[node.start : node.end]
    inner = _indent(text, there[-1].start) if there and spread else outer + _STEP
    written = [_member(item, inner) if named else _value(item, inner) for item in new]
    gap = f"\n{inner}" if spread else " "
    if there:
        places.append((max(node.end for node in there), "".join(f",{gap}{item}" for item in written)))
        return
    # Whatever white space stood between the brackets stays behind the new members.
    tail = "" if "\n" in text[node.start : node.end] else f"\n{outer}"
    places.append((node.start + 1, ",".join(gap + item for item in written) + tail))


def _member(pair: object, indent: str) -> str:
    name, value = pair if isinstance(pair, tuple) else (COMMENT, pair)
    return f"{_name(str(name))}: {_value(value, indent)}"


def _indent(text: str, at: int) -> str:
    """The white space that the line of an offset begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def diff(path: str, before: str | None, after: str) -> list[str]:
    """The change of one file as a unified diff, without line ends; ``before`` None: there is no file yet."""
    from difflib import unified_diff

    return list(unified_diff(_lines(before or ""), _lines(after), path if before is not None else "/dev/null", path, lineterm=""))


def _lines(text: str) -> list[str]:
    """Only a line feed ends a line of a file: ``str.splitlines`` goes by more characters, which a string of JSON may hold."""
    return text.removesuffix("\n").split("\n") if text else []
