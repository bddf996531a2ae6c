"""How much a run has added below its write roots, at a cost that does not depend on how large they are until it comes near the limit.

Two figures are cheap: what the processes caused to be written, and how much less room the file systems have. What the run has added cannot be much more
than the larger of the two; both can be too high (a file written twice, somebody else's download). So when the larger one reaches the limit the files are
looked at: everything below the write roots that was made or changed since the start, by its size on disk (``st_blocks``) and the time of its last change
(``st_ctime``, which no program can set back), and files without a name that processes hold open. That walk goes on in small pieces, and is not repeated
before as much again was written as was still free.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator

__all__ = ["Growth"]

_BLOCK = 512
_PIECE = 500
_SLICE_SECONDS = 0.03
_LEAST_STEP = 20
"""A part of the limit: two walks are at least that far apart."""
_CLOCK_REALTIME_COARSE = 5
"""The clock that files are stamped with (clock_gettime(2)); the other one is up to a tick ahead."""
_BEYOND_DOUBT = 2


class Growth:
    """``roots`` are absolute paths without links between them, ``limit`` is in bytes. Made before the command starts."""

    def __init__(self, roots: Iterable[str], limit: int) -> None:
        self.roots = _outermost(roots)
        self.limit = limit
        self.measured = 0
        """Bytes at the end of the latest walk."""
        self._since = time.clock_gettime_ns(_CLOCK_REALTIME_COARSE)
        self._used = {device: _used(root) for device, root in self._devices()}
        self._next = limit
        self._walk: Iterator[int] | None = None
        self._missed: list[str] = []
        self._certain = 0
        self._largest = 0

    @property
    def devices(self) -> frozenset[int]:
        """The file systems of the write roots."""
        return frozenset(self._used)

    @property
    def walking(self) -> bool:
        """Whether a walk is under way: come back soon."""
        return self._walk is not None

    def look(self, written: int, unlinked: Callable[[], int], *, unseen: bool = False) -> bool:
        """Whether the limit was reached, as far as one look can tell. ``written`` by the processes so far; ``unlinked`` asks for bytes that have no name.

        ``unseen`` says that some processes cannot be asked: then less room in the file system is believed when nothing else explains it.
        """
        self._compare(written)
        if unseen:
            self._certain = self._growth()
        if not unseen and self._certain >= self.limit * _BEYOND_DOUBT:
            self.measured = self._certain
            return True
        if self._walk is None and self._largest >= self._next:
            self._begin()
        return self._walk is not None and self._go_on(unlinked, time.monotonic() + _SLICE_SECONDS, unseen=unseen)

    def settle(self, written: int, seconds: float) -> bool:
        """The same at the end, when nothing runs any more: a walk is finished if ``seconds`` are enough for it."""
        self._compare(written)
        if self._largest < self._next and self._walk is None:
            return False
        self._begin()
        return self._go_on(lambda: 0, time.monotonic() + seconds)

    def _compare(self, written: int) -> None:
        used = self._growth()
        self._largest = max(written, used)
        self._certain = min(written, used)

    def _begin(self) -> None:
        self._missed = []
        self._walk = _sizes(self.roots, self._since, self._missed)

    def _go_on(self, unlinked: Callable[[], int], until: float, *, unseen: bool = False) -> bool:
        for found in self._walk or ():
            self.measured = found
            if found >= self.limit:
                self._walk = None
                return True
            if time.monotonic() >= until:
                return False
        self._walk = None
        self.measured += unlinked()
        if self._missed or unseen:
            self.measured = max(self.measured, self._certain)  # somewhere nobody can look: then what both figures say is believed
        if self.measured >= self.limit:
            return True
        self._next = self._largest + max(self.limit - self.measured, self.limit // _LEAST_STEP)
        return False

    def _growth(self) -> int:
        return sum(max(0, _used(root) - self._used.get(device, 0)) for device, root in self._devices())

    def _devices(self) -> list[tuple[int, str]]:
        """One root for each file system."""
        found: dict[int, str] = {}
        for root in self.roots:
            try:
                found.setdefault(os.stat(root).st_dev, root)
            except OSError:
                continue  # removed by the command: what lay there is gone
        return list(found.items())


def _outermost(roots: Iterable[str]) -> tuple[str, ...]:
    from paddock.model.paths import is_beneath

    kept: list[str] = []
    for root in sorted(set(roots)):
        if not any(is_beneath(root, other) for other in kept):
            kept.append(root)
    return tuple(kept)


def _used(root: str) -> int:
    try:
        found = os.statvfs(root)
    except OSError:
        return 0
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def _sizes(roots: Iterable[str], since: int, missed: list[str]) -> Iterator[int]:
    """The sum so far, every few files and at the end. Links are not followed; a file with several names counts once. ``missed`` gets what is closed."""
    total = seen = 0
    several: set[tuple[int, int]] = set()
    waiting = list(roots)
    while waiting:
        for path, status in _entries(waiting.pop(), missed):
            seen += 1
            if stat.S_ISDIR(status.st_mode):
                waiting.append(path)
            if status.st_ctime_ns >= since and not (status.st_nlink > 1 and stat.S_ISREG(status.st_mode) and _known(several, status)):
                total += status.st_blocks * _BLOCK
            if seen % _PIECE == 0:
                yield total
    yield total


def _known(several: set[tuple[int, int]], status: os.stat_result) -> bool:
    key = (status.st_dev, status.st_ino)
    if key in several:
        return True
    several.add(key)
    return False


def _entries(folder: str, missed: list[str]) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as found:
            for entry in found:
                try:
                    yield entry.path, entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # removed in between
                except OSError:
                    missed[:] = [folder]
    except NotADirectoryError:
        yield folder, os.lstat(folder)  # a single file may be a write root
    except FileNotFoundError:
        return
    except OSError:
        missed[:] = [folder]  # closed by the command, or too deep for a name
