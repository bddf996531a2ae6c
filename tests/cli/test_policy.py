"""``paddock policy``: the table of words, and what ``show`` prints, with an administrator who disagrees."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from paddock.cli.output import Output
from paddock.cli.policy import WORDS, main
from paddock.errors import UsageError
from tests.session.seat import Seat, take_seat


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    return take_seat(tmp_path, monkeypatch)


def run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    return main(list(words), Output(out, io.StringIO())), out.getvalue()


def columns(text: str, key: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.split()[:1] == [key]]


def test_an_administrators_value_wins_and_the_loser_is_named(seat: Seat) -> None:
    managed = seat.world.write("managed", {"paddock": {"limits": {"openFiles": 64}}}, "paddock")
    seat.world.write("user", {"paddock": {"limits": {"openFiles": 4096}}}, "paddock")
    code, text = run("show", "--origin")
    assert code == 0
    assert columns(text, "paddock.limits.openFiles") == [
        ["paddock.limits.openFiles", "64", "enforced", "managed", f"{managed}:4", "4096", "(user", "~/.config/paddock/settings.json:4)"]
    ]


def test_without_the_administrator_the_same_value_counts(seat: Seat) -> None:
    seat.world.write("user", {"paddock": {"limits": {"openFiles": 4096}}}, "paddock")
    ((_, value, _, scope, *_),) = columns(run("show", "--origin")[1], "paddock.limits.openFiles")
    assert (value, scope) == ("4096", "user")


def test_the_document_is_json_and_the_same_with_a_plan_around_it(seat: Seat) -> None:
    seat.world.write("user", {"env": {"A": "s3cret"}})
    plain = json.loads(run("show", "--json")[1])
    assert {"schema", "effective", "void", "sources", "trust_needed"} == set(plain)
    both = json.loads(run("show", "--json", "--plan")[1])
    assert both["policy"] == plain
    assert both["plan"]["cwd"] == str(seat.world.project)
    assert "s3cret" not in json.dumps(both)


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_word_has_a_help_page(word: str) -> None:
    code, text = run(word, "--help")
    assert code == 0
    assert text.startswith(f"usage: paddock policy {word}")
    assert f"  {word} " in run("--help")[1]


def test_the_schema_is_printed() -> None:
    assert "properties" in json.loads(run("schema")[1])


@pytest.mark.parametrize("words", [("shwo",), ("show", "extra"), ("schema", "extra")])
def test_wrong_words(words: tuple[str, ...], seat: Seat) -> None:
    with pytest.raises(UsageError):
        run(*words)
