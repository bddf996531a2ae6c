"""The event log on disk: one JSON object a line, in ``events.jsonl`` of the state folder.

Every line is one ``write`` with ``O_APPEND``, which Linux carries out under the inode's lock (write(2)): lines of concurrent runs never mix. A file that
would grow past ``MAX_BYTES`` becomes ``events.jsonl.1``, ``.1`` becomes ``.2``, and so on up to ``KEEP``; a lock file keeps two runs from rotating at once.

A full disk or an unusable folder never disturbs a run: ``trouble`` remembers the first problem, for one sentence at the end.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

from paddock.errors import UnsupportedError
from paddock.events.place import LOG_NAME, open_file, open_folder, rotated_name
from paddock.events.record import Record, to_json

__all__ = ["KEEP", "MAX_BYTES", "RUN_BYTES", "EventLog"]

MAX_BYTES = 5 * 1024 * 1024
KEEP = 3
# One run may not push everybody else's history out by provoking refusals: past this many bytes only the run's own end is written.
RUN_BYTES = 1024 * 1024
LOCK_NAME = "events.lock"


class EventLog:
    """The log as one run writes it. Nothing is opened before the first record. Not thread-safe: ``events.memory.Recorder`` calls it under its lock.

    ``run_id`` is the short name of the run; ``create`` makes a missing state folder. ``trouble`` is empty, or one sentence about the first record that could
    not be kept; ``lost`` counts them.
    """

    def __init__(self, state_home: str, run_id: str, *, create: bool = True, max_bytes: int = MAX_BYTES, keep: int = KEEP, run_bytes: int = RUN_BYTES) -> None:
        self.run_id = run_id
        self.trouble = ""
        self.lost = 0
        self._state_home = state_home
        self._create = create
        self._max_bytes = max_bytes
        self._keep = keep
        self._left = run_bytes
        self._folder = -1
        self._file = -1
        self._torn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def write(self, record: Record) -> bool:
        """Append one record. False when it could not be kept; never raises for a full disk, an unsafe place or a missing permission."""
        from json import dumps  # a run in which nothing is written does not load it

        line = dumps(to_json(record), separators=(",", ":")).encode("ascii") + b"\n"
        if len(line) > self._left and not record.event.kind.startswith("run."):
            return self._lose(f"this run has written more than its share of the event log ({RUN_BYTES // 1024} KiB)")
        try:
            self._append(line)
        except (OSError, UnsupportedError) as error:
            return self._lose(_sentence(error))
        self._left -= len(line)
        return True

    def close(self) -> None:
        """Give the descriptors back. A later ``write`` opens them again."""
        for fd in (self._file, self._folder):
            if fd >= 0:
                os.close(fd)
        self._file = self._folder = -1

    def _append(self, line: bytes) -> None:
        self._open()
        if os.fstat(self._file).st_size + len(line) > self._max_bytes:
            self._rotate()
        # After a torn line (full disk) the next one starts on a line of its own; the reader skips the torn one.
        data = b"\n" + line if self._torn else line
        written = os.write(self._file, data)
        self._torn = written < len(data)
        if self._torn:
            raise OSError("only a part of the record could be written")

    def _open(self) -> None:
        """Make sure that the file behind the name is the one that is open: another run may have rotated it away."""
        if self._folder < 0:
            self._folder = open_folder(self._state_home, create=self._create)
        if self._file >= 0 and not self._is_current():
            os.close(self._file)
            self._file = -1
        if self._file < 0:
            self._file = open_file(self._folder, LOG_NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            self._torn = False

    def _is_current(self) -> bool:
        try:
            named = os.stat(LOG_NAME, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(self._file))

    def _rotate(self) -> None:
        from fcntl import LOCK_EX, LOCK_NB, flock

        lock = open_file(self._folder, LOCK_NAME, os.O_RDWR | os.O_CREAT)
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            pass  # somebody else is at it: this line still goes to the old file. Waiting could stop a run; the share of each run bounds what is too much
        else:
            if self._is_current():
                self._shift()
        finally:
            os.close(lock)
        self._open()

    def _shift(self) -> None:
        for number in range(self._keep, 0, -1):
            try:
                os.rename(rotated_name(number - 1), rotated_name(number), src_dir_fd=self._folder, dst_dir_fd=self._folder)
            except FileNotFoundError:
                continue

    def _lose(self, why: str) -> bool:
        self.lost += 1
        self.trouble = self.trouble or why
        return False


def _sentence(error: OSError | UnsupportedError) -> str:
    if isinstance(error, UnsupportedError):
        return f"{error} ({error.cause})"
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
