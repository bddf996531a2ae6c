from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.model.globs import component_matches, covers, escape, is_glob, literal_prefix, unescape

NAMES = st.text(alphabet="abc*?[]!^-\\", min_size=1)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/a/**/b", "/a/b", True),
        ("/a/**/b", "/a/x/y/b", True),
        ("/a/**/b", "/a/x/y/b/below", True),
        ("/a/**/b", "/a/xb", False),
        ("/a/*/b", "/a/b", False),
        ("/a/*/b", "/a/x/b", True),
        ("/a/*/b", "/a/x/y/b", False),
        ("/a/*.txt", "/a/b.txt", True),
        ("/a/*.txt", "/a/b.txt.bak", False),
        ("/a/b?", "/a/b1", True),
        ("/a/b?", "/a/b", False),
        ("/a/[b-d]", "/a/c", True),
        ("/a/[!b-d]", "/a/c", False),
        ("/a/[^b-d]", "/a/e", True),
        ("/a/\\*", "/a/*", True),
        ("/a/\\*", "/a/b", False),
        ("/**", "/", True),
        ("/**/x", "/x", True),
        ("/a/**", "/a", True),
        ("/a", "/ab", False),
    ],
)
def test_covers(pattern: str, path: str, expected: bool) -> None:
    assert covers(pattern, path) is expected


@given(NAMES)
def test_an_escaped_name_matches_itself_and_nothing_longer(name: str) -> None:
    assert not is_glob(escape(name))
    assert unescape(escape(name)) == name
    assert component_matches(escape(name), name)
    assert not component_matches(escape(name), name + "a")


@given(st.text(alphabet="ab*?"), st.text(alphabet="ab", max_size=8))
def test_agrees_with_the_standard_library_without_sets_and_escapes(pattern: str, name: str) -> None:
    assert component_matches(pattern, name) == fnmatchcase(name, pattern)


def test_many_stars_take_no_exponential_time() -> None:
    assert not component_matches("*a" * 200 + "b", "a" * 400)
    assert not covers("/" + "**/a/" * 50 + "b", "/a" * 200)


def test_the_literal_beginning() -> None:
    assert literal_prefix("/a/b/*.txt") == "/a/b"
    assert literal_prefix("/*/b") == "/"
    assert literal_prefix("/a\\[1]/*") == "/a[1]"
    assert literal_prefix("/a/b") == "/a/b"
