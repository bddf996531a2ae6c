"""All presets for one plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from paddock.errors import InternalError
from paddock.model.plan import Bind, PrivateFile
from paddock.model.policy import HostRule
from paddock.model.record import record, replace
from paddock.model.settings import Entry, Notice, Origin
from paddock.planner.presets import apt, cargo, certificates, git, go, gradle, maven, npm, pip, ssh
from paddock.planner.presets.base import Given, Gives
from paddock.planner.presets.cache import INSIDE, TEMPORARY, cache, kept

__all__ = ["Presets", "collect"]

# Configuration is always shown without its secrets; hosts only for the presets that the policy names.
_CONFIGURE: tuple[Callable[[Given, Gives], None], ...] = (
    npm.configure,
    pip.configure,
    git.configure,
    apt.configure,
    ssh.configure,
    cargo.configure,
    go.configure,
    maven.configure,
    gradle.configure,
    certificates.from_environment,
)
_HOSTS: dict[str, Callable[[Given, Gives], None]] = {
    "npm": npm.hosts,
    "pip": pip.hosts,
    "git": git.hosts,
    "apt": apt.hosts,
    "cargo": cargo.hosts,
    "go": go.hosts,
    "maven": maven.hosts,
    "gradle": gradle.hosts,
}


@record
class Presets:
    """What all presets together add to a plan."""

    files: tuple[PrivateFile, ...]
    links: tuple[tuple[str, Origin], ...]
    binds: tuple[Bind, ...]
    environment: dict[str, str]
    hosts: tuple[HostRule, ...]
    notices: tuple[Notice, ...]
    waiting: tuple[Entry, ...]
    accepted: tuple[Entry, ...]


def collect(given: Given, tools: Iterable[tuple[str, Origin]], *, project_root: str, cache_home: str, cache_possible: bool) -> Presets:
    """``tools`` are the presets that the policy names, whose hosts become reachable."""
    gives = Gives()
    base = INSIDE if cache_possible else TEMPORARY
    outside = kept(project_root, cache_home) if cache_possible else ""
    given = replace(given, caches=base, homes=base.rpartition("/")[0] if cache_possible else f"{base}/homes", kept=outside)
    for configure in _CONFIGURE:
        configure(given, gives)
    for name, origin in tools:
        hosts = _HOSTS.get(name)
        if hosts is None:
            raise InternalError(f"{origin}: the preset {name!r} passed validation and does not exist")
        hosts(given, gives)
    binds, variables = cache(project_root, cache_home, given.environ, given.writable, possible=cache_possible)
    return Presets(
        files=tuple(gives.files),
        links=tuple(gives.links),
        binds=(*binds, *gives.binds),
        environment={**variables, **gives.environment},
        hosts=tuple(gives.hosts),
        notices=tuple(gives.notices),
        waiting=tuple(gives.waiting),
        accepted=tuple(gives.accepted),
    )
