"""Before a line is split: continuations are joined, and what two readers may understand differently is found. bash(1), QUOTING and COMMENTS."""

from __future__ import annotations

from typing import Final

__all__ = ["LONGEST", "LOOKED_AT", "ambiguous", "join_continuations"]

LONGEST: Final = 10_000
"""Characters of a command line that rules may allow. Spec 4.4."""
LOOKED_AT: Final = 2 * LONGEST
"""Characters of a longer one in which rules that refuse are looked for."""

_CONTINUATION: Final = "\\\n"
_PLAIN_SPACES: Final = {ord("\n"): None, ord("\t"): None}
_SEPARATORS: Final = frozenset(" \t\n;&|()")


def ambiguous(command: str) -> str:
    """Why a line could mean one thing here and another to the shell; empty when it could not."""
    if len(command) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if command.isascii() and command.translate(_PLAIN_SPACES).isprintable():
        return ""
    for char in command:
        if char < " " and char not in "\t\n":
            return f"it holds a control character (U+{ord(char):04X})"
        if char > "\x7e" and (not char.isprintable() or char.isspace()):
            # The shell takes these for letters; people, and some parsers, for spaces or for nothing.
            return f"it holds an invisible character (U+{ord(char):04X})"
    return ""


def join_continuations(command: str) -> tuple[str, str]:
    """The line with every backslash-newline taken out that the shell takes out, and a problem or ``""``.

    In single quotes and in comments a backslash-newline is no continuation: joining there would hide the next line. What a here-document does with one
    depends on how its end mark is quoted, so such a line is not judged.
    """
    if _CONTINUATION not in command:
        return command, ""
    if "<<" in command:
        return command, "it joins lines beside a here-document"
    out: list[str] = []
    quote = ""
    at = 0
    while at < len(command):
        taken, quote = _step(command, at, quote)
        if command[at : at + 2] != _CONTINUATION or quote in ("'", "#"):
            out.append(command[at : at + taken])
        at += taken
    return "".join(out), ""


def _step(command: str, at: int, quote: str) -> tuple[int, str]:
    """How many characters belong together at ``at``, and which quotes hold behind them. ``#`` stands for a comment."""
    char = command[at]
    if quote == "#":
        return 1, "" if char == "\n" else "#"
    if quote == "'":
        return 1, "" if char == "'" else "'"
    if char == "\\":
        return 2, quote
    if char == '"':
        return 1, "" if quote == '"' else '"'
    if quote == '"':
        return 1, quote
    if char == "'":
        return 1, "'"
    if char == "#" and (at == 0 or command[at - 1] in _SEPARATORS):
        return 1, "#"
    return 1, ""
