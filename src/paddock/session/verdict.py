"""Whether a run whose command succeeded counts as a failure all the same, because something was refused."""

from __future__ import annotations

from paddock.model.record import replace
from paddock.session.run import Outcome
from paddock.session.supervise import Ending

__all__ = ["EXIT_CODE", "fail_on_violation"]

EXIT_CODE = 13
"""What ``--fail-on-violation`` ends with when the command itself succeeded."""


def fail_on_violation(outcome: Outcome) -> Outcome:
    """The outcome, judged. A command that failed, and a run that was ended, keep their own code: it says more."""
    refused = bool(outcome.recorder.records("violation")) or bool(outcome.recorder.dropped.get("violation"))
    return replace(outcome, ending=Ending(EXIT_CODE, "violation")) if refused and outcome.ending.code == 0 else outcome
