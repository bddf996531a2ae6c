"""The agents that ``paddock install`` knows."""

from __future__ import annotations

from paddock.agents.install_claude import ClaudeCode
from paddock.agents.target import Target
from paddock.errors import UsageError

__all__ = ["NAMES", "target"]

_TARGETS: dict[str, Target] = {found.name: found for found in (ClaudeCode(),)}
NAMES = tuple(_TARGETS)


def target(name: str) -> Target:
    """An agent by name. Raises ``UsageError``."""
    found = _TARGETS.get(name)
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(name, NAMES, 1)
        raise UsageError(f"unknown agent {name!r}", hint=f"did you mean {near[0]}?" if near else f"one of: {', '.join(NAMES)}")
    return found
