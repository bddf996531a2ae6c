"""What ``paddock trust`` puts before a person: nothing that came with the project may look like something else."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from paddock.cli.output import Output
from paddock.cli.trust import main
from tests.session.seat import Seat, take_seat


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    return take_seat(tmp_path, monkeypatch)


def run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    return main(list(words), Output(out, io.StringIO())), out.getvalue()


@pytest.mark.parametrize("key", ["env", "paddock.environment.set"])
def test_a_variable_is_shown_with_its_value_and_is_new_again_with_another(seat: Seat, key: str) -> None:
    def bring(**values: str) -> None:
        seat.world.write("project", {"env": values} if key == "env" else {"paddock": {"environment": {"set": values}}}, "paddock")

    bring(NODE_OPTIONS="--no-warnings", CI="1")
    code, text = run("--list")
    assert code == 1
    assert [line.split()[:3] for line in text.splitlines()[2:]] == [["new", key, "NODE_OPTIONS=--no-warnings"], ["new", key, "CI=1"]]
    assert run("--yes")[0] == 0

    bring(NODE_OPTIONS="--require=./x.js", CI="1")
    rows = [line.split() for line in run("--list")[1].splitlines()[2:]]
    assert rows[0][:3] == ["new", key, "NODE_OPTIONS=--require=./x.js"]
    assert rows[1][:2] == [key, "CI=1"]
    assert rows[2][:3] == ["gone", key, "NODE_OPTIONS"]


def test_letters_that_look_like_others_are_named(seat: Seat) -> None:
    seat.world.write("project", {"sandbox": {"network": {"allowedDomains": ["g\u0456thub.example", "github.example"]}}}, "paddock")
    lines = run("--list")[1].splitlines()
    assert "g\u0456thub.example (not ASCII: U+0456)" in lines[2]
    assert lines[3].split()[:4] == ["new", "sandbox.network.allowedDomains", "github.example", "project"], "others stay as they are"


def test_spaces_make_no_lines_of_their_own(seat: Seat) -> None:
    seat.world.write("project", {"sandbox": {"filesystem": {"allowWrite": ["/srv/a b", f"/srv/c{' ' * 200}new  env  CI"]}}}, "paddock")
    text = run("--list")[1]
    assert "/srv/a b  " in text
    assert "/srv/c" + "\N{SYMBOL FOR SPACE}" * 200 + "new" in text
