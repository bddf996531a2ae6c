"""``paddock policy validate``: settings files checked, one line for each problem, in the form that editors jump to."""

from __future__ import annotations

import os

from paddock.cli.options import Option, help_text, parse_mixed
from paddock.cli.output import Output
from paddock.cli.request import working_folder
from paddock.errors import UsageError
from paddock.session.validate import SCOPES, Finding, validate

__all__ = ["OPTIONS", "USAGE", "main"]

OPTIONS: tuple[Option, ...] = (
    Option("--scope", "SCOPE", f"who would read the files: {', '.join(SCOPES)}; without it, guessed from each path"),
    Option("--json", "", "for programs"),
    Option("--help", "", "this page"),
)
USAGE = "paddock policy validate [OPTIONS] FILE ..."
SUMMARY = "Checks settings files and prints a line for each problem: FILE:LINE:COLUMN: error|warning: MESSAGE (HINT). Exit code 1 when there is an error."
_SCHEMA = 1


def main(words: list[str], out: Output) -> int:
    """Exit code 0 when a run would accept every file, 1 when it would not. Warnings change nothing."""
    parsed = parse_mixed(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    if not parsed.rest:
        raise UsageError("which files?", hint=USAGE)
    scope = parsed.last("--scope")
    if scope and scope not in SCOPES:
        raise UsageError(f"--scope: there is no {scope!r}", hint=f"one of {', '.join(SCOPES)}")
    found = validate(parsed.rest, working_folder(), os.environ, SCOPES.get(scope))
    if parsed.has("--json"):
        out.json({"schema": _SCHEMA, "valid": not _errors(found), "problems": [_json(item) for item in found]})
    else:
        for item in found:
            out.line(str(item))
    return 1 if _errors(found) else 0


def _errors(found: list[Finding]) -> bool:
    return any(item.level == "error" for item in found)


def _json(item: Finding) -> dict[str, object]:
    return {"file": item.file, "line": item.line, "column": item.column, "level": item.level, "message": item.message, "hint": item.hint}
