"""Canaries about processes, limits and variables."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

from paddock.model.plan import Plan
from paddock.session.verify_groups import wanted_together
from paddock.session.verify_host import HostSide
from paddock.session.verify_table import Canary, Evidence, all_of, words

__all__ = ["canaries"]

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
_MIB = 1 << 20
# What the fence gives each process on top: memory may be reserved that is never held, and the one who counts all processes is to speak first.
_RESERVED = 1 << 30
_PROCESSOR_GRACE = 2


def canaries(plan: Plan, host: HostSide) -> Iterator[Canary]:
    """In the order in which they are tried."""
    yield Canary("processes", "see a process of the host's", "processes", (host.process,), all_of("ENOENT"))
    yield Canary("signal", "signal a process of the host's", "signals", (host.process,), all_of("ESRCH", "EPERM"), _by_number)
    yield Canary("signal-group", "signal everybody in the process group", "group", (), all_of("ok", "EPERM"), _by_group, shown="nobody outside gets it")
    yield Canary("trace", "trace a process of the host's and read its memory", "trace", (host.process,), all_of("ESRCH", "EPERM"))
    yield Canary("trace-keeper", "trace process 1 of the fence and read its memory", "trace_keeper", (), all_of("EPERM", "EACCES", "EROFS"))
    yield Canary("shared-memory", "find a System V segment of the host's", "shared_memory", (host.segment,), all_of("EINVAL", "EIDRM"))
    outside = {name: os.readlink(f"/proc/self/ns/{name}") for name in NAMESPACES if os.path.lexists(f"/proc/self/ns/{name}")}
    yield Canary("namespaces", "share a namespace with the host", "namespaces", (outside,), all_of("own"))
    expects = {**all_of("none"), "NoNewPrivs": words("1"), "Seccomp": words("2")}
    yield Canary("capabilities", "hold or gain a capability, or have no filter", "status", (), expects, shown="none, none to gain, a filter")
    yield _limits(plan)
    yield Canary("limits-of-others", "change a limit of process 1", "limits_of_others", (), all_of("EPERM"))
    removed = sorted({variable.name for variable in plan.removed})
    arguments = (sorted(plan.environment), removed, "PATH" if "PATH" in plan.environment else next(iter(plan.environment), ""))
    yield Canary("variables", f"see a variable that is not passed on ({len(removed)} removed)", "variables", arguments, all_of("gone", "none"))


def _by_number(evidence: Evidence) -> str:
    return "a process of the host's got a signal" if signal.SIGURG in evidence.seen.signals else ""


def _by_group(evidence: Evidence) -> str:
    return "a process of the host's in the caller's group got a signal" if signal.SIGCHLD in evidence.seen.signals else ""


def _limits(plan: Plan) -> Canary:
    """The limits of each process, seen from inside; those of all processes together that a cgroup keeps, seen from outside."""
    limits = plan.limits
    wanted = {
        "RLIMIT_NPROC": limits.processes,
        "RLIMIT_DATA": None if limits.memory_mb is None else limits.memory_mb * _MIB + _RESERVED,
        "RLIMIT_FSIZE": None if limits.disk_mb is None else limits.disk_mb * _MIB,
        "RLIMIT_CPU": None if limits.cpu_seconds is None else limits.cpu_seconds + _PROCESSOR_GRACE,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_CORE": 1,
    }
    areas = {"/tmp": plan.tmp_bytes, "/dev/shm": plan.shm_bytes, "/run": plan.run_bytes}  # noqa: S108 -- the fence's own
    numbers = {name: value for name, value in wanted.items() if value is not None}
    together = wanted_together(plan)

    def missing(evidence: Evidence) -> str:
        left_out = ", ".join(sorted(together - evidence.counted))
        return f"no cgroup keeps the plan's limit for {left_out}" if left_out else ""

    tries = f"find one of {len(numbers)} limits of a process, {len(together)} of cgroups or three of memory file systems missing"
    return Canary("limits", tries, "limits", (numbers, areas), all_of("bound"), missing)
