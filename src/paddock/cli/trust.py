"""``paddock trust``: accept what this project's settings widen, after reading it."""

from __future__ import annotations

import sys

from paddock.cli.options import Option, help_text, parse
from paddock.cli.output import Output
from paddock.cli.request import request_from
from paddock.errors import UsageError
from paddock.session.show import shorten, where
from paddock.session.trust import Waiting, accept, revoke, waiting, written

__all__ = ["main"]

OPTIONS: tuple[Option, ...] = (
    Option("--yes", "", "accept without a question; for scripts that have shown the entries to somebody"),
    Option("--list", "", "show what waits and accept nothing; exit code 1 when something does"),
    Option("--tool", "NAME", "also what files of this project name for this tool, for runs with the same option", "paddock.network.tools"),
    Option("--revoke", "", "take an earlier acceptance back"),
    Option("--help", "", "this page"),
)
USAGE = "paddock trust [OPTIONS]"
SUMMARY = "Shows what this project's settings open beyond Paddock's own defaults, and lets it count once you accept it. A later change must be accepted again."


def main(words: list[str], out: Output) -> int:
    """Exit code 0: everything counts now. 1: something still waits (``--list``, or the answer was no)."""
    parsed = parse(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    if parsed.rest:
        raise UsageError(f"unexpected word {parsed.rest[0]!r}", hint=USAGE)
    request = request_from(parsed)
    if parsed.has("--revoke"):
        out.note("nothing of this project counts any more" if revoke(request) else "nothing had been accepted for this project")
        return 0
    shown = waiting(request)
    if not shown.entries:
        out.note("nothing in this project's settings waits for acceptance")
        return 0
    _show(shown, out)
    if parsed.has("--list"):
        return 1
    if not parsed.has("--yes") and not _answer(len(shown.entries), out):
        out.note("nothing was accepted")
        return 1
    out.note(f"accepted; recorded in {accept(shown)}")
    return 0


def _show(shown: Waiting, out: Output) -> None:
    context = shown.settings.context
    out.text(f"{shorten(context.project_root, context) if context.project_root != context.cwd else 'this project'} would open:\n")
    rows = [(mark, e.origin.key, _readable(written(e)), where(e.origin, context)) for mark, group in (("new", shown.new), ("", shown.known)) for e in group]
    rows += [("gone", key, _readable(text), "") for key, text in shown.gone]
    out.table(rows, ("", "key", "entry", "from"))


def _readable(text: str) -> str:
    """``text`` with what a reader would be misled by made visible: letters that look like others, and runs of spaces that wrap into lines of their own."""
    looks = list(dict.fromkeys(f"U+{ord(char):04X}" for char in text if not char.isascii() and char.isprintable()))
    shown = text.replace("  ", "\N{SYMBOL FOR SPACE}" * 2)
    return f"{shown} (not ASCII: {', '.join(looks)})" if looks else shown


def _answer(count: int, out: Output) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on", hint="read the entries above, then `paddock trust --yes`")
    out.block(f"accept these entries ({count})? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
