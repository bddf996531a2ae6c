"""Removals that no rule approves beforehand: of the root, of home, of what holds the working folder. Spec 5.5. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from paddock.model import paths
from paddock.permissions.shell.line import Command, Word
from paddock.permissions.shell.wrappers import program_name, seen_through

__all__ = ["critical_target"]

_REMOVERS = ("rm", "rmdir")
_PRIVATE = ("/private/etc", "/private/var", "/private/tmp", "/private/home")
"""macOS: where the folders really are."""


def critical_target(command: Command, *, cwd: str, home: str, additional: Sequence[str] = (), platform: str = "linux") -> str:
    """The operand that makes a removal critical, as it was written; empty when there is none. ``cwd`` empty: not known."""
    for words in seen_through(command, folders=True):
        if words and program_name(words[0]) in _REMOVERS:
            for word in _operands(words[1:]):
                if _is_critical(word, cwd, home, additional, platform):
                    return word.text
    return ""


def _operands(words: Sequence[Word]) -> list[Word]:
    """Words that are no options; behind ``--`` every word."""
    for at, word in enumerate(words):
        if word.text == "--":
            return [*(w for w in words[:at] if not w.text.startswith("-")), *words[at + 1 :]]
    return [word for word in words if not word.text.startswith("-")]


def _is_critical(word: Word, cwd: str, home: str, additional: Sequence[str], platform: str) -> bool:
    text = word.value if word.value is not None else word.text
    if word.value is None:
        return _below_variable(word.text)
    if word.tilde:
        if text != "~" and not text.startswith("~/"):
            return True  # somebody's home
        text = home + text[1:]
    if not text.startswith("/"):
        if not cwd:
            return text.strip("/") in (".", "..", "*", "")
        text = f"{cwd}/{text}"
    if word.glob:
        return _glob_is_critical(text, home, cwd, additional)
    path = paths.normalise(text)
    if path.endswith("/~"):
        return True  # a folder of that name: whoever forgets the quotes the next time removes a home
    dangerous = paths.depth(path) <= 1 or path == home or (bool(cwd) and paths.is_beneath(cwd, path)) or paths.is_beneath(home, path)
    return dangerous or (platform == "macos" and path in _PRIVATE)


def _glob_is_critical(text: str, home: str, cwd: str, additional: Sequence[str]) -> bool:
    """``DIR/*``: everything in a folder. The folders whose contents count are those that count themselves, and the ones named in addition."""
    folder, _, last = text.rstrip("/").rpartition("/")
    if any(char in folder for char in "*?["):
        return text.lstrip("/")[:1] in ("*", "?", "[")
    path = paths.normalise(folder or "/")
    if not last.strip("*.?"):
        return paths.depth(path) <= 1 or path in (home, *map(paths.normalise, additional)) or (bool(cwd) and paths.is_beneath(cwd, path))
    return paths.depth(path) == 0


def _below_variable(text: str) -> bool:
    """``"$DIR"/*``, ``$DIR/``, ``$HOME``: with the variable empty or short, what is left is a folder at the top."""
    bare = text.replace('"', "").replace("'", "")
    if bare in ("$HOME", "${HOME}", "$PWD", "${PWD}"):
        return True
    head, slash, tail = bare.partition("/")
    if not head.startswith("$") or not slash:
        return False
    return tail == "" or any(char in tail for char in "*?[")
