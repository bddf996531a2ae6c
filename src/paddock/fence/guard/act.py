"""Carrying a call out for its caller: in the directory that was judged, with the rights that the caller has, and nothing by a path that could change.

This process has the caller's ids, no capability, the fence's root and the fence's mounts. What it does not have is the caller's Landlock domain; that only
matters for descriptors that came from outside, which ``Caller`` and ``_reopen`` look at themselves.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Callable

from paddock.fence.guard.bind import bind
from paddock.fence.guard.caller import Caller
from paddock.fence.guard.check import Check, Refused
from paddock.fence.guard.notify import VALID_FLAGS, WRITING, Call
from paddock.fence.guard.walk import Pin, Walk, is_proc
from paddock.fence.kernel import files

__all__ = ["Actor", "Reading", "Waiting"]

_TMPFILE = os.O_TMPFILE
_LOOKING = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_AT_SYMLINK_FOLLOW = 0x400
_AT_EMPTY_PATH = 0x1000
_RENAME_EXCHANGE = 2
_RENAME_FLAGS = 1 | _RENAME_EXCHANGE  # the third, RENAME_WHITEOUT, makes a device
_SIGNED = 1 << 63
_NODES = (stat.S_IFREG, stat.S_IFIFO, stat.S_IFSOCK)


class Waiting(Exception):  # noqa: N818 -- not an error: the call goes on waiting
    """Opening ``fd`` (a FIFO nobody reads, a file that somebody leased) would hold up everybody: it is tried again later with ``flags``."""

    def __init__(self, fd: int, flags: int) -> None:
        super().__init__()
        self.fd = fd
        self.flags = flags


class Reading(Exception):  # noqa: N818 -- as above
    """``fd`` is the reading end of a FIFO, for a caller who wants to wait until somebody writes."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self.fd = fd


