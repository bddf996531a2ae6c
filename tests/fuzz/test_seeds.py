"""Every seed and a bounded number of mutations go through every target: whatever was mended stays mended. ``./dev fuzz`` searches for longer."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from fuzz import engine
from fuzz.engine import Failure, Target, check, inputs, minimise, seeds_of
from fuzz.targets import TARGETS
from tests.project.source import ROOT

if TYPE_CHECKING:
    from _typeshed import TraceFunction

SEEDS = ROOT / "fuzz" / "seeds"
EFFORT = 2_400
"""Mutations for each target, divided by the target's cost: a few seconds for all of them together."""
GROWN = [pytest.param(target, grown, id=f"{target.name} {grown.__name__.strip('_')}") for target in TARGETS.values() for grown in target.grown]


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_some_mutations_fail_nowhere(name: str) -> None:
    target = TARGETS[name]
    seeds = seeds_of(SEEDS, target)
    assert len(seeds) > 5
    found = [failure for failure, _ in itertools.islice(inputs(target, seeds, 0), len(seeds) + EFFORT // target.cost) if failure is not None]
    assert not found, f"{found[0].detail}: {found[0].data!r}"


def test_every_seed_belongs_to_a_target() -> None:
    assert {path.name for path in SEEDS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_not_all_alike(name: str) -> None:
    """Of a target that treats everything in one way (an import that fails, an oracle that is never asked) nothing is learnt."""
    target = TARGETS[name]
    assert len({check(target, data)[1] for data in seeds_of(SEEDS, target)}) > 2


def lines_of(target: Target, data: bytes) -> int:
    """Lines of Python that the target takes for one input: effort that does not depend on the machine or its load."""
    count = 0

    def trace(_frame: FrameType, event: str, _arg: object) -> TraceFunction:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        check(target, data)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(("target", "grown"), GROWN)
def test_effort_grows_with_size_and_not_with_its_square(target: Target, grown: Callable[[int], bytes]) -> None:
    small, large = grown(9_000), grown(27_000)  # both beyond the sizes for which there is a shorter way
    lines_of(target, small)  # imports and caches
    assert lines_of(target, large) < 5 * lines_of(target, small) + 2_000


@pytest.mark.parametrize(("target", "grown"), GROWN)
def test_memory_grows_with_size_and_not_with_its_square(target: Target, grown: Callable[[int], bytes]) -> None:
    data = grown(30_000)
    check(target, data)
    tracemalloc.start()
    try:
        check(target, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 400 * len(data)


# --- the engine itself -------------------------------------------------------------------------------------------------------------------------------------


def _brittle(data: bytes) -> int:
    if b"<" in data and b"b" in data:
        raise KeyError(data)
    return len(data) % 3


BRITTLE = Target("brittle", _brittle, (ValueError,), (b"<a", b"b>"))


def test_the_same_number_gives_the_same_inputs() -> None:
    def first(number: int) -> list[bytes]:
        return [data for _, data in itertools.islice(inputs(BRITTLE, [b"one", b"two"], number), 300)]

    assert first(1) == first(1)
    assert first(1) != first(2)
    assert first(1)[:2] == [b"one", b"two"]


def test_a_failure_is_found_and_made_small() -> None:
    found = next(failure for failure, _ in inputs(BRITTLE, [b"some text"], 0) if failure is not None)
    assert found.signature.startswith("KeyError test_seeds.py:")
    assert sorted(minimise(BRITTLE, found).data) == sorted(b"<b")


def test_documented_exceptions_are_no_failures() -> None:
    def refuses(data: bytes) -> int:
        raise ValueError(f"{data!r} is refused")

    assert check(Target("refuses", refuses, (ValueError,)), b"x") == (None, ("ValueError", "is refused"))
    failure, _ = check(Target("refuses", refuses), b"x")
    assert failure == Failure(b"x", failure.signature if failure else "", "")


def test_slowness_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SLOW_SECONDS", -1.0)
    failure, _ = check(BRITTLE, b"x")
    assert failure is not None
    assert failure.signature == "slow"


def test_the_command(tmp_path: Path) -> None:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "fuzz", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    assert call("--list").stdout.split() == list(TARGETS)
    done = call("socks", "--seconds", "0.1")
    assert done.returncode == 0
    assert "0 failures" in done.stderr
    wrong = call("sock")
    assert wrong.returncode == 2
    assert "no such target" in wrong.stderr
