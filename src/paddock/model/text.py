"""Text that came from somewhere else, made safe and short enough to show.

A file name, a host name or an environment variable may hold anything: an escape sequence that repaints the terminal, a line break that forges a second line
of a report, a bidirectional control that turns a name around. Nothing from inside a fence reaches a person without ``escape``. Pure functions, no dependencies.
"""

from __future__ import annotations

__all__ = ["cap", "escape", "pad", "shorten_path", "width"]

# Characters that count as printable (or as marks) in the Unicode database and still show nothing: default-ignorable code points and blank-looking fillers
# (UAX #44, DerivedCoreProperties Default_Ignorable_Code_Point; U+2800 is an empty Braille cell).
_INVISIBLE = frozenset(
    [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)],
)


def escape(text: str) -> str:
    r"""``text`` on one line, with nothing in it that a terminal would obey.

    Control characters, bidirectional and other format characters, unassigned and invisible ones become ``\x1b``, ``\u202e`` or ``\U000e0001``; a byte that is
    not UTF-8 (carried as a lone surrogate, PEP 383) becomes ``\xff``; a backslash becomes two. Two different texts never give the same result.
    """
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_shown, text))


def _shown(char: str) -> str:
    point = ord(char)
    if char == "\\":
        return "\\\\"
    if char.isprintable() and point not in _INVISIBLE:
        return char
    if 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point - 0xDC00:02x}"
    if point < 0x80:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def cap(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` characters (3 or more). The middle is left out: the end of a path and the end of a host name say the most."""
    if len(text) <= limit:
        return text
    head = (limit - 1) // 3
    return f"{text[:head]}…{text[head - limit + 1 :]}"


def width(text: str) -> int:
    """Columns that ``text`` takes on a terminal: two for wide East Asian characters, none for combining marks (UAX #11)."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    columns = 0
    for char in text:
        if category(char) not in ("Mn", "Me"):
            columns += 2 if east_asian_width(char) in ("W", "F") else 1
    return columns


def pad(text: str, columns: int) -> str:
    """``text`` followed by as many spaces as it takes to fill ``columns``."""
    return text + " " * max(0, columns - width(text))


def shorten_path(path: str, *, home: str = "", cwd: str = "") -> str:
    """A path as people say it: relative beneath the working folder, with ``~`` beneath home. Anything that is not an absolute path comes back unchanged."""
    from paddock.model.paths import is_beneath, relative

    if not path.startswith("/"):
        return path
    if cwd not in ("", "/", path) and is_beneath(path, cwd):
        return relative(path, cwd)
    if home not in ("", "/") and is_beneath(path, home):
        return f"~/{relative(path, home)}" if path != home else "~"
    return path
