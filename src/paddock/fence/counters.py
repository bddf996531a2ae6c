"""Reading what the cgroups of a run have counted, of either version."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from paddock.fence.ports import Counts
from paddock.model.cgroups import CPU, MEMORY, PROCESSES, Cgroup
from paddock.model.record import replace

__all__ = ["CgroupCounters", "counts_of", "pack", "read_all", "unpack"]

_FILES = {
    (1, MEMORY): ("memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"),
    (2, MEMORY): ("memory.current", "memory.peak", "memory.events"),
    (1, PROCESSES): ("pids.current", "pids.peak", "pids.events"),
    (2, PROCESSES): ("pids.current", "pids.peak", "pids.events"),
    (1, CPU): ("cpuacct.usage", "cpuacct.usage_user", "cpuacct.usage_sys"),
    (2, CPU): ("cpu.stat",),
}
"""``memory.peak`` came with Linux 5.19 and ``pids.peak`` with 6.11: what is missing is not counted."""

_LARGEST_FILE = 65536
_NANO = 1_000_000_000
_MICRO = 1_000_000


def read_all(cgroup: Cgroup, folder: int) -> dict[str, str]:
    """The text of every file of this cgroup that counts something; files that this kernel does not have are left out."""
    return {name: text for controller in cgroup.controllers for name in _FILES[cgroup.version, controller] if (text := _read(folder, name))}


def _read(folder: int, name: str) -> str:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return ""  # not in this kernel, or the cgroup is gone
    try:
        return os.read(fd, _LARGEST_FILE).decode("ascii", "replace")
    except OSError:
        return ""  # removed in between (ENODEV)
    finally:
        os.close(fd)


def pack(readings: Iterable[Mapping[str, str]]) -> bytes:
    """For a pipe: names and texts, each ended by NUL."""
    return b"".join(f"{name}\0{text}\0".encode("ascii", "replace") for reading in readings for name, text in reading.items())


def unpack(data: bytes) -> dict[str, str]:
    """The other direction. File names of different controllers differ, so one mapping holds all."""
    words = data.decode("ascii", "replace").split("\0")
    return dict(zip(words[0::2], words[1::2], strict=False))


def counts_of(files: Mapping[str, str]) -> Counts:
    """The figures in these files, whichever version they are of."""
    events = _table(files.get("memory.events", "")) or _table(files.get("memory.oom_control", ""))
    counts = Counts(
        memory_bytes=_first(files, "memory.current", "memory.usage_in_bytes"),
        peak_memory_bytes=_first(files, "memory.peak", "memory.max_usage_in_bytes"),
        processes=_first(files, "pids.current"),
        peak_processes=_first(files, "pids.peak"),
        killed=events.get("oom_kill", 0),
        refused=_table(files.get("pids.events", "")).get("max", 0),
    )
    if "cpu.stat" in files:
        times = _table(files["cpu.stat"])
        names = ("usage_usec", "user_usec", "system_usec")
        whole, user, system = (times[name] / _MICRO if name in times else None for name in names)
        return replace(counts, cpu_seconds=whole, user_seconds=user, system_seconds=system)
    whole, user, system = (None if (n := _first(files, name)) is None else n / _NANO for name in ("cpuacct.usage", "cpuacct.usage_user", "cpuacct.usage_sys"))
    return replace(counts, cpu_seconds=whole, user_seconds=user, system_seconds=system)


def _first(files: Mapping[str, str], *names: str) -> int | None:
    return next((int(text) for name in names if (text := files.get(name, "").strip()).isdecimal()), None)


def _table(text: str) -> dict[str, int]:
    """Lines of a name and a number."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


class CgroupCounters:
    """The supervisor's side. ``folders`` are in the order of ``cgroups``; ``last`` is a pipe that holds the last figures when the launcher has ended."""

    def __init__(self, cgroups: tuple[Cgroup, ...], last: int, folders: list[int]) -> None:
        self._cgroups = cgroups
        self._last = last
        self._folders = folders
        self._final: Counts | None = None

    def read(self) -> Counts:
        """What they count now; after ``close`` what they counted in the end."""
        if self._final is not None:
            return self._final
        files: dict[str, str] = {}
        for cgroup, folder in zip(self._cgroups, self._folders, strict=True):
            files |= read_all(cgroup, folder)
        return counts_of(files)

    def close(self) -> None:
        """Take over the last figures. Only when the launcher has ended."""
        data = b""
        while chunk := os.read(self._last, _LARGEST_FILE):
            data += chunk
        self._final = counts_of(unpack(data))
        for fd in (self._last, *self._folders):
            os.close(fd)
        self._folders = []
