"""Changes to single entries of a settings file, in its text: what is not named stays byte for byte as it was. Pure.

An entry is found by the place that its ``Origin`` tells. It can be replaced by another text, taken out together with the comma that belongs to it, or get a
neighbour that is written the way the list is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from paddock.errors import SettingsError
from paddock.settings.document import Document, Node

__all__ = ["Action", "rewrite"]


class Action(NamedTuple):
    """What becomes of one entry. ``kind`` is ``remove``, ``replace`` (by the string ``text``) or ``beside`` (the string ``text`` is added behind it)."""

    kind: str
    text: str = ""


class _Member(NamedTuple):
    """One member of a list or an object: ``start`` is where it begins, with its name where it has one."""

    start: int
    node: Node

    @property
    def end(self) -> int:
        return self.node.end


def rewrite(document: Document, actions: Mapping[tuple[int, int], Action]) -> str:
    """The text with every action done; keys are places (line, column) of entries, both from 1.

    Raises ``SettingsError`` for a place at which no entry begins: the file is not the one that the actions were made for.
    """
    starts = _line_starts(document.text)
    wanted: dict[int, Action] = {}
    for (line, column), action in actions.items():
        wanted[starts[line - 1] + column - 1 if 0 < line <= len(starts) else -1] = action
    edits: list[tuple[int, int, str]] = []
    _collect(document, document.root, wanted, edits)
    if wanted:
        line, column = next(place for place, action in actions.items() if action in wanted.values())
        raise SettingsError([document.problem(0, f"no entry begins at line {line}, column {column}", "the file was changed meanwhile: run the command again")])
    parts: list[str] = []
    at = 0
    for start, end, new in sorted(edits):
        parts += (document.text[at:start], new)
        at = end
    return "".join((*parts, document.text[at:]))


def _line_starts(text: str) -> list[int]:
    starts = [0]
    while (newline := text.find("\n", starts[-1])) >= 0:
        starts.append(newline + 1)
    return starts


def _collect(document: Document, above: Node, wanted: dict[int, Action], edits: list[tuple[int, int, str]]) -> None:
    """Edits for what stands in one list or object and below; what is found is taken out of ``wanted``."""
    value = above.value
    if isinstance(value, list):
        members = [_Member(node.start, node) for node in value]
    elif isinstance(value, dict):
        members = [_Member(node.key, node) for node in value.values()]
    else:
        return
    gone: list[bool] = []
    for at, member in enumerate(members):
        # A value at its own place, a named one also at its name: that is how origins tell them.
        found = [wanted.pop(place) for place in {member.start, member.node.start} if place in wanted]
        gone.append(any(action.kind == "remove" for action in found))
        for action in found:
            if action.kind == "replace":
                edits.append((member.node.start, member.end, _quoted(action.text)))
            elif action.kind == "beside":
                edits.append((member.end, member.end, f",{_gap(document.text, above, members, at)}{_quoted(action.text)}"))
        if not found:
            _collect(document, member.node, wanted, edits)
    edits += _removals(above, members, gone)


def _removals(above: Node, members: Sequence[_Member], gone: Sequence[bool]) -> list[tuple[int, int, str]]:
    """Runs of members that go, each with as many commas as members."""
    if members and all(gone):
        return [(above.start + 1, above.end - 1, "")]
    out: list[tuple[int, int, str]] = []
    at = 0
    while at < len(members):
        if not gone[at]:
            at += 1
            continue
        last = at
        while last + 1 < len(members) and gone[last + 1]:
            last += 1
        if last + 1 < len(members):
            out.append((members[at].start, members[last + 1].start, ""))
        else:
            out.append((members[at - 1].end, members[last].end, ""))
        at = last + 1
    return out


def _gap(text: str, above: Node, members: Sequence[_Member], at: int) -> str:
    """The white space in front of a new member: what stands between its neighbours, or in front of the only one."""
    member = members[at]
    if len(members) > 1:
        left, right = (members[at - 1], member) if at else (member, members[1])
        space = text[left.end : right.start].partition(",")[2]
    else:
        space = text[above.start + 1 : member.start]
    return space or " "


def _quoted(text: str) -> str:
    from json import dumps

    return dumps(text, ensure_ascii=False)
