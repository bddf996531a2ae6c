"""Files that something outside may run, or obey, later, and that a run made or changed. Pure data.

Paths are those of the host; they come from inside the fence: escape them before they are shown. Named tuples, because every run loads this.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["GIT", "HARD_LINK", "KINDS", "LINK", "NAME", "NOTHING_PLANTED", "PROGRAM", "SCRIPT", "TOOL", "Candidate", "Planted", "PlantedFile"]

GIT = "git"
NAME = "name"
PROGRAM = "program"
SCRIPT = "script"
TOOL = "tool"
LINK = "link"
HARD_LINK = "hard-link"

KINDS: dict[str, str] = {
    GIT: "hooks and configuration of git, new repositories included",
    NAME: "protected names: agents, editors, shells, hook managers, package managers, pipelines",
    PROGRAM: "programs in a folder of the caller's `PATH`",
    SCRIPT: "executable scripts in the project's top folder and its `bin` and `scripts`",
    TOOL: "configuration that editors' plugins load as code",
    LINK: "symbolic links that lead out of what the command may write",
    HARD_LINK: "new files that have another name somewhere else",
}
"""Kind -> what belongs to it, in the order in which they are told."""


class Candidate(NamedTuple):
    """One place. ``made`` tells it from changed. ``reason`` says what reads or runs it; ``target`` is where a link leads."""

    path: str
    made: bool
    kind: str
    reason: str
    target: str = ""


class PlantedFile(NamedTuple):
    """A candidate with what it is now. ``sha256`` (hex) is empty for links and for what could not be read or is too large; ``size`` in bytes, or -1."""

    found: Candidate
    sha256: str = ""
    size: int = -1


class Planted(NamedTuple):
    """``files`` are the first of them, ``more`` counts the rest by kind. ``gaps`` are sentences about what was not looked at."""

    files: tuple[PlantedFile, ...] = ()
    more: tuple[tuple[str, int], ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many there are in all."""
        return len(self.files) + sum(count for _, count in self.more)


NOTHING_PLANTED = Planted()
