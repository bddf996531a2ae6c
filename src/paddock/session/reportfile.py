"""The file that ``--json FILE`` (or another option) names, held open from before the command starts until its report is written.

The command may write where the file stands. Were it opened afterwards, a link planted at its name, or in place of a folder above it, would make Paddock write
outside of the fence for it.
"""

from __future__ import annotations

import os
import stat

from paddock.errors import UsageError
from paddock.model.paths import is_beneath, join

__all__ = ["ReportFile"]

# Links here are made by the kernel, and /dev/fd/63 or /dev/stdout is how a shell names a pipe or a stream.
_SYSTEM_LINKS = ("/dev", "/proc")


class ReportFile:
    """Opens and empties the file. ``path`` may be relative to the working folder; ``option`` named it. Raises ``UsageError`` for a link, or when it cannot be
    written.
    """

    def __init__(self, path: str, *, option: str = "--json") -> None:
        self.path = path
        self.option = option
        named = join(os.getcwd(), path)
        follow = 0 if any(is_beneath(named, folder) for folder in _SYSTEM_LINKS) else os.O_NOFOLLOW
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | follow, 0o666)
        except OSError as error:
            link = " (it is a link)" if os.path.islink(path) else ""
            raise UsageError(
                f"{option}: cannot write {path}: {error.strerror}{link}", hint="name a file that is not a link, in a folder that exists"
            ) from error

    def write(self, text: str) -> str:
        """Replace the content and close the file. Returns an empty text, or one sentence about what went wrong: the run is over and its exit code stands."""
        try:
            if stat.S_ISREG(os.fstat(self._fd).st_mode):
                os.ftruncate(self._fd, 0)
                os.lseek(self._fd, 0, os.SEEK_SET)
            data = text.encode("ascii")
            while data:
                data = data[os.write(self._fd, data) :]
            return "" if self._in_place() else f"{self.option}: {self.path} was replaced while the command ran: what stands there is not this report"
        except OSError as error:
            return f"{self.option}: cannot write {self.path}: {error.strerror}"
        finally:
            os.close(self._fd)

    def is_same(self, other: ReportFile) -> bool:
        """Whether both would write to one file of the disk, whatever the names."""
        mine = os.fstat(self._fd)
        return stat.S_ISREG(mine.st_mode) and os.path.samestat(mine, os.fstat(other._fd))

    def _in_place(self) -> bool:
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            return True
        try:
            return os.path.samestat(status, os.stat(self.path))
        except OSError:
            return False
