"""``paddock check``: may an agent do this, by which rule, and would it be fenced."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

from paddock.cli.options import COMMON, Option, Parsed, help_text, parse_mixed
from paddock.cli.output import Output, escape
from paddock.cli.request import request_from
from paddock.errors import UsageError
from paddock.session.check import CANNOT_DECIDE, EXIT_CODES, MODES, Asker, Call, Checker, Verdict, call_from, rows, to_document

__all__ = ["OPTIONS", "USAGE", "main"]

OPTIONS: tuple[Option, ...] = (
    *COMMON,
    Option("--tool", "NAME", "ask about this tool; without it about Bash"),
    Option("--input", "JSON", "the tool's input, as the agent would give it"),
    Option("--lines", "", 'read calls from standard input, one JSON object a line: {"tool_name": …, "tool_input": {…}}; answer each on one line'),
    Option("--mode", "MODE", f"the permission mode: {', '.join(MODES)}"),
    Option("--nobody", "", "there is no person to ask: what would be asked is refused"),
    Option("--hooks", "", "first run the hooks of the settings that are about this call: yours and the administrator's, the project's with --trust-project"),
    Option("--json", "", "for programs"),
    Option("--help", "", "this page"),
)
USAGE = "paddock check [OPTIONS] COMMAND"
SUMMARY = "Tells whether the rules allow a tool call here, ask about it or refuse it, and why. Exit codes: 0 allow, 10 ask, 11 deny, 12 cannot decide."
LONGEST_LINE = 1 << 20
Ask = Callable[[Call], tuple[Call, Verdict]]


def main(words: list[str], out: Output) -> int:
    """0 allow, 10 ask, 11 deny, 12 cannot decide; of many answers the highest."""
    parsed = parse_mixed(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    questions, parsed.rest = parsed.rest, []
    if parsed.has("--lines"):
        if questions or parsed.has("--tool") or parsed.has("--input"):
            raise UsageError("--lines takes its calls from standard input only")
        checker = _checker(parsed)
        return _stream(_asking(checker, parsed), out)
    document = _question(parsed, questions)
    checker = _checker(parsed)
    call, verdict = _asking(checker, parsed)(call_from(document))
    if parsed.has("--json"):
        out.json(to_document(call, verdict))
    else:
        style = {"allow": "good", "ask": "warn"}.get(verdict.decision, "bad")
        out.text(f"{out.paint(style, verdict.decision, err=False)}  {escape(_subject(questions, call.tool))}\n")
        out.table(list(rows(verdict, checker.settings)))
    return EXIT_CODES.get(verdict.decision, CANNOT_DECIDE)


def _checker(parsed: Parsed) -> Checker:
    return Checker(request_from(parsed), Asker(parsed.last("--mode"), not parsed.has("--nobody")))


def _asking(checker: Checker, parsed: Parsed) -> Ask:
    """How a call is decided about: with the hooks of the settings, or without."""
    if not parsed.has("--hooks"):
        return lambda call: (call, checker.ask(call))
    from paddock.session.hooks import Hooks

    return Hooks(checker, dict(os.environ), trusts_project=parsed.has("--trust-project")).ask


def _question(parsed: Parsed, questions: list[str]) -> object:
    """The call that was asked about. Raises ``UsageError``."""
    tool = parsed.last("--tool", "Bash")
    if not parsed.has("--input"):
        if len(questions) != 1:
            raise UsageError("check needs one command line, in quotes", hint=USAGE)
        if tool not in ("Bash", "Monitor"):
            raise UsageError(f"{tool} needs its input", hint=f"paddock check --tool {tool} --input '{{…}}'")
        return {"tool_name": tool, "tool_input": {"command": questions[0]}}
    if questions:
        raise UsageError("a command line and --input exclude each other")
    from json import loads

    try:
        return {"tool_name": tool, "tool_input": loads(parsed.last("--input"))}
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--input is not JSON: {error}") from error


def _subject(questions: list[str], tool: str) -> str:
    return " ".join(questions) if questions else tool


def _stream(ask: Ask, out: Output) -> int:
    from json import dumps

    worst = 0
    for number, line in enumerate(_lines(), 1):
        answer, code = _answer(ask, line, number)
        out.text(dumps(answer) + "\n")
        worst = max(worst, code)
    return worst


def _lines() -> Iterator[str]:
    """Lines of standard input, the empty ones left out; a line without end is read no further than its limit."""
    while line := sys.stdin.readline(LONGEST_LINE):
        if line.strip():
            yield line


def _answer(ask: Ask, line: str, number: int) -> tuple[dict[str, object], int]:
    from json import loads

    try:
        call = call_from(loads(line))
    except (UsageError, ValueError, RecursionError) as error:
        return {"decision": "error", "error": f"line {number}: {error}"}, CANNOT_DECIDE
    call, verdict = ask(call)
    return to_document(call, verdict), EXIT_CODES.get(verdict.decision, CANNOT_DECIDE)
