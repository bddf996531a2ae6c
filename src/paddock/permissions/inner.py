"""Text that a command hands on to be run: by a shell, by ``eval``, by ``trap``. Only for deny and ask rules: seeing more there is the safe side. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from paddock.permissions.shell.line import Command, Word
from paddock.permissions.shell.split import split
from paddock.permissions.shell.wrappers import SHELLS, program_name, seen_through

__all__ = ["inner_lines"]

_DEEPEST: Final = 4
"""Lines within lines that are looked into."""
_FIND_STARTS: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


def inner_lines(command: Command, depth: int = 0) -> Iterator[Command]:
    """The commands in the text that ``command`` runs, at any depth up to a few. Text that depends on the run cannot be looked into."""
    if depth >= _DEEPEST:
        return
    for words in seen_through(command, folders=True):
        for text in _handed_on(words):
            for found in split(text).commands:
                yield found
                yield from inner_lines(found, depth + 1)


def _handed_on(words: Sequence[Word]) -> Iterator[str]:
    if not words:
        return
    name, rest = program_name(words[0]), words[1:]
    if name in SHELLS or name in ("su", "runuser", "script", "flock", "watch"):
        yield from _option_c(rest)
    if name in ("eval", "watch") and all(word.value is not None for word in rest):
        yield " ".join(word.value or "" for word in rest)
    elif name == "env":
        yield from _split_string(rest)
    elif name == "git":
        yield from _aliases(rest)
    elif name == "trap" and rest and rest[0].value is not None:
        yield rest[0].value
    elif name == "find":
        for at, word in enumerate(rest):
            if word.value in _FIND_STARTS:
                yield " ".join(part.text for part in rest[at + 1 :] if part.text not in (";", "\\;", "+"))


def _split_string(words: Sequence[Word]) -> Iterator[str]:
    """``env -S 'rm x'``: env(1) splits the text into the words of a command."""
    for at, word in enumerate(words):
        text = word.value or ""
        if not text.startswith("-"):
            return
        name, equals, value = text.partition("=")
        behind = [part.value or part.text for part in words[at + 1 :]]
        if name.startswith("--s") and "--split-string".startswith(name):
            yield " ".join([value, *behind] if equals else behind)
        elif not text.startswith("--") and "S" in text:
            yield " ".join([text.partition("S")[2], *behind]).lstrip()


def _aliases(words: Sequence[Word]) -> Iterator[str]:
    """``git -c alias.x='!rm y'``: a setting that is a command line."""
    for word in words:
        name, equals, value = (word.value or "").removeprefix("-c").partition("=")
        if equals and "." in name and not name.startswith("-"):
            yield value.removeprefix("!")


def _option_c(words: Sequence[Word]) -> Iterator[str]:
    """What follows ``-c``, also in a bundle (``-lc``)."""
    for at, word in enumerate(words[:-1]):
        text = word.value or ""
        if text == "--command" or (text.startswith("-") and not text.startswith("--") and text.endswith("c")):
            value = words[at + 1].value
            if value is not None:
                yield value
            return
