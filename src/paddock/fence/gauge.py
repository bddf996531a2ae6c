"""Everything that counts for one fence, as one thing: its cgroups, its own ``/proc`` for the rest, and the kernel's last word at the end."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from paddock.fence.ports import Counts
from paddock.model.plan import Plan
from paddock.model.record import names, replace
from paddock.model.usage import NOTHING_KNOWN, Usage

if TYPE_CHECKING:
    from resource import struct_rusage

    from paddock.fence.counters import CgroupCounters
    from paddock.fence.processes import ProcessCounters

__all__ = ["Gauge"]

_KIB = 1024
_BLOCK = 512


class Gauge:
    """Gets its sources while the fence is built. Without any it knows only what ``finish`` is told."""

    def __init__(self, plan: Plan) -> None:
        self.usage: Usage = NOTHING_KNOWN
        self._plan = plan
        self._cgroups: CgroupCounters | None = None
        self._processes: ProcessCounters | None = None
        self._proc = -1
        self._last = Counts()

    def take_cgroups(self, fds: list[int]) -> None:
        """The pipe of the last figures and a folder of each cgroup of the plan."""
        from paddock.fence.counters import CgroupCounters  # most runs have none

        self._cgroups = CgroupCounters(self._plan.cgroups, fds[0], fds[1:])

    def take_processes(self, proc: int) -> None:
        """The root of the fence's ``/proc``."""
        self._proc = proc

    def counts(self, ended: Callable[[], tuple[int, int]], near: int) -> Counts:
        """One look. ``ended`` asks process 1 what the dead have taken: microseconds and bytes."""
        counts = Counts()
        if self._proc >= 0:
            counts = self._own().read(ended(), near=near, wanted=frozenset(self._plan.watched))
        if self._cgroups is not None:
            counts = _over(counts, self._cgroups.read())
        self._last = counts
        return counts

    def unlinked(self, devices: frozenset[int]) -> int:
        """See ``RunningFence.unlinked``."""
        return self._own().unlinked(devices) if self._proc >= 0 else 0

    @property
    def last(self) -> Counts:
        """The figures of the latest look."""
        return self._last

    def killed(self) -> int:
        """How many processes the kernel has ended for want of memory, as far as it is known."""
        return 0 if self._cgroups is None else self._cgroups.read().killed

    def finish(self, taken: struct_rusage | None) -> None:
        """Nothing runs any more: take the last figures over. ``taken`` is what wait4(2) gave for the launcher, and so for everything inside."""
        if self._cgroups is not None:
            self._cgroups.close()
            self._last = _over(self._last, self._cgroups.read())
        if self._proc >= 0:
            os.close(self._proc)
            self._proc = -1
        if taken is not None:
            self._last = self._with_rest(self._last, taken)
        counts = self._last
        self.usage = Usage(
            user_seconds=counts.user_seconds if taken is None or counts.user_seconds is not None else taken.ru_utime,
            system_seconds=counts.system_seconds if taken is None or counts.system_seconds is not None else taken.ru_stime,
            peak_memory_bytes=counts.peak_memory_bytes,
            largest_process_bytes=None if taken is None else taken.ru_maxrss * _KIB,
            peak_processes=counts.peak_processes,
            written_bytes=counts.written_bytes,
        )

    def _own(self) -> ProcessCounters:
        if self._processes is None:
            from paddock.fence.processes import ProcessCounters  # loaded at the first look: most commands are over by then

            self._processes = ProcessCounters(self._proc)
        return self._processes

    @staticmethod
    def _with_rest(counts: Counts, taken: struct_rusage) -> Counts:
        """The last look was before the end: the kernel's sums are later, and leave out whom nobody waited for."""
        counts = replace(counts, written_bytes=max(counts.written_bytes or 0, taken.ru_oublock * _BLOCK))
        if counts.user_seconds is None:
            counts = replace(counts, cpu_seconds=max(counts.cpu_seconds or 0.0, taken.ru_utime + taken.ru_stime))
        return counts


def _over(counts: Counts, known: Counts) -> Counts:
    """``counts``, with everything that ``known`` knows in its place."""
    changes = {name: value for name in names(Counts) if (value := getattr(known, name))}
    return replace(counts, **changes)
