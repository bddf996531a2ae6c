"""``paddock why``: the whole story of one event."""

from __future__ import annotations

import os

from paddock.cli.options import Option, help_text, parse
from paddock.cli.output import Output
from paddock.errors import UsageError
from paddock.session.logbook import find, state_home, to_json
from paddock.session.story import PASTE_INTO, snippet, story

__all__ = ["OPTIONS", "main"]

OPTIONS: tuple[Option, ...] = (
    Option("--json", "", "the event as in the log, with the settings to paste"),
    Option("--help", "", "this page"),
)
USAGE = "paddock why [OPTIONS] ID"


def main(words: list[str], out: Output) -> int:
    """Tell what happened, by which rule, and the smallest settings that would allow it. Exit code 0; 125 when there is no such event."""
    parsed = parse(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, "Tells the whole story of one event; ID is what the block at the end of a run and `paddock log` show.", OPTIONS))
        return 0
    if len(parsed.rest) != 1:
        raise UsageError("which event?" if not parsed.rest else f"unexpected word {parsed.rest[1]!r}", hint=USAGE)
    record = find(state_home(os.environ), parsed.rest[0])
    paste = snippet(record)
    if parsed.has("--json"):
        out.json({**to_json(record), "paste": paste, "paste_into": PASTE_INTO if paste else ""})
        return 0
    out.table(story(record))
    if paste is not None:
        from json import dumps

        out.text(f"\nThe narrowest settings that allow it, for {PASTE_INTO}, followed by `paddock trust`:\n\n{dumps(paste, indent=2)}\n")
    return 0
