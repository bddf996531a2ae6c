"""Text that the shell reads a second time as code: arithmetic, subscripts, indirect expansions. bash(1), ARITHMETIC EVALUATION and Parameter Expansion.

``a[$(rm x)]`` as the *value* of a variable runs ``rm`` where that variable is computed with. A value that comes from the environment is as trustworthy as the
environment; one that the line itself sets is not, and neither is one that a command prints.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

__all__ = ["Evaluated", "assigned_by_expansion", "is_own_name", "runs_unknown_code"]

_EXPANSION: Final = re.compile(r"\$\{(#?)(!?)([A-Za-z_]\w*|\d+|[@*#?$!-])(\[[^\]]*\])?(.*)\}", re.DOTALL)
_SIMPLE: Final = re.compile(r"\"?\$\{?#?([A-Za-z_]\w*)(?:\[[@*]\])?\}?\"?")
_CALCULATED: Final = re.compile(r"[\w\s+\-*/%<>=!&|^~?:,()#;$]*")
_CHANGES: Final = re.compile(r"([A-Za-z_]\w*)\s*(?:\+\+|--|(?:[-+*/%&|^]|<<|>>)?=(?!=))|(?:\+\+|--)\s*([A-Za-z_]\w*)")
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_NUMBERED: Final = re.compile(r"\[\d+\]")
_ARGUMENT: Final = re.compile(r"\$[\d@*]")
_TEST_OPERATOR: Final = re.compile(r"(?<!\S)-[A-Za-z]+(?!\S)")
_COMPUTES: Final = re.compile(r"(?<!\S)-(?:eq|ne|lt|le|gt|ge|v|R)(?!\S)")
_OWN: Final = re.compile(r"[a-z_][a-z0-9_]*|[A-Z]")


class Evaluated(NamedTuple):
    """A place where text becomes code. ``kind``: ``arithmetic``, ``expansion``, ``subscript`` or ``test`` (``[[ ]]``)."""

    kind: str
    text: str


def is_own_name(name: str) -> bool:
    """Whether a variable is one that lines use for themselves, and no program or shell takes anything from: short ones, and those in small letters.

    zsh ties ``path`` and its like to the search paths, and programs read ``http_proxy`` in small letters.
    """
    return _OWN.fullmatch(name) is not None and not name.endswith(("path", "_proxy"))


def assigned_by_expansion(text: str) -> str:
    """The variable that ``${NAME:=value}`` sets; empty for any other expansion."""
    found = _EXPANSION.fullmatch(text)
    return found[3] if found is not None and found[5].startswith((":=", "=")) else ""


def runs_unknown_code(found: Evaluated, set_here: Collection[str]) -> bool:
    """Whether what it runs cannot be told. ``set_here``: variables that the line sets, to something that is no number."""
    if found.kind == "expansion":
        return _expansion(found.text, set_here)
    if found.kind == "subscript":
        return found.text not in ("@", "*") and _arithmetic(found.text, set_here)
    if found.kind == "test":
        return _COMPUTES.search(found.text) is not None and _arithmetic(_TEST_OPERATOR.sub(" ", found.text.removeprefix("[[").removesuffix("]]")), set_here)
    return _arithmetic(_inside(found.text), set_here)


def _inside(text: str) -> str:
    """Without the brackets around it."""
    for opening, closing in (("$((", "))"), ("$[", "]"), ("((", "))")):
        if text.startswith(opening) and text.endswith(closing):
            return text[len(opening) : -len(closing)]
    return text


def _expansion(text: str, set_here: Collection[str]) -> bool:
    found = _EXPANSION.fullmatch(text)
    if found is None or (found[2] and (found[5] or found[4] not in ("[@]", "[*]")) and found[5] not in ("*", "@")):
        return True
    subscript, rest = (found[4] or "")[1:-1], found[5]
    if subscript not in ("", "@", "*") and _arithmetic(subscript, set_here):
        return True
    if rest.startswith(":") and rest[1:2] not in ("-", "+", "?", "="):
        return _arithmetic(rest[1:], set_here)
    # ${x@P} reads the value as a prompt, substitutions and all.
    return rest.startswith("@") and not found[2] and rest[1:] not in ("Q", "E", "U", "u", "L", "K", "k", "a")


def _arithmetic(text: str, set_here: Collection[str]) -> bool:
    plain = _NUMBERED.sub("", _SIMPLE.sub(r"\1", text))
    if _CALCULATED.fullmatch(plain) is None or "$(" in plain or _ARGUMENT.search(plain) is not None:
        return True
    return not all(map(is_own_name, _changed(plain))) or any(name in set_here for name in _NAME.findall(plain))


def _changed(plain: str) -> Iterator[str]:
    for match in _CHANGES.finditer(plain):
        yield match[1] or match[2]
