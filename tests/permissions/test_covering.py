"""One rule contains another: what is said to be covered is, for every text, path and host that was tried."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from paddock.model.hosts import parse_host, parse_pattern
from paddock.model.settings import Context, Origin, Scope
from paddock.permissions.classify import classify
from paddock.permissions.covering import Placed, covers, host_covers, pattern_covers
from paddock.permissions.match import PathMatcher
from paddock.permissions.patterns import CommandPattern

CONTEXT = Context("/home/dev/app", "/home/dev/app", "", "/home/dev", "/home/dev/.claude", "/home/dev/.config/paddock", "/s", "/c")
ORIGIN = Origin(Scope.PROJECT, "/home/dev/app/.claude/settings.json", 1, 1)


def placed(text: str, list_name: str) -> Placed:
    return Placed(classify(text, list_name), list_name, ORIGIN, CONTEXT)


@pytest.mark.parametrize(
    ("deny", "allow", "answer"),
    [
        ("Bash(aws *)", "Bash(aws s3 ls)", True),
        ("Bash(aws *)", "Bash(aws)", True),
        ("Bash(aws *)", "Bash(aws *)", True),
        ("Bash(aws s3 *)", "Bash(aws *)", False),
        ("Bash(aws *)", "Bash(aws*)", False),
        ("Bash(aws*)", "Bash(aws *)", True),
        ("Bash(* *)", "Bash(aws *)", False),  # which is about aws alone as well
        ("Bash(* --force*)", "Bash(git push --force *)", True),
        ("Bash(git:*)", "Bash(git push)", True),
        ("Bash(git push)", "Monitor(git push)", True),
        ("Read(secrets/**)", "Read(./secrets/a.txt)", True),
        ("Read(.env)", "Read(//home/dev/app/x/.ENV)", True),
        ("Read(./secrets/**)", "Read(./secret)", False),
        ("Edit(./a)", "Read(./a/b)", False),
        ("Edit(~/app/src)", "Edit(src/**)", True),
        ("Edit(~/app/src/*.py)", "Edit(src/**)", False),
        ("WebFetch(domain:*.example.com)", "WebFetch(domain:a.b.example.com)", True),
        ("WebFetch(domain:*.example.com)", "WebFetch(domain:example.com)", False),
        ("WebFetch(domain:example.com:443)", "WebFetch(domain:example.com)", False),
        ("mcp__git", "mcp__git__push", True),
        ("mcp__*", "mcp__git__push", True),
        ("mcp__git__get_*", "mcp__git__push", False),
        ("mcp__git", "mcp__github__push", False),
        ("WebSearch", "WebSearch", True),
        ("Agent", "Agent(review)", True),
        # These are about other tools as well, which the bare name is not: Monitor; Write; Grep.
        ("Bash", "Bash(ls)", False),
        ("Edit", "Edit(src/**)", False),
        ("Read", "Read(src/**)", False),
        ("*", "Edit(src/**)", True),
        ("Write(a)", "Write(a)", False),
    ],
)
def test_a_deny_rule_covers_an_allow_rule(deny: str, allow: str, answer: bool) -> None:
    assert covers(placed(deny, "deny"), placed(allow, "allow")) is answer


def test_fields_are_compared_by_name() -> None:
    def both(wide: str, narrow: str) -> bool:
        return covers(placed(wide, "deny"), placed(narrow, "ask"))

    assert both("Agent(model:*)", "Agent(model:big)")
    assert not both("Agent(model:big)", "Agent(model:*)")
    assert not both("Agent(model:*)", "Agent(name:big)")
    assert both("Agent", "Agent(model:big)")


PATTERNS = st.lists(st.sampled_from(["a", "b", " ", "*", "ab", ":"]), min_size=1, max_size=6).map("".join)
TEXTS = st.lists(st.sampled_from(["a", "b", " ", ":", "ab", "c"]), max_size=8).map("".join)


@settings(max_examples=400)
@given(PATTERNS, PATTERNS, st.lists(TEXTS, min_size=5, max_size=20))
def test_a_covered_pattern_matches_nothing_that_the_other_does_not(wide: str, narrow: str, texts: list[str]) -> None:
    one, other = CommandPattern.of(wide), CommandPattern.of(narrow)
    if pattern_covers(one, other):
        assert all(one.matches(text) for text in [*texts, "".join(other.parts), "c".join(other.parts)] if other.matches(text))


LABELS = st.lists(st.sampled_from(["*", "a", "b", "a*", "*b", "com"]), min_size=2, max_size=4).map(".".join)
HOSTS = st.lists(st.sampled_from(["a", "b", "ab", "com", "aab"]), min_size=1, max_size=5).map(".".join)


@settings(max_examples=400)
@given(LABELS, LABELS, st.sampled_from(["", ":80", ":443"]), st.sampled_from(["", ":80", ":443"]), st.lists(HOSTS, min_size=5, max_size=20))
def test_a_covered_host_is_reached_by_the_other_too(wide: str, narrow: str, port: str, inner: str, hosts: list[str]) -> None:
    one, other = parse_pattern(wide + port, "deny")[0], parse_pattern(narrow + inner, "allow")[0]
    if host_covers(one, other):
        asked = [(parse_host(host), number) for host in hosts for number in (80, 443, 8080)]
        assert all(one.matches(host, number) for host, number in asked if other.matches(host, number))


PLACES = st.lists(st.sampled_from(["src", "a", "*", "**", "a*", "B"]), min_size=1, max_size=4).map("/".join)
ANCHORS = st.sampled_from(["//home/dev/app/", "./", "", "~/app/", "//"])


@settings(max_examples=400)
@given(ANCHORS, PLACES, ANCHORS, PLACES, st.sampled_from(["Read", "Edit"]), st.lists(st.sampled_from(["src", "a", "ab", "B", "x"]), min_size=1, max_size=5))
def test_a_covered_path_is_spoken_about_by_the_other_too(first: str, wide: str, second: str, narrow: str, tool: str, parts: list[str]) -> None:
    assume("*" not in (first + wide, second + narrow))  # that is the bare rule
    one, other = placed(f"{tool}({first}{wide})", "deny"), placed(f"{tool}({second}{narrow})", "allow")
    assert isinstance(one.path, PathMatcher)
    assert isinstance(other.path, PathMatcher)
    if covers(one, other):
        for at in range(len(parts) + 1):
            for path in ("/home/dev/app/" + "/".join(parts[:at]), "/" + "/".join(parts[:at])):
                clean = path.rstrip("/") or "/"
                assert one.path.matches(clean, tool) or not other.path.matches(clean, tool)
