"""By what each limit is kept on this host. Pure.

A cgroup keeps a limit for all processes together and stops them in the act, so it is taken wherever one can be made; version 2 before version 1. Where there is
none, memory and processor time are summed up by the supervisor, which ends the run when it sees a sum that is too high. What no way keeps is refused by
``require``.
"""

from __future__ import annotations

from paddock.host.facts import Facts
from paddock.model.cgroups import CPU, DISK, MEMORY, PROCESSES, Cgroup
from paddock.model.policy import Limits
from paddock.model.record import replace

__all__ = ["cgroups_for", "counts_by_user", "wants_cgroup", "watched"]

# Before this version RLIMIT_NPROC counts every process of the user on the machine, not only those of the user namespace.
_OWN_COUNT = (5, 14)


def wants_cgroup(limits: Limits) -> bool:
    """Whether these limits are kept better by a cgroup than without."""
    return limits.memory_mb is not None or limits.cpu_seconds is not None


def counts_by_user(facts: Facts) -> bool:
    """Whether RLIMIT_NPROC says nothing useful about a run: it does not bind user 0 (setrlimit(2)), and old kernels count other runs too."""
    return facts.uid == 0 or facts.kernel < _OWN_COUNT


def cgroups_for(limits: Limits, facts: Facts) -> tuple[Cgroup, ...]:
    """The cgroups to make, each with the controllers to use: one of version 2 for as much as it can do, version 1 for the rest."""
    missing = {MEMORY} if limits.memory_mb is not None else set()
    missing |= {CPU} if limits.cpu_seconds is not None else set()
    missing |= {PROCESSES} if limits.processes is not None and counts_by_user(facts) else set()
    chosen: list[Cgroup] = []
    # A process is in one cgroup of version 2 only: the nearest of those that do the most. max() keeps the first of equals.
    best = max((c for c in facts.cgroups if c.version == 2), key=lambda c: len(missing.intersection(c.controllers)), default=None)
    for cgroup in (*((best,) if best else ()), *(c for c in facts.cgroups if c.version == 1)):
        used = tuple(name for name in cgroup.controllers if name in missing)
        if used:
            chosen.append(replace(cgroup, controllers=used))
            missing.difference_update(used)
    return tuple(chosen)


def watched(limits: Limits, cgroups: tuple[Cgroup, ...]) -> tuple[str, ...]:
    """The limits that the supervisor counts for itself. Processes only to tell about them: the kernel is the one who refuses."""
    kept = {name for cgroup in cgroups for name in cgroup.controllers}
    wanted = ((MEMORY, limits.memory_mb), (CPU, limits.cpu_seconds), (DISK, limits.disk_mb), (PROCESSES, limits.processes))
    return tuple(name for name, value in wanted if value is not None and name not in kept)
