"""Adding up what the processes of a fence take, where no cgroup does it. All of them are found in the fence's own ``/proc``, whose root is handed in: it lists
nothing else, so a look costs what the fence holds, whatever runs beside it.

Memory is ``RssAnon`` + ``RssShmem`` + ``VmSwap`` of ``/proc/PID/status``: what a process cannot give back without writing it somewhere, and what every user
may read. Pages shared after a fork count once for each process there, so a sum that comes near a limit is taken again as proportional sizes
(``smaps_rollup``), which share them out, and which cost a walk through the page tables. ``VmRSS`` would count program files that others hold in memory anyway.

Processor time and bytes written are those of the living plus what process 1 has from the dead (wait4(2)). Of a process for which nobody waits the kernel keeps
nothing; what it had at the last look is kept here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from paddock.fence.ports import Counts
from paddock.model.cgroups import CPU, DISK, MEMORY
from paddock.model.record import slotted

__all__ = ["ProcessCounters"]

_TICKS = os.sysconf("SC_CLK_TCK")
_MICRO = 1_000_000
_KIB = 1024
_BLOCK = 512
_LARGEST_FILE = 16384
_KEEPER = "1"
_MOST_DESCRIPTORS = 20_000
"""Of one look for files without a name."""


@slotted
class _Lost:
    """A sum over the living falls when a process ends unseen. What it fell by is added again."""

    before: int = 0
    lost: int = 0

    def total(self, now: int) -> int:
        self.lost += max(0, self.before - now)
        self.before = now
        return now + self.lost


class _Times:
    """Processor time, in ticks, of processes known by id and start time.

    What somebody waited for has moved from the dead to the waiter's sum for children. What has not moved there is lost to the kernel, and is kept here as it
    was at the last look.
    """

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], tuple[int, int]] = {}
        self._ended = 0
        self._lost = 0

    def total(self, ended: int, now: dict[tuple[str, str], tuple[int, int]]) -> int:
        """``ended`` is process 1's sum for children; ``now`` has (own, children's) for every process that lives."""
        moved = ended - self._ended + sum(children - self._before.get(key, (0, 0))[1] for key, (_, children) in now.items())
        gone = sum(own + children for key, (own, children) in self._before.items() if key not in now)
        self._lost += max(0, gone - moved)
        self._before, self._ended = now, ended
        return ended + self._lost + sum(own + children for own, children in now.values())


class ProcessCounters:
    """``proc`` is a descriptor of the root of the fence's ``/proc``; it stays the caller's."""

    def __init__(self, proc: int) -> None:
        self._proc = proc
        self._cpu = _Times()
        self._written = _Lost()
        self._peak_memory = 0
        self._peak_processes = 0
        self._shared_before = _shared_memory()
        self._memory_device = _memory_device()
        self._unseen = False

    def read(self, ended: tuple[int, int], *, near: int, wanted: frozenset[str]) -> Counts:
        """One look. ``ended`` is what process 1 knows of the dead: microseconds, bytes. ``wanted`` are words of ``Plan.watched``; nothing else is looked at."""
        pids = [name for name in os.listdir(self._proc) if name.isdecimal() and name != _KEEPER]
        self._unseen = False
        times: dict[tuple[str, str], tuple[int, int]] = {}
        processes = 0
        for pid, fields in self._stats(pids):
            user, system, user_ended, system_ended = map(int, fields[11:15])  # fields 14 to 17 of proc(5), counted from after the name
            times[pid, fields[19]] = (user + system, user_ended + system_ended)  # starttime
            processes += int(fields[17])  # num_threads
        self._peak_processes = max(self._peak_processes, processes)
        memory = self._memory(pids, near) if MEMORY in wanted else None
        self._peak_memory = max(self._peak_memory, memory or 0)
        written = self._written.total(ended[1] + sum(map(self._written_by, pids))) if DISK in wanted else None
        return Counts(
            memory_bytes=memory,
            peak_memory_bytes=None if memory is None else self._peak_memory,
            cpu_seconds=self._cpu.total(ended[0] * _TICKS // _MICRO, times) / _TICKS if CPU in wanted else None,
            processes=processes,
            peak_processes=self._peak_processes,
            written_bytes=written,
            unseen=self._unseen,
        )

    def unlinked(self, devices: frozenset[int]) -> int:
        """Bytes of files on ``devices`` that have no name any more and are held open."""
        pids = (name for name in os.listdir(self._proc) if name.isdecimal() and name != _KEEPER)
        return sum(size for (device, _), size in self._nameless(pids).items() if device in devices)

    def _stats(self, pids: list[str]) -> Iterator[tuple[str, list[str]]]:
        for pid in pids:
            text = self._text(pid, "stat")
            if text:
                yield pid, text.rpartition(")")[2].split()

    def _memory(self, pids: list[str], near: int) -> int:
        """The cheap sum, or from ``near`` on the exact one; files in memory that no process has mapped are in neither, so they are looked for then."""
        held = {pid: _status(self._text(pid, "status")) for pid in pids}
        mapped = sum(private + shared for private, shared in held.values())
        if not near or mapped + max(0, _shared_memory() - self._shared_before) < near:
            return mapped
        exact = [_rollup(self._text(pid, "smaps_rollup")) or held[pid] for pid in pids]
        files = sum(size for (device, _), size in self._nameless(iter(pids)).items() if device == self._memory_device)
        if self._unseen:
            files = max(files, _shared_memory() - self._shared_before)
        return sum(private for private, _ in exact) + max(files, sum(shared for _, shared in exact))

    def _written_by(self, pid: str) -> int:
        for line in self._text(pid, "io").splitlines():
            name, _, value = line.partition(": ")
            if name == "write_bytes":
                return int(value)
        return 0

    def _nameless(self, pids: Iterator[str]) -> dict[tuple[int, int], int]:
        found: dict[tuple[int, int], int] = {}
        seen = 0
        for pid in pids:
            for fd in self._names(f"{pid}/fd"):
                seen += 1
                if seen > _MOST_DESCRIPTORS:
                    return found
                try:
                    status = os.stat(f"{pid}/fd/{fd}", dir_fd=self._proc)
                except OSError:
                    continue  # closed, or gone
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                    found[status.st_dev, status.st_ino] = status.st_blocks * _BLOCK
        return found

    def _names(self, folder: str) -> list[str]:
        try:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._proc)
        except PermissionError:
            self._unseen = True  # a process can close itself to its own user (PR_SET_DUMPABLE)
            return []
        except OSError:
            return []  # it has ended
        try:
            return os.listdir(fd)
        except OSError:
            return []  # it has just ended
        finally:
            os.close(fd)

    def _text(self, pid: str, name: str) -> str:
        """Empty for a process that has ended, and for what this user may not read."""
        try:
            fd = os.open(f"{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
        except PermissionError:
            self._unseen = True
            return ""
        except OSError:
            return ""
        try:
            return os.read(fd, _LARGEST_FILE).decode("utf-8", "replace")
        except OSError:
            return ""
        finally:
            os.close(fd)


def _shared_memory() -> int:
    """What the whole machine has in memory-backed files, mapped or not: it tells when to look closer, nothing more."""
    with open("/proc/meminfo", encoding="ascii") as file:
        return _kibibytes(file.read()).get("Shmem", 0)


def _memory_device() -> int:
    """The file system in which every memory file lies (memfd_create(2))."""
    fd = os.memfd_create("paddock", os.MFD_CLOEXEC)
    try:
        return os.fstat(fd).st_dev
    finally:
        os.close(fd)


def _status(text: str) -> tuple[int, int]:
    """(private, shared) bytes out of ``/proc/PID/status``. A process that has ended holds nothing."""
    values = _kibibytes(text)
    return values.get("RssAnon", 0) + values.get("VmSwap", 0), values.get("RssShmem", 0)


def _rollup(text: str) -> tuple[int, int] | None:
    """The same as proportional sizes (Documentation/ABI/testing/procfs-smaps_rollup); None where there are none."""
    values = _kibibytes(text)
    if "Pss_Anon" not in values:
        return None
    return values["Pss_Anon"] + values.get("SwapPss", 0), values.get("Pss_Shmem", 0)


def _kibibytes(text: str) -> dict[str, int]:
    """Lines such as ``RssAnon:      1234 kB``, in bytes. A process chooses its own name, which stands in one of the others."""
    words = (line.split() for line in text.splitlines() if line.endswith(" kB"))
    return {word[0].rstrip(":"): int(word[1]) * _KIB for word in words if len(word) == 3 and word[1].isdecimal()}
