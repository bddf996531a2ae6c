"""The parser of shared options: it stops at the command, and refuses what it does not know."""

from __future__ import annotations

import pytest

from paddock.cli.options import COMMON, Option, parse
from paddock.errors import UsageError

OPTIONS = (*COMMON, Option("--quiet", "", "no block"))


def test_options_end_at_the_first_other_word() -> None:
    parsed = parse(["--quiet", "npm", "--quiet", "--allow-write", "/"], OPTIONS)
    assert parsed.rest == ["npm", "--quiet", "--allow-write", "/"]
    assert parsed.settings == []


def test_two_dashes_end_options_and_are_not_part_of_the_command() -> None:
    assert parse(["--", "--quiet"], OPTIONS).rest == ["--quiet"]
    assert not parse(["--", "--quiet"], OPTIONS).has("--quiet")


def test_both_ways_of_giving_a_value() -> None:
    expected = [("sandbox.network.allowedDomains", "a.example", "--allow-domain")]
    assert parse(["--allow-domain", "a.example", "x"], OPTIONS).settings == expected
    assert parse(["--allow-domain=a.example", "x"], OPTIONS).settings == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--allow-domian", "x"], "did you mean --allow-domain"),
        (["-x"], "options of Paddock stand before the command"),
        (["--allow-domain"], "needs a value"),
        (["--quiet=yes"], "takes no value"),
        (["--timeout", "soon"], "needs a number"),
        (["--timeout", "nan"], "above zero"),
        (["--timeout", "inf"], "above zero"),
        (["--timeout", "-1"], "above zero"),
        (["--publish", "80.5"], "needs a number"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words, OPTIONS)
    assert message in f"{caught.value} {caught.value.hint}"


def test_numbers_become_numbers() -> None:
    assert parse(["--timeout", "1.5", "--publish", "3000"], OPTIONS).settings == [
        ("paddock.limits.timeoutSeconds", 1.5, "--timeout"),
        ("paddock.network.publish", 3000, "--publish"),
    ]


def test_a_dash_alone_is_a_word() -> None:
    assert parse(["-"], OPTIONS).rest == ["-"]
