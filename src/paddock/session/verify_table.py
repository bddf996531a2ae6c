"""Which canaries a plan gets: for each what is tried, what must come back, and what must not be noticed outside. Pure but for looks at the host's files.

A canary that has no meaning in a plan (every host is allowed, nothing is hidden) says so; that is decided here, from the plan, never by what the probe says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from paddock.model.events import Event
from paddock.model.record import field, record
from paddock.session.verify_host import Seen

__all__ = ["ANY", "Canary", "Evidence", "all_of", "words"]

ANY = "*"
"""In ``expects``: everything that has no entry of its own."""


@record
class Evidence:
    """What is known besides the probe's own words: what was noticed outside, what the gate and the observer told, what the fence said about itself."""

    seen: Seen
    events: tuple[Event, ...]
    counted: frozenset[str] = frozenset()
    """Controllers of cgroups (words of ``model.cgroups``) that were seen to keep the plan's limit while the probe ran."""

    def refused(self, area: str, act: str, subject: str, reason: str = "") -> bool:
        """Whether this refusal was told, for this reason when one is given."""
        told = [event for event in self.events if event.kind == "violation" and (event.area, event.act, event.subject) == (area, act, subject)]
        return any(not reason or event.reason == reason for event in told)

    def said(self, part: str) -> bool:
        """Whether the fence said a sentence with this in it about itself."""
        return any(e.kind == "notice" and e.area == "run" and part in e.reason for e in self.events)


def _nothing(_evidence: Evidence) -> str:
    return ""


@record
class Canary:
    """``verb`` and ``arguments`` are for the probe. ``expects``: for each thing tried the words that count as the refusal that was meant.

    ``check`` gives an empty text, or what was noticed although the probe was refused. ``excuse`` gives an empty text, or why the fence could not refuse here,
    as it said itself. ``absent`` says why this canary does not apply; then nothing is tried.
    """

    name: str
    tries: str
    verb: str = ""
    arguments: tuple[object, ...] = ()
    expects: Mapping[str, frozenset[str]] = field(default_factory=dict)
    check: Callable[[Evidence], str] = _nothing
    excuse: Callable[[Evidence], str] = _nothing
    absent: str = ""
    shown: str = ""
    """What was to be expected, for people, where the words alone do not say it."""


def words(*names: str) -> frozenset[str]:
    """A set of words."""
    return frozenset(names)


def all_of(*names: str) -> Mapping[str, frozenset[str]]:
    """The same words for everything tried."""
    return {ANY: frozenset(names)}
