"""All presets for one plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from paddock.errors import InternalError
from paddock.model.plan import Bind, PrivateFile
from paddock.model.policy import HostRule
from paddock.model.settings import Notice, Origin
from paddock.planner.presets import apt, certificates, git, npm, pip, ssh
from paddock.planner.presets.base import Given, Gives
from paddock.planner.presets.cache import cache

__all__ = ["Presets", "collect"]

# Configuration is always shown without its secrets; hosts only for the presets that the policy names.
_CONFIGURE: tuple[Callable[[Given, Gives], None], ...] = (
    npm.configure,
    pip.configure,
    git.configure,
    apt.configure,
    ssh.configure,
    certificates.from_environment,
)
_HOSTS: dict[str, Callable[[Given, Gives], None]] = {"npm": npm.hosts, "pip": pip.hosts, "git": git.hosts, "apt": apt.hosts}


@dataclass(frozen=True, slots=True)
class Presets:
    """What all presets together add to a plan."""

    files: tuple[PrivateFile, ...]
    links: tuple[tuple[str, Origin], ...]
    binds: tuple[Bind, ...]
    environment: dict[str, str]
    hosts: tuple[HostRule, ...]
    notices: tuple[Notice, ...]


def collect(given: Given, tools: Iterable[tuple[str, Origin]], *, project_root: str, cache_home: str, cache_possible: bool) -> Presets:
    """``tools`` are the presets that the policy names, whose hosts become reachable."""
    gives = Gives()
    for configure in _CONFIGURE:
        configure(given, gives)
    for name, origin in tools:
        hosts = _HOSTS.get(name)
        if hosts is None:
            raise InternalError(f"{origin}: the preset {name!r} passed validation and does not exist")
        hosts(given, gives)
    binds, variables = cache(project_root, cache_home, given.environ, given.writable, possible=cache_possible)
    return Presets(tuple(gives.files), tuple(gives.links), binds, {**variables, **gives.environment}, tuple(gives.hosts), tuple(gives.notices))
