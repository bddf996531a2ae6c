"""The host's file system as the planner sees it: a few questions, answered without ever following a link unasked.

``Files`` is the question list; ``HostFiles`` asks the running system. Tests put a tree of their own behind the same list. Every answer of "there is nothing
there" also stands for "we may not look": what Paddock's user cannot see, the command, which has no more rights, cannot see either.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple, Protocol

from paddock.model.plan import Kind

__all__ = ["SMALL_FILE_BYTES", "Files", "HostFiles", "Status"]

_FILE, _FOLDER, _LINK = Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK

# Configuration that is longer than this is not configuration (bytes).
SMALL_FILE_BYTES = 1 << 20


class Status(NamedTuple):
    """What lstat(2) says. Times in nanoseconds since the epoch; ``changed`` is the one that no program can set (ctime)."""

    kind: Kind
    device: int
    inode: int
    names: int
    mode: int
    size: int
    modified: int
    changed: int


class Files(Protocol):
    """What the planner may ask. Paths are absolute and normalised."""

    def kind(self, path: str) -> Kind | None:
        """What is at ``path`` itself (a link is a link), None when there is nothing. Devices, sockets and pipes count as files: they are mounted like files."""

    def names(self, path: str) -> list[tuple[str, Kind]] | None:
        """The entries of a directory, unsorted; None when it cannot be listed."""

    def readlink(self, path: str) -> str:
        """The text of the link at ``path``. Raises ``OSError`` when it is gone."""

    def read(self, path: str, limit: int = SMALL_FILE_BYTES) -> bytes | None:
        """The content of the regular file at ``path`` (links are followed); None when there is none, it cannot be read, or is longer than ``limit`` bytes."""

    def links(self, path: str) -> tuple[int, int, int]:
        """``(device, inode, number of names)`` of what is at ``path`` itself. Raises ``OSError`` when it is gone."""

    def status(self, path: str) -> Status | None:
        """What is at ``path`` itself; None when there is nothing."""

    def begins(self, path: str, start: bytes) -> bool:
        """Whether the regular file at ``path`` itself begins with ``start``."""

    def head(self, path: str, size: int) -> bytes:
        """The first ``size`` bytes of the regular file at ``path`` (links are followed); empty when there is none, or it cannot be read."""

    def socket(self, path: str) -> bool:
        """Whether a socket is at ``path`` itself."""

    def executable(self, path: str) -> bool:
        """Whether a regular file that this user may execute is at ``path`` (links are followed)."""

    def writable(self, path: str) -> bool:
        """Whether this user may make entries in the directory at ``path``."""


class HostFiles:
    """The real file system. Every answer is that of the moment: the launcher checks again what it finds (``Place.kind``)."""

    def kind(self, path: str) -> Kind | None:
        """lstat(2)."""
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return None
        if stat.S_ISDIR(mode):
            return Kind.DIRECTORY
        return Kind.SYMLINK if stat.S_ISLNK(mode) else Kind.FILE

    def names(self, path: str) -> list[tuple[str, Kind]] | None:
        """One pass of getdents(2); the kinds come with it on every usual file system."""
        try:
            with os.scandir(path) as entries:
                # Written out in one line: this runs for every name of a project.
                return [(e.name, _LINK if e.is_symlink() else _FOLDER if e.is_dir(follow_symlinks=False) else _FILE) for e in entries]
        except OSError:
            return None

    def readlink(self, path: str) -> str:
        """Read the link, one hop."""
        return os.readlink(path)

    def read(self, path: str, limit: int = SMALL_FILE_BYTES) -> bytes | None:
        """Read to the end, never waiting."""
        try:
            # O_NONBLOCK: a planted pipe must not hold us up.
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            return None
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return None
            return _read_all(fd, limit)
        except OSError:
            return None
        finally:
            os.close(fd)

    def links(self, path: str) -> tuple[int, int, int]:
        """lstat(2)."""
        found = os.lstat(path)
        return found.st_dev, found.st_ino, found.st_nlink

    def status(self, path: str) -> Status | None:
        """lstat(2)."""
        try:
            found = os.lstat(path)
        except OSError:
            return None
        mode = found.st_mode
        kind = _FOLDER if stat.S_ISDIR(mode) else _LINK if stat.S_ISLNK(mode) else _FILE
        return Status(kind, found.st_dev, found.st_ino, found.st_nlink, mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def begins(self, path: str, start: bytes) -> bool:
        """Read that many bytes, never waiting, never through a link."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            return stat.S_ISREG(os.fstat(fd).st_mode) and os.read(fd, len(start)) == start
        except OSError:
            return False
        finally:
            os.close(fd)

    def head(self, path: str, size: int) -> bytes:
        """Read that many bytes, never waiting."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            return b""
        try:
            return os.read(fd, size) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
        except OSError:
            return b""
        finally:
            os.close(fd)

    def socket(self, path: str) -> bool:
        """lstat(2)."""
        try:
            return stat.S_ISSOCK(os.lstat(path).st_mode)
        except OSError:
            return False

    def executable(self, path: str) -> bool:
        """stat(2) and access(2)."""
        try:
            return stat.S_ISREG(os.stat(path).st_mode) and os.access(path, os.X_OK)
        except OSError:
            return False

    def writable(self, path: str) -> bool:
        """Ask access(2)."""
        return os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK)


def _read_all(fd: int, limit: int) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while size <= limit:
        chunk = os.read(fd, min(65536, limit + 1 - size))
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)
    return None
