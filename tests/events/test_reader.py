from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paddock.errors import UnsupportedError
from paddock.events.reader import BLOCK, LINE_LIMIT, read
from paddock.events.record import Record, to_json
from paddock.model.events import Event

NAME = "events.jsonl"


def line(number: int, *, count: int = 1, subject: str = "x") -> bytes:
    record = Record("7f3a9c11", number, 1_700_000_000.0, Event("violation", "file", "read", subject), count, 1_700_000_000.0)
    return json.dumps(to_json(record), separators=(",", ":")).encode()


def write(folder: Path, *lines: bytes, name: str = NAME, end: bytes = b"\n") -> None:
    (folder / name).write_bytes(b"\n".join(lines) + end)
    (folder / name).chmod(0o600)


def numbers(folder: Path) -> list[int]:
    return [r.number for r in read(str(folder))]


def test_newest_first_over_all_files(tmp_path: Path) -> None:
    write(tmp_path, line(1), name=f"{NAME}.3")
    write(tmp_path, line(2), line(3), name=f"{NAME}.1")
    write(tmp_path, line(4), line(5))
    assert numbers(tmp_path) == [5, 4, 3, 2, 1]


def test_a_later_line_with_the_same_id_replaces_the_earlier(tmp_path: Path) -> None:
    write(tmp_path, line(1), line(2), line(1, count=7))
    assert [(r.number, r.count) for r in read(str(tmp_path))] == [(1, 7), (2, 1)]


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    for cut in (1, 10, 50, len(line(3)) - 1):
        write(tmp_path, line(1), line(2), line(3)[:cut], end=b"")
        assert numbers(tmp_path) == [2, 1]
    write(tmp_path, line(1), line(2), line(3), end=b"")
    assert numbers(tmp_path) == [3, 2, 1]


def test_a_record_behind_a_torn_one_is_found(tmp_path: Path) -> None:
    write(tmp_path, line(1)[:40] + line(2, subject='{"schema":1'), line(3))
    assert [(r.number, r.event.subject) for r in read(str(tmp_path))] == [(3, "x"), (2, '{"schema":1')]


@pytest.mark.parametrize("damage", [b"", b"\0\0\0", b"[]", b"{}", b'{"schema":99}', b"\xff\xfe", b"[" * 100_000, b"y" * (LINE_LIMIT + 3 * BLOCK)])
def test_damage_hides_nothing_else(tmp_path: Path, damage: bytes) -> None:
    write(tmp_path, line(1), damage, line(2))
    assert numbers(tmp_path) == [2, 1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.text(max_size=6000), max_size=40))
def test_lines_survive_the_block_borders(tmp_path: Path, subjects: list[str]) -> None:
    write(tmp_path, *(line(n, subject=s[:4096]) for n, s in enumerate(subjects, 1)))
    assert [r.event.subject for r in read(str(tmp_path))] == [s[:4096] for s in reversed(subjects)]


def test_only_what_is_wanted(tmp_path: Path) -> None:
    write(tmp_path, *(line(n) for n in range(1, 11)))
    assert [r.number for r in read(str(tmp_path), lambda r: r.number % 5 == 0)] == [10, 5]


def test_nothing_there(tmp_path: Path) -> None:
    assert numbers(tmp_path) == []
    assert numbers(tmp_path / "none") == []


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "elsewhere", line(1), name="other")
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere" / "other")
    with pytest.raises(UnsupportedError, match="not a file of its own"):
        numbers(tmp_path)