class Actor:
    """The calls, by name. Each gives a descriptor for the caller, or None. Raises ``OSError`` with the errno for the caller, ``Refused``, ``Waiting``."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self._calls: dict[str, Callable[[Caller, tuple[int, ...]], int | None]] = {
            "bind": lambda c, a: bind(self.check, c, a[0], a[1], ctypes.c_int(a[2] & 0xFFFFFFFF).value),
            "creat": lambda c, a: self._open(c, None, a[0], os.O_CREAT | os.O_WRONLY | os.O_TRUNC, a[1]),
            "link": lambda c, a: self._link(c, (None, a[0]), (None, a[1]), 0),
            "linkat": lambda c, a: self._link(c, (a[0], a[1]), (a[2], a[3]), a[4]),
            "mkdir": lambda c, a: self._mkdir(c, None, a[0], a[1]),
            "mkdirat": lambda c, a: self._mkdir(c, a[0], a[1], a[2]),
            "mknod": lambda c, a: self._mknod(c, None, a[0], a[1]),
            "mknodat": lambda c, a: self._mknod(c, a[0], a[1], a[2]),
            "open": lambda c, a: self._open(c, None, a[0], a[1], a[2]),
            "openat": lambda c, a: self._open(c, a[0], a[1], a[2], a[3]),
            "rename": lambda c, a: self._rename(c, (None, a[0]), (None, a[1]), 0),
            "renameat": lambda c, a: self._rename(c, (a[0], a[1]), (a[2], a[3]), 0),
            "renameat2": lambda c, a: self._rename(c, (a[0], a[1]), (a[2], a[3]), a[4] & 0xFFFFFFFF),
            "symlink": lambda c, a: self._symlink(c, a[0], None, a[1]),
            "symlinkat": lambda c, a: self._symlink(c, a[0], a[1], a[2]),
            "truncate": lambda c, a: self._truncate(c, a[0], a[1]),
        }

    def carry_out(self, caller: Caller, call: Call, arguments: tuple[int, ...]) -> int | None:
        """Do what ``caller`` asked for."""
        return self._calls[call.name](caller, arguments)

    # -- open

    def _open(self, caller: Caller, directory: int | None, address: int, flags: int, mode: int) -> int:
        path = caller.text(address)
        return self.open(caller, caller.start(directory, path), path, flags & VALID_FLAGS, mode & 0o7777)

    def open(self, caller: Caller, start: int, path: bytes, flags: int, mode: int) -> int:
        """Open as the caller asked. The last name is never followed by the kernel: a link is read, and its target judged like any other path."""
        walk = Walk(caller)
        if flags & os.O_CREAT or flags & _TMPFILE == _TMPFILE:
            os.umask(caller.umask())
        if flags & _TMPFILE == _TMPFILE:
            return os.open(b".", flags & ~os.O_NOFOLLOW, mode, dir_fd=walk.folder(start, path + b"/").fd)
        follows = not flags & os.O_NOFOLLOW and flags & (os.O_CREAT | os.O_EXCL) != os.O_CREAT | os.O_EXCL
        while True:
            pin, name = walk.parent(start, path)
            text = None
            try:
                return self._open_here(walk, pin, name, flags, mode)
            except OSError as error:
                if follows and error.errno in (errno.ELOOP, errno.ENOTDIR):
                    text = walk.follow(pin, name)
                if text is None:
                    raise
            start, path = walk.start_of(pin, text), text

    def _open_here(self, walk: Walk, pin: Pin, name: bytes, flags: int, mode: int) -> int:
        caller = walk.caller
        if is_proc(pin.path) and pin.path != "/proc":
            return self._open_proc(walk, pin, name, flags, mode)
        if pin.path == "/dev" and name == b"tty":
            return _open_terminal(caller, pin, flags)
        self.check.open(pin, name)
        try:
            if flags & WRITING:
                self.check.write(pin, name)
        except Refused:
            words = self.check.git.words(pin, name, caller.folder(None)) if flags & os.O_CREAT else None
            if words is not None and not _there(pin, name):
                return _made_for(pin, name, words, mode)
            flags = _harmless_flags(pin, name, flags)
            if not flags:
                raise
        try:
            fd = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, mode, dir_fd=pin.fd)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.EAGAIN) and not flags & os.O_NONBLOCK:
                self._wait(pin, name, flags)
            raise
        return _as_asked(_reader(fd, flags), flags)

    @staticmethod
    def _wait(pin: Pin, name: bytes, flags: int) -> None:
        fd = os.open(name, _LOOKING, dir_fd=pin.fd)
        if stat.S_IFMT(os.fstat(fd).st_mode) in (stat.S_IFIFO, stat.S_IFREG):
            raise Waiting(fd, flags)
        os.close(fd)

    def _open_proc(self, walk: Walk, pin: Pin, name: bytes, flags: int, mode: int) -> int:
        """Below ``/proc/PID``: one's own files only, because this process may look into more than the caller may."""
        number = pin.path.split("/")[2]
        own = walk.own_part(pin)
        if own is None and number.isdecimal() and (flags & WRITING or not _for_everybody(pin, name)):
            raise _closed(pin.fd, "another process's file") if flags & WRITING else PermissionError(errno.EACCES, "another process's file")
        if own is None or name in (b".", b".."):
            return _as_asked(os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, mode, dir_fd=pin.fd), flags)
        fd = walk.caller.keep(os.open(name.rstrip(b"/"), _LOOKING, dir_fd=pin.fd))
        if not stat.S_ISLNK(os.fstat(fd).st_mode):
            return _as_asked(os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, mode, dir_fd=pin.fd), flags)
        if flags & os.O_NOFOLLOW or flags & (os.O_CREAT | os.O_EXCL) == os.O_CREAT | os.O_EXCL:
            raise OSError(errno.EEXIST if flags & os.O_EXCL else errno.ELOOP, "a link")
        return self._reopen(walk, pin, name, flags)

    def _reopen(self, walk: Walk, pin: Pin, name: bytes, flags: int) -> int:
        """``/proc/self/fd/N`` and its like: the file behind an open descriptor, opened once more."""
        world = walk.world
        fd = walk.open_file(pin, name)
        found = os.fstat(fd)
        kind = stat.S_IFMT(found.st_mode)
        if world.is_inside(fd):
            if found.st_nlink and kind == stat.S_IFREG:
                above, _, last = world.path(fd).rpartition("/")
                there = walk.folder(world.root, os.fsencode(above or "/"))
                self.check.open(there, os.fsencode(last))
                if flags & WRITING:
                    self.check.write(there, os.fsencode(last))
        elif flags & WRITING and kind == stat.S_IFREG and found.st_dev != world.memory_device and not _was_writable(walk, pin, name):
            raise _closed(fd, "a file from outside that was not passed in for writing")
        flags &= ~(os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW)
        try:
            again = os.open(f"self/fd/{fd}", flags | os.O_NONBLOCK, dir_fd=world.proc)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.EAGAIN) and not flags & os.O_NONBLOCK and kind == stat.S_IFIFO:
                raise Waiting(os.dup(fd), flags) from error
            raise
        return _as_asked(_reader(again, flags) if world.is_inside(fd) else again, flags)

    # -- names

    def _mkdir(self, caller: Caller, directory: int | None, address: int, mode: int) -> None:
        pin, name = self._parent(caller, directory, address)
        _judge(self.check.folder, pin, name)
        os.umask(caller.umask())
        os.mkdir(name, mode & 0o7777, dir_fd=pin.fd)

    def _mknod(self, caller: Caller, directory: int | None, address: int, mode: int) -> None:
        pin, name = self._parent(caller, directory, address)
        mode &= 0xFFFF
        kind = stat.S_IFMT(mode) or stat.S_IFREG
        if kind not in _NODES:
            raise OSError(errno.EPERM, "a device") if kind in (stat.S_IFCHR, stat.S_IFBLK) else OSError(errno.EINVAL, "no such kind")
        _judge(self.check.write if kind == stat.S_IFREG else self.check.node, pin, name)
        os.umask(caller.umask())
        os.mknod(name, kind | mode & 0o7777, dir_fd=pin.fd)

    def _symlink(self, caller: Caller, text: int, directory: int | None, address: int) -> None:
        target = caller.text(text)
        pin, name = self._parent(caller, directory, address)
        _judge(self.check.node, pin, name)
        os.symlink(target, name, dir_fd=pin.fd)

    def _link(self, caller: Caller, old: tuple[int | None, int], new: tuple[int | None, int], flags: int) -> None:
        flags &= 0xFFFFFFFF
        if flags & ~(_AT_SYMLINK_FOLLOW | _AT_EMPTY_PATH):
            raise OSError(errno.EINVAL, "unknown flags")
        text = caller.text(old[1])
        if not text and flags & _AT_EMPTY_PATH:
            text, old, flags = f"/proc/self/fd/{old[0]}".encode(), (None, 0), _AT_SYMLINK_FOLLOW
        source = self._source(Walk(caller), caller.start(old[0], text), text, follow=bool(flags & _AT_SYMLINK_FOLLOW))
        pin, name = self._parent(caller, *new)
        _judge(self.check.node if isinstance(source, int) else self.check.write, pin, name)
        if isinstance(source, int):
            os.link(f"self/fd/{source}", os.fsdecode(name), src_dir_fd=caller.world.proc, dst_dir_fd=pin.fd, follow_symlinks=True)
        else:
            os.link(source[1], name, src_dir_fd=source[0].fd, dst_dir_fd=pin.fd, follow_symlinks=False)

    def _source(self, walk: Walk, start: int, path: bytes, *, follow: bool) -> tuple[Pin, bytes] | int:
        """What gets a second name: a name in a directory, or an open file without one."""
        while True:
            pin, name = walk.parent(start, path)
            if follow and is_proc(pin.path) and walk.own_part(pin) is not None:
                return self._unnamed(walk, pin, name)
            text = walk.follow(pin, name) if follow else None
            if text is None:
                self.check.source(pin, name)
                return pin, name
            start, path = walk.start_of(pin, text), text

    def _unnamed(self, walk: Walk, pin: Pin, name: bytes) -> int:
        fd = walk.open_file(pin, name)
        if not walk.world.is_inside(fd):
            raise OSError(errno.EXDEV, "a file from outside")
        if os.fstat(fd).st_nlink:
            above, _, last = walk.world.path(fd).rpartition("/")
            self.check.source(walk.folder(walk.world.root, os.fsencode(above or "/")), os.fsencode(last))
        return fd

    def _rename(self, caller: Caller, old: tuple[int | None, int], new: tuple[int | None, int], flags: int) -> None:
        if flags & ~_RENAME_FLAGS or flags == _RENAME_FLAGS:
            raise OSError(errno.EINVAL, "unknown flags")
        source, first = self._parent(caller, *old)
        target, second = self._parent(caller, *new)
        self.check.move(source, first, target, second)
        if flags & _RENAME_EXCHANGE:
            self.check.move(target, second, source, first)
        files.rename(source.fd, first, target.fd, second, flags)

    def _truncate(self, caller: Caller, address: int, length: int) -> None:
        path = caller.text(address)
        if length >= _SIGNED:
            raise OSError(errno.EINVAL, "a negative length")
        try:
            fd = self.open(caller, caller.start(None, path), path, os.O_WRONLY | os.O_NONBLOCK, 0)
        except OSError as error:
            raise OSError(errno.EINVAL if error.errno == errno.ENXIO else error.errno, "cannot be cut") from error
        caller.keep(fd)
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "no ordinary file")
        if length > found.st_size and length > caller.file_size_limit():
            raise OSError(errno.EFBIG, "beyond the limit")
        os.ftruncate(fd, length)

    @staticmethod
    def _parent(caller: Caller, directory: int | None, address: int) -> tuple[Pin, bytes]:
        path = caller.text(address)
        return Walk(caller).parent(caller.start(directory, path), path)


