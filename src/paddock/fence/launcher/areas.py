"""The areas of the file system that are the fence's own: ``/proc``, ``/sys``, ``/dev``, ``/run`` and the places for temporary files."""

from __future__ import annotations

import errno
import os
import stat

from paddock.fence.kernel.files import locate
from paddock.fence.kernel.mounts import MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY, attach, clone_tree, new_filesystem, set_attributes
from paddock.fence.launcher.state import State, Step
from paddock.fence.launcher.tree import HARMLESS, HIDDEN_DIRECTORY, HIDDEN_FILE, SCRATCH, mountpoint, owner, write_file
from paddock.model.plan import Kind, Plan

__all__ = ["PROC", "area_steps"]

PROC = "/proc"

_SMALL = "1m"
_TERMINALS = "256"
_FEW_FILES = 4096
_BYTES_PER_FILE = 1024
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_DEVICE_LINKS = (("fd", "/proc/self/fd"), ("ptmx", "pts/ptmx"), ("stderr", "fd/2"), ("stdin", "fd/0"), ("stdout", "fd/1"))

# Files there go by the global user id, not by capabilities: a root caller without any could still write core_pattern, whose program runs outside.
# Process 1 is in the list because some of its own files (oom_score_adj) belong to that user too.
_PROC_READ_ONLY = ("1", "acpi", "bus", "driver", "dynamic_debug", "fs", "irq", "mtrr", "pressure", "scsi", "sys", "sysrq-trigger", "tty")
_PROC_HIDDEN = (
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "latency_stats",
    "pagetypeinfo",
    "sched_debug",
    "slabinfo",
    "timer_list",
    "vmallocinfo",
)
_SYS_HIDDEN = ("/sys/firmware", "/sys/fs/bpf", "/sys/fs/pstore", "/sys/kernel/debug", "/sys/kernel/slab", "/sys/kernel/tracing")


def area_steps(plan: Plan) -> list[tuple[str, Step]]:
    """The areas, each with its path."""
    fixed: list[tuple[str, Step]] = [(PROC, _Proc()), ("/sys", _Sys()), (_Groups.path, _Groups()), ("/dev", _Dev(plan)), ("/run", _Run(plan))]
    return [*fixed, ("/tmp", _Temporary(plan)), ("/var/tmp", _SecondTemporary())]  # noqa: S108 -- made by us, nobody else can be there first


def _mount(state: State, mount: int, path: str) -> None:
    target = mountpoint(state, path, Kind.DIRECTORY)
    attach(mount, target)
    os.close(target)


def _memory(size: int, mode: str) -> int:
    """A memory file system. Every file costs kernel memory besides its content, so their number is capped too (tmpfs(5))."""
    return new_filesystem("tmpfs", HARMLESS, size=str(size), mode=mode, nr_inodes=str(max(_FEW_FILES, size // _BYTES_PER_FILE)))


class _Proc:
    """A ``/proc`` of the new process namespace. What it shows of the whole machine is read-only or hidden, for every caller."""

    def describe(self) -> str:
        return "mount a fresh /proc; read-only: " + ", ".join(_PROC_READ_ONLY) + "; hidden: " + ", ".join(_PROC_HIDDEN)

    def execute(self, state: State) -> None:
        proc = new_filesystem("proc", HARMLESS | MOUNT_ATTR_NOEXEC)
        _mount(state, proc, PROC)
        state.own[PROC] = False
        state.process = locate(proc, "1")
        for name in _PROC_READ_ONLY:
            self._cover(proc, name, proc, name, HARMLESS | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY)
        for name in _PROC_HIDDEN:
            self._cover(proc, name, state.stage, HIDDEN_FILE, 0)
        if state.plan.watched:
            state.processes = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=proc)
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


class _Sys:
    """``/sys`` comes with the root, read-only; what would tell about firmware or the kernel's inside is hidden (root owns it, without any capability)."""

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


class _Groups:
    """Control groups, which name every service, container and session of the machine: only the fence's own of version 2 are shown, read-only, so that runtimes
    find their limits there. Version 1 has no such view that an ordinary user could mount: there it is empty.
    """

    path = "/sys/fs/cgroup"

    def describe(self) -> str:
        return f"show the fence's own control group in {self.path}, or nothing"

    def execute(self, state: State) -> None:
        try:
            target = locate(state.root, self.path)
        except FileNotFoundError:
            return  # not on this machine
        mount = self._own(target)
        if mount < 0:
            mount = clone_tree(state.stage, HIDDEN_DIRECTORY, recursive=False)
        attach(mount, target)
        os.close(mount)
        os.close(target)

    @staticmethod
    def _own(place: int) -> int:
        """A mount whose root is this process's cgroup, or -1."""
        try:
            os.stat("cgroup.controllers", dir_fd=place)
            return new_filesystem("cgroup2", HARMLESS | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY)
        except OSError:
            return -1  # version 1, or a host that allows no such mount: less is shown then, not more


class _Dev:
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
        terminals = new_filesystem("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, newinstance="", ptmxmode="0666", mode="0620", max=_TERMINALS)
        _mount(state, terminals, "/dev/pts")
        state.own["/dev/pts"] = False
        os.close(terminals)
        memory = _memory(self.shm, "1777")
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
        write_file(dev, name, b"", 0o644)
        target = locate(dev, name)
        attach(mount, target)
        for fd in (source, mount, target):
            os.close(fd)


class _Run:
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


class _Temporary:
    """A private ``/tmp``, in a memory file system that has room for ``/var/tmp`` too: the cap holds for both together."""

    path = "/tmp"  # noqa: S108 -- made by us, nobody else can be there first

    def __init__(self, plan: Plan) -> None:
        self.size = plan.tmp_bytes

    def describe(self) -> str:
        return f"mount a private {self.path}; with /var/tmp it holds {self.size} bytes"

    def execute(self, state: State) -> None:
        state.scratch = _memory(self.size, "0755")
        target = os.open(SCRATCH, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=state.stage)
        attach(state.scratch, target)
        os.close(target)
        _show_scratch(state, "tmp", self.path)


class _SecondTemporary:
    """A private ``/var/tmp``. On some systems there is none, or it is a link to ``/tmp``; that stays so."""

    path = "/var/tmp"  # noqa: S108 -- made by us, nobody else can be there first

    def describe(self) -> str:
        return f"mount a private {self.path}"

    def execute(self, state: State) -> None:
        if state.own.get(owner(state, self.path)) or self._is_directory(state):
            _show_scratch(state, "var-tmp", self.path)

    def _is_directory(self, state: State) -> bool:
        try:
            fd = locate(state.root, self.path)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.EACCES):
                return False
            raise
        found = stat.S_ISDIR(os.fstat(fd).st_mode)
        os.close(fd)
        return found


def _show_scratch(state: State, name: str, path: str) -> None:
    os.mkdir(name, 0o1777, dir_fd=state.scratch)
    mount = clone_tree(state.scratch, name, recursive=False)
    _mount(state, mount, path)
    state.own[path] = True
    os.close(mount)
