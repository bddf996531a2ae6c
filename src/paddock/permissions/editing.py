"""Commands that edit files: what mode ``acceptEdits`` lets run inside the working folders, and which paths they name. Spec 5.2. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from paddock.permissions.shell.line import Word

__all__ = ["EDITING", "NAMES_WHAT_IT_WRITES", "operands", "plainly_edits"]

EDITING: Final[dict[str, re.Pattern[str]]] = {
    "mkdir": re.compile(r"-[pv]+|--parents|--verbose"),
    "touch": re.compile(r"-[acm]+|--no-create"),
    "rm": re.compile(r"-[rRfvid]+|--recursive|--force|--verbose|--dir"),
    "rmdir": re.compile(r"-[pv]+|--parents|--verbose"),
    "mv": re.compile(r"-[fnvui]+|--force|--no-clobber|--verbose|--update"),
    "cp": re.compile(r"-[arRpfvnuiLPdT]+|--recursive|--archive|--force|--verbose|--no-clobber|--update|--no-dereference|--dereference"),
    "sed": re.compile(r"-[nErsu]+|-[nErsu]*i(?:\.\w+)?|-e|--regexp-extended|--quiet|--silent|--in-place|--expression"),
}
"""What the mode lets run, and the options of each: none that names a further file, a folder or a program."""
NAMES_WHAT_IT_WRITES: Final = frozenset({*EDITING, "tee", "ln", "install", "truncate", "chmod", "chown", "unlink", "shred", "patch"})
"""Commands whose operands are looked at for protected paths."""
# Substitutions, deletions and prints on lines: no command that reads, writes or runs something (sed(1): r, R, w, W, e, and the flags w and e of s).
_ADDRESS = r"(?:\d+|\$|/(?:[^/\\\n]|\\[^\n])*/)"
_SED_SCRIPT: Final = re.compile(
    rf"(?:{_ADDRESS}(?:,{_ADDRESS})?)?!?(?:[dp]|s([/|#,:@])(?:(?!\1)[^\\\n]|\\[^\n])*\1(?:(?!\1)[^\\\n]|\\[^\n])*\1[gpiI0-9]*|y/[^/\\\n]*/[^/\\\n]*/)"
)


def plainly_edits(words: Sequence[Word]) -> bool:
    """Whether a command of the mode's list does no more than edit its operands."""
    options = EDITING.get(words[0].value or "") if words else None
    if options is None:
        return False
    given = _before_end(words[1:])
    if not all(word.value is not None and options.fullmatch(word.value) for word in given if word.text.startswith("-")):
        return False
    if any(word.value is not None and word.value.startswith("-") and not word.text.startswith("-") for word in given):
        return False  # an option in quotes
    return words[0].value != "sed" or _plain_script(words[1:])


def operands(words: Sequence[Word]) -> list[Word]:
    """Words that are paths; of ``sed`` the script is none."""
    given = _before_end(words[1:])
    behind = list(words[1 + len(given) + 1 :])
    found = [word for word in given if not word.text.startswith("-")] + behind
    return found[1:] if words[0].value == "sed" else found


def _before_end(words: Sequence[Word]) -> Sequence[Word]:
    for at, word in enumerate(words):
        if word.value == "--":
            return words[:at]
    return words


def _plain_script(words: Sequence[Word]) -> bool:
    """Whether the script, the first operand, is a known harmless command. Several scripts are not looked through."""
    script = next((word for word in words if not word.text.startswith("-")), None)
    expressions = sum(word.value in ("-e", "--expression") for word in words)
    return script is not None and script.value is not None and expressions < 2 and _SED_SCRIPT.fullmatch(script.value) is not None
