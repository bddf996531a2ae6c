"""Looking at the one who calls: its strings, its working directory, its descriptors, its umask. What is opened is checked to be its own."""

from __future__ import annotations

import ctypes
import errno
import os

from paddock.fence.guard.notify import Notifications
from paddock.fence.kernel.files import mount_id
from paddock.fence.kernel.sockets import copy_descriptor, open_thread

__all__ = ["Caller", "World"]

_AT_FDCWD = -100
_DIRECTORY = os.O_PATH | os.O_CLOEXEC
_STATUS_BYTES = 4096


class World:
    """What stays the same for every call. ``proc`` is the ``/proc`` of the host, ``root`` the fence's root (which is this process's own), ``mounts`` the
    numbers of the fence's mounts: nothing inside can add one.
    """

    def __init__(self, proc: int, root: int) -> None:
        self.proc = proc
        self.root = root
        self.mounts = frozenset(_mounts(proc))
        self.uid = os.geteuid()
        self.protected_links = _read(proc, "sys/fs/protected_symlinks").strip() == b"1"
        memory = os.memfd_create("paddock-guard", os.MFD_CLOEXEC)
        self.memory_device = os.fstat(memory).st_dev
        os.close(memory)

    def path(self, fd: int) -> str:
        """Where the file behind ``fd`` is, seen from the fence's root. Raises ``ENAMETOOLONG`` for a place that is too deep to be said."""
        return os.readlink(f"self/fd/{fd}", dir_fd=self.proc)

    def is_inside(self, fd: int) -> bool:
        """Whether ``fd`` was opened through one of the fence's mounts."""
        return mount_id(fd) in self.mounts


def _read(folder: int, name: str, size: int = _STATUS_BYTES) -> bytes:
    fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.read(fd, size)
    finally:
        os.close(fd)


def _mounts(proc: int) -> list[int]:
    fd = os.open("thread-self/mountinfo", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
    with open(fd, "rb") as table:
        return [int(line.split(b" ", 1)[0]) for line in table]


class Caller:
    """One thread that waits, for as long as its call lasts. ``close`` gives back every descriptor that was opened for it."""

    def __init__(self, world: World, notifications: Notifications, report: int, tid: int) -> None:
        self.world = world
        self.report = report
        self.tid = tid
        self._notifications = notifications
        self._open: list[int] = []

    def text(self, address: int) -> bytes:
        """A path argument. An empty one is the caller's mistake (``ENOENT``)."""
        return self._notifications.text(self.tid, address)

    def memory(self, address: int, length: int) -> bytes:
        """Exactly ``length`` bytes of the caller's memory, at most 256, copied once. Raises ``EFAULT``."""
        return self._notifications.memory(self.tid, address, length)

    def socket(self, number: int) -> int:
        """A copy of the caller's descriptor ``number``, for what cannot be opened once more; kept until ``close``. Raises ``EBADF``."""
        process = int(self.status(b"Tgid"))
        thread = self.keep(open_thread(self.tid, process))
        self._notifications.check(self.report)
        number &= 0xFFFFFFFF
        fd = self.keep(copy_descriptor(thread, number))
        if self.tid != process and os.readlink(f"self/fd/{fd}", dir_fd=self.world.proc) != os.readlink(f"{self.tid}/fd/{number}", dir_fd=self.world.proc):
            raise OSError(errno.EBADF, "the process has another one of this number")
        return fd

    def own(self, name: str, flags: int = _DIRECTORY) -> int:
        """Something below the caller's own folder in ``/proc``, opened; kept until ``close``."""
        fd = self.keep(os.open(f"{self.tid}/{name}", flags | os.O_CLOEXEC, dir_fd=self.world.proc))
        self._notifications.check(self.report)
        return fd

    def keep(self, fd: int) -> int:
        """Remember ``fd`` for ``close``."""
        self._open.append(fd)
        return fd

    def start(self, directory: int | None, path: bytes) -> int:
        """The directory that ``path`` starts from. ``directory`` is the argument as it stands in a register, None for calls that have none.

        Raises ``EBADF``, and ``EACCES`` for a directory that does not belong to the fence: a descriptor from outside opens no way around its mounts.
        """
        if path.startswith(b"/"):
            return self.world.root
        number = _AT_FDCWD if directory is None else ctypes.c_int(directory & 0xFFFFFFFF).value
        try:
            fd = self.own("cwd" if number == _AT_FDCWD else f"fd/{number}")
        except FileNotFoundError as error:
            raise OSError(errno.EBADF if number != _AT_FDCWD else errno.ENOENT, "no such directory") from error
        if not self.world.is_inside(fd):
            raise PermissionError(errno.EACCES, "a directory outside the fence")
        return fd

    def folder(self, directory: int | None) -> str:
        """Where a relative path starts, as words."""
        number = _AT_FDCWD if directory is None else ctypes.c_int(directory & 0xFFFFFFFF).value
        return os.readlink(f"{self.tid}/cwd" if number == _AT_FDCWD else f"{self.tid}/fd/{number}", dir_fd=self.world.proc)

    def umask(self) -> int:
        """The caller's umask, as it is now."""
        return int(self.status(b"Umask", 256), 8)

    def status(self, field: bytes, size: int = _STATUS_BYTES) -> bytes:
        """One line of the caller's status (proc(5)), without its name."""
        data = b"\n" + _read(self.world.proc, f"{self.tid}/status", size)
        self._notifications.check(self.report)
        return data.partition(b"\n" + field + b":\t")[2].partition(b"\n")[0]

    def ids(self) -> tuple[str, str]:
        """Process and thread number, as the fence's own ``/proc`` has them."""
        return self.status(b"NStgid").split()[-1].decode(), self.status(b"NSpid").split()[-1].decode()

    def stat(self) -> list[bytes]:
        """The fields of the caller's ``stat`` after its name: state, parent, group, session, terminal, ... (proc(5))."""
        data = _read(self.world.proc, f"{self.tid}/stat")
        self._notifications.check(self.report)
        return data.rpartition(b")")[2].split()

    def file_size_limit(self) -> int:
        """RLIMIT_FSIZE of the caller, in bytes."""
        data = _read(self.world.proc, f"{self.tid}/limits")
        self._notifications.check(self.report)
        value = data.partition(b"Max file size")[2].split(None, 1)[0]
        return 1 << 63 if value == b"unlimited" else int(value)

    def close(self) -> None:
        """Give everything back."""
        for fd in self._open:
            os.close(fd)
        self._open.clear()
