"""May this name be made or written here? Names by the plan's rules, git's own files by what is in them.

Every question is about a name in a directory that is held open, and is asked by the one thread that also acts on the answer: nothing inside can make a name
in between.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from paddock.fence.guard.git import Git
from paddock.fence.guard.walk import Pin
from paddock.fence.kernel.files import filesystem
from paddock.model.guard import Hidden, Judge, Refusal

__all__ = ["Check", "Refused"]

MAX_ENTRIES = 20_000
"""How many names are looked at in a directory that is moved to where other rules hold."""

_NO_NAME = frozenset((".", "..", ""))
_FS_IOC_GETFLAGS = 0x80086601
_FS_CASEFOLD_FL = 0x40000000


class Refused(Exception):  # noqa: N818 -- an answer, not an error
    """A rule speaks against the call."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class Check:
    """Each method raises ``Refused``, or returns when nothing speaks against the act."""

    def __init__(self, judge: Judge, masked: frozenset[str] = frozenset()) -> None:
        self.judge = judge
        self.hidden = Hidden(judge.rules, masked)
        self.git = Git(judge)

    def open(self, pin: Pin, name: bytes) -> None:
        """A file that is opened, for whatever."""
        if self.hidden:
            _refuse(self.hidden.judge(pin.path, _text(name)))

    def names(self, pin: Pin, name: bytes) -> str:
        """The rules about names alone; gives the name as text. Nothing is to be said about ``.`` and ``..``: they are there already."""
        text = _text(name)
        if text not in _NO_NAME:
            refusal = self.judge.judge(pin.path, text, lambda: _folds(pin.fd))
            if refusal is not None:
                raise Refused(refusal)
        return text

    def write(self, pin: Pin, name: bytes) -> None:
        """A file that is opened for writing, made or not."""
        text = self.names(pin, name)
        if text not in _NO_NAME and self.judge.guarded(pin.path):
            _refuse(self.git.write(pin, text))

    def folder(self, pin: Pin, name: bytes) -> None:
        """A directory that is made."""
        text = self.names(pin, name)
        if text not in _NO_NAME and self.judge.guarded(pin.path):
            _refuse(self.git.folder(pin, text))

    def node(self, pin: Pin, name: bytes) -> None:
        """A link, a second name, a FIFO or a socket that is made."""
        text = self.names(pin, name)
        if text not in _NO_NAME and self.judge.guarded(pin.path):
            _refuse(self.judge.stands_for(pin.path, text))
            _refuse(self.git.node(pin, text))

    def source(self, pin: Pin, name: bytes) -> None:
        """A file that gets a second name: through that one it could be written, or read."""
        self.open(pin, name)
        text = self.names(pin, name)
        if self.judge.guarded(pin.path):
            _refuse(self.git.source(pin, text))

    def move(self, source: Pin, old: bytes, target: Pin, new: bytes) -> None:
        """What is at ``old`` comes to be at ``new``. Raises ``OSError`` when there is nothing, or too much to look at."""
        if _text(old) in _NO_NAME or _text(new) in _NO_NAME:
            return  # the kernel refuses these before it looks
        found = os.stat(old.rstrip(b"/") or old, dir_fd=source.fd, follow_symlinks=False)
        self.names(source, old)
        path = _join(source.path, _text(old))
        if self.hidden and (refusal := self.hidden.judge(source.path, _text(old))) is not None:
            raise Refused(refusal)
        if self.hidden.holds(path) and stat.S_ISDIR(found.st_mode):
            self._tree(source, old, source.path, _text(old), self.hidden)
        text = self.names(target, new)
        if not self.judge.guarded(target.path):
            return
        if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
            self.node(target, new)
        elif stat.S_ISDIR(found.st_mode) and self.judge.differs(path, target.path, text):
            self._tree(source, old, target.path, text, self.judge)
        _refuse(self.git.move(source, _text(old), target, text, found.st_mode))

    def _tree(self, source: Pin, old: bytes, folder: str, name: str, judge: Judge | Hidden) -> None:
        """Every name in a directory, judged as if it were in ``name`` in ``folder``."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        waiting = [(os.open(old, flags, dir_fd=source.fd), _join(folder, name))]
        seen = 0
        try:
            while waiting:
                fd, path = waiting.pop()
                try:
                    names = os.listdir(fd)
                    seen += len(names)
                    if seen > MAX_ENTRIES:
                        raise OSError(errno.EXDEV, "too much to look at: it has to be moved one by one")
                    for entry in names:
                        mode = _entry(judge, fd, path, entry)
                        if stat.S_ISDIR(mode):
                            waiting.append((os.open(entry, flags, dir_fd=fd), _join(path, entry)))
                finally:
                    os.close(fd)
        finally:
            for fd, _ in waiting:
                os.close(fd)


def _entry(judge: Judge | Hidden, fd: int, path: str, name: str) -> int:
    """The mode of one name in a directory that is moved, when nothing speaks against it."""
    mode = os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode
    if isinstance(judge, Hidden):
        _refuse(judge.judge(path, name))
        return mode
    _refuse(judge.judge(path, name, lambda: _folds(fd)))
    if stat.S_ISLNK(mode):
        _refuse(judge.stands_for(path, name))
    return mode


def _text(name: bytes) -> str:
    return os.fsdecode(name.rstrip(b"/"))


def _refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Refused(refusal)


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder != "/" else f"/{name}"


# statfs(2): file systems whose names are compared byte by byte, unless a directory says otherwise.
_EXACT = frozenset((0xEF53, 0x9123683E, 0x58465342, 0x01021994, 0x794C7630, 0x2FC12FC1, 0xF2F52010, 0x6969, 0xCA451A4E, 0x858458F6))


def _folds(folder: int) -> bool:
    """Whether a directory takes names that differ in case for the same: it says so (ext4, f2fs, tmpfs), or its file system is not known to tell them apart."""
    if filesystem(folder) not in _EXACT:
        return True
    try:
        fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return True
    flags = bytearray(8)
    try:
        fcntl.ioctl(fd, _FS_IOC_GETFLAGS, flags)
    except OSError:
        return False  # a file system without such flags folds nothing
    finally:
        os.close(fd)
    return bool(int.from_bytes(flags[:4], "little") & _FS_CASEFOLD_FL)
