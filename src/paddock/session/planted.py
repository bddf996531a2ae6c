"""After a run: what it left that the host may run later, with hashes, as a value and as events.

The fence is gone by then, so the command cannot change what is being looked at.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from paddock.model.events import Event, EventSink
from paddock.model.planted import NOTHING_PLANTED, Planted, PlantedFile

if TYPE_CHECKING:
    from paddock.planner.planted import Before

__all__ = ["EXIT_CODE", "beginning", "find", "tell"]

EXIT_CODE = 12
"""What ``--fail-on-planted`` ends with when the command itself succeeded."""

LISTED = 200
"""How many files are told one by one; the rest is counted."""

_CLOCK_REALTIME_COARSE = 5  # linux/time.h; Python gives it no name

FILE_BYTES = 16 << 20
ALL_BYTES = 64 << 20


def beginning() -> tuple[int, int]:
    """The clock that file systems stamp changes with (the coarse one: current_time() of the kernel), and the monotonic one; both in nanoseconds."""
    return time.clock_gettime_ns(_CLOCK_REALTIME_COARSE), time.monotonic_ns()


def find(before: Before | None, began: tuple[int, int]) -> Planted:
    """Look. ``began`` is what ``beginning`` said before the memory was made."""
    if before is None:
        return NOTHING_PLANTED
    from paddock.host.files import HostFiles
    from paddock.planner.planted import look

    now, monotonic = beginning()
    found, gaps = look(before, HostFiles(), now=now, elapsed=monotonic - began[1])
    if not found:
        return Planted(gaps=tuple(gaps))
    from paddock.host.fingerprint import fingerprint

    files: list[PlantedFile] = []
    left = ALL_BYTES
    for candidate in found[:LISTED]:
        digest, size = ("", -1) if candidate.target else fingerprint(candidate.path, min(FILE_BYTES, left))
        left -= size if digest else 0
        files.append(PlantedFile(candidate, digest, size))
    more: dict[str, int] = {}
    for candidate in found[LISTED:]:
        more[candidate.kind] = more.get(candidate.kind, 0) + 1
    return Planted(tuple(files), tuple(more.items()), tuple(gaps))


def tell(planted: Planted, sink: EventSink) -> None:
    """One event a file, of kind ``planted``; what was only counted is one more."""
    for file in planted.files:
        found = file.found
        detail: list[tuple[str, str | int | float]] = [("kind", found.kind)]
        detail += [("sha256", file.sha256)] if file.sha256 else []
        detail += [("size", file.size)] if file.size >= 0 else []
        detail += [("target", found.target)] if found.target else []
        sink.emit(Event("planted", "file", "made" if found.made else "changed", found.path, found.reason, detail=tuple(detail)))
    if planted.more:
        sink.emit(Event("planted", "file", reason="more files than are told one by one", detail=planted.more))
