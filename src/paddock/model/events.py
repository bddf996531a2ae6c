"""What happened. One class, because the log, the block at the end and ``--json`` all want the same fields."""

from __future__ import annotations

from typing import Protocol

from paddock.model.record import record
from paddock.model.settings import Origin

__all__ = ["SCHEMA_VERSION", "Event", "EventSink"]

SCHEMA_VERSION = 1


@record
class Event:
    """One thing that happened in one run.

    ``kind``: ``run.start``, ``run.end``, ``flow`` (an allowed connection, at its end), ``violation`` (something was refused), ``notice``,
    ``planted`` (a file that something outside may run later). ``area``: ``file``, ``network``, ``dns``, ``environment``, ``run``. ``act``: ``read``, ``write``,
    ``execute``, ``connect``, ``lookup``, ``variable``, ``listen``; of what was planted ``made``, ``changed``.
    ``subject``: what was touched: a path, ``host:port``, a name. It may come from inside the fence: escape it before it is shown.
    ``detail``: free facts for programs (bytes, door, query type, errno), all strings or numbers.
    """

    kind: str
    area: str
    act: str = ""
    subject: str = ""
    reason: str = ""
    rule: Origin | None = None
    remedy: str = ""
    detail: tuple[tuple[str, str | int | float], ...] = ()


class EventSink(Protocol):
    """Where a room puts its events. Safe to call from any thread; never blocks on a terminal; never raises for an event it cannot keep."""

    def emit(self, event: Event) -> None:
        """Take one event."""
