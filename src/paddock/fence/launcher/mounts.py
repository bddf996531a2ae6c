"""Steps that put the fence's view of the file system together: the new root, the areas that are the fence's own, and the pivot.

The new tree is built beside the host's, out of copies of the host's mounts taken by descriptor; the host's own mounts are never touched. Where a place lies below
an area of our own (a project below ``/tmp``), the way to it is made there.
"""

from __future__ import annotations

import errno
import os
import stat

from paddock.fence.kernel.files import locate
from paddock.fence.kernel.mounts import (
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_RDONLY,
    attach,
    clone_tree,
    detach,
    make_private,
    new_filesystem,
    pivot_root,
    set_attributes,
)
from paddock.fence.kernel.process import CLONE_NEWNS, unshare
from paddock.fence.launcher.state import Changed, State
from paddock.model.paths import ancestors, relative
from paddock.model.plan import Access, Kind, Plan

__all__ = [
    "HIDDEN_DIRECTORY",
    "HIDDEN_FILE",
    "READ",
    "WRITE",
    "Dev",
    "Pivot",
    "Proc",
    "Root",
    "Run",
    "Stage",
    "Sys",
    "Temporary",
    "mountpoint",
    "owner",
    "private_name",
]

HARMLESS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV
READ = MOUNT_ATTR_RDONLY | HARMLESS
WRITE = HARMLESS

# Names in the stage.
HIDDEN_FILE = "hidden-file"
HIDDEN_DIRECTORY = "hidden-directory"
_NEW_ROOT = "root"
_SCRATCH = "scratch"

_STAGE_SIZE = "16m"
_SMALL = "1m"

_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_DEVICE_LINKS = (("fd", "/proc/self/fd"), ("ptmx", "pts/ptmx"), ("stderr", "fd/2"), ("stdin", "fd/0"), ("stdout", "fd/1"))

# Files there go by the global user id, not by capabilities: a root caller without any could still write core_pattern, whose program runs outside.
_PROC_READ_ONLY = ("acpi", "bus", "driver", "dynamic_debug", "fs", "irq", "mtrr", "scsi", "sys", "sysrq-trigger", "tty")
_PROC_HIDDEN = ("kcore", "key-users", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats", "sched_debug", "timer_list", "vmallocinfo")
_SYS_HIDDEN = ("/sys/firmware", "/sys/fs/bpf", "/sys/fs/pstore", "/sys/kernel/debug", "/sys/kernel/tracing")


def owner(state: State, path: str) -> str:
    """The nearest mounted place that holds ``path``: itself or above it."""
    return next((above for above in (path, *ancestors(path)) if above in state.own), "/")


def mountpoint(state: State, path: str, kind: Kind, link: str = "") -> int:
    """An ``O_PATH`` descriptor of ``path`` in the new root, made there (as a symbolic link to ``link`` for that kind) when its holder is our own.

    Raises ``Changed`` when it is missing in the host's tree.
    """
    try:
        return locate(state.root, path)
    except FileNotFoundError as error:
        holder = owner(state, path)
        if not state.own.get(holder):
            raise Changed(f"{path} is not there any more") from error
    base = locate(state.root, holder)
    try:
        *above, name = relative(path, holder).split("/")
        way = ""
        for part in above:
            way += part + "/"
            _make_directory(base, way)
        _make(base, way + name, kind, link)
    finally:
        os.close(base)
    return locate(state.root, path)


def _make_directory(base: int, name: str) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=base)
    except FileExistsError:
        return  # made on the way to an earlier place


def _make(base: int, name: str, kind: Kind, link: str) -> None:
    if kind is Kind.DIRECTORY:
        _make_directory(base, name)
    elif kind is Kind.SYMLINK:
        os.symlink(link, name, dir_fd=base)
    else:
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=base))


def _mount(state: State, mount: int, path: str) -> None:
    target = mountpoint(state, path, Kind.DIRECTORY)
    attach(mount, target)
    os.close(target)


def _memory(size: int | str, mode: str) -> int:
    return new_filesystem("tmpfs", HARMLESS, size=str(size), mode=mode)


