"""One word of a command line: its text, and what it is once its quotes are removed. bash(1), QUOTING."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from paddock.permissions.shell.line import Word

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["text_of", "word_of"]

_GLOB: Final = frozenset("*?[")
_ESCAPED_IN_QUOTES: Final = frozenset('$`"\\\n')
_ANSI_ESCAPES: Final = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"', "?": "?", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "r": "\r", "v": "\v"}


_EXPANDS: Final = re.compile(r"(?<!\\)(?:\\\\)*(?:`|\$[^/.,:=%+\s])")
"""What the shell expands and the grammar takes for plain text, ``x$$`` for one."""


class _UnknownError(Exception):
    """The word's value depends on the run."""


def text_of(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode("utf-8")


def word_of(node: Node) -> Word:
    """The word that a node stands for."""
    text = text_of(node)
    if node.type in ("word", "number") and text.isalnum():
        return Word(text, text)  # most words
    marks = _Marks()
    try:
        value: str | None = _value(node, marks)
    except _UnknownError:
        value = None
    if marks.braces:
        value = None
    return Word(text, value, marks.glob or marks.braces, text.startswith("~"))


class _Marks:
    """What was seen outside quotes."""

    def __init__(self) -> None:
        self.glob = False
        self.braces = False


def _value(node: Node, marks: _Marks) -> str:
    kind = node.type
    if kind in ("word", "number", "variable_name", "test_operator", "extglob_pattern", "regex"):
        return _bare(text_of(node), marks)
    if kind in ("command_name", "concatenation"):
        return _parts(node, marks)
    if kind == "raw_string":
        return text_of(node)[1:-1]
    if kind == "string":
        return _quoted(node)
    if kind == "ansi_c_string":
        return _ansi(text_of(node)[2:-1])
    if kind == "brace_expression":
        marks.braces = True
        return ""
    raise _UnknownError


def _parts(node: Node, marks: _Marks) -> str:
    if not node.child_count:
        return _bare(text_of(node), marks)
    out = []
    at = node.start_byte
    for child in node.children:
        if child.start_byte != at:
            raise _UnknownError  # something lies between the parts that the grammar does not name
        at = child.end_byte
        out.append(_value(child, marks) if child.is_named else _bare(text_of(child), marks))
    if "{" in text_of(node) and "}" in text_of(node):
        marks.braces = marks.braces or _has_braces(node)
    return "".join(out)


def _has_braces(node: Node) -> bool:
    """Whether braces stand outside quotes: ``{a,b}`` is several parts of one concatenation."""
    plain = "".join(text_of(child) for child in node.children if child.type in ("word", "{", "}", ","))
    return "{" in plain and "}" in plain


def _bare(text: str, marks: _Marks) -> str:
    """Unquoted text: a backslash takes the next character as it is."""
    if "{" in text and "}" in text:
        marks.braces = True
    if ("$" in text or "`" in text) and _EXPANDS.search(text) is not None:
        raise _UnknownError
    if "\\" not in text:
        marks.glob = marks.glob or not _GLOB.isdisjoint(text)
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
        elif text[at] in _GLOB:
            marks.glob = True
        out.append(text[at])
        at += 1
    return "".join(out)


def _quoted(node: Node) -> str:
    """Double quotes: a backslash is one only before the few characters that are special there."""
    if any(child.is_named and child.type not in ("string_content", "escape_sequence") for child in node.children):
        raise _UnknownError
    text = text_of(node)[1:-1]
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in _ESCAPED_IN_QUOTES:
            at += 1
        out.append(text[at])
        at += 1
    return "".join(out)


def _ansi(text: str) -> str:
    """``$'...'``. Numeric escapes are left to the shell: the word then has no known value."""
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
            escaped = _ANSI_ESCAPES.get(text[at : at + 1])
            if escaped is None:
                raise _UnknownError
            out.append(escaped)
        else:
            out.append(text[at])
        at += 1
    return "".join(out)
