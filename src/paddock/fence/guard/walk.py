"""From a caller's path to the directory that holds its last name: held open, with its real path.

The kernel walks (openat2(2)), in this process, which has the fence's root and mounts and no more rights than the caller. Only ``/proc/self`` and the links in
``/proc`` that lead to open files mean something else here than there; a path that the kernel could not walk is walked again name by name, with these as the
caller means them. Links at the end are left to whoever asks.
"""

from __future__ import annotations

import errno
import os
import stat

from paddock.fence.guard.caller import Caller
from paddock.fence.kernel.files import enter
from paddock.model.paths import is_beneath, relative

__all__ = ["MAX_LINKS", "Pin", "Walk", "is_proc", "split"]

MAX_LINKS = 40
"""path_resolution(7)."""

_CALLERS = (b"self", b"thread-self")
_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class Pin:
    """A directory that is held open: where it is cannot be exchanged any more. ``path`` is its real path."""

    __slots__ = ("fd", "path")

    def __init__(self, fd: int, path: str) -> None:
        self.fd = fd
        self.path = path


def is_proc(path: str) -> bool:
    """Whether a real path lies in the fence's ``/proc``."""
    return is_beneath(path, "/proc")


def split(path: bytes) -> tuple[bytes, bytes]:
    """The way and the last name, which keeps one slash at its end where the path has any: calls mind it. Only slashes: the root itself."""
    bare = path.rstrip(b"/")
    if not bare:
        return b"/", b"."
    head, slash, name = bare.rpartition(b"/")
    return head + slash, name + b"/" if len(bare) < len(path) else name


class Walk:
    """Walking for one caller."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.world = caller.world
        self.links = MAX_LINKS
        """How many links may still be followed, over the whole call."""
        self.by_hand = False
        """Whether a path led through what means something else for this process."""

    def parent(self, start: int, path: bytes) -> tuple[Pin, bytes]:
        """The directory that holds the last name of ``path``, and that name. Raises ``OSError`` as the caller's own walk would."""
        if not path:
            raise FileNotFoundError(errno.ENOENT, "an empty path")
        way, name = split(path)
        return self.folder(start, way), name

    def folder(self, start: int, path: bytes) -> Pin:
        """The directory at ``path``; ``start`` itself when it is empty."""
        if not path:
            fd = start
        else:
            try:
                fd = self.caller.keep(enter(start, path))
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ELOOP):
                    raise
                fd = self._by_hand(start, path)
                self.by_hand = True
        return Pin(fd, self.world.path(fd))

    def follow(self, pin: Pin, name: bytes) -> bytes | None:
        """The text of the link ``name``, counted; None when it is no link. Raises ``ELOOP``, and ``EACCES`` where the kernel would not follow either."""
        try:
            text = self._of_caller(name) if pin.path == "/proc" and name in _CALLERS else os.readlink(name, dir_fd=pin.fd)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise
        if self.world.protected_links:
            self._may_follow(pin, name)
        self.links -= 1
        if self.links < 0:
            raise OSError(errno.ELOOP, "too many links")
        return text

    def _may_follow(self, pin: Pin, name: bytes) -> None:
        """fs.protected_symlinks (proc(5)): in a folder for everybody, only one's own links, or those of the folder's owner."""
        folder = os.fstat(pin.fd)
        if folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH:
            link = os.stat(name, dir_fd=pin.fd, follow_symlinks=False)
            if link.st_uid not in (self.world.uid, folder.st_uid):
                raise PermissionError(errno.EACCES, "somebody else's link in a folder for everybody")

    def start_of(self, pin: Pin, text: bytes) -> int:
        """Where the text of a link in ``pin`` starts."""
        return self.world.root if text.startswith(b"/") else pin.fd

    def _by_hand(self, start: int, path: bytes) -> int:
        here = self.world.root if path.startswith(b"/") else start
        todo = [part for part in reversed(path.split(b"/")) if part not in (b"", b".")]
        while todo:
            name = todo.pop()
            pin = Pin(here, self.world.path(here))
            text, found = self._step(pin, name)
            if text is None:
                here = found
                continue
            todo += [part for part in reversed(text.split(b"/")) if part not in (b"", b".")]
            here = self.start_of(pin, text)
        if not stat.S_ISDIR(os.fstat(here).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "not a directory")
        return here

    def _step(self, pin: Pin, name: bytes) -> tuple[bytes | None, int]:
        """One name: the text of a link, or what is there, opened."""
        if pin.path == "/proc" and name in _CALLERS:
            return self._of_caller(name), -1
        fd = self.caller.keep(os.open(name, _LOOK, dir_fd=pin.fd))
        if not stat.S_ISLNK(os.fstat(fd).st_mode):
            return None, fd
        if is_proc(pin.path) and pin.path != "/proc":
            return None, self.open_file(pin, name)
        return self.follow(pin, name), fd

    def _of_caller(self, name: bytes) -> bytes:
        """What ``/proc/self`` and ``/proc/thread-self`` say to the caller."""
        process, thread = self.caller.ids()
        return (process if name == _CALLERS[0] else f"{process}/task/{thread}").encode()

    def open_file(self, pin: Pin, name: bytes) -> int:
        """What one of the caller's own links in ``/proc`` leads to (``fd/0``, ``cwd``), opened to be named.

        Raises ``EACCES`` for those of another process, and for a directory that does not belong to the fence.
        """
        rest = self.own_part(pin)
        if rest is None:
            raise PermissionError(errno.EACCES, "another process's file")
        fd = self.caller.own(f"{rest}/{os.fsdecode(name)}" if rest else os.fsdecode(name))
        if stat.S_ISDIR(os.fstat(fd).st_mode) and not self.world.is_inside(fd):
            raise PermissionError(errno.EACCES, "a directory outside the fence")
        return fd

    def own_part(self, pin: Pin) -> str | None:
        """Where in the caller's own folder of ``/proc`` a directory is (``fd``, or nothing for the folder itself); None for everything else."""
        process, thread = self.caller.ids()
        for own in (f"/proc/{process}/task/{thread}", f"/proc/{process}/task/{process}", f"/proc/{process}"):
            if is_beneath(pin.path, own):
                return relative(pin.path, own)
        return None
