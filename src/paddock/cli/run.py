"""``paddock run``: the main job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paddock.cli.options import COMMON, Option, Parsed, help_text, parse
from paddock.cli.output import Output
from paddock.cli.request import request_from
from paddock.errors import PaddockError, UsageError
from paddock.model.record import replace
from paddock.session.prepare import Prepared, Request, prepare

if TYPE_CHECKING:
    from paddock.session.junit_file import JunitFile
    from paddock.session.reportfile import ReportFile

__all__ = ["OPTIONS", "carry_out", "main"]

OPTIONS: tuple[Option, ...] = (
    *COMMON,
    Option("--dry-run", "", "print the plan and what it does not cover; run nothing"),
    Option("--json", "FILE|-", "write a report for programs; `-` is standard error"),
    Option("--junit", "FILE", "write a report for the dashboards of CI systems, in JUnit's XML"),
    Option("--quiet", "", "no block at the end"),
    Option("--verbose", "", "a block at the end even when nothing was refused, with everything that was withheld"),
    Option("--pass-fd", "N", "pass this open descriptor on, under its number; all others above 2 are closed inside"),
    Option("--fail-on-planted", "", "end with exit code 12 when the command succeeded and left files that something outside may run later"),
    Option("--fail-on-violation", "", "end with exit code 13 when the command succeeded and something was refused"),
    Option(
        "--agent",
        "NAME",
        "the command is an agent as a whole: give it its state, its model's host and its key (claude-code, codex, gemini-cli, opencode, aider)",
    ),
    Option("--tool-use", "ID", "an agent's name for the call that this run is for; the log keeps it"),
    Option("--help", "", "this page"),
)
USAGE = "paddock run [OPTIONS] [--] COMMAND [ARGUMENTS]"


def main(words: list[str], out: Output) -> int:
    """Run a command inside the fence. Exit code: the command's; 125, 126, 127, 124 and 128+n as docs/reference/exit-codes.md says."""
    parsed = parse(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, "Runs COMMAND inside the fence that this project's settings describe.", OPTIONS))
        return 0
    if not parsed.rest and not parsed.has("--dry-run"):
        raise UsageError("no command to run", hint=USAGE)
    return carry_out(parsed, request_from(parsed), out)


def _as_agent(parsed: Parsed, request: Request) -> Request:
    from paddock.agents.inside import inside, make_places, with_agent

    agent = inside(parsed.last("--agent"))
    if not parsed.has("--dry-run"):
        make_places(agent, request.environ)
    return with_agent(request, agent)


def carry_out(parsed: Parsed, request: Request, out: Output) -> int:
    """What the options of ``run`` ask for, with ``request``. Returns the exit code."""
    if parsed.has("--agent"):
        request = _as_agent(parsed, request)
    prepared = prepare(request, make=not parsed.has("--dry-run"))
    if parsed.has("--agent"):
        from paddock.agents.inside import inside, refuse_void

        refuse_void(prepared.settings, inside(parsed.last("--agent")))
    if parsed.has("--dry-run"):
        return _show(parsed, prepared, out)
    return _run(parsed, prepared, out)


def _show(parsed: Parsed, prepared: Prepared, out: Output) -> int:
    """Print the plan; with ``--json FILE`` write it there, with ``--json -`` print it as JSON."""
    from paddock.cli.sections import show_plan

    target = parsed.last("--json")
    if target in ("", "-"):
        show_plan(prepared, out, as_json=target == "-")
        return 0
    from json import dumps

    from paddock.session.reportfile import ReportFile
    from paddock.session.show import plan_json

    trouble = ReportFile(target).write(dumps(plan_json(prepared.plan), indent=2) + "\n")
    if trouble:
        raise UsageError(trouble)
    return 0


def _run(parsed: Parsed, prepared: Prepared, out: Output) -> int:
    # Imported after the plan stands: a wrong setting is reported without loading the fence. The report's file is opened before the command can touch it.
    from paddock.session.reportfile import ReportFile
    from paddock.session.run import run

    target = parsed.last("--json")
    report: ReportFile | str = ReportFile(target) if target not in ("", "-") else target
    junit = _junit(parsed, report)
    try:
        outcome = run(prepared, on_publish=out.note)
    except PaddockError as error:
        _say(junit.failed(error) if junit else "", out)
        raise
    if parsed.has("--fail-on-planted") and outcome.planted.total and outcome.ending.code == 0:
        from paddock.session.planted import EXIT_CODE
        from paddock.session.supervise import Ending

        outcome = replace(outcome, ending=Ending(EXIT_CODE, "planted"))
    if parsed.has("--fail-on-violation"):
        from paddock.session.verdict import fail_on_violation

        outcome = fail_on_violation(outcome)
    from paddock.session.report import write_report

    write_report(prepared, outcome, out, quiet=parsed.has("--quiet"), verbose=parsed.has("--verbose"), json_to=report)
    _say(junit.finished(prepared, outcome) if junit else "", out)
    return outcome.ending.code


def _junit(parsed: Parsed, other: ReportFile | str) -> JunitFile | None:
    """The file of ``--junit``, opened before the command starts."""
    if not parsed.has("--junit"):
        return None
    from paddock.session.junit_file import JunitFile

    return JunitFile(
        parsed.last("--junit"),
        other=None if isinstance(other, str) else other,
        fail_on_violation=parsed.has("--fail-on-violation"),
        fail_on_planted=parsed.has("--fail-on-planted"),
    )


def _say(trouble: str, out: Output) -> None:
    if trouble:
        out.note(trouble)
