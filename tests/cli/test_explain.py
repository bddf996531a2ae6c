from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from paddock.cli.explain import main
from paddock.cli.output import Output
from paddock.errors import UsageError
from tests.session.seat import Seat, take_seat


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    seat = take_seat(tmp_path, monkeypatch)
    seat.world.write("project", {"sandbox": {"filesystem": {"denyRead": ["./secret"]}}})
    (seat.world.project / "secret").touch()
    return seat


def run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    return main(list(words), Output(out, io.StringIO())), out.getvalue()


def test_the_page_for_people(seat: Seat) -> None:
    code, text = run("secret")
    assert code == 0
    lines = [line.split(maxsplit=1) for line in text.splitlines()]
    assert text.splitlines()[0] == f"{seat.world.project}/secret  (path)"
    assert ["read", "NO: hidden"] in lines
    assert ["by", '"./secret" in sandbox.filesystem.denyRead (project .claude/settings.json:5)'] in lines
    assert any(line[0] == "to" and "--allow-read ./secret" in line[1] for line in lines)


def test_the_option_of_the_proposal_turns_the_answer(seat: Seat) -> None:
    assert ["read", "yes: shown by a rule"] in [line.split(maxsplit=1) for line in run("secret", "--allow-read", "./secret")[1].splitlines()]


def test_several_arguments_and_options_behind_them(seat: Seat) -> None:
    code, text = run("secret", "a.test", "LANG", "--json")
    document = json.loads(text)
    assert code == 0
    assert [(item["kind"], item["asked"]) for item in document["answers"]] == [("path", "secret"), ("host", "a.test"), ("env", "LANG")]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("secret",), 0),
        (("secret", "--exit-code"), 11),
        (("/srv", "--exit-code"), 0),
        (("/srv", "--exit-code", "--write"), 11),
        ((".", "--exit-code", "--write"), 0),
        (("a.test", "--exit-code"), 11),
        (("--allow-domain", "a.test", "a.test", "--exit-code"), 0),
        (("LANG", "a.test", "--exit-code"), 11),
        (("MY_TOKEN", "--exit-code"), 11),
        (("--command", "sh", "--exit-code"), 0),
        (("--command", "no-such-program", "--exit-code"), 11),
    ],
)
def test_exit_codes(seat: Seat, words: tuple[str, ...], code: int) -> None:
    assert run(*words)[0] == code


def test_the_kind_can_be_forced(seat: Seat) -> None:
    assert "(path)" in run("--path", "a.test")[1]
    assert "(env)" in run("--env", "secret")[1]
    assert "(host)" in run("--host", "secret")[1]


def test_words_behind_two_hyphens_are_arguments(seat: Seat) -> None:
    assert "--json  (path)" in run("--path", "--", "--json")[1].replace(f"{seat.world.project}/", "")


def test_what_comes_from_outside_is_escaped(seat: Seat) -> None:
    assert "\x1b" not in run("--path", "a\x1b[2Jb")[1]


@pytest.mark.parametrize("words", [(), ("--path", "--host", "x"), ("--no-such-option", "x"), ("x", "--json=1")])
def test_wrong_words(seat: Seat, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        run(*words)
