"""From a finished run to its report, and the report to where somebody wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from paddock.errors import InternalError
from paddock.session.prepare import Prepared
from paddock.session.reportfile import ReportFile
from paddock.session.run import Outcome

if TYPE_CHECKING:
    from paddock.session.rendering import Report  # loaded only by runs that have something to tell

__all__ = ["Teller", "is_silent", "report_of", "write_report"]


class Teller(Protocol):
    """The part of ``cli.output.Output`` that a report needs."""

    columns: int | None

    def block(self, text: str) -> None:
        """Write to standard error as it stands."""

    def note(self, text: str) -> None:
        """Say a sentence on standard error."""

    def paint(self, style: str, text: str) -> str:
        """``text`` in a style, where standard error shows colours."""


def is_silent(prepared: Prepared, outcome: Outcome) -> bool:
    """Whether the block would be empty, known without loading what makes it: most runs end so, and every run pays for what it loads."""
    if outcome.ending.code or outcome.recorder.dropped or outcome.recorder.log.trouble or outcome.planted.total or outcome.recorder.records("violation"):
        return False
    return all(notice.level != "warning" for notice in (*prepared.settings.notices, *prepared.plan.notices))


def report_of(prepared: Prepared, outcome: Outcome) -> Report:
    """Everything known about one finished run."""
    from paddock.session.rendering import Report

    plan, recorder = prepared.plan, outcome.recorder
    return Report(
        run_id=outcome.run_id,
        argv=plan.argv,
        cwd=plan.cwd,
        home=plan.home,
        exit_code=outcome.ending.code,
        cause=outcome.ending.cause,
        seconds=outcome.seconds,
        plan_digest=plan.digest,
        records=recorder.records(),
        dropped=dict(recorder.dropped),
        removed=plan.removed,
        notices=tuple(dict.fromkeys((*prepared.settings.notices, *plan.notices))),
        void=prepared.settings.void,
        published=outcome.published,
        log_trouble=recorder.log.trouble,
        usage=outcome.usage,
        planted=outcome.planted,
    )


def write_report(prepared: Prepared, outcome: Outcome, out: Teller, *, quiet: bool = False, verbose: bool = False, json_to: ReportFile | str = "") -> None:
    """Tell how a run went: the block unless ``quiet``, the JSON document where ``json_to`` says.

    ``json_to`` is empty, ``-`` for standard error, or a file, which has to be opened before the command starts.
    """
    if not quiet and (verbose or not is_silent(prepared, outcome)):
        from paddock.session.rendering import block

        out.block(block(report_of(prepared, outcome), columns=out.columns, paint=out.paint, verbose=verbose))
    if json_to:
        _write_document(report_of(prepared, outcome), out, json_to)


def _write_document(report: Report, out: Teller, json_to: ReportFile | str) -> None:
    from json import dumps

    from paddock.session.rendering import to_document

    text = dumps(to_document(report), indent=None if json_to == "-" else 2) + "\n"
    if json_to == "-":
        out.block(text)
    elif isinstance(json_to, str):
        raise InternalError(f"a report for {json_to!r} was not opened before the run")
    elif trouble := json_to.write(text):
        out.note(trouble)
