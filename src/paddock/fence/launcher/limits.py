"""A limit on processes that also holds for root: a cgroup with the pids controller, of either version (cgroups(7))."""

from __future__ import annotations

import errno
import os
import select
import signal

from paddock.fence.launcher import report
from paddock.fence.launcher.state import StepFailed
from paddock.model.plan import Plan

__all__ = ["ProcessLimit", "remove"]

_MOUNT = "/sys/fs/cgroup"
_OWNER = "paddock"
_OURS = 2
"""The launcher and process 1 are counted too."""


class ProcessLimit:
    """RLIMIT_NPROC does not bind the user id 0 (setrlimit(2)), so a root caller's limit is a cgroup. Does nothing for anybody else, or without a limit."""

    def __init__(self, plan: Plan, control: int) -> None:
        self._control = control
        self.limit = plan.limits.processes if plan.uid == 0 else None
        self._parent = -1
        self._name = ""

    def describe(self) -> str:
        """One line, as a step does."""
        return f"join a pids cgroup with room for {self.limit} processes"

    def enter(self) -> None:
        """Make the cgroup and move this process, and so every later child, into it. Raises ``StepFailed`` when there is none to be had."""
        if self.limit is None:
            return
        folder = _folder()
        if not folder:
            message = "no cgroup with a pids controller is writable here, and without one nothing limits the processes of user 0"
            raise StepFailed(self.describe(), errno.EOPNOTSUPP, message)
        try:
            self._join(folder, self.limit + _OURS)
        except OSError as error:
            self.leave()
            raise StepFailed(self.describe(), error.errno or 0, error.strerror or str(error)) from error

    def _join(self, folder: str, room: int) -> None:
        parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        _sweep(parent)
        name = f"{_OWNER}-{os.getpid()}"
        report.send(self._control, report.GROUP, name.encode(), (parent,))
        os.mkdir(name, 0o755, dir_fd=parent)
        self._parent, self._name = parent, name
        self._write(f"{name}/pids.max", str(room))
        self._write(f"{name}/cgroup.procs", "0")

    def leave(self) -> None:
        """Move out and remove the cgroup, which is empty when process 1 is gone."""
        if self._parent >= 0:
            self._write("cgroup.procs", "0")
            try:
                os.rmdir(self._name, dir_fd=self._parent)
            except FileNotFoundError:
                return  # the supervisor was faster

    def _write(self, name: str, text: str) -> None:
        fd = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=self._parent)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)


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
        os.rmdir(name, dir_fd=parent)
    finally:
        os.close(folder)


def _processes(folder: int) -> list[int]:
    with open(os.open("cgroup.procs", os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder), encoding="ascii") as file:
        return [int(line) for line in file]


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


def _folder() -> str:
    """The nearest cgroup above (or of) this process below which children get the pids controller; empty when there is none."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        lines = file.read().splitlines()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "pids" in controllers.split(","):
            return _writable(f"{_MOUNT}/pids{path}")
        if not controllers and os.path.exists(f"{_MOUNT}/cgroup.controllers"):
            while not (found := _delegates(f"{_MOUNT}{path}")) and path not in ("", "/"):
                path = path.rpartition("/")[0]
            if found:
                return found
    return ""


def _delegates(folder: str) -> str:
    try:
        with open(f"{folder}/cgroup.subtree_control", encoding="ascii") as file:
            return _writable(folder) if "pids" in file.read().split() else ""
    except OSError:
        return ""  # a cgroup that cannot be looked into is not used


def _writable(folder: str) -> str:
    return folder.rstrip("/") if os.access(folder, os.W_OK) else ""
