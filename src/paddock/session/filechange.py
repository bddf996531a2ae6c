"""One file replaced by another text: read with care, shown as a diff, written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress

from paddock.errors import UnsupportedError
from paddock.model.record import record

__all__ = ["Change", "diff", "read", "replace_file"]

LARGEST = 4 << 20


@record
class Change:
    """A file as it is and as it is to be; None: it does not exist. ``path`` has its links followed, so that a linked file stays a link."""

    path: str
    before: bytes | None
    after: bytes | None

    @property
    def needed(self) -> bool:
        """Whether it changes anything."""
        return self.before != self.after


def read(path: str) -> bytes | None:
    """A configuration file, or None where there is none. Raises ``UnsupportedError`` for one that cannot be read or is no ordinary file of a sensible size."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnsupportedError(f"{path} cannot be read", cause=error.strerror or str(error)) from error
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            raise UnsupportedError(f"{path} is no configuration file", cause="it is no ordinary file, or larger than 4 MiB")
        with open(fd, "rb", closefd=False) as file:
            return file.read(LARGEST + 1)
    finally:
        os.close(fd)


def diff(change: Change) -> Iterator[str]:
    """The change as a unified diff, line by line, without line ends."""
    from difflib import unified_diff

    def lines(data: bytes | None) -> list[str]:
        return (data or b"").decode("utf-8", "backslashreplace").splitlines()

    old = change.path if change.before is not None else "/dev/null"
    new = change.path if change.after is not None else "/dev/null"
    yield from unified_diff(lines(change.before), lines(change.after), old, new, lineterm="")


def replace_file(change: Change, mode: int = 0o600) -> None:
    """By a new file under the same name, with the old one's mode and owner; a file that is to be gone is removed."""
    if change.after is None:
        os.unlink(change.path)
        return
    folder, _, name = change.path.rpartition("/")
    os.makedirs(folder or "/", exist_ok=True)
    new = f"{folder}/.{name}.{os.urandom(6).hex()}"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb") as file:
            if change.before is not None:
                old = os.stat(change.path)
                os.fchmod(fd, stat.S_IMODE(old.st_mode))
                if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(fd, old.st_uid, old.st_gid)
            else:
                os.fchmod(fd, mode)
            file.write(change.after)
            file.flush()
            os.fsync(fd)
        os.rename(new, change.path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(new)
        raise
