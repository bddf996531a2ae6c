"""Whether a command starts fenced, and whether somebody is asked about an unlisted host: the documented semantics and what a run makes of them. Spec 2.1, 2.3.

Imported only where settings say something about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from paddock.model.settings import Notice, Origin, Settings
from paddock.settings.overrides import REFERENCE, RUN_FENCES, UNLISTED_HOSTS

__all__ = ["Start", "asks_about_hosts", "notices", "start"]

_STRICT = "sandbox.network.strictAllowlist"


class Start(NamedTuple):
    """What becomes of a command: whether it starts at all, fenced or not, and whether a warning is due."""

    starts: bool
    sandboxed: bool
    warning: bool


def start(settings: Settings, platform: str, *, available: bool, overrides: frozenset[str]) -> Start:
    """Whether and how a command starts on a host where the fence is ``available`` or not. Spec 2.1."""
    if platform in ("windows", "wsl1"):
        available = False  # neither ever was, spec 2.1
    if RUN_FENCES in overrides:
        return Start(starts=available, sandboxed=available, warning=False)
    platforms = {entry.value for entry in settings.list("sandbox.enabledPlatforms")}
    wanted = settings.scalar("sandbox.enabled", default=False) is True and (not platforms or platform in platforms)
    if not wanted or available:
        return Start(starts=True, sandboxed=wanted, warning=False)
    must = settings.scalar("sandbox.failIfUnavailable", default=False) is True
    return Start(starts=not must, sandboxed=False, warning=not must)


def asks_about_hosts(settings: Settings, overrides: frozenset[str]) -> bool:
    """Whether somebody is asked about a host that is not listed, in the modes that ask. Spec 2.3."""
    if UNLISTED_HOSTS in overrides:
        return False
    return not any(settings.scalar(key) is True for key in (_STRICT, "sandbox.network.allowManagedDomainsOnly"))


def notices(settings: Settings, platform: str, overrides: frozenset[str]) -> Iterator[Notice]:
    """What a run does not follow, said with its place."""
    if RUN_FENCES in overrides and not start(settings, platform, available=True, overrides=REFERENCE).sandboxed:
        for key, origin in _unfencing(settings):
            yield Notice(f"{key} would leave commands without a sandbox; `paddock run` fences", origin, "info")
    if UNLISTED_HOSTS in overrides and asks_about_hosts(settings, REFERENCE) and (entry := settings.scalars.get(_STRICT)) is not None:
        yield Notice(f"{_STRICT} is not followed: `paddock run` refuses unlisted hosts", entry.origin, "info")


def _unfencing(settings: Settings) -> Iterator[tuple[str, Origin]]:
    """The entries that say so; most settings only do not mention it, which nobody needs to hear about."""
    for key in ("sandbox.enabled", "sandbox.enabledPlatforms"):
        entry = settings.scalars.get(key) or next(iter(settings.list(key)), None)
        if entry is not None:
            yield key, entry.origin
