"""The shapes that a settings value can have: one small object each, which checks, explains itself and gives its JSON Schema.

A ``Shape`` checks parsed values with places (``document.Node``); what it finds becomes problems with line and column. It must not know keys or scopes.

The data classes of this room are named tuples: they are as fixed as frozen dataclasses and cost an eighth of the time to define, at every start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from paddock.settings.document import Node

__all__ = ["Fault", "Shape", "any_value", "boolean", "check", "choice", "integer", "list_of", "map_of", "number", "record", "text"]


class Fault(NamedTuple):
    """One value that does not fit: its node and a sentence about it. ``on_name`` says that the name in front of the value is what is wrong."""

    node: Node
    message: str
    hint: str = ""
    on_name: bool = False


_NO_FIELDS: Mapping[str, Shape] = MappingProxyType({})


class Shape(NamedTuple):
    """What a value must look like. ``wanted`` completes the sentence "expected …"; ``schema`` is its JSON Schema (draft 2020-12).

    ``test`` answers an empty string or why a value of the right kind is still wrong. ``item`` is the shape of list items and map values, ``fields`` of a
    record.
    """

    wanted: str
    kinds: tuple[type, ...]
    schema: Mapping[str, object]
    test: Callable[[object], str] | None = None
    item: Shape | None = None
    fields: Mapping[str, Shape] = _NO_FIELDS
    required: tuple[str, ...] = ()
    open: bool = False
    name_test: Callable[[object], str] | None = None
    is_path: bool = False


def check(shape: Shape, node: Node) -> Iterator[Fault]:
    """Everything that is wrong with a value, deepest first."""
    value = node.value
    # bool is a subclass of int: without the second test, true would pass for 1.
    if shape.kinds and (not isinstance(value, shape.kinds) or (isinstance(value, bool) and bool not in shape.kinds)):
        yield Fault(node, f"expected {shape.wanted}, found {_kind(value)}")
        return
    if isinstance(value, list) and shape.item is not None:
        for item in value:
            yield from check(shape.item, item)
    elif isinstance(value, dict):
        yield from _check_members(shape, node, value)
    if shape.test is not None:
        reason = shape.test(value)
        if reason:
            yield Fault(node, reason)


def _check_members(shape: Shape, node: Node, members: Mapping[str, Node]) -> Iterator[Fault]:
    for name, member in members.items():
        inner = shape.fields.get(name, shape.item)
        if shape.name_test is not None and (reason := shape.name_test(name)):
            yield Fault(member, reason, on_name=True)
        if inner is not None:
            yield from check(inner, member)
        elif not shape.open:
            yield Fault(member, f'unknown name "{name}"', "known here: " + ", ".join(shape.fields), on_name=True)
    for name in shape.required:
        if name not in members:
            yield Fault(node, f'"{name}" is missing')


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "an object"


def boolean() -> Shape:
    """``true`` or ``false``; the strings of the same spelling are not accepted, because a reader of the file cannot tell which way they count."""
    return Shape("true or false", (bool,), {"type": "boolean"})


def text(wanted: str = "a string", test: Callable[[object], str] | None = None, *, is_path: bool = False, pattern: str = "") -> Shape:
    """A string. ``pattern`` only appears in the schema; ``test`` decides."""
    schema: dict[str, object] = {"type": "string"}
    if pattern:
        schema["pattern"] = pattern
    return Shape(wanted, (str,), schema, test, is_path=is_path)


def integer(minimum: int, maximum: int = 2**53 - 1) -> Shape:
    """A whole number in a range, both ends included."""
    wanted = f"a whole number of at least {minimum}" if maximum >= 2**53 - 1 else f"a whole number from {minimum} to {maximum}"
    schema: dict[str, object] = {"type": "integer", "minimum": minimum}
    if maximum < 2**53 - 1:
        schema["maximum"] = maximum

    def test(value: object) -> str:
        return "" if isinstance(value, int) and minimum <= value <= maximum else f"expected {wanted}, found {value}"

    return Shape(wanted, (int,), schema, test)


def number(above: int) -> Shape:
    """A number, whole or not, above a bound that is not included."""
    wanted = f"a number above {above}"

    def test(value: object) -> str:
        return "" if isinstance(value, (int, float)) and value > above else f"expected {wanted}, found {value}"

    return Shape(wanted, (int, float), {"type": "number", "exclusiveMinimum": above}, test)


def choice(*words: str) -> Shape:
    """One of a few words."""
    wanted = " or ".join(f'"{word}"' for word in words) if len(words) < 3 else "one of " + ", ".join(f'"{word}"' for word in words)

    def test(value: object) -> str:
        return "" if value in words else f'expected {wanted}, found "{value}"'

    return Shape(wanted, (str,), {"enum": list(words)}, test)


def list_of(item: Shape) -> Shape:
    """A list whose items have one shape."""
    return Shape("a list", (list,), {"type": "array", "items": item.schema}, item=item, is_path=item.is_path)


def map_of(item: Shape, name_test: Callable[[object], str] | None = None) -> Shape:
    """An object with free names and values of one shape."""
    return Shape("an object", (dict,), {"type": "object", "additionalProperties": item.schema}, item=item, name_test=name_test)


def record(fields: Mapping[str, Shape], required: tuple[str, ...] = (), test: Callable[[object], str] | None = None, *, is_path: bool = False) -> Shape:
    """An object with known names."""
    schema: dict[str, object] = {"type": "object", "properties": {name: shape.schema for name, shape in fields.items()}, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    return Shape("an object", (dict,), schema, test, fields=fields, required=required, is_path=is_path)


def any_value(wanted: str = "a value", *kinds: type) -> Shape:
    """Anything of the given kinds, unchecked within: keys that other readers own."""
    names = {bool: "boolean", str: "string", int: "integer", list: "array", dict: "object"}
    schema: dict[str, object] = {"type": [names[kind] for kind in kinds]} if kinds else {}
    return Shape(wanted, kinds, schema, open=True)
