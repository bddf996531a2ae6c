"""``paddock verify``: does the fence hold here, tried from inside."""

from __future__ import annotations

from paddock.cli.options import COMMON, Option, help_text, parse
from paddock.cli.output import Output, escape
from paddock.cli.request import request_from
from paddock.errors import LaunchError, UsageError
from paddock.session.prepare import prepare
from paddock.session.verify import BROKEN, HELD, UNCLEAR, Verification, expected, to_document, verify

__all__ = ["BROKEN_EXIT", "OPTIONS", "main"]

BROKEN_EXIT = 14
OPTIONS: tuple[Option, ...] = (
    *COMMON,
    Option("--json", "", "for programs; the fields are described in docs/reference/verify.md"),
    Option("--help", "", "this page"),
)
USAGE = "paddock verify [OPTIONS]"
SUMMARY = (
    "Builds the fence that `paddock run` would build here with the same options, and tries from inside what must not work. "
    f"Exit code 0: everything held; {BROKEN_EXIT}: something got through; 125: it cannot be told."
)
_MARKS = {HELD: "held", BROKEN: "GOT THROUGH", UNCLEAR: "UNCLEAR"}


def main(words: list[str], out: Output) -> int:
    """Exit code 0 when every canary held, 14 when one got through, 125 when one is unclear or the fence cannot be built."""
    parsed = parse(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    if parsed.rest:
        raise UsageError(f"unexpected word {parsed.rest[0]!r}", hint=f"{USAGE}; it takes no command, the plan is the same for all of them")
    found = verify(prepare(request_from(parsed), make=True))
    if parsed.has("--json"):
        out.json(to_document(found))
    else:
        _show(found, out)
    if found.count(BROKEN):
        return BROKEN_EXIT
    return LaunchError.exit_code if found.count(UNCLEAR) else 0


def _show(found: Verification, out: Output) -> None:
    out.line(f"plan {found.digest}")
    rows = [(_MARKS.get(f.state, "-"), f.canary.name, f.canary.tries, expected(f.canary), f.got or f.reason) for f in found.findings]
    out.table(rows, ("", "canary", "tried", "expected", "got"))
    for finding in found.findings:
        if finding.state in (BROKEN, UNCLEAR):
            style = "bad" if finding.state == BROKEN else "warn"
            out.text(out.paint(style, f"{_MARKS[finding.state]}: {finding.canary.name}: {escape(finding.reason)}", err=False) + "\n")
    for notice in found.notices:
        out.note(notice)
    held, broken, unclear = (found.count(state) for state in (HELD, BROKEN, UNCLEAR))
    rest = len(found.findings) - held - broken - unclear
    words = f"{held} held, {broken} got through, {unclear} unclear, {rest} do not apply here ({found.seconds:.1f} s)"
    out.text(out.paint("good" if found.held else "bad", words, err=False) + "\n")
