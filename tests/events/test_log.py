from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paddock.events.log import EventLog
from paddock.events.reader import read
from paddock.events.record import Record
from paddock.model.events import Event
from tests.conftest import applies

NAME = "events.jsonl"


def record(number: int, *, run: str = "0123abcd", subject: str = "evil.test:443", kind: str = "violation", count: int = 1) -> Record:
    return Record(run, number, 1_700_000_000.0 + number, Event(kind, "network", "connect", subject, "not in allowedDomains"), count, 1_700_000_000.0 + number)


def ids(state: Path) -> list[str]:
    return [r.id for r in read(str(state))]


def test_places_are_private_and_the_parents_are_made(tmp_path: Path) -> None:
    state = tmp_path / "a" / "b" / "paddock"
    old = os.umask(0)
    try:
        with EventLog(str(state), "0123abcd") as log:
            assert log.write(record(1))
    finally:
        os.umask(old)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert stat.S_IMODE((state / NAME).stat().st_mode) == 0o600


def test_one_json_object_a_line_with_the_schema(tmp_path: Path) -> None:
    with EventLog(str(tmp_path), "0123abcd") as log:
        log.write(record(4, subject="line\nbreak \u2028 \x1b[31m"))
    lines = (tmp_path / NAME).read_bytes().split(b"\n")
    assert lines[1:] == [b""]
    value = json.loads(lines[0])
    assert value["schema"] == 1
    assert value["id"] == "0123abcd-4"
    assert value["time"] == "2023-11-14T22:13:24.000Z"
    assert value["subject"] == "line\nbreak \u2028 \x1b[31m"


def test_nothing_is_made_before_the_first_record(tmp_path: Path) -> None:
    state = tmp_path / "paddock"
    with EventLog(str(state), "0123abcd"):
        pass
    assert not state.exists()


def test_rotation_keeps_three_old_files(tmp_path: Path) -> None:
    with EventLog(str(tmp_path), "0123abcd", max_bytes=600) as log:
        for number in range(1, 41):
            assert log.write(record(number))
            assert (tmp_path / NAME).stat().st_size <= 600
    assert sorted(p.name for p in tmp_path.iterdir()) == [NAME, f"{NAME}.1", f"{NAME}.2", f"{NAME}.3", "events.lock"]
    kept = ids(tmp_path)
    assert kept[0] == "0123abcd-40"
    assert kept == [f"0123abcd-{n}" for n in range(40, 40 - len(kept), -1)]
    assert 6 <= len(kept) < 40


def test_a_run_follows_the_file_that_another_run_rotated_away(tmp_path: Path) -> None:
    with EventLog(str(tmp_path), "aaaaaaaa") as one:
        one.write(record(1, run="aaaaaaaa"))
        with EventLog(str(tmp_path), "bbbbbbbb", max_bytes=1) as other:
            other.write(record(1, run="bbbbbbbb"))
        one.write(record(2, run="aaaaaaaa"))
    assert ids(tmp_path) == ["aaaaaaaa-2", "bbbbbbbb-1", "aaaaaaaa-1"]
    assert (tmp_path / NAME).read_bytes().count(b"\n") == 2


