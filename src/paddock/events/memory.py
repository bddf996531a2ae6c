"""What one run remembers of itself, for the block at its end and the report: equal refusals counted, everything bounded.

What happens inside a fence decides how many events there are, so every list has a limit and what goes past it is counted.
"""

from __future__ import annotations

import time
from _thread import allocate_lock  # what threading.Lock is; a run that starts no thread does not load the rest of that module
from collections.abc import Callable

from paddock.events.log import EventLog
from paddock.events.record import Record
from paddock.model.events import Event
from paddock.model.record import replace

__all__ = ["LIMIT", "Recorder"]

LIMIT = 500


class Recorder:
    """The ``EventSink`` of one run. Thread-safe. Numbers events from 1 in the order of their first occurrence and hands each to the log once.

    Equal refusals (same act, subject, reason and rule) are one record with a count; a room that counts for itself says so at its end by a notice with the
    same area, act and subject and a ``count``, which is taken over into the record. The log gets the first of them when it happens and the final count just
    before ``run.end``: the later line with the same id replaces the earlier one. ``dropped`` counts, by kind, events that were past ``limit`` and are not in
    ``records``.
    """

    def __init__(self, log: EventLog, *, limit: int = LIMIT, clock: Callable[[], float] = time.time) -> None:
        self.log = log
        self.dropped: dict[str, int] = {}
        self._limit = limit
        self._clock = clock
        self._lock = allocate_lock()
        self._number = 0
        self._kept: dict[str, int] = {}
        self._records: dict[object, Record] = {}

    @property
    def run_id(self) -> str:
        """The short name of the run."""
        return self.log.run_id

    def emit(self, event: Event) -> None:
        """Take one event, from any thread. Never raises for an event that cannot be kept."""
        with self._lock:
            now = self._clock()
            if self._take_count(event, now):
                return
            key = self._key(event)
            known = self._records.get(key)
            if known is not None:
                self._records[key] = replace(known, count=known.count + 1, last=now)
                return
            if self._kept.get(event.kind, 0) >= self._limit:
                self.dropped[event.kind] = self.dropped.get(event.kind, 0) + 1
                return
            if event.kind == "run.end":
                self._write_counts()
            self._keep(key, event, now)

    def records(self, kind: str = "") -> tuple[Record, ...]:
        """What was kept, in the order of first occurrence; only one ``kind`` when it is given."""
        with self._lock:
            return tuple(r for r in self._records.values() if not kind or r.event.kind == kind)

    def _keep(self, key: object, event: Event, now: float) -> None:
        self._kept[event.kind] = self._kept.get(event.kind, 0) + 1
        self._number += 1
        record = Record(self.log.run_id, self._number, now, event, 1, now)
        self._records[key] = record
        self.log.write(record)

    def _take_count(self, event: Event, now: float) -> bool:
        """Whether this is a notice that only counts a refusal which was kept."""
        count = dict(event.detail).get("count")
        if event.kind != "notice" or not isinstance(count, int):
            return False
        about = (event.area, event.act, event.subject)
        for key, record in self._records.items():
            told = record.event
            if told.kind == "violation" and (told.area, told.act, told.subject) == about:
                self._records[key] = replace(record, count=max(record.count, count), last=now)
                return True
        return False

    def _write_counts(self) -> None:
        for record in self._records.values():
            if record.count > 1:
                self.log.write(record)

    def _key(self, event: Event) -> object:
        if event.kind == "violation":
            return (event.area, event.act, event.subject, event.reason, event.rule)
        # Everything else counts by itself: two connections to one host carried different bytes.
        return self._number + 1
