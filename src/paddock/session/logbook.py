"""The event log for people: where it is, what of it is asked for, one event by its name."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from paddock.errors import UsageError
from paddock.events.reader import read
from paddock.events.record import Record, rfc3339, to_json
from paddock.model.record import record

__all__ = ["KINDS", "Query", "Record", "entries", "find", "moment", "rfc3339", "state_home", "to_json"]

KINDS = ("violation", "flow", "notice", "planted", "run.start", "run.end")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@record
class Query:
    """What is asked for; an empty field asks for everything. ``run`` is a run's name or the beginning of it, ``since`` seconds since the epoch."""

    run: str = ""
    since: float = 0.0
    kind: str = ""
    limit: int = 0


def state_home(environ: Mapping[str, str]) -> str:
    """``$XDG_STATE_HOME/paddock``, or ``~/.local/state/paddock`` where it is not set or not absolute (XDG base directory specification). Raises
    ``UsageError``.
    """
    base = environ.get("XDG_STATE_HOME", "")
    if base.startswith("/"):
        return os.path.realpath(f"{base}/paddock")
    home = environ.get("HOME", "")
    if not home.startswith("/"):
        home = _password_home()
    return os.path.realpath(f"{home}/.local/state/paddock")


def _password_home() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError as error:
        raise UsageError("no home folder: HOME is not set and the user is not in the password database", hint="set HOME") from error


def entries(state: str, query: Query) -> list[Record]:
    """The newest records that match, oldest first. Raises ``UnsupportedError`` for a log that cannot be trusted and ``UsageError`` for one that cannot be
    read.
    """

    def wanted(record: Record) -> bool:
        return record.run.startswith(query.run) and record.last >= query.since and query.kind in ("", record.event.kind)

    found: list[Record] = []
    try:
        for record in read(state, wanted):
            found.append(record)
            if query.limit and len(found) == query.limit:
                break
    except OSError as error:
        raise UsageError(f"the event log in {state} cannot be read: {error.strerror}") from error
    return found[::-1]


def find(state: str, name: str) -> Record:
    """The event called ``name``: run (or the beginning of it), a hyphen, number. Raises ``UsageError`` when there is none, or more than one run begins so."""
    run, hyphen, number = name.rpartition("-")
    if not (hyphen and run and number.isascii() and number.isdigit()):
        raise UsageError(f"{name!r} names no event", hint="`paddock log` lists them; a name is like 7f3a9c11-2")
    found = [r for r in entries(state, Query(run=run)) if r.number == int(number)]
    exact = [r for r in found if r.run == run] or found
    runs = {r.run for r in exact}
    if not runs:
        raise UsageError(f"there is no event {name!r} in the log", hint="`paddock log` lists what is kept; old events are rotated away")
    if len(runs) > 1:
        raise UsageError(f"{name!r} could be {' or '.join(sorted(r.id for r in exact))}", hint="write more of the run's name")
    return exact[-1]


def moment(text: str, now: float | None = None) -> float:
    """``90s``, ``10m``, ``1h``, ``2d`` or ``1w`` ago, or a date and time of ISO 8601 (local unless it says otherwise), as seconds since the epoch.

    Raises ``UsageError``.
    """
    digits, unit = text[:-1], text[-1:]
    if unit in _UNITS and digits.isascii() and digits.isdigit():
        return (time.time() if now is None else now) - int(digits) * _UNITS[unit]
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is no time", hint="write 30m, 1h, 2d, or a date such as 2026-01-31T12:00") from error
