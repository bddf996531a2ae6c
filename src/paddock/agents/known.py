"""The agents that ``paddock install`` knows."""

from __future__ import annotations

from paddock.agents.inside import INSIDE
from paddock.agents.install_claude import ClaudeCode
from paddock.agents.install_mcp import McpServers
from paddock.agents.target import Target
from paddock.errors import UsageError

__all__ = ["NAMES", "has_hook", "target"]

_TARGETS: dict[str, Target] = {found.name: found for found in (ClaudeCode(), McpServers())}
NAMES = tuple(dict.fromkeys((*_TARGETS, *INSIDE)))
"""What is changed by ``install`` first, then agents that run inside as a whole."""


def has_hook(name: str) -> bool:
    """Whether this agent's configuration can make it use Paddock. Of the others, ``INSIDE`` knows how they run inside."""
    return name in _TARGETS


def target(name: str) -> Target:
    """An agent by name. Raises ``UsageError``."""
    found = _TARGETS.get(name)
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(name, NAMES, 1)
        raise UsageError(f"unknown agent {name!r}", hint=f"did you mean {near[0]}?" if near else f"one of: {', '.join(NAMES)}")
    return found
