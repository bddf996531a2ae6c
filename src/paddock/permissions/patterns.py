"""Patterns of ``Bash(...)`` rules: ``*`` is any text, everything else is literal. Spec 4.3.

Time is linear in the text for any pattern: the literal parts are looked for one after the other, each from where the last one ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["CommandPattern", "PatternIndex"]


class CommandPattern(NamedTuple):
    """``parts`` are the literal texts between wildcards. ``bare``: also the command without what the final `` *`` stands for."""

    parts: tuple[str, ...]
    bare: bool = False

    @classmethod
    def of(cls, text: str) -> CommandPattern:
        """Read the inside of ``Bash(...)``. ``cmd:*`` is ``cmd *``; a ``:*`` anywhere else is two literal characters."""
        body = text[:-2] + " *" if text.endswith(":*") else text
        marked = body.replace(":*", ":\0")
        parts = tuple(part.replace("\0", "*") for part in marked.split("*"))
        # With an earlier wildcard the space before the last one has to be there (observed).
        return cls(parts, bare=body.endswith(" *") and len(parts) == 2)

    @property
    def exact(self) -> bool:
        """Whether it is one whole command."""
        return len(self.parts) == 1

    @property
    def first_word(self) -> str:
        """The word that every match begins with; empty when there are several."""
        head = self.parts[0]
        word, space, _ = head.partition(" ")
        return word if space or self.exact else ""

    def matches(self, text: str) -> bool:
        """Whether the whole text is meant."""
        parts = self.parts
        if len(parts) == 1:
            return text == parts[0]
        if self.bare and text == parts[0][:-1]:
            return True
        if not (text.startswith(parts[0]) and text.endswith(parts[-1])):
            return False
        at, end = len(parts[0]), len(text) - len(parts[-1])
        for part in parts[1:-1]:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return at <= end

    def may_match(self, head: str) -> bool:
        """Whether some text that begins with ``head`` is meant."""
        first = self.parts[0]
        return first.startswith(head) or (len(self.parts) > 1 and head.startswith(first))


class PatternIndex:
    """Many patterns, asked at once: those with a fixed first word are looked up by it. Answers come in the order in which the patterns were given."""

    def __init__(self, patterns: Iterable[CommandPattern]) -> None:
        self._by_word: dict[str, list[tuple[int, CommandPattern]]] = {}
        self._others: list[tuple[int, CommandPattern]] = []
        for number, pattern in enumerate(patterns):
            word = pattern.first_word
            (self._by_word.setdefault(word, []) if word else self._others).append((number, pattern))

    def matches(self, text: str) -> Iterator[int]:
        """The numbers of the patterns that match."""
        word = text.partition(" ")[0]
        for number, pattern in (*self._by_word.get(word, ()), *self._others):
            if pattern.matches(text):
                yield number

    def may_match(self, head: str) -> int | None:
        """The number of the first pattern that matches some text which begins with ``head``."""
        word, space, _ = head.partition(" ")
        known = self._by_word.get(word, ()) if space else [pair for pairs in self._by_word.values() for pair in pairs]
        return min((number for number, pattern in (*known, *self._others) if pattern.may_match(head)), default=None)
