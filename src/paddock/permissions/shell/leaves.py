"""Substitutions that the grammar does not see. It reads ``"${x:-`a`}"`` and some here-documents as plain text; the shell runs what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from paddock.permissions.shell.words import text_of

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["hidden_code"]

_OPENING: Final = re.compile(r"(?<!\\)(?:\\\\)*(?:`|\$\(|\$\{|\$\[)")
_UNESCAPED_TWICE: Final = re.compile(r"\\[`$\\]")
_LITERAL: Final = frozenset({"raw_string", "ansi_c_string", "comment", "heredoc_start", "heredoc_end"})
_NOWHERE: Final = "the shell may run something in it that is not written as a command"


def hidden_code(root: Node, text: str) -> str:
    """Why a line may run more than the grammar shows; empty when it does not. Looks closer only where there are backquotes or here-documents."""
    if "`" not in text and "<<" not in text:
        return ""
    data = root.text or b""
    at = 0
    for start, end, literal in _leaves(root):
        between = data[at:start].decode("utf-8")
        if _OPENING.search(between) is not None:
            return _NOWHERE
        if not literal and _OPENING.search(data[start:end].decode("utf-8")) is not None:
            return _NOWHERE
        at = max(at, end)
    return ""


def _leaves(root: Node) -> Iterator[tuple[int, int, bool]]:
    """Beginning and end of each leaf, in order, and whether its text means nothing to the shell. Signs of the grammar count as literal."""
    pending = [root]
    while pending:
        node = pending.pop()
        kind = node.type
        if kind == "command_substitution" and _in_backquotes_again(node):
            yield node.start_byte, node.end_byte, False  # it begins with a backquote: never literal
        elif kind in _LITERAL or not node.child_count:
            yield node.start_byte, node.end_byte, kind in _LITERAL or not node.is_named or (kind == "heredoc_body" and _is_quoted(node.parent))
        else:
            pending += reversed(node.children)


def _in_backquotes_again(node: Node) -> bool:
    """Within backquotes a backslash is taken off once before anything is read: what is escaped there is not when it runs."""
    text = text_of(node)
    return text.startswith("`") and _UNESCAPED_TWICE.search(text) is not None


def _is_quoted(node: Node | None) -> bool:
    """Whether the mark of a here-document is quoted: its text is then taken as it is."""
    return node is not None and any(child.type == "heredoc_start" and not text_of(child).isalnum() for child in node.children)