def test_a_held_lock_delays_rotation_and_loses_nothing(tmp_path: Path) -> None:
    import fcntl

    with EventLog(str(tmp_path), "0123abcd", max_bytes=1) as log, (tmp_path / "events.lock").open("w") as lock:
        (tmp_path / "events.lock").chmod(0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert log.write(record(1))
        assert log.write(record(2))
        assert ids(tmp_path) == ["0123abcd-2", "0123abcd-1"]
        assert not (tmp_path / f"{NAME}.1").exists()
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert log.write(record(3))
    assert (tmp_path / f"{NAME}.1").exists()
    assert ids(tmp_path) == ["0123abcd-3", "0123abcd-2", "0123abcd-1"]


WRITER = """
import sys
from paddock.events.log import EventLog
from paddock.events.record import Record
from paddock.model.events import Event
with EventLog(sys.argv[1], sys.argv[2], max_bytes=20_000) as log:
    for n in range(1, 201):
        assert log.write(Record(sys.argv[2], n, 1.0, Event("violation", "network", "connect", "x" * n, "no")))
"""


def test_concurrent_runs_never_mix_lines(tmp_path: Path) -> None:
    runs = ["aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), run]) for run in runs]
    assert [w.wait(60) for w in writers] == [0, 0, 0, 0]
    total = 0
    for path in tmp_path.glob(f"{NAME}*"):
        lines = path.read_bytes().splitlines()
        total += len(lines)
        assert [json.loads(line)["schema"] for line in lines] == [1] * len(lines)
    assert len(ids(tmp_path)) == total > 100
    assert len(list(tmp_path.glob(f"{NAME}*"))) > 1


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Every write past ``size`` fails as it does on a full disk: first a part of it, then nothing."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_remembered_once_and_a_torn_line_hurts_nobody(tmp_path: Path) -> None:
    with EventLog(str(tmp_path), "0123abcd") as log:
        assert log.write(record(1))
        size = (tmp_path / NAME).stat().st_size
        with file_size_limit(size + 20):
            assert not log.write(record(2))
            assert not log.write(record(3))
        assert log.lost == 2
        first = log.trouble
        assert "part of the record" in first
        assert log.write(record(4))
        assert log.trouble == first
    assert ids(tmp_path) == ["0123abcd-4", "0123abcd-1"]


def test_another_runs_record_behind_a_torn_line_is_found(tmp_path: Path) -> None:
    with EventLog(str(tmp_path), "aaaaaaaa") as log:
        log.write(record(1, run="aaaaaaaa"))
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole + whole[:37])
    with EventLog(str(tmp_path), "bbbbbbbb") as log:
        log.write(record(1, run="bbbbbbbb"))
    assert ids(tmp_path) == ["bbbbbbbb-1", "aaaaaaaa-1"]


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    (tmp_path / "state").symlink_to(target)
    with EventLog(str(tmp_path / "state"), "0123abcd") as log:
        assert not log.write(record(1))
        assert "not a folder of its own" in log.trouble
    assert list(target.iterdir()) == []


def plant_link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def plant_second_name(path: Path, victim: Path) -> None:
    path.hardlink_to(victim)


def plant_fifo(path: Path, victim: Path) -> None:
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("plant", [plant_link, plant_second_name, plant_fifo])
def test_a_planted_name_is_refused_and_its_target_stays(tmp_path: Path, plant: object) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    assert callable(plant)
    plant(state / NAME, victim)
    with EventLog(str(state), "0123abcd") as log:
        assert not log.write(record(1))
        assert "not a file of its own" in log.trouble
    assert victim.read_text() == "precious"
    (state / NAME).unlink()
    with EventLog(str(state), "0123abcd") as log:
        assert log.write(record(1))


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / NAME
    path.touch()
    path.chmod(mode)
    with EventLog(str(tmp_path), "0123abcd") as log:
        assert not log.write(record(1))
        assert "others can write it" in log.trouble
        path.chmod(0o600)
        assert log.write(record(1))


@pytest.mark.parametrize("mode", [0o770, 0o702])
def test_a_folder_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(mode)
    with EventLog(str(state), "0123abcd") as log:
        assert not log.write(record(1))
        assert "others can write it" in log.trouble
        state.chmod(0o700)
        assert log.write(record(1))


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    applies(os.geteuid() == 0, "only root can give a folder to somebody else")
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    os.chown(state, 12345, 12345)
    with EventLog(str(state), "0123abcd") as log:
        assert not log.write(record(1))
        assert "belongs to user 12345" in log.trouble
        os.chown(state, 0, 0)
        assert log.write(record(1))


def test_one_run_has_a_share_and_its_end_is_always_written(tmp_path: Path) -> None:
    with EventLog(str(tmp_path), "0123abcd", run_bytes=400) as log:
        results = [log.write(record(n)) for n in range(1, 6)]
        assert results[0] is True
        assert results[-1] is False
        assert "share" in log.trouble
        assert log.write(record(6, kind="run.end"))
    with EventLog(str(tmp_path), "ffffffff") as log:
        assert log.write(record(1, run="ffffffff"))
    assert ids(tmp_path)[:2] == ["ffffffff-1", "0123abcd-6"]
