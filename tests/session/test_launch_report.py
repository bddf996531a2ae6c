"""Which layers held: seen from inside a real fence, and seen to be missing without one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from paddock.model.record import replace
from paddock.session.launch_report import _SCRIPT, NEEDED, Launch, Layer, _file_for_reading, _layers, try_launch
from paddock.session.prepare import prepare
from tests.session.seat import Seat, take_seat
from tests.session.test_doctor import able


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    return take_seat(tmp_path, monkeypatch)


def test_a_real_fence_has_every_needed_layer(seat: Seat) -> None:
    able()
    launch = try_launch(prepare(seat.request()).plan)
    assert launch.failure == ""
    assert {name for name, layer in launch.layers.items() if layer.active} >= set(NEEDED)
    assert launch.fenced
    assert launch.strength in ("full", "reduced")
    assert not list(seat.world.project.iterdir())


def test_without_a_fence_the_same_look_finds_nothing(seat: Seat) -> None:
    stdin = _file_for_reading()
    try:
        words = ["/bin/sh", "-c", _SCRIPT, "sh", "/usr/bin/readlink"]
        text = subprocess.run(words, stdin=stdin, capture_output=True, text=True, check=True).stdout
    finally:
        os.close(stdin)
    layers = _layers(text, observed=False, doors=frozenset())
    assert not [name for name, layer in layers.items() if layer.active and name != "seccomp"]  # a container around the tests may have a filter
    assert not Launch("", "", layers, ()).fenced


def test_a_launch_that_fails_is_told_and_not_raised(seat: Seat) -> None:
    able()
    plan = prepare(seat.request()).plan
    launch = try_launch(replace(plan, cwd="/no/such/folder"))
    assert launch.failure
    assert (launch.fenced, launch.strength, dict(launch.layers)) == (False, "none", {})


@pytest.mark.parametrize("missing", NEEDED)
def test_each_needed_layer_is_needed(missing: str) -> None:
    names = (*NEEDED, "landlock", "observer")
    whole = Launch("", "", {name: Layer(True, "") for name in names}, ())
    assert (whole.fenced, whole.strength) == (True, "full")
    broken = replace(whole, layers={name: Layer(name != missing, "") for name in names})
    assert (broken.fenced, broken.strength) == (False, "none")


@pytest.mark.parametrize("missing", ["landlock", "observer"])
def test_without_the_others_it_is_weaker(missing: str) -> None:
    names = (*NEEDED, "landlock", "observer")
    launch = Launch("", "", {name: Layer(name != missing, "") for name in names}, ())
    assert (launch.fenced, launch.strength) == (True, "reduced")
