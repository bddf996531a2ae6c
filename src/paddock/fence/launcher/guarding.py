"""How the launcher becomes the guard: process 1 hands the listener and its own view of the file system over, and the launcher steps into that view.

The launcher is outside the fence's process namespace, so nothing inside can name it, signal it or stop it. It owns the user namespace that the command's is
made in, so it may look into every process of the command's (user_namespaces(7)), with no capability of its own left: as to files it can do exactly what the
command's user can.
"""

from __future__ import annotations

import _socket
import os
import resource

from paddock.fence.guard.caller import World
from paddock.fence.guard.serve import Guard
from paddock.fence.kernel.process import CLONE_NEWNS, drop_capabilities, no_new_privileges, set_namespace
from paddock.fence.launcher import report
from paddock.fence.launcher.state import State

__all__ = ["BECOME", "become", "hand_over", "look_inside", "prepare"]

BECOME = "judge what is made and written, with the command's own rights"
_FDS = 3


def prepare(state: State) -> None:
    """Make the way from process 1 to the launcher. Before the fork."""
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    state.handover = (ours.detach(), theirs.detach())


def look_inside(state: State) -> None:
    """In process 1, when every mount stands and opening is still free: its mount namespace and its root."""
    state.inside = (os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC), os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))


def hand_over(state: State) -> None:
    """In process 1, behind every filter: the listener, if there is one. Says so to the launcher in either case."""
    fds = (state.observer, *state.inside) if state.observer >= 0 else ()
    report.send(state.handover[1], report.OBSERVER, fds=fds)


def become(state: State) -> Guard | None:
    """In the launcher: wait for process 1, and get ready to answer. None when nothing can be watched here, or process 1 has failed."""
    os.close(state.handover[1])
    kind, _, fds = report.receive(state.handover[0])
    os.close(state.handover[0])
    if len(fds) != _FDS:
        if kind == report.OBSERVER:
            report.send(state.control, report.OBSERVER)
        return None
    listener, mounts, root = fds
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    set_namespace(mounts, CLONE_NEWNS)
    os.close(mounts)
    os.fchdir(root)
    os.chroot(".")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    drop_capabilities()
    no_new_privileges()
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    guard = Guard(listener, theirs.detach(), state.plan, World(proc, root))
    report.send(state.control, report.OBSERVER, fds=(ours.fileno(),))
    ours.close()
    return guard
