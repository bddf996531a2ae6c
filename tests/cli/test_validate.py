from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from paddock.cli.output import Output
from paddock.cli.validate import main
from paddock.errors import UsageError
from tests.session.seat import Seat, take_seat


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    seat = take_seat(tmp_path, monkeypatch)
    (seat.world.project / "good.json").write_text("{}")
    (seat.world.project / "bad.json").write_text('{"sandbox": {"filesystem": {"denyread": []}}}')
    (seat.world.project / "idle.json").write_text('{"sandbox": {"network": {"allowManagedDomainsOnly": true}}}')
    return seat


def run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    return main(list(words), Output(out, io.StringIO())), out.getvalue()


def test_a_good_file_says_nothing(seat: Seat) -> None:
    assert run("good.json") == (0, "")


def test_an_error_is_a_line_that_editors_jump_to(seat: Seat) -> None:
    code, text = run("good.json", "bad.json")
    assert code == 1
    assert text == "bad.json:1:29: error: unknown setting sandbox.filesystem.denyread (did you mean sandbox.filesystem.denyRead?)\n"


def test_a_warning_changes_no_exit_code_and_goes_with_the_scope(seat: Seat) -> None:
    code, text = run("idle.json")
    assert (code, "warning" in text) == (0, True)
    assert run("--scope", "managed", "idle.json") == (0, "")


def test_the_document(seat: Seat) -> None:
    code, text = run("bad.json", "--json")
    document = json.loads(text)
    assert (code, document["schema"], document["valid"]) == (1, 1, False)
    assert document["problems"] == [
        {
            "file": "bad.json",
            "line": 1,
            "column": 29,
            "level": "error",
            "message": "unknown setting sandbox.filesystem.denyread",
            "hint": "did you mean sandbox.filesystem.denyRead?",
        }
    ]
    assert json.loads(run("idle.json", "--json")[1])["valid"] is True


@pytest.mark.parametrize("words", [(), ("--scope", "everybody", "good.json"), ("--scope", "builtin", "good.json")])
def test_wrong_words(seat: Seat, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        run(*words)
