from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from paddock.agents.configuration import Change, Keeper, diff, edit_json, read
from paddock.errors import SettingsError, UnsupportedError


def add(document: dict[str, object]) -> None:
    document["new"] = 1


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(str(tmp_path / "state"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, b'{\n  "new": 1\n}\n'),
        (b"{}", b'{\n  "new": 1\n}'),
        (b'{"a": 1}', b'{"a": 1, "new": 1}'),
        (b'{\n    "a": "\xc3\xa9"\n}\n', b'{\n    "a": "\xc3\xa9",\n    "new": 1\n}\n'),
        (b'{\n\t"a": 1\n}\n', b'{\n\t"a": 1,\n\t"new": 1\n}\n'),
    ],
)
def test_an_edit_keeps_the_files_manners(before: bytes | None, after: bytes) -> None:
    assert edit_json("f", before, add) == after


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b'{\n "a": 1,\n}\n', 3, "not JSON"),
        (b'// note\n{"a": 1}', 1, "not JSON"),
        (b"[]", 1, "expected an object"),
        (b'{"a": "\n\n\xff"}', 3, "not UTF-8"),
        (b'{"a": 1, "a": 2}', 0, "'a' stands twice"),
        (b"[" * 100_000, 1, "not JSON"),
    ],
)
def test_what_is_not_understood_is_an_error_with_its_line(data: bytes, line: int, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        edit_json("f", data, add)
    problem = caught.value.problems[0]
    assert problem.line == line
    assert words in problem.message
    assert "left as it is" in problem.hint


def test_a_change_is_made_and_undone_exactly(tmp_path: Path, keeper: Keeper) -> None:
    file = tmp_path / "f"
    file.write_bytes(b'{"a" :1}')
    file.chmod(0o640)
    before = read(str(file))
    keeper.make(Change(str(file), before, b"second"))
    keeper.make(Change(str(file), b"second", b"third"))
    assert file.read_bytes() == b"third"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert keeper.original(str(file)) == (True, before)
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []


def test_a_file_that_somebody_else_changed_is_not_put_back(tmp_path: Path, keeper: Keeper) -> None:
    file = tmp_path / "f"
    keeper.make(Change(str(file), None, b"ours"))
    assert keeper.original(str(file)) == (True, None)
    file.write_bytes(b"theirs")
    assert keeper.original(str(file)) == (False, None)
    keeper.forget(str(file))
    assert keeper.original(str(file)) == (False, None)


def test_a_file_that_changed_since_it_was_read_is_left_alone(tmp_path: Path, keeper: Keeper) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"theirs")
    with pytest.raises(UnsupportedError, match="changed meanwhile"):
        keeper.make(Change(str(file), b"old", b"ours"))
    assert file.read_bytes() == b"theirs"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(UnsupportedError):
            read(str(tmp_path / name))


def test_what_is_kept_is_private(tmp_path: Path, keeper: Keeper) -> None:
    keeper.make(Change(str(tmp_path / "f"), None, b"x"))
    kept = list((tmp_path / "state").iterdir())
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state", *kept)] == [0o700, 0o600]


def test_a_damaged_memory_is_an_error(tmp_path: Path, keeper: Keeper) -> None:
    keeper.make(Change(str(tmp_path / "f"), None, b"x"))
    next((tmp_path / "state").iterdir()).write_text("{")
    with pytest.raises(UnsupportedError, match="damaged"):
        keeper.original(str(tmp_path / "f"))


def test_the_diff() -> None:
    lines = list(diff(Change("/f", None, json.dumps({"a": 1}).encode())))
    assert lines[:2] == ["--- /dev/null", "+++ /f"]
    assert lines[-1] == '+{"a": 1}'
