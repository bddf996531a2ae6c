from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.events.record import DETAIL_LIMIT, SUBJECT_LIMIT, TEXT_LIMIT, Record, from_json, rfc3339, to_json
from paddock.model.events import Event
from paddock.model.settings import Origin, Scope

RULE = Origin(Scope.PROJECT, "/p/.claude/settings.json", 9, 5, "sandbox.filesystem.denyRead", "~/")
PLAIN = st.text(max_size=200)
PATHS = st.binary(max_size=200).map(os.fsdecode)
EVENTS = st.builds(
    Event,
    kind=st.sampled_from(["violation", "flow"]),
    area=st.sampled_from(["file", "network"]),
    act=st.sampled_from(["", "read"]),
    subject=PATHS | PLAIN,
    reason=PLAIN,
    rule=st.none() | st.builds(Origin, st.sampled_from(Scope), PLAIN, st.integers(0, 10**6), st.integers(0, 10**6), PLAIN, PLAIN),
    remedy=PLAIN,
    detail=st.dictionaries(PLAIN, PLAIN | st.integers() | st.floats(allow_nan=False, allow_infinity=False), max_size=5).map(lambda d: tuple(d.items())),
)
TIMES = st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000)
RECORDS = st.builds(lambda e, n, t, c: Record("7f3a9c11", n, t, e, c, t), EVENTS, st.integers(1, 10**6), TIMES, st.integers(1, 10**6))


@given(RECORDS)
def test_what_was_written_is_read_back(record: Record) -> None:
    assert from_json(json.loads(json.dumps(to_json(record)))) == record


@given(RECORDS)
def test_the_text_is_unicode_that_strict_readers_take(record: Record) -> None:
    json.dumps(to_json(record), ensure_ascii=False).encode("utf-8")


def test_bytes_that_are_no_text_stay_exact() -> None:
    subject = os.fsdecode(b"/p/caf\xe9")
    value = to_json(Record("7f3a9c11", 1, 0.0, Event("violation", "file", "read", subject)))
    assert value["subject"] == "/p/caf\\xe9"
    again = from_json({**value})
    assert again is not None
    assert again.event.subject == subject


def test_surrogates_that_stand_for_no_byte_do_not_escape_as_errors() -> None:
    rule = Origin(Scope.PROJECT, "/p", 1, 1, "k", "\ud800")
    value = to_json(Record("7f3a9c11", 1, 0.0, Event("violation", "file", "read", "x\udfff", rule=rule)))
    json.dumps(value, ensure_ascii=False).encode("utf-8")


def test_everything_is_capped() -> None:
    long = "x" * 100_000
    detail = tuple((f"k{n}", long) for n in range(100))
    value = to_json(Record("7f3a9c11", 1, 0.0, Event("violation", "file", "read", long, long, Origin(Scope.USER, long, 1, 1, long, long), long, detail)))
    assert len(str(value["subject"])) == SUBJECT_LIMIT
    assert len(str(value["reason"])) == len(str(value["remedy"])) == TEXT_LIMIT
    assert isinstance(value["detail"], dict)
    assert len(value["detail"]) == DETAIL_LIMIT
    assert len(json.dumps(value)) < 64 * 1024


def test_fields_that_say_nothing_are_left_out() -> None:
    assert set(to_json(Record("7f3a9c11", 1, 0.0, Event("run.start", "run")))) == {"schema", "id", "time", "run", "kind", "area"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "1970-01-01T00:00:00.000Z"), (1_700_000_000.25, "2023-11-14T22:13:20.250Z"), (1_700_000_000.9999, "2023-11-14T22:13:21.000Z")],
)
def test_rfc3339(seconds: float, text: str) -> None:
    assert rfc3339(seconds) == text


GOOD = to_json(Record("7f3a9c11", 2, 1_700_000_000.0, Event("violation", "file", "read", "x", "r", RULE), 3, 1_700_000_001.0))


def test_the_good_one_is_read() -> None:
    assert from_json(GOOD) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"schema": None},
        {"id": 5},
        {"id": "nohyphen"},
        {"id": "7f3a9c11-x"},
        {"time": "yesterday"},
        {"time": 5},
        {"kind": None},
        {"subject": ["x"]},
        {"subject_b64": "###"},
        {"rule": "x"},
        {"rule": {"scope": "nobody", "file": "x"}},
        {"rule": {"scope": "user"}},
        {"detail": [1]},
        {"count": "3"},
        {"count": True},
        {"last": 7},
    ],
)
def test_anything_else_is_not_a_record(change: dict[str, object]) -> None:
    assert from_json({**GOOD, **change}) is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)))
def test_no_value_raises(value: object) -> None:
    assert from_json(value) is None


@given(st.dictionaries(st.sampled_from(list(GOOD)), st.none() | st.integers() | st.text() | st.dictionaries(st.text(), st.text())))
def test_no_damage_raises(damage: dict[str, object]) -> None:
    found = from_json({**GOOD, **damage})
    assert found is None or isinstance(found, Record)
