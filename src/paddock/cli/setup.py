"""``paddock setup``: install missing system packages, or say which."""

from __future__ import annotations

import sys

from paddock.cli.options import Option, help_text, parse
from paddock.cli.output import Output
from paddock.errors import UsageError
from paddock.session.setup import Plan, carry_out, make_plan

__all__ = ["OPTIONS", "main"]

OPTIONS: tuple[Option, ...] = (
    Option("--yes", "", "do it without asking"),
    Option("--dry-run", "", "say what would be done; do nothing"),
    Option("--optional", "", "install optional packages too"),
    Option("--help", "", "this page"),
)
USAGE = "paddock setup [OPTIONS]"


def main(words: list[str], out: Output) -> int:
    """Install what is missing. Exit code 0 when everything needed is there in the end (or with ``--dry-run``), 1 when it is not."""
    parsed = parse(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, "Finds missing system packages and installs them with the distribution's package manager.", OPTIONS))
        return 0
    if parsed.rest:
        raise UsageError(f"unexpected word {parsed.rest[0]!r}", hint=USAGE)
    plan = make_plan(optional=parsed.has("--optional"))
    _show(plan, out)
    if parsed.has("--dry-run"):
        return 0
    if not plan.commands:
        return 0 if plan.complete else 1
    if not parsed.has("--yes") and not _agreed(out):
        return 0 if plan.complete else 1
    if carry_out(plan):
        out.warn("installing failed; the package manager says why above")
        return 1
    complete = make_plan().complete
    out.note("done; `paddock doctor` tries whether the fence works" if complete else "the package was installed and what it should bring is still missing")
    return 0 if complete else 1


def _show(plan: Plan, out: Output) -> None:
    rows = [(n.package, "present" if n.present else "missing, optional" if n.optional else "missing", n.why) for n in plan.needs]
    out.table(rows, ("package", "state", "used for"))
    for command in plan.commands:
        out.line(f"would run: {' '.join(command.argv)} ({command.why})")
    for explanation in plan.explanations:
        out.note(explanation)


def _agreed(out: Output) -> bool:
    """Ask at the terminal; no terminal means no."""
    if not sys.stdin.isatty():
        out.note("nothing was done: there is nobody to ask; `paddock setup --yes` does it")
        return False
    out.text("Do it? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
