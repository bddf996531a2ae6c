"""What is said about the way in which each limit is kept. Pure; loaded only where somebody is told."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.model.cgroups import CPU, MEMORY, PROCESSES, Cgroup
from paddock.model.policy import Limits
from paddock.model.record import record

__all__ = ["Way", "ways"]


@record
class Way:
    """How one limit is kept. ``key`` and ``value`` as in the settings; ``by`` is a name for tables; ``means`` says what is promised, as half a sentence."""

    key: str
    value: str
    by: str
    means: str


def ways(limits: Limits, cgroups: tuple[Cgroup, ...]) -> Iterator[Way]:
    """Every limit that is set, and what keeps it."""
    version = {name: f"cgroup v{cgroup.version}" for cgroup in cgroups for name in cgroup.controllers}
    if limits.memory_mb is not None:
        means = "all processes and memory-backed files together; the kernel refuses more, and the run ends" if MEMORY in version else _SUMMED.format("held")
        yield Way("memoryMb", str(limits.memory_mb), version.get(MEMORY, "watcher"), means)
    if limits.disk_mb is not None:
        means = "one file by RLIMIT_FSIZE, at once; all files that the run makes or changes by the watcher, about ten times a second"
        yield Way("diskMb", str(limits.disk_mb), "rlimit and watcher", means)
    if limits.processes is not None:
        means = "the next one is refused (EAGAIN), which the command has to live with"
        yield Way("processes", str(limits.processes), version.get(PROCESSES, "rlimit"), means)
    if limits.cpu_seconds is not None:
        means = "all processes together, counted by the kernel, looked at about ten times a second" if CPU in version else _SUMMED.format("used")
        yield Way("cpuSeconds", str(limits.cpu_seconds), version.get(CPU, "watcher"), means)
    if limits.timeout_seconds is not None:
        yield Way("timeoutSeconds", f"{limits.timeout_seconds:g}", "clock", "the whole run: SIGTERM, and two seconds later the end")
    if limits.open_files is not None:
        yield Way("openFiles", str(limits.open_files), "rlimit", "each process; the next one is refused (EMFILE)")


_SUMMED = "what all processes {} is added up about ten times a second: a run can go past the limit for that long before it is ended"
