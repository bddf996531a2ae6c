"""The event log read back, newest first, without ever holding a whole file.

Lines that are not records are passed over: the last line of a run that was killed while it wrote, or a line of a newer schema. A record that stands behind the
remains of a torn line is found again, because every record starts with the same bytes and these cannot occur inside one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from paddock.events.log import KEEP
from paddock.events.place import open_file, open_folder, rotated_name
from paddock.events.record import Record, from_json

__all__ = ["read"]

BLOCK = 64 * 1024
# Longer than the longest record that the writer makes; what is longer is not ours, and is not held in memory.
LINE_LIMIT = 256 * 1024
RECORD_START = b'{"schema":'


def read(state_home: str, wanted: Callable[[Record], bool] = lambda _: True, *, keep: int = KEEP) -> Iterator[Record]:
    """Every record for which ``wanted`` is true, newest first; of records with one id only the latest, which has the final count.

    A log that does not exist holds nothing. Raises ``UnsupportedError`` when the place cannot be trusted, ``OSError`` when it cannot be read.
    """
    try:
        folder = open_folder(state_home, create=False)
    except FileNotFoundError:
        return
    try:
        seen: set[str] = set()
        for record in _records(folder, keep):
            if record.id in seen:
                continue
            if record.count > 1:  # only counted records have an earlier line with the same id
                seen.add(record.id)
            if wanted(record):
                yield record
    finally:
        os.close(folder)


def _records(folder: int, keep: int) -> Iterator[Record]:
    for number in range(keep + 1):
        try:
            fd = open_file(folder, rotated_name(number), os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            for line in _lines_backwards(fd):
                record = _parse(line)
                if record is not None:
                    yield record
        finally:
            os.close(fd)


def _parse(line: bytes) -> Record | None:
    return _record(line) or _record(line[max(0, line.rfind(RECORD_START)) :])


def _record(line: bytes) -> Record | None:
    from json import loads

    try:
        return from_json(loads(line))
    except (ValueError, RecursionError):
        return None


def _lines_backwards(fd: int) -> Iterator[bytes]:
    """The lines of a file, last first. A line above ``LINE_LIMIT`` comes in pieces, none of which is a record."""
    end = os.fstat(fd).st_size
    tail = b""
    while end > 0:
        start = max(0, end - BLOCK)
        tail = os.pread(fd, end - start, start) + tail
        end = start
        first, *rest = tail.split(b"\n")
        yield from (line for line in reversed(rest) if line)
        tail = first if len(first) <= LINE_LIMIT else b""
    if tail:
        yield tail
