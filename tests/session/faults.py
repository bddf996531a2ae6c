"""Runs that are stopped, killed or made to fail at a step, by a driver that uses Paddock as a library, and what is left of them afterwards.

The driver hands ``session.run.run`` an observer. It is called by three processes (the supervisor, the launcher, process 1), of which two close every descriptor
that they do not need and one leaves the host's file system: so they talk to the test through memory that they share, and wait there by futex(2).
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import select
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from paddock.cli.main import main
from paddock.errors import PaddockError
from paddock.events.reader import read
from paddock.fence.kernel.mounts import MOUNT_ATTR_RDONLY, attach, clone_tree, make_private, new_filesystem, set_attributes
from paddock.fence.kernel.process import CLONE_NEWNS, CLONE_NEWUSER, set_dumpable, unshare
from paddock.fence.launcher.namespaces import map_identity
from paddock.model.record import replace
from paddock.session.prepare import Prepared, Request, prepare
from paddock.session.run import run

SUPERVISOR, LAUNCHER, KEEPER = "supervisor", "launcher", "process 1"
ROLES = (SUPERVISOR, LAUNCHER, KEEPER)

# Far more than anything here takes: reached only where something hangs, which is what it is there to tell.
PATIENCE = 40.0

_FUTEX = {"x86_64": 202, "aarch64": 98, "riscv64": 98, "ppc64le": 221, "s390x": 238}[platform.machine()]
_FUTEX_WAIT, _FUTEX_WAKE = 0, 1
_PR_SET_CHILD_SUBREAPER = 36
_HELD = 1
_ROOM = 16384

_launchers: set[str] = set()
_cgroup_folders: set[str] = set()

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long
_syscall.argtypes = [ctypes.c_long, ctypes.c_void_p, ctypes.c_long, ctypes.c_long, ctypes.c_char_p]  # the last one is a struct timespec


class Observer:
    """The ``on_step`` of one run. At ``step`` it raises ``error``, or without one waits until the test says ``go``. Everything it is told is in ``seen``."""

    def __init__(self, step: str = "", error: BaseException | None = None) -> None:
        self.step = step
        self.error = error
        self._memory = mmap.mmap(-1, 4096 + len(ROLES) * _ROOM)
        self._words = (ctypes.c_int32 * 16).from_buffer(self._memory)  # 0: held or not; 1 to 3: process ids by role; 4 to 6: bytes seen by role; 7: status
        self._view: tuple[int, ...] = ()

    def __call__(self, step: str) -> None:
        pid = os.getpid()
        role = 0 if pid == self._words[1] else 2 if pid == 1 else 1
        if role == 1:
            self._words[2] = pid
        data = os.fsencode(step) + b"\n"
        at = 4096 + role * _ROOM + self._words[4 + role]
        self._memory[at : at + len(data)] = data
        self._words[4 + role] += len(data)
        if step != self.step:
            return
        if self.error is not None:
            raise self.error
        self._words[0] = _HELD
        self._futex(_FUTEX_WAKE, 1)
        while self._words[0] == _HELD:
            self._futex(_FUTEX_WAIT, _HELD)

    def seen(self, role: str) -> list[str]:
        number = ROLES.index(role)
        at = 4096 + number * _ROOM
        return os.fsdecode(self._memory[at : at + self._words[4 + number]]).splitlines()

    def be_supervisor(self) -> None:
        self._words[1] = os.getpid()

    def ended(self, status: int) -> None:
        self._words[7] = status

    @property
    def status(self) -> int:
        """Of the supervisor: its exit code, or the negative number of a signal."""
        return os.waitstatus_to_exitcode(self._words[7])

    def wait_until_held(self) -> None:
        end = time.monotonic() + PATIENCE
        while self._words[0] != _HELD:
            assert time.monotonic() < end, f"the run did not come to {self.step!r}; it saw {[self.seen(role)[-1:] for role in ROLES]}"
            self._futex(_FUTEX_WAIT, 0, 1)

    def go(self) -> None:
        self._words[0] = 2
        self._futex(_FUTEX_WAKE, 1)

    def pid_of(self, role: str) -> int:
        """As the test sees it; 0 when there is none. Process 1 is the launcher's child that has a number of its own in another process namespace."""
        if role is KEEPER:
            return next((pid for pid in (children(self._words[2]) if self._words[2] else []) if _is_inside(pid)), 0)
        return self._words[1 + ROLES.index(role)]

    def _futex(self, operation: int, value: int, seconds: int = 0) -> None:
        limit = struct.pack("=qq", seconds, 0) if seconds else None
        _syscall(_FUTEX, ctypes.addressof(self._words), operation, value, limit)


