"""Whether the cgroups of a running fence keep what its plan says. They are made outside, and what is inside does not see them (cgroups(7))."""

from __future__ import annotations

import os

from paddock.fence.launcher.limits import OWN_MEMORY, OWN_PROCESSES
from paddock.model.cgroups import MEMORY, PROCESSES, Cgroup
from paddock.model.plan import Plan

__all__ = ["limits_in_force", "wanted_together"]

_MIB = 1 << 20


def wanted_together(plan: Plan) -> frozenset[str]:
    """Controllers that this plan has a limit for and a cgroup."""
    return frozenset(controller for cgroup in plan.cgroups for controller in cgroup.controllers if _limit(plan, controller) is not None)


def limits_in_force(plan: Plan, *, besides: int) -> frozenset[str]:
    """Those whose limit is in force in a cgroup that a child of this process has made and something is in. ``besides`` is a child that is no launcher."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        launchers = [int(pid) for pid in file.read().split() if int(pid) != besides]
    found: set[str] = set()
    for cgroup in plan.cgroups:
        for launcher in launchers:
            folder = f"{cgroup.folder}/paddock-{launcher}"
            found.update(controller for controller in cgroup.controllers if _is_kept(plan, cgroup, controller, folder))
    return frozenset(found)


def _is_kept(plan: Plan, cgroup: Cgroup, controller: str, folder: str) -> bool:
    most = _limit(plan, controller)
    name = "pids.max" if controller == PROCESSES else "memory.max" if cgroup.version == 2 else "memory.limit_in_bytes"
    value = _read(f"{folder}/{name}")
    return most is not None and value.isdecimal() and int(value) <= most and bool(_read(f"{folder}/cgroup.procs"))


def _limit(plan: Plan, controller: str) -> int | None:
    """The most that a cgroup may allow: the plan's limit and what process 1 takes."""
    limits = plan.limits
    if controller == PROCESSES and limits.processes is not None:
        return limits.processes + OWN_PROCESSES
    if controller == MEMORY and limits.memory_mb is not None:
        return limits.memory_mb * _MIB + OWN_MEMORY
    return None


def _read(path: str) -> str:
    """Empty for what is not there."""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
