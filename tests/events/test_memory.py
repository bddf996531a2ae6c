from __future__ import annotations

import json
from pathlib import Path
from threading import Barrier, Thread

from paddock.events.log import EventLog
from paddock.events.memory import Recorder
from paddock.model.events import Event
from paddock.model.record import replace

NO = Event("violation", "network", "connect", "evil.test:443", "no entry allows it")
FLOW = Event("flow", "network", "connect", "good.test:443", detail=(("bytes", 1),))


def lines(state: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (state / "events.jsonl").read_text().splitlines()]


def test_equal_refusals_are_one_record_with_a_count(tmp_path: Path) -> None:
    times = iter([10.0, 11.0, 12.0, 13.0, 14.0])
    with EventLog(str(tmp_path), "7f3a9c11") as log:
        recorder = Recorder(log, clock=lambda: next(times))
        recorder.emit(NO)
        recorder.emit(replace(NO, subject="other.test:443"))
        recorder.emit(NO)
        recorder.emit(NO)
        assert [(r.id, r.count, r.time, r.last) for r in recorder.records()] == [("7f3a9c11-1", 3, 10.0, 13.0), ("7f3a9c11-2", 1, 11.0, 11.0)]
        assert [line["id"] for line in lines(tmp_path)] == ["7f3a9c11-1", "7f3a9c11-2"]
        recorder.emit(Event("run.end", "run"))
    assert [(line["id"], line.get("count")) for line in lines(tmp_path)[2:]] == [("7f3a9c11-1", 3), ("7f3a9c11-3", None)]


def test_what_differs_in_facts_for_programs_is_still_the_same_refusal(tmp_path: Path) -> None:
    with EventLog(str(tmp_path), "7f3a9c11") as log:
        recorder = Recorder(log)
        recorder.emit(replace(NO, detail=(("door", "capture"),)))
        recorder.emit(replace(NO, detail=(("door", "http"),)))
        assert [r.count for r in recorder.records()] == [2]


def test_a_room_may_count_for_itself(tmp_path: Path) -> None:
    with EventLog(str(tmp_path), "7f3a9c11") as log:
        recorder = Recorder(log)
        recorder.emit(NO)
        recorder.emit(Event("notice", "network", "connect", NO.subject, "refused 12 times", detail=(("count", 12),)))
        recorder.emit(Event("notice", "network", "connect", "other.test:443", "refused 3 times", detail=(("count", 3),)))
        recorder.emit(Event("run.end", "run"))
        assert [(r.event.kind, r.event.subject, r.count) for r in recorder.records()] == [
            ("violation", "evil.test:443", 12),
            ("notice", "other.test:443", 1),
            ("run.end", "", 1),
        ]
    assert [(line["id"], line.get("count")) for line in lines(tmp_path)] == [
        ("7f3a9c11-1", None),
        ("7f3a9c11-2", None),
        ("7f3a9c11-1", 12),
        ("7f3a9c11-3", None),
    ]


def test_every_connection_counts_by_itself(tmp_path: Path) -> None:
    with EventLog(str(tmp_path), "7f3a9c11") as log:
        recorder = Recorder(log)
        recorder.emit(FLOW)
        recorder.emit(FLOW)
        recorder.emit(NO)
        assert [r.count for r in recorder.records("flow")] == [1, 1]
        assert [r.number for r in recorder.records()] == [1, 2, 3]


def test_a_flood_is_bounded_and_counted(tmp_path: Path) -> None:
    with EventLog(str(tmp_path), "7f3a9c11") as log:
        recorder = Recorder(log, limit=5)
        for n in range(20):
            recorder.emit(replace(NO, subject=f"h{n}.test:443"))
            recorder.emit(FLOW)
        recorder.emit(replace(NO, subject="h0.test:443"))
        recorder.emit(Event("run.end", "run"))
        assert recorder.dropped == {"violation": 15, "flow": 15}
        assert len(recorder.records()) == 11
        assert recorder.records()[0].count == 2
    assert len(lines(tmp_path)) == 12


def test_a_log_that_cannot_be_kept_does_not_disturb(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    with EventLog(str(tmp_path / "state"), "7f3a9c11") as log:
        recorder = Recorder(log)
        recorder.emit(NO)
        recorder.emit(FLOW)
        assert len(recorder.records()) == 2
        assert log.lost == 2
        assert "not a folder of its own" in log.trouble


def test_threads(tmp_path: Path) -> None:
    with EventLog(str(tmp_path), "7f3a9c11") as log:
        recorder = Recorder(log)
        start = Barrier(8)

        def work(thread: int) -> None:
            start.wait(30)
            for n in range(50):
                recorder.emit(NO)
                recorder.emit(replace(NO, subject=f"h{n}.test:{thread}"))

        threads = [Thread(target=work, args=(t,)) for t in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        records = recorder.records()
    assert len(records) == 401
    assert sorted(r.number for r in records) == list(range(1, 402))
    assert max(r.count for r in records) == 400
    assert len(lines(tmp_path)) == 401
