"""From a finished run to its report, and the report to where somebody wants it."""

from __future__ import annotations

from typing import Protocol

from paddock.errors import InternalError
from paddock.session.prepare import Prepared
from paddock.session.rendering import Report, block, to_document
from paddock.session.reportfile import ReportFile
from paddock.session.run import Outcome

__all__ = ["Teller", "report_of", "write_report"]


class Teller(Protocol):
    """The part of ``cli.output.Output`` that a report needs."""

    columns: int | None

    def block(self, text: str) -> None:
        """Write to standard error as it stands."""

    def note(self, text: str) -> None:
        """Say a sentence on standard error."""

    def paint(self, style: str, text: str) -> str:
        """``text`` in a style, where standard error shows colours."""


def report_of(prepared: Prepared, outcome: Outcome) -> Report:
    """Everything known about one finished run."""
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
    )


def write_report(prepared: Prepared, outcome: Outcome, out: Teller, *, quiet: bool = False, verbose: bool = False, json_to: ReportFile | str = "") -> None:
    """Tell how a run went: the block unless ``quiet``, the JSON document where ``json_to`` says.

    ``json_to`` is empty, ``-`` for standard error, or a file, which has to be opened before the command starts.
    """
    report = report_of(prepared, outcome)
    if not quiet:
        out.block(block(report, columns=out.columns, paint=out.paint, verbose=verbose))
    if not json_to:
        return
    from json import dumps

    text = dumps(to_document(report), indent=None if json_to == "-" else 2) + "\n"
    if json_to == "-":
        out.block(text)
        return
    if isinstance(json_to, str):
        raise InternalError(f"a report for {json_to!r} was not opened before the run")
    trouble = json_to.write(text)
    if trouble:
        out.note(trouble)
