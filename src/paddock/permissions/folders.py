"""Where a line may be standing when one of its commands runs, and what a word means from there. Pure.

A ``cd`` may fail, run in a subshell, or run twice; so every folder that one may lead to is kept, beside all those that were possible before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from paddock.model import paths
from paddock.permissions.shell.line import Command, Line, Word
from paddock.permissions.shell.wrappers import is_safe, program_name, seen_through

__all__ = ["Standing", "absolute", "as_written", "changes_folder", "standing"]

_HOME_SPELLINGS: Final = ("$HOME", "${HOME}")
_ELSEWHERE: Final = frozenset({"pushd", "popd", "eval", "source", "."})
"""Built-in commands that may change the folder to one that cannot be told."""
_MOST: Final = 16
"""Folders that are followed."""


class Standing(NamedTuple):
    """``folders``: where relative paths may be meant from, the first where the line begins. ``lost``: there may be others."""

    folders: tuple[str, ...]
    lost: bool


def standing(line: Line, cwd: str, home: str) -> Standing:
    """Every folder that a line may be in at some time."""
    found, lost = [cwd], False
    for command in line.commands:
        for words in seen_through(command, folders=False):
            if not words:
                continue
            name = words[0].value
            if name in _ELSEWHERE:
                lost = True
            elif name == "cd":
                target = _target(words)
                relative = target is None or not (target.value or target.text).startswith(("/", "~", "$HOME", "${HOME}", '"$HOME', '"${HOME}'))
                if target is None or (relative and (line.repeats or not all(is_safe(name) for name, _ in command.assignments))):
                    lost = True
                    continue
                reached = [absolute(target, folder, home) for folder in found]
                lost = lost or not all(reached)
                found += [folder for folder in dict.fromkeys(reached) if folder and folder not in found]
                if len(found) > _MOST:
                    return Standing(tuple(found[:_MOST]), lost=True)
    return Standing(tuple(found), lost)


def _target(words: Sequence[Word]) -> Word | None:
    """The operand of a ``cd``; None when it cannot be told from its words alone."""
    rest = words[2:] if len(words) > 1 and words[1].text == "--" else words[1:]
    return rest[0] if len(rest) == 1 and not rest[0].text.startswith(("-", "+")) else None


def changes_folder(command: Command) -> bool:
    """Whether it is a ``cd``, behind wrappers too."""
    return any(words and program_name(words[0]) == "cd" for words in seen_through(command, folders=False))


def absolute(word: Word, base: str, home: str) -> str:
    """A word as a path, its links not looked at; empty when it depends on the run."""
    written = as_written(word, base, home)
    return paths.normalise(written) if written else ""


def as_written(word: Word, base: str, home: str) -> str:
    """The same with every ``..`` left in it: behind a link the kernel goes up from where the link leads. path_resolution(7)."""
    text = word.value
    if text is None:
        bare = word.text.replace('"', "")
        rest = next((bare[len(spelling) :] for spelling in _HOME_SPELLINGS if bare == spelling or bare.startswith(f"{spelling}/")), "$")
        return "" if "$" in rest or "`" in rest or "\0" in rest else home + rest
    if word.glob or not text or "\0" in text:
        return ""
    if word.tilde:
        return home + text[1:] if text == "~" or text.startswith("~/") else ""
    return text if text.startswith("/") else f"{base}/{text}"
