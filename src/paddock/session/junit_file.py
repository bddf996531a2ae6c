"""The file that ``--junit FILE`` names: opened before the command starts, written once when the run is over, however it went."""

from __future__ import annotations

import time

from paddock.errors import PaddockError, UsageError
from paddock.session.prepare import Prepared
from paddock.session.report import report_of
from paddock.session.reportfile import ReportFile
from paddock.session.run import Outcome

__all__ = ["JunitFile"]


class JunitFile:
    """Opens and empties the file. Raises ``UsageError`` when it cannot be written, or when ``other`` is the same file."""

    def __init__(self, path: str, *, other: ReportFile | None = None, fail_on_violation: bool = False, fail_on_planted: bool = False) -> None:
        if path in ("", "-"):
            raise UsageError("--junit needs the name of a file", hint="--junit paddock.xml")
        self._file = ReportFile(path, option="--junit")
        self._began, self._started = time.time(), time.monotonic()
        self._on_violation, self._on_planted = fail_on_violation, fail_on_planted
        if other is not None and other.is_same(self._file):
            raise UsageError(f"--json and --junit both name {path}", hint="name two files")

    def finished(self, prepared: Prepared, outcome: Outcome) -> str:
        """Write what came of the run. Returns an empty text, or one sentence about what went wrong."""
        from paddock.session.junit import to_junit

        report = report_of(prepared, outcome)
        return self._file.write(to_junit(report, began=self._began, fail_on_violation=self._on_violation, fail_on_planted=self._on_planted))

    def failed(self, error: PaddockError) -> str:
        """Write that no command ran, and why: a dashboard that finds an empty file says less."""
        from paddock.session.junit import failed_to_start

        seconds = time.monotonic() - self._started
        return self._file.write(failed_to_start(str(error), error.hint, code=error.exit_code, began=self._began, seconds=seconds))
