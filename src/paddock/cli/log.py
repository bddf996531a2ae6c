"""``paddock log``: what happened in past runs."""

from __future__ import annotations

import os
import time

from paddock.cli.options import Option, help_text, parse
from paddock.cli.output import Output
from paddock.errors import UsageError
from paddock.model.text import cap
from paddock.session.logbook import KINDS, Query, Record, entries, moment, state_home, to_json

__all__ = ["OPTIONS", "main"]

DEFAULT_COUNT = 50
# In the table; `--json` and `paddock why` show everything.
SUBJECT_WIDTH = 64
REASON_WIDTH = 120
OPTIONS: tuple[Option, ...] = (
    Option("--run", "ID", "only this run; the beginning of its name is enough"),
    Option("--since", "TIME", "only what happened since: 30m, 1h, 2d, or a date such as 2026-01-31T12:00"),
    Option("--kind", "KIND", f"only {', '.join(KINDS)}"),
    Option("-n", "N", f"at most N events, the newest ({DEFAULT_COUNT}; 0 for all)"),
    Option("--json", "", "one JSON object a line, as in the log itself"),
    Option("--help", "", "this page"),
)
USAGE = "paddock log [OPTIONS]"


def main(words: list[str], out: Output) -> int:
    """List events, the newest last. Exit code 0, also when there are none."""
    parsed = parse(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, "Lists what happened in past runs, the newest last.", OPTIONS))
        return 0
    if parsed.rest:
        raise UsageError(f"unexpected word {parsed.rest[0]!r}", hint=USAGE)
    kind = parsed.last("--kind")
    if kind and kind not in KINDS:
        raise UsageError(f"--kind: there is no {kind!r}", hint=f"one of {', '.join(KINDS)}")
    since = moment(parsed.last("--since")) if parsed.has("--since") else 0.0
    query = Query(parsed.last("--run"), since, kind, _count(parsed.last("-n", str(DEFAULT_COUNT))))
    found = entries(state_home(os.environ), query)
    if parsed.has("--json"):
        _print_json(found, out)
    elif found:
        out.table([_row(r) for r in found], ("id", "time", "kind", "act", "subject", "reason"))
    else:
        out.note("nothing in the log matches")
    return 0


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"-n needs a number, not {text!r}")
    return int(text)


def _print_json(records: list[Record], out: Output) -> None:
    from json import dumps

    for record in records:
        out.text(dumps(to_json(record), separators=(",", ":")) + "\n")


def _row(record: Record) -> tuple[str, ...]:
    event = record.event
    times = f" \N{MULTIPLICATION SIGN}{record.count}" if record.count > 1 else ""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.time))
    facts = ", ".join(f"{name} {value}" for name, value in event.detail if name not in ("cwd", "plan"))
    return (record.id, when, event.kind, event.act, cap(event.subject, SUBJECT_WIDTH) + times, cap(event.reason or facts, REASON_WIDTH))
