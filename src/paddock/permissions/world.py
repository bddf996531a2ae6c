"""What a decision depends on besides the rules: who asks, where, in which mode, and what the fence would do. Data, handed in; nothing is looked up here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from paddock.model import paths
from paddock.model.record import field, record
from paddock.permissions.ruleset import Hit

__all__ = ["REFERENCE", "STRICT", "Call", "Fencing", "Reading", "Reason", "Verdict", "World"]


class Call(NamedTuple):
    """One use of a tool, as the agent asks for it."""

    tool: str
    input: Mapping[str, object]

    def text(self, name: str) -> str:
        """A field that should be text; empty when it is not there or is something else."""
        value = self.input.get(name)
        return value if isinstance(value, str) else ""


class Reading(NamedTuple):
    """How closely command lines are read. Each is a row of ``settings/overrides.py``; the published format does none of them.

    ``folders``: a deny or ask rule about ``rm`` is also about ``/bin/rm``. ``inner``: and about the text that a shell, ``eval`` or ``trap`` is given.
    ``complete``: a line that ends within quotes is not allowed by a rule. ``every_part``: a line leaves the fence only when each of its commands is excluded.
    """

    folders: bool = True
    inner: bool = True
    complete: bool = True
    every_part: bool = True


STRICT = Reading()
REFERENCE = Reading(folders=False, inner=False, complete=False, every_part=False)


class Fencing(NamedTuple):
    """What the settings say about the fence. ``enabled``: shell commands run inside. ``auto_allow``: what runs inside needs no question.

    ``may_leave``: a call may ask to run outside. ``excluded``: patterns of commands that always run outside.
    """

    enabled: bool = False
    auto_allow: bool = True
    may_leave: bool = True
    excluded: tuple[str, ...] = ()


def _itself(path: str) -> Sequence[str]:
    return (path,)


@record
class World:
    """Paths are absolute and normalised. ``roots`` are the working folders besides ``additional`` (empty: the folder it stands in).

    ``steps`` gives a path and everywhere its links lead, the end last. ``mode`` is one of the documented modes.

    ``classifier``: somebody else decides what mode ``auto`` leaves open; without one it is ``default``. ``interactive``: there is a person to ask.
    """

    cwd: str
    home: str
    mode: str = "default"
    additional: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    interactive: bool = True
    classifier: bool = False
    bypass_available: bool = False
    platform: str = "linux"
    fencing: Fencing = field(default_factory=Fencing)
    reading: Reading = STRICT
    steps: Callable[[str], Sequence[str]] = _itself

    def works_in(self, path: str) -> bool:
        """Whether a path and everywhere its links lead lies in a working folder."""
        return all(any(paths.is_beneath(step, folder) for folder in (*(self.roots or (self.cwd,)), *self.additional)) for step in self.steps(path))


class Reason(NamedTuple):
    """One sentence of a decision. ``hit`` is the rule behind it, None when it was no rule. ``remedy``: what would change it, or empty."""

    text: str
    hit: Hit | None = None
    remedy: str = ""


class Verdict(NamedTuple):
    """``decision``: ``allow``, ``ask``, ``deny`` or ``classifier``. ``fenced``: whether a shell command would run inside; None for other tools.

    ``reasons`` begin with the one that decided.
    """

    decision: str
    reasons: tuple[Reason, ...]
    fenced: bool | None = None
