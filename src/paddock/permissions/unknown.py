"""Words that depend on the run: what they may turn out to be. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from paddock.permissions.shell.line import Command, Word
from paddock.permissions.shell.wrappers import stripped

__all__ = ["is_plain_test", "known_beginning", "may_be_option"]

_DOUBLE: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_SINGLE: Final = re.compile(r"'[^']*'")
_TEST_WORD: Final = re.compile(r'(?:"[^"]*"|\'[^\']*\'|\\.|[^\s"\'\\])+')
_QUOTING: Final = re.compile(r"""[\"'\\]""")
_NUMBERS: Final = frozenset({"$?", "$#", "$$", "$!", "${#}"})
_BINARY: Final = frozenset({"=", "==", "!=", "<", ">", "\\<", "\\>", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"})
_UNARY: Final = re.compile(r"-[a-uw-zA-QS-Z]")


def may_be_option(word: Word) -> bool:
    """Whether an expansion or a wildcard can make an option of a word that is none as it is written."""
    if word.value is not None:
        return word.glob and word.text[:1] in ("*", "?", "[", "-", "!", "@", "+")
    text = word.text
    if not (text[:1].isalnum() or text[:1] in ("/", ".", "_")):
        return True
    # Outside quotes an expansion may become several words, and the second one begins with anything.
    outside = _SINGLE.sub("", _DOUBLE.sub("", text))
    return "$" in outside or "`" in outside


def known_beginning(words: Sequence[Word]) -> str | None:
    """The text of a command as far as it does not depend on the run; None when all of it is known."""
    for at, word in enumerate(words):
        if word.value is None or word.glob:
            head = "".join(f"{before.value} " for before in words[:at])
            shown = _SHOWN.match(word.text) if word.value is not None else None
            return head + (shown[0] if shown is not None else "")
    return None


_SHOWN: Final = re.compile(r"[\w./-]*")


def is_plain_test(command: Command) -> bool:
    """Whether ``test`` only compares. ``-v 'a[$(x)]'`` runs ``x``, so no word may turn out to be that operator."""
    text = command.text.strip()
    rest = [word.text for word in (stripped(command) or command.words)[1:]]
    words = _TEST_WORD.findall(text[1:].rstrip().removesuffix("]") if text.startswith("[") else " ".join(rest))
    return all(_plain(words, at) for at in range(len(words)))


def _plain(words: Sequence[str], at: int) -> bool:
    word = words[at]
    bare = _QUOTING.sub("", word)
    if bare in ("-v", "-R"):
        return False
    outside = _SINGLE.sub("", _DOUBLE.sub("", word))
    if any(char in outside for char in "*?[{") or "$'" in word:
        return False
    if ("$" not in _SINGLE.sub("", word) and "`" not in word) or word in _NUMBERS:
        return True
    if _DOUBLE.fullmatch(word) is None or "@" in word:
        return False
    before, after = (words[at - 1] if at else ""), (words[at + 1] if at + 1 < len(words) else "")
    return len(words) == 1 or before in _BINARY or after in _BINARY or _UNARY.fullmatch(before) is not None
