"""What happens to a connection under the domain lists when somebody could be asked. Spec 2.3. Pure.

The gate of a run asks nobody: for it, whatever is not allowed is refused (``network/decide.py``). Both use the one matcher of ``model/hosts.py``.
"""

from __future__ import annotations

from typing import NamedTuple

from paddock.model.hosts import Host, parse_pattern
from paddock.permissions.world import World

__all__ = ["HostRules", "decide_host"]


class HostRules(NamedTuple):
    """Patterns as they were written. ``strict``: whatever is not listed is refused without a question."""

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    strict: bool = False


def decide_host(host: Host, port: int, rules: HostRules, world: World) -> str:
    """``allow``, ``deny``, ``ask`` or ``classifier``. Raises ``HostError`` for a pattern that is none."""
    if any(pattern.matches(host, port) for text in rules.denied for pattern in parse_pattern(text, "deny")):
        return "deny"
    if any(pattern.matches(host, port) for text in rules.allowed for pattern in parse_pattern(text, "allow")):
        return "allow"
    if rules.strict or world.mode == "dontAsk":
        return "deny"
    if world.mode == "auto" and world.classifier:
        return "classifier"
    if world.mode == "bypassPermissions":
        return "allow"
    return "ask" if world.interactive else "deny"