class Stage:
    """A memory file system beside everything, with the masks and the private files."""

    def __init__(self, plan: Plan) -> None:
        self.files = plan.private_files

    def describe(self) -> str:
        return "make a mount namespace without propagation, and a stage for the new root"

    def execute(self, state: State) -> None:
        # Here and not with the others: the launcher's parent half stays in the host's, where pivot_root(2) does not move its root under its feet.
        unshare(CLONE_NEWNS)
        make_private()
        os.umask(0)
        state.host = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        stage = state.stage = new_filesystem("tmpfs", HARMLESS | MOUNT_ATTR_NOEXEC, size=_STAGE_SIZE, mode="0755")
        _write(stage, HIDDEN_FILE, b"", 0)
        os.mkdir(HIDDEN_DIRECTORY, 0, dir_fd=stage)
        for name in (_NEW_ROOT, _SCRATCH):
            os.mkdir(name, 0o755, dir_fd=stage)
        for number, file in enumerate(self.files):
            _write(stage, private_name(number), file.content, file.mode)
        set_attributes(stage, MOUNT_ATTR_RDONLY)


def private_name(number: int) -> str:
    """The name in the stage of the private file with this place in the plan."""
    return f"private-{number}"


def _write(base: int, name: str, content: bytes, mode: int) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=base)
    while content:
        content = content[os.write(fd, content) :]
    os.close(fd)


class Root:
    """The new root: the host's tree read-only, unless the plan names ``/`` itself."""

    def __init__(self, plan: Plan) -> None:
        self.place = next((place for place in plan.layout if place.path == "/"), None)
        self.access = self.place.access if self.place else Access.READ

    def describe(self) -> str:
        return {Access.READ: "copy the host's tree read-only", Access.WRITE: "copy the host's tree", Access.HIDDEN: "start from an empty tree"}[self.access]

    def execute(self, state: State) -> None:
        if self.access is Access.HIDDEN:
            state.root = _memory(_SMALL, "0755")
            state.seal.append(state.root)
        else:
            state.root = clone_tree(state.host)
            set_attributes(state.root, READ if self.access is Access.READ else WRITE)
        # The stage goes on top of the host's root, after that was copied: this process keeps looking through the root below, so nothing disappears from its
        # view, and no directory of the host's has to exist for it.
        attach(state.stage, state.host)
        target = os.open(_NEW_ROOT, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=state.stage)
        attach(state.root, target)
        os.close(target)
        state.own["/"] = self.access is Access.HIDDEN


class Proc:
    """A ``/proc`` of the new process namespace. What it shows of the whole machine is read-only or hidden, for every caller."""

    path = "/proc"

    def describe(self) -> str:
        return "mount a fresh /proc; read-only: " + ", ".join(_PROC_READ_ONLY) + "; hidden: " + ", ".join(_PROC_HIDDEN)

    def execute(self, state: State) -> None:
        proc = new_filesystem("proc", HARMLESS | MOUNT_ATTR_NOEXEC)
        _mount(state, proc, self.path)
        state.own[self.path] = False
        for name in _PROC_READ_ONLY:
            self._cover(proc, name, proc, name, HARMLESS | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY)
        for name in _PROC_HIDDEN:
            self._cover(proc, name, state.stage, HIDDEN_FILE, 0)
        os.close(proc)

    @staticmethod
    def _cover(proc: int, name: str, source: int, source_name: str, attributes: int) -> None:
        try:
            target = locate(proc, name)
        except FileNotFoundError:
            return  # this kernel was built without it
        mount = clone_tree(source, source_name, recursive=False)
        if attributes:
            set_attributes(mount, attributes)
        attach(mount, target)
        os.close(mount)
        os.close(target)


class Sys:
    """``/sys`` comes with the root, read-only; what would tell about firmware or the kernel's inside is hidden (root owns it, without any capability)."""

    path = "/sys"

    def describe(self) -> str:
        return "hide " + ", ".join(_SYS_HIDDEN)

    def execute(self, state: State) -> None:
        for path in _SYS_HIDDEN:
            try:
                target = locate(state.root, path)
            except FileNotFoundError:
                continue  # not on this machine
            mount = clone_tree(state.stage, HIDDEN_DIRECTORY, recursive=False)
            attach(mount, target)
            os.close(mount)
            os.close(target)


