"""Path globs: what is one, how a literal path stands inside one, and whether one covers a path. Pure; the file system is not asked.

``*`` and ``?`` stay in one component, a component ``**`` stands for any number of them, ``[...]`` is a set of characters and a backslash takes the next
character as it is: gitignore(5), spec 3.1 and 3.2.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = [
    "EXPANDED",
    "GLOB",
    "LITERAL",
    "SKIPPED",
    "component_matches",
    "component_test",
    "covers",
    "escape",
    "handling",
    "is_glob",
    "literal_prefix",
    "unescape",
]

LITERAL = "literal"
GLOB = "glob"
EXPANDED = "expanded_at_start"
SKIPPED = "skipped"

_WILDCARDS = "*?["


def is_glob(text: str) -> bool:
    """Whether a wildcard stands in the text without a backslash before it."""
    if "\\" not in text:
        return any(char in text for char in _WILDCARDS)
    at = 0
    while at < len(text):
        if text[at] in _WILDCARDS:
            return True
        at += 2 if text[at] == "\\" else 1
    return False


def escape(path: str) -> str:
    """A literal path as part of a glob."""
    return "".join("\\" + char if char in "*?[\\" else char for char in path)


def unescape(text: str) -> str:
    """A text without wildcards as the literal that it means: each backslash is dropped and the character behind it kept."""
    out: list[str] = []
    at = 0
    while at < len(text):
        at += 1 if text[at] == "\\" and at + 1 < len(text) else 0
        out.append(text[at])
        at += 1
    return "".join(out)


def literal_prefix(pattern: str) -> str:
    """The deepest folder of an absolute glob above its first wildcard, as a literal path."""
    parts: list[str] = []
    for part in pattern.split("/"):
        if is_glob(part):
            break
        parts.append(unescape(part))
    return "/".join(parts) or "/"


def handling(list_name: str, path: str, platform: str, *, is_pattern: bool, write_patterns: bool) -> str:
    """What becomes of an absolute path of ``denyRead``, ``allowRead``, ``denyWrite`` or ``allowWrite``: ``LITERAL``, ``GLOB`` (the platform matches by itself),
    ``EXPANDED`` (to what exists when the command starts) or ``SKIPPED``. Spec 3.1. ``write_patterns``: denials of writing are expanded where the documented
    semantics skip them.
    """
    if not is_pattern:
        return LITERAL
    if platform == "macos":
        return GLOB
    if list_name in ("allowWrite", "denyWrite"):
        return EXPANDED if write_patterns and list_name == "denyWrite" else SKIPPED
    return SKIPPED if literal_prefix(path) == "/" else EXPANDED


def covers(pattern: str, path: str) -> bool:
    """Whether an absolute glob matches ``path`` or a folder above it."""
    wanted = pattern.strip("/").split("/")
    # The set of positions that the pattern can be at: linear in both lengths, where backtracking over several ** would be exponential.
    reached = _closed(wanted, {0})
    for part in path.strip("/").split("/"):
        if len(wanted) in reached:
            return True
        kept = {at for at in reached if wanted[at] == "**"}
        reached = _closed(wanted, kept | {at + 1 for at in reached if wanted[at] != "**" and component_matches(wanted[at], part)})
    return len(wanted) in reached


def _closed(wanted: list[str], reached: set[int]) -> set[int]:
    """``**`` may stand for nothing."""
    for at, part in enumerate(wanted):
        if at in reached and part == "**":
            reached = reached | {at + 1}
    return reached


def component_matches(pattern: str, name: str) -> bool:
    """Whether one component of a glob matches one name."""
    return component_test(pattern)(name)


def component_test(pattern: str) -> Callable[[str], bool]:
    """``component_matches`` for one pattern and many names."""
    if not is_glob(pattern):
        literal = unescape(pattern)
        return lambda name: literal == name
    units = _units(pattern)
    return lambda name: _matches(units, name)


def _matches(units: list[str], name: str) -> bool:
    """Only the last star is ever tried again: at most the product of both lengths, where a regular expression takes time exponential in the stars."""
    unit = at = 0
    star, taken = -1, 0
    while at < len(name):
        if unit < len(units) and units[unit] == "*":
            star, taken, unit = unit, at, unit + 1
        elif unit < len(units) and _takes(units[unit], name[at]):
            unit, at = unit + 1, at + 1
        elif star >= 0:
            taken += 1
            unit, at = star + 1, taken
        else:
            return False
    return all(left == "*" for left in units[unit:])


def _units(pattern: str) -> list[str]:
    r"""``*``, ``?``, ``[set]``, and ``\x`` or ``x`` for one character."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        length = 2 if pattern[at] == "\\" and at + 1 < len(pattern) else 1
        if pattern[at] == "[" and (end := pattern.find("]", at + 2)) > 0:
            length = end + 1 - at
        out.append(pattern[at : at + length])
        at += length
    return out


def _takes(unit: str, char: str) -> bool:
    if unit == "?":
        return True
    if len(unit) == 2 and unit[0] == "\\":
        return char == unit[1]
    if len(unit) < 3:
        return char == unit
    body = unit[1:-1]
    negated = body[0] in "!^"
    return _in_set(body[1:] if negated else body, char) != negated


def _in_set(body: str, char: str) -> bool:
    at = 0
    while at < len(body):
        if at + 2 < len(body) and body[at + 1] == "-":
            if body[at] <= char <= body[at + 2]:
                return True
            at += 3
            continue
        if body[at] == char:
            return True
        at += 1
    return False