def _judge(check: Callable[[Pin, bytes], None], pin: Pin, name: bytes) -> None:
    """A name that exists cannot be made: ``mkdir -p`` and its like rely on hearing just that, whatever else speaks against it."""
    try:
        check(pin, name)
    except Refused:
        if _there(pin, name):
            raise FileExistsError(errno.EEXIST, "it exists") from None
        raise


def _there(pin: Pin, name: bytes) -> bool:
    try:
        os.stat(name.rstrip(b"/") or name, dir_fd=pin.fd, follow_symlinks=False)
    except OSError:
        return False
    return True


def _harmless_flags(pin: Pin, name: bytes, flags: int) -> int:
    """For a name that may not be written: flags under which what exists is only read; 0 when the call would write or make it."""
    if flags & (os.O_CREAT | os.O_EXCL) == os.O_CREAT | os.O_EXCL and _there(pin, name):
        raise FileExistsError(errno.EEXIST, "it exists")
    if flags & WRITING & ~os.O_CREAT or not _there(pin, name):
        return 0
    return flags & ~os.O_CREAT | os.O_CLOEXEC


def _made_for(pin: Pin, name: bytes, words: bytes, mode: int) -> int:
    """A file with these words, made for a caller who is about to write the same; what he writes goes to a file of nobody's.

    One without any words is not to be written by its maker at all: he gets it open for reading, and hears so when he tries (``EBADF``).
    """
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode, dir_fd=pin.fd)
    try:
        os.write(fd, words)
    finally:
        os.close(fd)
    if not words:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=pin.fd)
    return os.memfd_create("paddock-nobody")