class Dev:
    """A ``/dev`` of our own: a handful of harmless nodes, terminals and shared memory of the fence."""

    path = "/dev"

    def __init__(self, plan: Plan) -> None:
        self.shm = plan.shm_bytes

    def describe(self) -> str:
        return f"make /dev with {', '.join(_DEVICES)}, terminals and {self.shm} bytes of shared memory"

    def execute(self, state: State) -> None:
        dev = new_filesystem("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, size=_SMALL, mode="0755")
        _mount(state, dev, self.path)
        state.own[self.path] = True
        state.seal.append(dev)
        for name in _DEVICES:
            self._node(state, dev, name)
        for name, target in _DEVICE_LINKS:
            os.symlink(target, name, dir_fd=dev)
        terminals = new_filesystem("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, newinstance="", ptmxmode="0666", mode="0620")
        _mount(state, terminals, "/dev/pts")
        state.own["/dev/pts"] = False
        os.close(terminals)
        memory = new_filesystem("tmpfs", HARMLESS | MOUNT_ATTR_NOEXEC, size=str(self.shm), mode="1777")
        _mount(state, memory, "/dev/shm")  # noqa: S108 -- made by us, nobody else can be there first
        state.own["/dev/shm"] = True  # noqa: S108 -- as above
        os.close(memory)

    @staticmethod
    def _node(state: State, dev: int, name: str) -> None:
        try:
            source = locate(state.host, f"/dev/{name}")
        except FileNotFoundError:
            if name == "tty":
                return  # a container without a terminal
            raise
        mount = clone_tree(source, recursive=False)
        set_attributes(mount, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)
        _write(dev, name, b"", 0o644)
        target = locate(dev, name)
        attach(mount, target)
        for fd in (source, mount, target):
            os.close(fd)


class Run:
    """An empty ``/run``: the sockets of the host's services are not there."""

    path = "/run"

    def __init__(self, plan: Plan) -> None:
        self.size = plan.run_bytes

    def describe(self) -> str:
        return f"mount a private /run of {self.size} bytes"

    def execute(self, state: State) -> None:
        memory = _memory(self.size, "0755")
        _mount(state, memory, self.path)
        state.own[self.path] = True
        os.close(memory)


class Temporary:
    """``/tmp`` and ``/var/tmp``, private, out of one memory file system: the cap holds for both together."""

    path = "/tmp"  # noqa: S108 -- made by us, nobody else can be there first
    second = "/var/tmp"  # noqa: S108 -- as above

    def __init__(self, plan: Plan) -> None:
        self.size = plan.tmp_bytes

    def describe(self) -> str:
        return f"mount a private {self.path} and {self.second} of {self.size} bytes together"

    def execute(self, state: State) -> None:
        memory = _memory(self.size, "0755")
        target = os.open(_SCRATCH, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=state.stage)
        attach(memory, target)
        os.close(target)
        self._show(state, memory, "tmp", self.path)
        if self._is_directory(state, self.second):
            self._show(state, memory, "var-tmp", self.second)
        os.close(memory)

    @staticmethod
    def _show(state: State, memory: int, name: str, path: str) -> None:
        os.mkdir(name, 0o1777, dir_fd=memory)
        mount = clone_tree(memory, name, recursive=False)
        _mount(state, mount, path)
        state.own[path] = True
        os.close(mount)

    @staticmethod
    def _is_directory(state: State, path: str) -> bool:
        """On some systems it is missing or a link to ``/tmp``."""
        try:
            fd = locate(state.root, path)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.EACCES):
                return False
            raise
        found = stat.S_ISDIR(os.fstat(fd).st_mode)
        os.close(fd)
        return found


class Pivot:
    """Seal what is only a way to other places, enter the new root, and let go of the old one."""

    def describe(self) -> str:
        return "enter the new root and detach the host's"

    def execute(self, state: State) -> None:
        for mount in state.seal:
            set_attributes(mount, MOUNT_ATTR_RDONLY, recursive=False)
        os.fchdir(state.root)
        pivot_root()
        detach()  # the stage, which lies on top of the host's root
        detach()  # the host's root, which lies on top of the new one
        os.chdir("/")
        for fd in {*state.seal, state.host, state.stage} - {state.root}:
            os.close(fd)
