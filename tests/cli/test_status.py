from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import paddock.session.status as looking
from paddock.cli.output import Output
from paddock.cli.status import main
from paddock.errors import UsageError
from paddock.host.writers import Writers
from paddock.session.launch_report import NEEDED, Launch, Layer
from tests.session.seat import Seat, take_seat

LAYERS = {name: Layer(True, "seen") for name in (*NEEDED, "landlock", "observer")}


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    seat = take_seat(tmp_path, monkeypatch)
    monkeypatch.setattr(looking, "try_launch", lambda plan: Launch("", "", LAYERS, ()))
    monkeypatch.setattr(looking, "writers_of", lambda places, trees=(): Writers({0: "/"}))
    return seat


def run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    return main(list(words), Output(out, io.StringIO())), out.getvalue()


def test_fenced_and_sound(seat: Seat) -> None:
    code, text = run()
    assert code == 0
    assert text.splitlines()[0] == f"A command in {seat.world.project} is fenced by namespaces, strength full."
    assert "not sound" not in text


def test_a_launch_that_failed(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "try_launch", lambda plan: Launch("cannot build the fence: mount\x1b", "try `paddock doctor`", {}, ("a notice",)))
    code, text = run()
    assert code == 1
    assert "is NOT fenced" in text
    assert "hint: try `paddock doctor`" in text
    assert "not sound: cannot build the fence: mount\\x1b" in text


def test_fenced_and_not_sound(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "writers_of", lambda places, trees=(): Writers({}, {}, "/opt"))
    code, text = run()
    assert code == 1
    assert "is fenced by" in text
    assert "not sound: program can be changed by everyone through /opt" in text


def test_the_document(seat: Seat) -> None:
    code, text = run("--json")
    assert (code, json.loads(text)["schema"], json.loads(text)["sound"]) == (0, 1, True)


def test_wrong_words(seat: Seat) -> None:
    with pytest.raises(UsageError):
        run("extra")
