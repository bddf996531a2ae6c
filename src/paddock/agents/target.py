"""What ``paddock install`` knows about an agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from paddock.agents.configuration import Change

__all__ = ["Coverage", "Target"]


class Coverage(NamedTuple):
    """One row of the honest table: a part of the agent, what happens to it, and how that is known (empty: by the agent's documentation only)."""

    part: str
    what: str
    known: str


class Target:
    """An agent whose configuration Paddock edits. ``scopes`` are those that it can be installed in, the usual one first."""

    name: ClassVar[str]
    title: ClassVar[str]
    scopes: ClassVar[tuple[str, ...]]
    coverage: ClassVar[tuple[Coverage, ...]]
    every_scope: ClassVar[bool] = False
    """Whether all scopes whose files exist are meant where none is named."""
    words: ClassVar[tuple[str, str, str, str]] = ("now asks Paddock", "asks Paddock already", "no longer asks Paddock", "does not ask Paddock")
    """What is true after installing, and was before; after taking it out, and before."""

    def path(self, scope: str, *, project: str, environ: Mapping[str, str]) -> str:
        """The file of a scope, links followed. Raises ``UsageError`` when it cannot be told."""
        raise NotImplementedError

    def install(self, path: str, program: str) -> Change:
        """The change that makes the agent call ``program``. Raises ``SettingsError`` for a file that is not understood."""
        raise NotImplementedError

    def remove(self, path: str) -> Change:
        """The change that takes out what ``install`` adds, and nothing else."""
        raise NotImplementedError

    def notes(self, path: str) -> list[str]:
        """Sentences about this file that a person should hear."""
        raise NotImplementedError
