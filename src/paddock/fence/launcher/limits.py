"""The cgroups of one run: made before the namespaces, removed when process 1 is gone (cgroups(7))."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress

from paddock.fence.launcher import report
from paddock.fence.launcher.janitor import Janitor
from paddock.fence.launcher.state import StepFailed
from paddock.model.cgroups import MEMORY, PROCESSES, Cgroup
from paddock.model.plan import Plan

__all__ = ["Cgroups", "remove"]

_OWNER = "paddock"
OWN_PROCESSES = 1
"""Process 1 is counted too."""
OWN_MEMORY = 16 << 20
"""What process 1, and the launcher before it leaves, are charged with at most: they are no part of what the command may have."""

_MIB = 1 << 20


class Cgroups:
    """Those that the plan asks for; most plans ask for none.

    The launcher is inside of them only while it makes the namespaces, so that process 1 is born there and sees nothing of what is above; then it leaves: the
    kernel's answer to too much memory may be the end of everything in the cgroup, and somebody has to remain who cleans up.
    """

    def __init__(self, plan: Plan, control: int) -> None:
        if plan.cgroups:
            import paddock.fence.counters  # noqa: F401 -- before the namespaces, and for the plans only that need it

        self._plan = plan
        self._control = control
        self._made: list[_Made] = []
        self._janitor: Janitor | None = None
        self._last = -1

    def describe(self) -> str:
        """One line, as a step does."""
        return "make " + ", ".join(f"a cgroup (version {cgroup.version}) that counts {', '.join(cgroup.controllers)}" for cgroup in self._plan.cgroups)

    def enter(self) -> None:
        """Make them, set the limits and move this process in. Raises ``StepFailed``; nothing is left then."""
        try:
            for cgroup in self._plan.cgroups:
                made = _Made(cgroup, self._control)
                self._made.append(made)
                made.limit(self._plan)
            self._janitor = Janitor(self._clean, frozenset(made.parent for made in self._made))  # before this process is inside: that one must not be
            for made in self._made:
                made.join()
        except OSError as error:
            self.step_out()
            while self._made:
                self._made.pop().remove()
            message = f"{error.strerror or error} ({error.filename})" if error.filename else error.strerror or str(error)
            raise StepFailed(self.describe(), error.errno or 0, message) from error

    def announce(self) -> None:
        """Hand the supervisor what it needs to read them."""
        if self._made:
            reading, self._last = os.pipe2(os.O_CLOEXEC)
            report.send(self._control, report.COUNTERS, fds=(reading, *(made.folder for made in self._made)))
            os.close(reading)

    def step_out(self) -> None:
        """Move this process back; what it has started stays."""
        for made in self._made:
            made.step_out()

    def remove(self) -> None:
        """Have them taken away, after their last figures are on their way. Process 1 must be gone."""
        if self._last >= 0:
            from paddock.fence.counters import pack, read_all  # loaded already

            with suppress(BrokenPipeError):  # a supervisor that was killed asks no more
                os.write(self._last, pack([read_all(made.cgroup, made.folder) for made in self._made]))
            os.close(self._last)
        if self._janitor is not None:
            self._janitor.finish()

    @property
    def fd(self) -> int:
        """What process 1 has to hold open as long as it lives; -1 for nothing."""
        return self._janitor.fd if self._janitor is not None else -1

    def _clean(self) -> None:
        for made in self._made:
            remove(made.parent, made.name)


class _Made:
    """One new cgroup below ``cgroup.folder``."""

    def __init__(self, cgroup: Cgroup, control: int) -> None:
        self.cgroup = cgroup
        self.parent = os.open(cgroup.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        _sweep(self.parent)
        self.name = f"{_OWNER}-{os.getpid()}"
        report.send(control, report.GROUP, self.name.encode(), (self.parent,))
        os.mkdir(self.name, 0o755, dir_fd=self.parent)
        self.folder = os.open(self.name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.parent)
        # Opened before the namespaces: the kernel judges a move by who opened the file, and from within a cgroup namespace there is no way back.
        self.back = os.open(f"{cgroup.home}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
        self.inside = False

    def limit(self, plan: Plan) -> None:
        used, limits = self.cgroup.controllers, plan.limits
        if PROCESSES in used and limits.processes is not None:
            _write(self.folder, "pids.max", limits.processes + OWN_PROCESSES)
        if MEMORY in used and limits.memory_mb is not None:
            self._limit_memory(limits.memory_mb * _MIB + OWN_MEMORY)

    def _limit_memory(self, most: int) -> None:
        """Swap counts as memory: otherwise a run could have as much again, at everybody's expense. Kernels without swap accounting have no such file."""
        if self.cgroup.version == 2:
            _write(self.folder, "memory.max", most)
            _write_if_there(self.folder, "memory.swap.max", 0)
        else:
            _write(self.folder, "memory.limit_in_bytes", most)
            _write_if_there(self.folder, "memory.memsw.limit_in_bytes", most)

    def join(self) -> None:
        _write(self.folder, "cgroup.procs", 0)
        self.inside = True

    def step_out(self) -> None:
        if self.inside:
            os.write(self.back, b"0")
            self.inside = False

    def remove(self) -> None:
        try:
            os.rmdir(self.name, dir_fd=self.parent)
        except FileNotFoundError:
            return  # the supervisor was faster
        for fd in (self.back, self.folder, self.parent):
            os.close(fd)


def _write(folder: int, name: str, value: int) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)


def _write_if_there(folder: int, name: str, value: int) -> None:
    try:
        _write(folder, name, value)
    except FileNotFoundError:
        return


def remove(parent: int, name: str) -> None:
    """End what a killed launcher left in its cgroup, and remove it. For the supervisor, when everything it knows of has ended."""
    try:
        folder = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=parent)
    except FileNotFoundError:
        return  # as it should be
    try:
        while pids := _processes(folder):
            for pid in pids:
                _end(pid)
        with suppress(FileNotFoundError):  # another one was faster
            os.rmdir(name, dir_fd=parent)
    finally:
        os.close(folder)


def _processes(folder: int) -> list[int]:
    # A cgroup that another one has just removed has no such file any more.
    with suppress(FileNotFoundError), open(os.open("cgroup.procs", os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder), encoding="ascii") as file:
        return [int(line) for line in file]
    return []


def _end(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll()
    except ProcessLookupError:
        return
    finally:
        os.close(handle)


def _sweep(parent: int) -> None:
    """Remove the cgroups of launchers that were killed before they could: an empty one does nothing, and nobody else would ever take it away."""
    for name in os.listdir(parent):
        owner, _, pid = name.partition("-")
        if owner == _OWNER and pid.isdecimal() and not os.path.exists(f"/proc/{pid}"):
            try:
                os.rmdir(name, dir_fd=parent)
            except OSError:
                continue  # something still runs in it
