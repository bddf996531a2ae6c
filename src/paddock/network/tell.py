"""Events of the gate: every refusal once with its reason, every connection at its end. Bounded, whatever a program does."""

from __future__ import annotations

from threading import Lock
from typing import Final

from paddock.model.decision import Decision
from paddock.model.events import Event, EventSink

__all__ = ["Teller"]

SUBJECTS_LIMIT: Final = 4096
"""Different refusals told one by one in a run; the rest is counted together."""
OVERFLOW: Final = ("network", "connect", "(many more)")
Subject = tuple[str, str, str]


class Teller:
    """Turns what the gate did into events. Safe to use from any thread."""

    def __init__(self, events: EventSink) -> None:
        self._events = events
        self._lock = Lock()
        self._counts: dict[Subject, int] = {}

    def refused(self, area: str, act: str, subject: str, decision: Decision, **detail: str | int) -> None:
        """Tell a refusal the first time its (area, act, subject) occurs, whatever the door; count it afterwards."""
        if self._count((area, act, subject)):
            event = Event("violation", area, act, subject, decision.reason, decision.rule, decision.remedy, tuple(detail.items()))
            self._events.emit(event)

    def failed(self, subject: str, decision: Decision, **detail: str | int) -> None:
        """Tell that an allowed connection could not be made; no rule is at fault."""
        self._events.emit(Event("notice", "network", "connect", subject, decision.reason, decision.rule, "", tuple(detail.items())))

    def flow(self, subject: str, decision: Decision, **detail: str | int) -> None:
        """Tell that an allowed connection ended."""
        self._events.emit(Event("flow", "network", "connect", subject, decision.reason, decision.rule, "", tuple(detail.items())))

    def repeated(self) -> dict[Subject, int]:
        """How often each refusal occurred."""
        with self._lock:
            return dict(self._counts)

    def close(self) -> None:
        """Tell how often the refusals that occurred more than once did."""
        for (area, act, subject), count in self.repeated().items():
            if count > 1:
                self._events.emit(Event("notice", area, act, subject, f"refused {count} times", None, "", (("count", count),)))

    def _count(self, key: Subject) -> bool:
        with self._lock:
            if key not in self._counts and len(self._counts) >= SUBJECTS_LIMIT:
                key = OVERFLOW
            self._counts[key] = self._counts.get(key, 0) + 1
            return self._counts[key] == 1
