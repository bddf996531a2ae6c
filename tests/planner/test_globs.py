"""Patterns become what exists."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.model.plan import Uncovered
from paddock.planner.globs import MAX_FOLDERS, expand, split
from paddock.planner.view import View
from tests.planner.fakes import APP, Link, Tree, rule, tree

FILES = (".env", "a/.env", "a/b/.env", "a/b/key.pem", "a/b/.env.local", "node_modules/p/.env", "ab/x", "a/bc/x", "[x]/y", "a*b")


def matches(pattern: str, files: Tree | None = None) -> set[str]:
    host = files or tree({f"{APP}/{name}": "" for name in FILES})
    return {found.path.removeprefix(f"{APP}/") for _, found in expand(View(host), [rule(f"{APP}/{pattern}")], "denyRead", [])}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("**/.env", {".env", "a/.env", "a/b/.env", "node_modules/p/.env"}),
        ("*/.env", {"a/.env"}),
        ("*/*/.env", {"a/b/.env", "node_modules/p/.env"}),
        ("**/b/**/.env", {"a/b/.env"}),
        (".env*", {".env"}),
        ("**/*.pem", {"a/b/key.pem"}),
        ("**/.env.*", {"a/b/.env.local"}),
        ("a?", {"ab"}),
        ("a/b?", {"a/bc"}),
        ("[ab]/.env", {"a/.env"}),
        ("[!b]/.env", {"a/.env"}),
        ("[^a]/.env", set()),
        (r"a\*b", {"a*b"}),
        ("**/none", set()),
        ("none/**/x", set()),
        ("[z-a]", set()),
    ],
)
def test_patterns(pattern: str, expected: set[str]) -> None:
    assert matches(pattern) == expected


def test_a_match_covers_what_is_in_it() -> None:
    assert matches("**/a") == {"a"}


def test_a_match_that_is_a_link_counts_with_its_target() -> None:
    assert matches("**/.env", tree({f"{APP}/.env": Link("conf/real"), f"{APP}/conf/real": ""})) == {"conf/real"}


def test_links_are_not_walked() -> None:
    assert matches("**/x", tree({f"{APP}/loop": Link("."), f"{APP}/out": Link("/srv"), "/srv/x": "", f"{APP}/d/x": ""})) == {"d/x"}


def test_a_pattern_without_a_first_folder_is_said() -> None:
    said: list[Uncovered] = []
    assert not list(expand(View(tree({"/srv/keys": ""})), [rule("/*/keys")], "denyRead", said))
    assert said[0].subject == "/*/keys"


def test_a_tree_beyond_the_bound_is_said() -> None:
    said: list[Uncovered] = []
    files = tree({f"{APP}/d{number:05}/x/y": "" for number in range(MAX_FOLDERS)})
    files.listed.clear()
    list(expand(View(files), [rule(f"{APP}/**/.env"), rule(f"{APP}/*.x")], "denyRead", said))
    assert len(files.listed) == MAX_FOLDERS
    assert [item.subject for item in said if "not searched" in item.reason] == [f"{APP}/**/.env"]


def test_many_patterns_walk_once() -> None:
    files = tree({f"{APP}/{name}": "" for name in FILES})
    files.listed.clear()
    list(expand(View(files), [rule(f"{APP}/**/.x{number}") for number in range(100)], "denyRead", []))
    assert len(files.listed) == len(set(files.listed))


@pytest.mark.parametrize(("pattern", "expected"), [("/a/b/*.x", ("/a/b", ("*.x",))), ("/**/x", ("/", ("**", "x"))), ("/a/b?/c", ("/a", ("b?", "c")))])
def test_the_literal_beginning(pattern: str, expected: tuple[str, tuple[str, ...]]) -> None:
    assert split(pattern) == expected


@given(st.text("ab*?.", min_size=1, max_size=6).filter(lambda text: "**" not in text and text not in (".", "..")), st.text("ab.", min_size=1, max_size=5))
def test_one_component_agrees_with_the_standard_library(pattern: str, name: str) -> None:
    if name in (".", "..") or not set(pattern) & set("*?"):
        return
    assert (name in matches(pattern, tree({f"{APP}/{name}": ""}))) is fnmatchcase(name, pattern)
