"""The last steps, in process 1: everything that this process could still do is given up, in the order in which each step needs what the next takes away."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import stat

from paddock.fence.filter import static_filter
from paddock.fence.guard.notify import watched_calls
from paddock.fence.kernel import landlock
from paddock.fence.kernel.files import locate
from paddock.fence.kernel.process import CLONE_NEWUSER, drop_capabilities, no_new_privileges, set_dumpable, unshare
from paddock.fence.kernel.seccomp import install, install_listener
from paddock.fence.launcher.namespaces import map_identity
from paddock.fence.launcher.state import State, Step
from paddock.fence.launcher.terminal import session_step
from paddock.model.paths import ancestors
from paddock.model.plan import Access, Plan, has_program_rules
from paddock.model.programs import ONLY
from paddock.model.settings import Scope

__all__ = ["lockdown_steps"]

# With this version moving files between directories can be allowed (without it every such move is refused, which git does not survive); the next one adds
# truncation, without which a read-only descriptor of an outside file is not safe.
USABLE_LANDLOCK = 2
COMPLETE_LANDLOCK = 3

_MIB = 1 << 20
_RESERVED = 1 << 30
_NO_CORE = 1

# Areas of the fence's own in which writing is allowed besides the plan's places.
OWN_AREAS = ("/dev", "/proc", "/run", "/tmp", "/var/tmp")  # noqa: S108 -- private ones


def lockdown_steps(plan: Plan) -> tuple[Step, ...]:
    """What process 1 does to itself before it says that it is ready, in order."""
    return (session_step(), _OwnIdentity(), _DropCapabilities(), _Limits(plan), _Landlock(plan), _Guard(plan), _Filter(plan))


class _OwnIdentity:
    """A second user namespace, in which the caller has its own ids. The mounts belong to the first, so nothing done in the second can reach them."""

    def describe(self) -> str:
        return "return to the caller's user and group id in a user namespace that owns nothing"

    def execute(self, state: State) -> None:
        unshare(CLONE_NEWUSER)
        # The map files of a process that may not be looked into belong to root (proc(5)). Nothing else runs inside yet.
        set_dumpable(dumpable=True)
        map_identity(state.process, inside=(state.uid, state.gid), outside=(0, 0))
        set_dumpable(dumpable=False)


class _DropCapabilities:
    def describe(self) -> str:
        return "drop every capability, the bounding set included, and gain no privileges again"

    def execute(self, _state: State) -> None:
        drop_capabilities()
        no_new_privileges()


class _Limits:
    """Resource limits (getrlimit(2)), each for one process: what is meant for all of them together is counted elsewhere, and these stop one that runs away
    between two looks.

    A process may reserve a good deal more memory than it may hold (RLIMIT_DATA counts what is only reserved too); processor time has a second on top, so that
    the one who counts all of them speaks first, and one more before SIGKILL.
    """

    def __init__(self, plan: Plan) -> None:
        limits = plan.limits
        memory = limits.memory_mb * _MIB + _RESERVED if limits.memory_mb is not None else None
        cpu = limits.cpu_seconds + 1 if limits.cpu_seconds is not None else None
        wanted = (
            ("processes", resource.RLIMIT_NPROC, limits.processes, 0),
            ("data", resource.RLIMIT_DATA, memory, 0),
            ("file size", resource.RLIMIT_FSIZE, limits.disk_mb * _MIB if limits.disk_mb is not None else None, 0),
            ("processor seconds", resource.RLIMIT_CPU, cpu, 1),
            ("open files", resource.RLIMIT_NOFILE, limits.open_files, 0),
        )
        self.wanted = tuple((name, kind, value, more) for name, kind, value, more in wanted if value is not None)

    def describe(self) -> str:
        text = ", ".join(f"{name} {value}" for name, _, value, _ in self.wanted)
        return f"set resource limits of each process: {text or 'none'}; no core files"

    def execute(self, state: State) -> None:
        for _, kind, value, more in self.wanted:
            _, hard = resource.getrlimit(kind)
            highest = value + more if hard == resource.RLIM_INFINITY else min(value + more, hard)
            resource.setrlimit(kind, (min(value, highest), highest))
        # 1, not 0: with a pipe in core_pattern the kernel starts that program, as root and outside, whatever the limit is, except at this value (core(5)).
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        most = _NO_CORE if hard == resource.RLIM_INFINITY else min(_NO_CORE, hard)  # no limit is -1, the smallest of all
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))
        if most != _NO_CORE and _starts_a_program():
            state.notices.append("a crash inside starts this machine's crash handler: the caller's own hard limit for core files is 0, and only 1 prevents it")


def _starts_a_program() -> bool:
    """Whether the kernel hands core dumps to a program (core(5))."""
    try:
        with open("/proc/sys/kernel/core_pattern", "rb") as file:
            return file.read(1) == b"|"
    except OSError:
        return True  # not to be seen: then it is told


class _Landlock:
    """The second fence around writing. It holds where mounts do not: a descriptor that came from outside carries the host's writable mount with it."""

    def __init__(self, plan: Plan) -> None:
        written = {p.path for p in plan.layout if p.access is Access.WRITE}
        covered = {path for path in written if written.intersection(ancestors(path))}
        self.paths = (*OWN_AREAS, *sorted(written - covered), *(b.target for b in plan.binds))
        self.files = plan.startable.files if plan.startable is not None else None

    def describe(self) -> str:
        starts = f", and starting programs except {', '.join(self.files) or 'none'}" if self.files is not None else ""
        return "refuse writing by Landlock except below " + ", ".join(self.paths) + starts

    def execute(self, state: State) -> None:
        version = landlock.abi()
        if version < COMPLETE_LANDLOCK and any(_is_outside_file(fd) for number, fd in enumerate(state.stdio) if number not in state.replaced):
            raise OSError(errno.EOPNOTSUPP, "this kernel's Landlock cannot protect a file that is passed in as standard input, output or error: use a pipe")
        if version < USABLE_LANDLOCK:
            if self.files is not None:
                raise OSError(errno.EOPNOTSUPP, f"this kernel has no usable Landlock, and {ONLY} needs it")
            state.notices.append("this kernel has no usable Landlock: writing is fenced by mounts alone")
            return
        rules = landlock.Ruleset(version, starts=self.files is not None)
        for path in self.paths:
            self._allow(rules, state, path)
        for fd in state.stdio:
            if _is_reopenable(fd):
                self._allow_given(rules, fd)
        for path in self.files or ():
            self._allow_start(rules, state, path)
        rules.restrict()

    @staticmethod
    def _allow_start(rules: landlock.Ruleset, state: State, path: str) -> None:
        try:
            fd = locate(state.root, path)
        except (FileNotFoundError, NotADirectoryError):
            return  # hidden, with the folder that holds it: it cannot be started anyway
        rules.allow_start(fd)
        os.close(fd)

    @staticmethod
    def _allow_given(rules: landlock.Ruleset, fd: int) -> None:
        try:
            rules.allow(fd)
        except OSError as error:
            if error.errno != errno.EBADFD:
                raise
            # A memory file (memfd_create(2)) lies in a file system of the kernel's own, which Landlock does not look at (landlock_add_rule(2)).

    @staticmethod
    def _allow(rules: landlock.Ruleset, state: State, path: str) -> None:
        try:
            fd = locate(state.root, path)
        except OSError as error:
            if path in OWN_AREAS and error.errno in (errno.ENOENT, errno.ELOOP, errno.EACCES):
                return  # this host has no /var/tmp, or it is a link to /tmp
            raise
        rules.allow(fd)
        os.close(fd)


