"""``paddock lint``: settings that load and do not do what somebody meant, and the fixes that can be made without guessing."""

from __future__ import annotations

import os

from paddock.cli.options import Option, Parsed, help_text, parse_mixed
from paddock.cli.output import Output, escape
from paddock.cli.request import working_folder
from paddock.errors import UsageError
from paddock.session.filechange import Change, diff
from paddock.session.lint.finding import INFO, Finding
from paddock.session.lint.mend import Mended, mend, write
from paddock.session.lint.reading import SCOPES, Question, lint

__all__ = ["OPTIONS", "USAGE", "main"]

OPTIONS: tuple[Option, ...] = (
    Option("--fix", "", "make the changes that are safe: none widens anything, and everything else in the file stays as it is"),
    Option("--dry-run", "", "with --fix: show the changes and make none"),
    Option("--scope", "SCOPE", f"who would read the files: {', '.join(SCOPES)}; without it, guessed from each path"),
    Option("--json", "", "for programs"),
    Option("--help", "", "this page"),
)
USAGE = "paddock lint [OPTIONS] [FILE ...]"
SUMMARY = (
    "Looks for entries that do nothing, mean something else, or open more than they should: in the settings that count in this folder, or in each FILE alone.\n"
    "Prints FILE:LINE:COLUMN: LEVEL: REASON (FIX) [ID]. Exit code 1 when there is a warning or an error, 0 when there is none."
)
_SCHEMA = 1


def main(words: list[str], out: Output) -> int:
    """Exit code 0 when nothing above a remark is found (with ``--fix``: is left), 1 otherwise."""
    parsed = parse_mixed(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    question = _question(parsed)
    if not parsed.has("--fix"):
        left: tuple[Finding, ...] = tuple(lint(question))
        _show(left, question.cwd, out) if not parsed.has("--json") else out.json(_document(left, question.cwd))
        return _code(left)
    mended = mend(question)
    made = not parsed.has("--dry-run")
    if not parsed.has("--json"):
        for change in mended.changes:
            _diff(change, out)
    if made:
        write(mended.changes)
    left = mended.left if made else tuple(lint(question))
    if parsed.has("--json"):
        out.json({**_document(left, question.cwd), **_fixes(mended, question.cwd, made=made)})
    else:
        _told(mended, out, made=made)
        _show(left, question.cwd, out)
    return _code(left)


def _question(parsed: Parsed) -> Question:
    scope = parsed.last("--scope")
    if scope and scope not in SCOPES:
        raise UsageError(f"--scope: there is no {scope!r}", hint=f"one of {', '.join(SCOPES)}")
    if scope and not parsed.rest:
        raise UsageError("--scope is about files that are named", hint=USAGE)
    if parsed.has("--dry-run") and not parsed.has("--fix"):
        raise UsageError("--dry-run goes with --fix")
    return Question(working_folder(), dict(os.environ), tuple(parsed.rest), scope)


def _code(left: tuple[Finding, ...]) -> int:
    return 1 if any(item.level != INFO for item in left) else 0


def _show(found: tuple[Finding, ...], cwd: str, out: Output) -> None:
    for item in found:
        place = _near(item.file, cwd) + (f":{item.line}:{item.column}" if item.line else "")
        out.line(f"{place}: {item.level}: {_quoted(item)}{item.reason} ({item.remedy}) [{item.id}]")


def _quoted(item: Finding) -> str:
    return f"{item.key.rpartition('.')[2]} {item.text}: " if item.line and item.text else ""


def _near(file: str, cwd: str) -> str:
    """As somebody in this folder would type it."""
    return file.removeprefix(f"{cwd}/") if cwd != "/" else file


def _diff(change: Change, out: Output) -> None:
    styles = {"+": "good", "-": "bad"}
    for line in diff(change):
        out.text(out.paint(styles.get(line[:1], "dim"), escape(line), err=False) + "\n")


def _told(mended: Mended, out: Output, *, made: bool) -> None:
    for file, reason in mended.held:
        out.warn(f"{file} is left as it is: {reason}")
    count = len(mended.fixed)
    if count:
        out.note(f"{count} {'entry' if count == 1 else 'entries'} fixed" if made else f"{count} to fix; nothing was changed (--dry-run)")


def _document(found: tuple[Finding, ...], cwd: str) -> dict[str, object]:
    return {"schema": _SCHEMA, "findings": [_json(item, cwd) for item in found]}


def _fixes(mended: Mended, cwd: str, *, made: bool) -> dict[str, object]:
    return {
        "changed": made and bool(mended.changes),
        "fixed": [_json(item, cwd) for item in mended.fixed],
        "diff": [line for change in mended.changes for line in diff(change)],
        "left_alone": [{"file": _near(file, cwd), "reason": reason} for file, reason in mended.held],
    }


def _json(item: Finding, cwd: str) -> dict[str, object]:
    fix = None if item.action is None else {"action": item.action.kind, "text": item.action.text}
    return {
        "id": item.id,
        "level": item.level,
        "file": _near(item.file, cwd),
        "line": item.line,
        "column": item.column,
        "key": item.key,
        "entry": item.text,
        "reason": item.reason,
        "remedy": item.remedy,
        "fix": fix,
    }
