from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.model.text import cap, escape, pad, shorten_path, width

ANY = st.text(st.characters(exclude_categories=())) | st.binary().map(os.fsdecode)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain/path-1.txt", "plain/path-1.txt"),
        ("naïve 日本 العربية", "naïve 日本 العربية"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\nb\r\tc", "a\\x0ab\\x0d\\x09c"),
        ("back\\slash", "back\\\\slash"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("filler\u3164\u115f\u2800", "filler\\u3164\\u115f\\u2800"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("line\u2028sep\u2029", "line\\u2028sep\\u2029"),
        ("nbsp\u00a0c1\u0085", "nbsp\\u00a0c1\\u0085"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("\ud800", "\\ud800"),
    ],
)
def test_escape(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(ANY)
def test_escaped_text_is_one_printable_line(text: str) -> None:
    shown = escape(text)
    assert shown.isprintable()
    assert shown.encode("utf-8").decode("utf-8") == shown


def undo(match: re.Match[str]) -> str:
    code = match.group(0)
    if code == "\\\\":
        return "\\"
    number = int(code.lstrip("\\xuU"), base=16)
    return chr(number + 0xDC00) if code[1] == "x" and number >= 0x80 else chr(number)


@given(ANY)
def test_escape_loses_nothing(text: str) -> None:
    assert re.sub(r"\\\\|\\x..|\\u....|\\U........", undo, escape(text)) == text


@given(ANY)
def test_escape_leaves_what_is_safe(text: str) -> None:
    safe = "".join(c for c in text if c.isascii() and c.isprintable() and c != "\\")
    assert escape(safe) == safe


@given(st.text(), st.integers(3, 50))
def test_cap_keeps_both_ends(text: str, limit: int) -> None:
    short = cap(text, limit)
    assert len(short) == min(len(text), limit)
    if len(text) > limit:
        head, tail = short.split("…", 1) if text.count("…") == 0 else (short[:1], short[-1:])
        assert text.startswith(head)
        assert text.endswith(tail)


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("ｱ", 1), ("\N{FULLWIDTH LATIN CAPITAL LETTER A}", 2), ("", 0)])
def test_width(text: str, columns: int) -> None:
    assert width(text) == columns
    assert width(pad(text, 6)) == 6
    assert pad(text, columns - 1) == text


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/u/p/.env", ".env"),
        ("/home/u/p", "~/p"),
        ("/home/u/p2/x", "~/p2/x"),
        ("/home/u", "~"),
        ("/home/user2/x", "/home/user2/x"),
        ("/etc/passwd", "/etc/passwd"),
        ("evil.test:443", "evil.test:443"),
    ],
)
def test_shorten_path(path: str, shown: str) -> None:
    assert shorten_path(path, home="/home/u", cwd="/home/u/p") == shown


def test_shorten_path_with_home_at_the_root_of_everything() -> None:
    assert shorten_path("/etc/passwd", home="/", cwd="/") == "/etc/passwd"