def _is_inside(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return any(line.startswith("NSpid:") and line.split()[-1] == "1" for line in status.splitlines())


def children(pid: int) -> list[int]:
    """Process ids, by proc(5)."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


@dataclass
class Trial:
    """One run in processes of its own. ``nursery`` adopts everything that loses its parent, and ends when there is no process of the run left."""

    observer: Observer
    nursery: int
    output: int
    _handle: int = field(init=False)

    def __post_init__(self) -> None:
        self._handle = os.pidfd_open(self.nursery)

    def kill(self, role: str, number: int = signal.SIGKILL) -> bool:
        """False when this process does not exist (yet, or any more). A killed one has ended when this returns."""
        pid = self.observer.pid_of(role)
        try:
            handle = os.pidfd_open(pid) if pid else -1
        except ProcessLookupError:
            return False
        if handle < 0:
            return False
        try:
            signal.pidfd_send_signal(handle, number)
            return number != signal.SIGKILL or _readable(handle)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)

    def wait_for(self, text: str) -> None:
        """Until the command has written ``text``, which is taken out of what ``finish`` gives."""
        found = b""
        while text.encode() not in found:
            assert _readable(self.output), f"{text!r} did not come, but {found!r}"
            chunk = os.read(self.output, 4096)
            assert chunk, f"{text!r} did not come before the end, but {found!r}"
            found += chunk

    def finish(self) -> tuple[int, str]:
        """Wait until nothing of the run lives, and give ``(how the supervisor ended, what was said)``. Fails when something stays."""
        said = b""
        try:
            assert _readable(self._handle), f"still alive: {_tree(self.nursery)}"
            os.waitpid(self.nursery, 0)
            while chunk := os.read(self.output, 65536):  # its end is here: nobody holds the other end any more
                said += chunk
        except AssertionError:
            _end_tree(self.nursery)
            raise
        finally:
            _launchers.add(str(self.observer.pid_of(LAUNCHER)))
            os.close(self._handle)
            os.close(self.output)
        return self.observer.status, said.decode("utf-8", "replace")


def _readable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(PATIENCE * 1000))


def _tree(pid: int) -> dict[int, str]:
    found = {}
    for child in children(pid):
        found[child] = Path(f"/proc/{child}/stat").read_text(encoding="utf-8", errors="replace")[:60]
        found.update(_tree(child))
    return found


def _end_tree(pid: int) -> None:
    for child in (*_tree(pid), pid):
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue
    os.waitpid(pid, 0)


def start_trial(prepared: Prepared, observer: Observer, *, before: Callable[[], None] = lambda: None) -> Trial:
    """Start a run. ``before`` is called in the supervisor's process first of all."""

    def work() -> int:
        before()
        return run(prepared, on_publish=lambda _: None, on_step=observer).ending.code

    return start_work(work, observer)


def start_work(work: Callable[[], int], observer: Observer) -> Trial:
    """Do ``work``, which gives an exit code, in a process of its own, which counts as the supervisor."""
    read_end, write_end = os.pipe()
    nursery = os.fork()
    if nursery == 0:
        os.close(read_end)
        _be_nursery(work, observer, write_end)
    os.close(write_end)
    return Trial(observer, nursery, read_end)


def _be_nursery(work: Callable[[], int], observer: Observer, output: int) -> None:
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    supervisor = os.fork()
    if supervisor == 0:
        _be_supervisor(work, observer, output)
    os.close(output)
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            os._exit(0)
        if pid == supervisor:
            observer.ended(status)


def _be_supervisor(work: Callable[[], int], observer: Observer, output: int) -> None:
    code = 99
    try:
        observer.be_supervisor()
        null = os.open(os.devnull, os.O_RDWR)
        for source, target in ((null, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.close(null)
        os.close(output)
        code = work()
    except PaddockError as error:
        code = error.exit_code
        os.write(2, f"{type(error).__name__}: {error} [{getattr(error, 'step', '')}]\n".encode())
    except BaseException as error:  # noqa: BLE001 -- the end of this process, told to the test
        os.write(2, f"unforeseen {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


def command_line(*words: str) -> Callable[[], int]:
    """``paddock`` with these words, as ``start_work`` does it. What it prints goes where the run's output goes."""

    def work() -> int:
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115 -- instead of pytest's
        return main(list(words))

    return work


@dataclass(frozen=True)
class Leftovers:
    """What there is outside of processes, to be compared before and after."""

    files: frozenset[str]
    mounts: frozenset[str]
    links: frozenset[str]
    cgroups: frozenset[str]
    descriptors: int

    @classmethod
    def now(cls, base: Path) -> Leftovers:
        """``base`` holds the home, the project, the folders for state, cache, runtime and temporary files."""
        files = {str(Path(folder, name)) for folder, folders, names in os.walk(base) for name in (*folders, *names)}
        mounts = set(Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines())
        return cls(frozenset(files), frozenset(mounts), frozenset(os.listdir("/sys/class/net")), frozenset(_cgroups()), len(os.listdir("/proc/self/fd")))


def _cgroups() -> Iterator[str]:
    """Those of our own launchers (its process id ends the name) where the plans made here put them: others belong to runs of somebody else."""
    for folder in _cgroup_folders:
        yield from (f"{folder}/{name}" for name in os.listdir(folder) if name.rpartition("-")[2] in _launchers)


class World:
    """A project and the folders around it. ``environ`` names them; ``settings`` are given with every run."""

    def __init__(self, base: Path, settings: str = "{}") -> None:
        self.base = base
        self.project = base / "home/project"
        self.settings = settings
        self.environ = {"HOME": str(base / "home"), "PATH": "/usr/local/bin:/usr/bin:/bin", "TMPDIR": str(base / "tmp")}
        for name, folder in {"STATE": "state", "CACHE": "cache", "CONFIG": "config"}.items():
            self.environ[f"XDG_{name}_HOME"] = str(base / folder)
        self.environ["XDG_RUNTIME_DIR"] = str(base / "runtime")
        for folder in ("home/project", "tmp", "runtime"):
            (base / folder).mkdir(parents=True, mode=0o700)

    def prepared(self, *argv: str, environ: Mapping[str, str] | None = None) -> Prepared:
        """The plan of a run, as ``paddock run`` would make it."""
        prepared = prepare(Request(argv, str(self.project), environ or self.environ, settings=(self.settings,)), make=True)
        _cgroup_folders.update(cgroup.folder for cgroup in prepared.plan.cgroups)
        return prepared

    def records(self) -> list[str]:
        """The kinds of what the log holds, newest first; every record has to be readable."""
        return [record.event.kind for record in read(str(self.base / "state/paddock"))]


def with_argv(prepared: Prepared, *argv: str) -> Prepared:
    return replace(prepared, plan=replace(prepared.plan, argv=argv))


@contextmanager
def nothing_left(world: World, *, new: frozenset[str] = frozenset()) -> Iterator[None]:
    """What is done inside leaves nothing but the files ``new`` (relative to the world's folder)."""
    before = Leftovers.now(world.base)
    yield
    after = Leftovers.now(world.base)
    assert after.files - before.files == {str(world.base / name) for name in new}, sorted(after.files - before.files)
    assert not before.files - after.files
    assert not after.mounts - before.mounts, sorted(after.mounts - before.mounts)
    assert after.links == before.links, (after.links, before.links)
    assert not after.cgroups - before.cgroups, sorted(after.cgroups - before.cgroups)
    assert after.descriptors == before.descriptors, sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if fd != "0")


def own_mounts(*changes: Callable[[], None]) -> None:
    """Move this process (a trial's supervisor) to a mount namespace of its own, where ``changes`` are made: the host's mounts stay as they are."""
    uid, gid = os.getuid(), os.getgid()
    unshare(CLONE_NEWNS if uid == 0 else CLONE_NEWUSER | CLONE_NEWNS)
    if uid != 0:
        set_dumpable(dumpable=True)
        folder = os.open("/proc/self", os.O_PATH)
        map_identity(folder, inside=(uid, gid), outside=(uid, gid))
        os.close(folder)
    make_private()
    for change in changes:
        change()


def full_disk(path: Path, keep: Path | None = None) -> Callable[[], None]:
    """A change for ``own_mounts``: a file system at ``path`` with no room for a byte or a name; the tree ``keep`` below it stays where it is."""

    def change() -> None:
        kept = clone_tree(os.open(keep, os.O_PATH)) if keep else -1
        mount = new_filesystem("tmpfs", 0, size="64k", nr_inodes="64", mode="1777" if keep else "0700")
        _attach(mount, path)
        if keep is not None:
            keep.mkdir(parents=True)
            _attach(kept, keep)
        try:
            for entry in range(65):
                filler = os.open(path / f"filler-{entry}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
                _fill(filler)
                os.close(filler)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise

    return change


def _fill(fd: int) -> None:
    try:
        while os.write(fd, bytes(4096)):
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def read_only(path: str | Path) -> Callable[[], None]:
    """A change for ``own_mounts``: the mount that holds ``path`` is read-only."""

    def change() -> None:
        top = next(str(folder) for folder in (Path(path), *Path(path).parents) if folder.is_mount())
        target = os.open(top, os.O_PATH)
        set_attributes(target, MOUNT_ATTR_RDONLY, recursive=False)
        os.close(target)

    return change


def _attach(mount: int, path: Path) -> None:
    target = os.open(path, os.O_PATH)
    attach(mount, target)
    os.close(target)
    os.close(mount)
