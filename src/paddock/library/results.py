"""What a run gives back: the classes of ``subprocess`` with what the fence has to tell."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from paddock.model.settings import Origin
from paddock.model.text import cap, escape
from paddock.model.usage import NOTHING_KNOWN, Usage

__all__ = ["UNKNOWN", "CalledProcessError", "CompletedProcess", "Flow", "RunReport", "TimeoutExpired", "Violation"]

T = TypeVar("T")

_NAMED = 3
_LENGTH = 160


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that was refused.

    ``area`` is ``file``, ``network``, ``dns``, ``environment`` or ``run``; ``act`` is ``read``, ``write``, ``connect``, ``lookup`` and so on; ``subject`` is
    the path, ``host:port`` or name that was touched, as the command wrote it: escape it before you show it on a terminal. ``rule`` is the entry that decided,
    with ``file`` and ``line``, or None. ``remedy`` is the smallest change that would allow it. ``count`` counts equal refusals. ``paddock why ID`` tells the
    whole story of ``id``. ``time`` is RFC 3339, UTC.
    """

    id: str
    time: str
    area: str
    act: str
    subject: str
    reason: str
    rule: Origin | None = None
    remedy: str = ""
    count: int = 1
    detail: Mapping[str, str | int | float] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return cap(escape(f"{self.act or self.area} {self.subject}{reason}"), _LENGTH)


@dataclass(frozen=True, slots=True)
class Flow:
    """One connection that was allowed, recorded at its end: ``subject`` is ``host:port``, ``detail`` holds the door, bytes in both directions and more."""

    id: str
    time: str
    subject: str
    detail: Mapping[str, str | int | float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything that is known about one run besides its output.

    ``run_id`` names it for ``paddock log --run`` and ``paddock why``; ``plan_digest`` is the digest that ``paddock run --dry-run`` prints for the same plan.
    ``cause`` says what ended it: ``command``, ``signal``, or ``timeout`` for the policy's own limit. ``published`` are sentences about ports that were
    reachable from outside, ``notices`` what a person should hear about the settings, ``removed_variables`` names that were set outside and not inside.
    """

    run_id: str = ""
    plan_digest: str = ""
    cause: str = ""
    violations: tuple[Violation, ...] = ()
    flows: tuple[Flow, ...] = ()
    usage: Usage = NOTHING_KNOWN
    published: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    removed_variables: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"RunReport(run_id={self.run_id!r}, cause={self.cause!r}, violations={len(self.violations)}, flows={len(self.flows)})"


UNKNOWN = RunReport()
"""Of a run whose helper could not tell any more."""


class _Reported:
    """The attributes that a result and both exceptions share."""

    report: RunReport

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What was refused, in the order of first occurrence."""
        return self.report.violations

    @property
    def flows(self) -> tuple[Flow, ...]:
        """Connections that were allowed."""
        return self.report.flows

    @property
    def usage(self) -> Usage:
        """What the run took: processor time, memory, processes. None stands for "not measured here"."""
        return self.report.usage

    @property
    def run_id(self) -> str:
        """The name of the run for ``paddock log --run`` and ``paddock why``."""
        return self.report.run_id

    @property
    def plan_digest(self) -> str:
        """The digest of the plan that was carried out, as ``paddock run --dry-run`` prints it."""
        return self.report.plan_digest

    @property
    def published(self) -> tuple[str, ...]:
        """Sentences about inside ports that were reachable from outside."""
        return self.report.published

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should hear about the settings, such as project entries that wait for ``paddock trust``."""
        return self.report.notices


class CompletedProcess(_Reported, subprocess.CompletedProcess[T]):
    """A ``subprocess.CompletedProcess`` with ``violations``, ``flows``, ``usage``, ``run_id``, ``plan_digest``, ``published``, ``notices``; ``report`` holds
    them all.

    ``returncode`` is the command's: negative when a signal ended it. 124 when the policy's own time limit did (``report.cause`` is ``timeout`` then).
    """

    def __init__(self, args: Any, returncode: int, stdout: T | None = None, stderr: T | None = None, report: RunReport = UNKNOWN) -> None:
        super().__init__(args, returncode, stdout, stderr)
        self.report = report

    def check_returncode(self) -> None:
        """Raise ``paddock.CalledProcessError`` when the exit code is not zero."""
        if self.returncode:
            printed: tuple[Any, Any] = (self.stdout, self.stderr)
            raise CalledProcessError(self.returncode, self.args, *printed, self.report)

    def __repr__(self) -> str:
        text = super().__repr__()
        return f"{text[:-1]}, violations={len(self.violations)})" if self.violations else text


class CalledProcessError(_Reported, subprocess.CalledProcessError):
    """The command ran in its fence and failed. A ``subprocess.CalledProcessError``; it is no ``PaddockError``, which means that nothing has run."""

    def __init__(self, returncode: int, cmd: Any, output: str | bytes | None = None, stderr: str | bytes | None = None, report: RunReport = UNKNOWN) -> None:
        super().__init__(returncode, cmd, output, stderr)
        self.report = report

    def __str__(self) -> str:
        return super().__str__() + _refused(self.violations)


class TimeoutExpired(_Reported, subprocess.TimeoutExpired):
    """``timeout`` was over and everything inside was ended. As in ``subprocess``, the output so far is bytes, whatever the mode."""

    def __init__(self, cmd: Any, timeout: float, output: bytes | None = None, stderr: bytes | None = None, report: RunReport = UNKNOWN) -> None:
        super().__init__(cmd, timeout, output, stderr)
        self.report = report

    def __str__(self) -> str:
        return super().__str__() + _refused(self.violations)


def _refused(violations: tuple[Violation, ...]) -> str:
    """The likely reason, said where a traceback ends."""
    if not violations:
        return ""
    more = f" and {len(violations) - _NAMED} more" if len(violations) > _NAMED else ""
    return f" Refused: {', '.join(str(violation) for violation in violations[:_NAMED])}{more}."
