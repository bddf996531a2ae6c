"""The first steps: namespaces, and the ids in them."""

from __future__ import annotations

import os

from paddock.fence.kernel.process import (
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    set_dumpable,
    unshare,
)
from paddock.fence.launcher.state import State, Step

__all__ = ["ENTER", "enter_steps", "map_identity"]

ENTER = "make user, network, process, ipc, host name and cgroup namespaces"


def enter_steps() -> tuple[Step, ...]:
    """What the launcher does first, in order."""
    return (_Enter(), _Map())


class _Enter:
    def describe(self) -> str:
        return ENTER

    def execute(self, _state: State) -> None:
        unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)


class _Map:
    """The caller is user 0 of the new user namespace: what is built now belongs to it, and only it is mapped."""

    def describe(self) -> str:
        return "map the caller's user and group id to 0 for the set-up"

    def execute(self, state: State) -> None:
        set_dumpable(dumpable=True)  # the map files of another kind of process belong to root (proc(5))
        own = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        map_identity(own, inside=(0, 0), outside=(state.uid, state.gid))
        os.close(own)


def map_identity(process: int, *, inside: tuple[int, int], outside: tuple[int, int]) -> None:
    """Write the maps of this process's new user namespace: one user and one group (user_namespaces(7)). ``process`` is its folder in ``/proc``.

    Groups cannot be given up inside: a directory that refuses a group would open up otherwise, which is why the kernel asks for the first line.
    """
    for name, text in (("setgroups", "deny"), ("uid_map", f"{inside[0]} {outside[0]} 1"), ("gid_map", f"{inside[1]} {outside[1]} 1")):
        fd = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=process)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)
