"""How much memory the processes of a run take: proportional set sizes (``Pss`` of proc_pid_smaps_rollup(5)), so that shared pages count once."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["descendants", "pss_bytes"]


def descendants(roots: Iterable[int]) -> dict[int, str]:
    """Every process below ``roots``, they themselves included, with its name."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        # A process may end between the listing and the look.
        with suppress(OSError):
            head, _, tail = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")
            pid = int(stat.parent.name)
            parents[pid] = int(tail.split()[1])
            names[pid] = head.partition("(")[2]
    found = set(roots)
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        grown = bool(more)
        found |= more
    return {pid: names[pid] for pid in found if pid in names}


def pss_bytes(pids: Iterable[int]) -> int:
    """Their sum, in bytes. Needs the right to look into them (the same user, or root)."""
    total = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total
