"""Reading one settings file from disk: regular, small, whole and unchanged, or not at all.

Links are followed, because people keep their dot files in repositories; what they end at must be a regular file. See ``open(2)``.
"""

from __future__ import annotations

import errno
import os
import stat

from paddock.errors import Problem, SettingsError, UsageError
from paddock.model.paths import join

__all__ = ["MAX_BYTES", "inline_or_file", "leads_nowhere", "read_file", "read_optional"]

MAX_BYTES = 2 * 1024 * 1024
"""The largest settings file that is read; the public format has the same limit for ``--settings``."""


def read_optional(path: str) -> tuple[bytes, os.stat_result] | None:
    """Content and status of a file, None when there is none. Raises ``SettingsError`` for everything else that is not a readable settings file."""
    try:
        # Asked before it is opened: opening a device or a FIFO can already do something.
        _refuse_irregular(path, os.stat(path))
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise _failure(path, f"cannot be read: {error.strerror}") from None
    try:
        return _read_open(path, fd)
    except OSError as error:
        raise _failure(path, f"cannot be read: {error.strerror}") from None
    finally:
        os.close(fd)


def read_file(path: str) -> tuple[bytes, os.stat_result]:
    """Like ``read_optional`` for a file that must exist."""
    found = read_optional(path)
    if found is None:
        raise _failure(path, "no such file")
    return found


def leads_nowhere(path: str) -> bool:
    """Whether there is a symbolic link at ``path`` whose end is missing."""
    return os.path.islink(path) and not os.path.exists(path)


def inline_or_file(text: str, cwd: str, option: str) -> tuple[str, bytes | str]:
    """Name and content of what an option gives: JSON text itself, or a file named relative to ``cwd``. Raises ``SettingsError`` and ``UsageError``."""
    if text.lstrip().startswith("{"):
        if len(text) > MAX_BYTES:
            raise _failure(option, f"is larger than {MAX_BYTES // (1024 * 1024)} MiB")
        return option, text
    try:
        path = join(cwd, text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    return path, read_file(path)[0]


def _read_open(path: str, fd: int) -> tuple[bytes, os.stat_result]:
    before = os.fstat(fd)
    _refuse_irregular(path, before)
    if before.st_size > MAX_BYTES:
        raise _failure(path, f"is larger than {MAX_BYTES // (1024 * 1024)} MiB")
    parts: list[bytes] = []
    left = before.st_size + 1  # one byte more than there should be, so that a file that grows is noticed and never followed
    while left > 0 and (part := os.read(fd, left)):
        parts.append(part)
        left -= len(part)
    data = b"".join(parts)
    after = os.fstat(fd)
    if _version(before) != _version(after) or len(data) != after.st_size:
        raise _failure(path, "changed while it was read", "run the command again")
    return data, after


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _refuse_irregular(path: str, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kinds = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"))
    kind = next((name for test, name in kinds if test(status.st_mode)), "not a regular file")
    raise _failure(path, f"is {kind}, not a file", "settings are read from regular files only")


def _failure(path: str, message: str, hint: str = "") -> SettingsError:
    return SettingsError([Problem(path, 0, 0, message, hint)])