def _is_outside_file(fd: int) -> bool:
    """Whether there is something to be cut off that the caller did not give away for writing. A file without a name is nobody's any more."""
    found = os.fstat(fd)
    return stat.S_ISREG(found.st_mode) and found.st_nlink > 0 and not _is_reopenable(fd)


def _is_reopenable(fd: int) -> bool:
    """Whether the caller gave the right to write to this file or terminal: then writing to it as ``/dev/stderr`` is no more than that."""
    writable = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    return writable and stat.S_IFMT(os.fstat(fd).st_mode) in (stat.S_IFREG, stat.S_IFCHR)


class _Guard:
    """The listener is the guard's. Where there can be none, a run goes on only when no rule asks for what the guard alone can give."""

    def __init__(self, plan: Plan) -> None:
        self.asked = next((denial for denial in (*plan.guard.hidden, *plan.guard.denied) if denial.why.scope is not Scope.BUILTIN), None)

        self.starts = has_program_rules(plan)

    def describe(self) -> str:
        return f"let the guard judge what is made and written, and report refused file accesses{' and starts' if self.starts else ''}"

    def execute(self, state: State) -> None:
        program = watched_calls(starts=self.starts)
        try:
            state.observer = install_listener(program, killable=True)
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.EINVAL):
                raise
            why = "another program watches system calls here already" if error.errno == errno.EBUSY else "this kernel is older than Linux 5.19"
            self._without(state, why)

    def _without(self, state: State, why: str) -> None:
        if self.asked is not None:
            raise OSError(errno.EOPNOTSUPP, f"{why}: nothing keeps {self.asked.path} from being made or read ({self.asked.why})")
        state.notices.append(f"{why}: protected names that do not exist yet can be created, and refused file accesses will not be reported")


class _Filter:
    def __init__(self, plan: Plan) -> None:
        self.listed = plan.startable is not None

    def describe(self) -> str:
        return "install the static system call filter"

    def execute(self, _state: State) -> None:
        install(static_filter(only_listed_programs=self.listed))
