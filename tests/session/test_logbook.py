from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from paddock.errors import UnsupportedError, UsageError
from paddock.events.log import EventLog
from paddock.events.memory import Recorder
from paddock.model.events import Event
from paddock.session.logbook import Query, entries, find, moment, state_home

NO = Event("violation", "network", "connect", "evil.test:443", "no entry allows it")
NOW = 1_700_000_000.0


def fill(state: Path, run: str, *events: Event, at: float = NOW) -> None:
    with EventLog(str(state), run) as log:
        recorder = Recorder(log, clock=lambda: at)
        for event in events:
            recorder.emit(event)


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/paddock"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/paddock"),
        ({"HOME": "/h"}, "/h/.local/state/paddock"),
    ],
)
def test_state_home(environ: dict[str, str], place: str) -> None:
    assert state_home(environ) == place


def test_state_home_without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_home({}) == f"{pwd.getpwuid(os.geteuid()).pw_dir}/.local/state/paddock"
    monkeypatch.setattr(os, "geteuid", lambda: 2**31 - 7)
    with pytest.raises(UsageError, match="no home folder"):
        state_home({})


def test_state_home_behind_a_link_is_the_place_itself(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "real")
    assert state_home({"XDG_STATE_HOME": str(tmp_path / "state")}) == str(tmp_path / "real" / "paddock")


def test_no_log_is_an_empty_log(tmp_path: Path) -> None:
    assert entries(str(tmp_path / "none"), Query()) == []
    assert not (tmp_path / "none").exists()


def test_queries(tmp_path: Path) -> None:
    fill(tmp_path, "aaaa1111", Event("run.start", "run"), NO, at=NOW - 100)
    fill(tmp_path, "bbbb2222", Event("run.start", "run"), NO)

    def ids(**query: object) -> list[str]:
        return [r.id for r in entries(str(tmp_path), Query(**query))]  # type: ignore[arg-type] # the names are those of the fields

    assert ids() == ["aaaa1111-1", "aaaa1111-2", "bbbb2222-1", "bbbb2222-2"]
    assert ids(limit=3) == ["aaaa1111-2", "bbbb2222-1", "bbbb2222-2"]
    assert ids(run="aa") == ["aaaa1111-1", "aaaa1111-2"]
    assert ids(since=NOW - 1) == ["bbbb2222-1", "bbbb2222-2"]
    assert ids(kind="violation", run="b") == ["bbbb2222-2"]


def test_counts_arrive_with_the_end_of_the_run(tmp_path: Path) -> None:
    fill(tmp_path, "aaaa1111", NO, NO, NO)
    assert [(r.id, r.count) for r in entries(str(tmp_path), Query())] == [("aaaa1111-1", 1)]
    fill(tmp_path, "bbbb2222", NO, NO, NO, Event("run.end", "run"))
    assert [(r.id, r.count) for r in entries(str(tmp_path), Query(run="b"))] == [("bbbb2222-1", 3), ("bbbb2222-2", 1)]


def test_find(tmp_path: Path) -> None:
    fill(tmp_path, "aaaa1111", Event("run.start", "run"), NO)
    fill(tmp_path, "aabb2222", NO)
    assert find(str(tmp_path), "aaaa1111-2").event == NO
    assert find(str(tmp_path), "aaa-2").event == NO
    with pytest.raises(UsageError, match="could be aaaa1111-1 or aabb2222-1"):
        find(str(tmp_path), "aa-1")
    with pytest.raises(UsageError, match="no event"):
        find(str(tmp_path), "aaaa1111-9")
    for name in ("", "aaaa1111", "-2", "aaaa1111-x", "aaaa1111-٣"):
        with pytest.raises(UsageError, match="names no event"):
            find(str(tmp_path), name)


def test_a_log_that_others_can_write_is_not_believed(tmp_path: Path) -> None:
    fill(tmp_path, "aaaa1111", NO)
    (tmp_path / "events.jsonl").chmod(0o666)
    with pytest.raises(UnsupportedError, match="not safe"):
        entries(str(tmp_path), Query())


@pytest.mark.parametrize(("text", "ago"), [("0s", 0), ("90s", 90), ("10m", 600), ("1h", 3600), ("2d", 172800), ("1w", 604800)])
def test_moment_ago(text: str, ago: int) -> None:
    assert moment(text, NOW) == NOW - ago


def test_moment_by_date() -> None:
    assert moment("2023-11-14T22:13:20Z") == NOW
    assert moment("2023-11-14T23:13:20+01:00") == NOW


@pytest.mark.parametrize("text", ["", "h", "-1h", "1y", "yesterday", "1.5h", "٣h"])
def test_moment_refuses(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        moment(text, NOW)
