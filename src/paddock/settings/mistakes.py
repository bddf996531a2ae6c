"""What a person probably meant by a name that does not exist. Loaded only when there is such a name."""

from __future__ import annotations

from difflib import get_close_matches

from paddock.settings.table import KEYS, SECTIONS

__all__ = ["explain"]

_REWRITES = {
    "sandbox.mode": '"sandbox": {"enabled": true}; there is no mode, the lists below sandbox.filesystem and sandbox.network say what is allowed',
    "sandbox.network.allow": '"sandbox": {"network": {"allowedDomains": […]}}',
    "sandbox.network.deny": '"sandbox": {"network": {"deniedDomains": […]}}',
    "sandbox.network.allowed": '"sandbox": {"network": {"allowedDomains": […]}}',
    "sandbox.network.denied": '"sandbox": {"network": {"deniedDomains": […]}}',
    "sandbox.network.domains": '"sandbox": {"network": {"allowedDomains": […]}}',
    "sandbox.network.allowDomains": '"sandbox": {"network": {"allowedDomains": […]}}',
    "sandbox.network.denyDomains": '"sandbox": {"network": {"deniedDomains": […]}}',
    "sandbox.network.enabled": "there is no such switch; nothing is reachable unless sandbox.network.allowedDomains lists it",
    "sandbox.filesystem.read": '"sandbox": {"filesystem": {"denyRead": […], "allowRead": […]}}',
    "sandbox.filesystem.write": '"sandbox": {"filesystem": {"allowWrite": […], "denyWrite": […]}}',
    "sandbox.filesystem.deny": '"sandbox": {"filesystem": {"denyRead": […], "denyWrite": […]}}',
    "sandbox.filesystem.allow": '"sandbox": {"filesystem": {"allowRead": […], "allowWrite": […]}}',
    "permissions.mode": '"permissions": {"defaultMode": …}',
}
"""Forms that articles and older tools show, and what the format has in their place (spec 2.5 and 10, row 38)."""


def explain(dotted: str) -> tuple[str, str]:
    """Message and hint for an unknown name below ``sandbox``, ``permissions`` or ``paddock``."""
    message = f"unknown setting {dotted}" if dotted.isprintable() else f"unknown setting {dotted!r}"
    if dotted in _REWRITES:
        return message, f"write {_REWRITES[dotted]}"
    section, _, name = dotted.rpartition(".")
    elsewhere = [key for key in KEYS if key.rpartition(".")[2] == name and key.partition(".")[0] == dotted.partition(".")[0]]
    if elsewhere:
        return message, f"did you mean {elsewhere[0]}?"
    siblings = [known for known in (*KEYS, *SECTIONS) if known.rpartition(".")[0] == section]
    folded = {known.rpartition(".")[2].lower(): known for known in siblings}
    near = get_close_matches(name.lower(), list(folded), 1, 0.6)
    if near:
        return message, f"did you mean {folded[near[0]]}?"
    anywhere = get_close_matches(dotted, list(KEYS), 1, 0.75)
    if anywhere:
        return message, f"did you mean {anywhere[0]}?"
    return message, "known here: " + ", ".join(sorted(known.rpartition(".")[2] for known in siblings))
