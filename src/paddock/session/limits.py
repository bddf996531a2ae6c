"""Limits on what all processes of a run take together: looking at them while it goes on, ending the run at one that was passed, and saying which it was.

What the kernel refuses by itself (a process too many, memory of a cgroup) is only told here. For the rest the supervisor looks about ten times a second; the
looks come apart when they cost more than a twentieth of the time, or a quarter of it when half of the memory is taken.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping

from paddock.fence.ports import Counts, RunningFence
from paddock.model.cgroups import CPU, MEMORY, PROCESSES
from paddock.model.events import Event, EventSink
from paddock.model.plan import Access, Plan
from paddock.model.settings import Entry, Origin, Scope
from paddock.session.growth import Growth
from paddock.session.supervise import LIMIT_EXIT, Ending, Loop

__all__ = ["Warden"]

PERIOD_SECONDS = 0.1
SHORTEST_SECONDS = 0.02
# Bytes that a few processes together fill in a second.
FASTEST = 4 << 30
# Where nothing has to be ended in time, only told.
CALM_SECONDS = (0.25, 5.0)
# A look may cost this part of the time, and may come this much later for it.
COST = 20
COST_NEAR = 4
LATEST_SECONDS = 1.0
# How long the last search for what was written may take when everything is over.
LAST_WALK_SECONDS = 5.0

_MIB = 1 << 20
_PREFIX = "paddock.limits."
_XCPU, _XFSZ = 128 + signal.SIGXCPU, 128 + signal.SIGXFSZ


class Warden:
    """One for a run. Made before the command starts, where disk is counted. ``rules`` hold where each limit was set, by its key."""

    def __init__(self, plan: Plan, rules: Mapping[str, Entry], events: EventSink) -> None:
        self._plan = plan
        self._rules = rules
        self._events = events
        self._told: set[str] = set()
        self._calm = CALM_SECONDS[0]
        self._kernel_keeps = {name for cgroup in plan.cgroups for name in cgroup.controllers}
        self._growth: Growth | None = None
        if plan.limits.disk_mb is not None:
            roots = [place.path for place in plan.layout if place.access is Access.WRITE] + [bind.source for bind in plan.binds]
            self._growth = Growth(roots, plan.limits.disk_mb * _MIB)

    def watch(self, fence: RunningFence, loop: Loop, heed: Callable[[], None]) -> None:
        """Look from now on, until the run is over. ``heed`` is called when process 1 was asked something: it may have said more than the answer."""

        def look() -> None:
            began = time.monotonic()
            try:
                counts = fence.counts(near=(self._plan.limits.memory_mb or 0) * _MIB)
                over = self._over(counts) or self._too_much_written(counts, fence)
            except (BrokenPipeError, ConnectionResetError):
                return  # the fence is ending: the control descriptor says the rest
            heed()
            if over:
                loop.end(Ending(LIMIT_EXIT, "limit"))
            loop.later(self._pause(counts, time.monotonic() - began), look)

        loop.later(0.0 if self._is_calm else self._period(Counts()), look)

    def settle(self, ending: Ending, counts: Counts) -> Ending:
        """How the run ended, now that the last figures are in: a limit that was passed just before a command's own end is passed all the same."""
        over = self._over(counts)
        if self._growth is not None and not over and "diskMb" not in self._told and self._growth.settle(counts.written_bytes or 0, LAST_WALK_SECONDS):
            over = self._tell_disk(self._growth)
        if ending.cause == "timeout":
            seconds = self._plan.limits.timeout_seconds or 0
            self._tell("timeoutSeconds", f"the run took longer than {seconds:g} s and was ended", f"{seconds * 2:g}", limit=seconds)
        if ending.cause == "command" and over:
            return Ending(LIMIT_EXIT, "limit")
        if ending.code == _XFSZ and self._growth is not None and "diskMb" not in self._told:
            limit = self._growth.limit // _MIB
            self._tell("diskMb", f"a file would have grown beyond {limit} MiB, which ended the command", str(limit * 2), limit=limit)
        return ending

    @property
    def _is_calm(self) -> bool:
        """Whether there is nothing to be ended, only to be told."""
        return self._plan.limits.memory_mb is None and self._plan.limits.cpu_seconds is None and self._growth is None

    def _pause(self, counts: Counts, cost: float) -> float:
        if self._growth is not None and self._growth.walking:
            return cost  # a walk goes on in pieces, with as much time between them for everything else
        if not self._is_calm:
            return min(max(self._period(counts), cost * (COST_NEAR if self._is_near(counts) else COST)), LATEST_SECONDS)
        near = (counts.processes or 0) * 2 >= (self._plan.limits.processes or 0)
        self._calm = CALM_SECONDS[0] if near else min(self._calm * 2, CALM_SECONDS[1])
        return self._calm

    def _is_near(self, counts: Counts) -> bool:
        """Whether half of the memory is taken: then looking may cost more."""
        return (counts.memory_bytes or 0) * 2 > (self._plan.limits.memory_mb or 0) * _MIB

    def _period(self, counts: Counts) -> float:
        """Sooner the less room is left: memory can be filled within the usual pause."""
        if self._plan.limits.memory_mb is None or MEMORY in self._kernel_keeps:
            return PERIOD_SECONDS
        room = self._plan.limits.memory_mb * _MIB - (counts.memory_bytes or 0)
        return min(PERIOD_SECONDS, max(SHORTEST_SECONDS, room / FASTEST))

    def _over(self, counts: Counts) -> bool:
        """Whether the run has to end. Tells about every limit at most once."""
        limits = self._plan.limits
        if limits.processes is not None:
            self._tell_processes(counts, limits.processes)
        if limits.memory_mb is not None and self._too_much_memory(counts, limits.memory_mb):
            return True
        if limits.cpu_seconds is not None and counts.cpu_seconds is not None and counts.cpu_seconds >= limits.cpu_seconds:
            used = round(counts.cpu_seconds, 2)
            reason = f"all processes together used {used:g} s of processor time of {limits.cpu_seconds} s: the run was ended"
            self._tell("cpuSeconds", reason, str(limits.cpu_seconds * 2), limit=limits.cpu_seconds, measured=used, way=self._way(CPU))
            return True
        return False

    def _too_much_memory(self, counts: Counts, limit: int) -> bool:
        if counts.killed:
            reason = f"all processes together reached {limit} MiB and the kernel ended one of them: the run was ended"
            self._tell("memoryMb", reason, str(limit * 2), limit=limit, measured=(counts.peak_memory_bytes or 0) // _MIB, way=self._way(MEMORY))
            return True
        held = counts.memory_bytes or 0
        if MEMORY in self._kernel_keeps or held <= limit * _MIB:
            return False
        reason = f"all processes together held {held // _MIB} MiB, more than {limit} MiB: the run was ended"
        self._tell("memoryMb", reason, str(limit * 2), limit=limit, measured=held // _MIB, way=self._way(MEMORY))
        return True

    def _too_much_written(self, counts: Counts, fence: RunningFence) -> bool:
        growth = self._growth
        if growth is None or not growth.look(counts.written_bytes or 0, lambda: fence.unlinked(growth.devices), unseen=counts.unseen):
            return False
        return self._tell_disk(growth)

    def _tell_disk(self, growth: Growth) -> bool:
        limit, found = growth.limit // _MIB, growth.measured // _MIB
        reason = f"the files that the run made or changed take {found} MiB of {limit} MiB: the run was ended"
        self._tell("diskMb", reason, str(limit * 2), limit=limit, measured=found, way="watcher")
        return True

    def _tell_processes(self, counts: Counts, limit: int) -> None:
        if counts.refused:
            self._tell("processes", f"{limit} processes and threads ran at a time: more were refused", str(limit * 2), limit=limit, way=self._way(PROCESSES))
        elif PROCESSES not in self._kernel_keeps and (counts.processes or 0) + 1 >= limit:  # process 1 is counted too
            self._tell("processes", f"{limit} processes and threads ran at a time: more are refused", str(limit * 2), limit=limit, way="rlimit")

    def _way(self, controller: str) -> str:
        return next((f"cgroup v{cgroup.version}" for cgroup in self._plan.cgroups if controller in cgroup.controllers), "watcher")

    def _tell(self, name: str, reason: str, more: str, **detail: str | float) -> None:
        if name in self._told:
            return
        self._told.add(name)
        entry = self._rules.get(_PREFIX + name)
        rule = None if entry is None else entry.origin
        self._events.emit(Event("violation", "run", "limit", name, reason, rule, _remedy(name, more, rule), tuple(detail.items())))


def _remedy(name: str, more: str, rule: Origin | None) -> str:
    if rule is None or rule.scope is Scope.MANAGED:
        return ""
    if rule.file.startswith("--") and rule.file != "--settings":
        return f"{rule.file} {more}"
    return f'"paddock": {{"limits": {{"{name}": {more}}}}}'
