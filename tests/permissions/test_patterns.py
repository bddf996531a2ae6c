from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.permissions.patterns import CommandPattern, PatternIndex


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("make", "make", True),
        ("make", "make x", False),
        ("make *", "make", True),
        ("make *", "make x", True),
        ("make *", "makes", False),
        ("make:*", "make", True),
        ("make:*", "make x", True),
        ("make:*", "make:x", False),
        ("ls*", "lsof", True),
        ("git:* push", "git:abc push", False),
        ("git:* push", "git:* push", True),
        ("git * main", "git push origin main", True),
        ("git * main", "git main", False),
        ("git -C * show *", "git -C sub show", False),
        ("* install", "tool install", True),
        ("a.c", "abc", False),
        ("a*a", "a", False),
        ("x * y * z", "x  y  z", True),
        ("x *", "x \n y", True),
    ],
)
def test_patterns(pattern: str, text: str, *, matches: bool) -> None:
    assert CommandPattern.of(pattern).matches(text) is matches


PIECES = st.text(alphabet="ab *:", max_size=8)


@given(PIECES, st.text(alphabet="ab :", max_size=12))
def test_a_pattern_means_what_the_same_regular_expression_means(pattern: str, text: str) -> None:
    made = CommandPattern.of(pattern)
    expression = ".*".join(re.escape(part) for part in made.parts)
    expected = re.fullmatch(expression, text, re.DOTALL) is not None or (made.bare and text == made.parts[0][:-1])
    assert made.matches(text) is expected


@given(st.lists(PIECES, max_size=6), st.text(alphabet="ab :", max_size=12))
def test_the_index_finds_what_each_pattern_alone_finds(patterns: list[str], text: str) -> None:
    made = [CommandPattern.of(pattern) for pattern in patterns]
    assert sorted(PatternIndex(made).matches(text)) == [number for number, pattern in enumerate(made) if pattern.matches(text)]