def _as_asked(fd: int, flags: int) -> int:
    """Take back O_NONBLOCK, which was only there so that no open waits."""
    if not flags & os.O_NONBLOCK:
        os.set_blocking(fd, True)
    return fd


def _closed(fd: int, message: str) -> OSError:
    """Not to be written: as the kernel says it where the mount is read-only, too."""
    return OSError(errno.EROFS if os.fstatvfs(fd).f_flag & os.ST_RDONLY else errno.EACCES, message)


def _reader(fd: int, flags: int) -> int:
    """Raises ``Reading`` for the reading end of a named FIFO that was not opened to be there at once."""
    if not flags & (os.O_NONBLOCK | os.O_ACCMODE) and stat.S_ISFIFO(os.fstat(fd).st_mode):
        raise Reading(fd)
    return fd


def _for_everybody(pin: Pin, name: bytes) -> bool:
    """Whether a file of another process may be read by everybody; what is in a folder is asked for itself."""
    found = os.stat(name.rstrip(b"/") or name, dir_fd=pin.fd, follow_symlinks=False)
    return stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and bool(found.st_mode & stat.S_IROTH))


def _was_writable(walk: Walk, pin: Pin, name: bytes) -> bool:
    """Whether the descriptor itself can be written to already: then opening it once more gives nothing new."""
    if walk.own_part(pin) != "fd":
        return False
    info = os.open(f"{walk.caller.tid}/fdinfo/{os.fsdecode(name)}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=walk.world.proc)
    try:
        data = os.read(info, 4096)
    finally:
        os.close(info)
    flags = int(data.partition(b"flags:\t")[2].split(b"\n", 1)[0], 8)
    return flags & os.O_ACCMODE in (os.O_WRONLY, os.O_RDWR) and not flags & os.O_PATH


def _open_terminal(caller: Caller, pin: Pin, flags: int) -> int:
    """``/dev/tty`` is whatever terminal the one who opens it has, and that is one of the fence's own: process 1 has left the caller's session."""
    terminal = int(caller.stat()[4])
    if terminal == 0:
        raise OSError(errno.ENXIO, "no terminal")
    # tty_nr (proc(5)): the minor number is in bits 31 to 20 and 7 to 0, the major number in bits 15 to 8.
    device = os.makedev(terminal >> 8 & 0xFFF, terminal >> 12 & 0xFFF00 | terminal & 0xFF)
    fd = os.open(f"pts/{os.minor(device)}", flags & ~os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW, dir_fd=pin.fd)
    if os.fstat(fd).st_rdev != device:
        os.close(fd)
        raise OSError(errno.ENXIO, "a terminal from outside the fence")
    return _as_asked(fd, flags)
