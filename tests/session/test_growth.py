"""How much was added below the write roots."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import paddock.session.growth as growing
from paddock.session.growth import Growth

MIB = 1 << 20
PLENTY = 1 << 40


def nothing() -> int:
    return 0


def fill(path: Path, megabytes: int) -> None:
    path.write_bytes(os.urandom(MIB) * megabytes)


def looked(growth: Growth, written: int, unlinked: int = 0) -> bool:
    """One look, and as many more as its walk needs."""
    over = growth.look(written, lambda: unlinked)
    while growth.walking and not over:
        over = growth.look(written, lambda: unlinked)
    return over


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that nobody else uses."""
    monkeypatch.setattr(growing, "_used", lambda root: 0)


@pytest.mark.usefixtures("quiet")
def test_files_from_before_do_not_count_until_they_are_changed(tmp_path: Path) -> None:
    old = tmp_path / "old"
    fill(old, 8)
    stamp = old.stat().st_ctime_ns
    growth = Growth([str(tmp_path)], 5 * MIB)
    growth._since = stamp + 1
    fill(tmp_path / "new", 3)
    assert not looked(growth, PLENTY)
    assert 3 * MIB <= growth.measured < 4 * MIB
    os.utime(old, ns=(0, 0))  # any change: nobody can set the time of that back
    assert looked(growth, 2 * PLENTY)
    assert growth.measured >= 5 * MIB


@pytest.mark.usefixtures("quiet")
def test_many_small_files_a_second_name_and_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "root"
    growth = Growth([str(root)], 5 * MIB)
    fill(outside / "large", 9)
    (root / "deep" / "er").mkdir(parents=True)
    for number in range(600):
        (root / "deep" / "er" / f"{number}").write_bytes(b"x" * 4096)
    (root / "way").symlink_to(outside)
    fill(root / "one", 1)
    (root / "two").hardlink_to(root / "one")
    assert not looked(growth, PLENTY)
    assert 600 * 4096 + MIB <= growth.measured < 5 * MIB
    fill(root / "three", 3)
    assert looked(growth, 2 * PLENTY)


@pytest.mark.usefixtures("quiet")
def test_files_without_a_name_count(tmp_path: Path) -> None:
    growth = Growth([str(tmp_path)], 5 * MIB)
    fill(tmp_path / "new", 3)
    assert looked(growth, PLENTY, unlinked=2 * MIB)
    assert not looked(Growth([str(tmp_path)], 5 * MIB), PLENTY, unlinked=MIB)


def test_nothing_is_walked_before_a_cheap_figure_reaches_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walks: list[object] = []
    used = {"now": 0}
    monkeypatch.setattr(growing, "_used", lambda root: used["now"])

    def sizes(roots: object, since: int, missed: list[str]) -> Iterator[int]:
        walks.append((roots, since))
        return iter([MIB])

    monkeypatch.setattr(growing, "_sizes", sizes)
    growth = Growth([str(tmp_path)], 5 * MIB)
    assert not growth.look(4 * MIB, nothing)
    assert walks == []
    used["now"] = 6 * MIB  # the file system has less room, whoever took it
    assert not growth.look(0, nothing)
    assert len(walks) == 1
    used["now"] = 9 * MIB
    assert not growth.look(0, nothing), "four were still free"
    assert len(walks) == 1
    used["now"] = 10 * MIB
    assert not growth.look(0, nothing)
    assert len(walks) == 2


def test_both_figures_far_beyond_need_no_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = {"now": 0}
    monkeypatch.setattr(growing, "_used", lambda root: used["now"])
    monkeypatch.setattr(growing, "_sizes", lambda roots, since, missed: iter([0]))
    growth = Growth([str(tmp_path)], 5 * MIB)
    used["now"] = 50 * MIB
    assert not growth.look(9 * MIB, nothing)
    assert growth.look(10 * MIB, nothing)
    assert growth.measured == 10 * MIB


def test_a_walk_is_done_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "_PIECE", 10)
    monkeypatch.setattr(growing, "_SLICE_SECONDS", 0.0)
    growth = Growth([str(tmp_path)], 500 * MIB)
    for number in range(35):
        (tmp_path / str(number)).write_bytes(b"x" * 4096)
    looks = 1
    assert not growth.look(501 * MIB, nothing)
    while growth.walking:
        assert not growth.look(501 * MIB, nothing)
        looks += 1
    assert looks == 5, "four sums, and the end"
    assert growth.measured >= 35 * 4096


@pytest.mark.usefixtures("quiet")
def test_the_last_word_is_the_whole_walk(tmp_path: Path) -> None:
    growth = Growth([str(tmp_path)], 2 * MIB)
    fill(tmp_path / "new", 3)
    assert not growth.settle(MIB, 60), "the processes have not written as much"
    assert growth.settle(3 * MIB, 60)
    assert growth.measured >= 2 * MIB


def test_roots_within_roots_and_roots_that_are_gone(tmp_path: Path) -> None:
    growth = Growth([str(tmp_path / "a" / "b"), str(tmp_path / "a"), str(tmp_path / "ab"), str(tmp_path / "a")], MIB)
    assert growth.roots == (str(tmp_path / "a"), str(tmp_path / "ab"))
    assert not looked(growth, PLENTY)
    assert growth.devices == frozenset()


def test_where_nobody_can_look_the_cheap_figures_are_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = {"now": 0}
    monkeypatch.setattr(growing, "_used", lambda root: used["now"])
    growth = Growth([str(tmp_path)], 5 * MIB)
    descriptors = [os.open(tmp_path, os.O_RDONLY)]
    for _ in range(20):  # deeper than any path is long
        os.mkdir("d" * 250, dir_fd=descriptors[-1])
        descriptors.append(os.open("d" * 250, os.O_RDONLY, dir_fd=descriptors[-1]))
    for fd in descriptors:
        os.close(fd)
    used["now"] = 6 * MIB
    assert not looked(growth, 4 * MIB), "only one of them says so"
    used["now"] = 20 * MIB
    assert looked(growth, 6 * MIB)
    assert growth.measured == 6 * MIB


def test_where_processes_cannot_be_asked_the_file_system_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = {"now": 0}
    monkeypatch.setattr(growing, "_used", lambda root: used["now"])
    growth = Growth([str(tmp_path)], 5 * MIB)
    used["now"] = 6 * MIB
    assert not looked(growth, 0)
    used["now"] = 12 * MIB
    assert growth.look(0, nothing, unseen=True)
    assert growth.measured == 12 * MIB
