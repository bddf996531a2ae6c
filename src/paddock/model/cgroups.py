"""Control groups as the planner chooses them and the launcher makes them."""

from __future__ import annotations

from paddock.model.record import record

__all__ = ["CPU", "DISK", "MEMORY", "PROCESSES", "Cgroup"]

MEMORY = "memory"
PROCESSES = "pids"
CPU = "cpuacct"
"""The name of version 1; every cgroup of version 2 counts processor time without a controller."""
DISK = "disk"
"""No controller counts it: a word for what the supervisor watches."""


@record
class Cgroup:
    """A cgroup in which this user may make another, and what the new one would offer (cgroups(7)).

    ``folder`` is where it is seen on this host, ``home`` the cgroup of that hierarchy that Paddock itself is in, ``version`` 1 or 2, ``controllers`` are names
    out of this module.
    """

    version: int
    folder: str
    home: str
    controllers: tuple[str, ...]
