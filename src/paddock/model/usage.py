"""What one run took from the machine, as far as somebody counted."""

from __future__ import annotations

from paddock.model.record import record

__all__ = ["NOTHING_KNOWN", "Usage"]


@record
class Usage:
    """Figures of a whole fence, from before its first process to after its last. None stands for "not measured here", never for "nothing".

    ``wall_seconds``: monotonic clock, from before the fence to after its end.

    ``user_seconds``, ``system_seconds``: processor time of every process inside and of the two that build the fence (a few milliseconds). From the run's cgroup
    where there is one (cgroups(7)); otherwise from getrusage(2), which leaves out processes for which nobody waited.

    ``peak_memory_bytes``: the most that all processes held together, from the cgroup (``memory.peak``, ``memory.max_usage_in_bytes``) or the highest sum that a
    memory limit's watcher saw. None when nothing counted the sum.

    ``largest_process_bytes``: the most that one single process had resident (``ru_maxrss``); never below what a process of Paddock's own has.

    ``peak_processes``: the most processes and threads at a time, from the cgroup (``pids.peak``) or a watcher.

    ``written_bytes``: what the run added below its write roots, where ``paddock.limits.diskMb`` had it counted. Memory-backed areas are not in it.
    """

    wall_seconds: float | None = None
    user_seconds: float | None = None
    system_seconds: float | None = None
    peak_memory_bytes: int | None = None
    largest_process_bytes: int | None = None
    peak_processes: int | None = None
    written_bytes: int | None = None


NOTHING_KNOWN = Usage()
