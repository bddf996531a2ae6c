"""``paddock doctor``: can this host carry the fence, and if not, what would help."""

from __future__ import annotations

import os

from paddock.cli.options import Option, help_text, parse
from paddock.cli.output import Output, escape
from paddock.errors import UsageError
from paddock.session.doctor import Diagnosis, Finding, diagnose, to_document

__all__ = ["OPTIONS", "main"]

OPTIONS: tuple[Option, ...] = (
    Option("--json", "", "for programs"),
    Option("--help", "", "this page"),
)
USAGE = "paddock doctor [OPTIONS]"
_MARKS = {"ok": ("good", "ok"), "failed": ("bad", "FAILED"), "not tried": ("dim", "not tried")}
_INDENT = " " * 13


def main(words: list[str], out: Output) -> int:
    """Try every step of the fence and explain the first that fails. Exit code 0 when this host is fit, 1 when it is not."""
    parsed = parse(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, "Tries every step of the fence and names the first that fails, with the fix. Exit code 0: fit; 1: not fit.", OPTIONS))
        return 0
    if parsed.rest:
        raise UsageError(f"unexpected word {parsed.rest[0]!r}", hint=USAGE)
    diagnosis = diagnose(os.environ)
    if parsed.has("--json"):
        out.json(to_document(diagnosis))
    else:
        _show(diagnosis, out)
    return 0 if diagnosis.fit else 1


def _show(diagnosis: Diagnosis, out: Output) -> None:
    around = diagnosis.around
    kernel = ".".join(map(str, around.facts.kernel))
    inside = f", in a container ({around.container})" if around.container else ""
    out.line(f"{around.distribution.name}, Linux {kernel}, {around.facts.machine}, user {around.facts.uid}{inside}")
    for finding in diagnosis.findings:
        _show_finding(finding, out)
    first = diagnosis.first_failure
    if first is None:
        out.line("Limits are kept by: " + ", ".join(f"{key} {by}" for key, by in diagnosis.limits.items()))
        out.text(out.paint("good", "This host can carry the fence.", err=False) + "\n")
    else:
        out.text(out.paint("bad", f"This host cannot carry the fence yet. Mend this first: {escape(first.result.trial.what)}.", err=False) + "\n")


def _show_finding(finding: Finding, out: Output) -> None:
    result = finding.result
    style, mark = _MARKS[result.state]
    if result.state == "failed" and not result.trial.needed:
        style, mark = "warn", "missing"
    out.text(f"  {out.paint(style, f'{mark:<9}', err=False)}  {escape(result.trial.what)}" + (f": {escape(result.words)}" if result.words else "") + "\n")
    if finding.fix is not None:
        out.text(f"{_INDENT}cause: {escape(finding.fix.cause)}\n{_INDENT}fix:   {escape(finding.fix.advice)}\n")
        for command in finding.fix.commands:
            out.text(f"{_INDENT}       {escape(command)}\n")
