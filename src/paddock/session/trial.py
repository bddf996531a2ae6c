"""Every step of the fence, tried for real in children that end at once. Nothing that they do outlives them.

The steps of a chain build on each other: the first that fails ends it. Steps that need no namespace are chains of their own, so that one missing layer does
not hide another. Must be called from a process with a single thread.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import signal
import struct
import time
from collections.abc import Callable

from paddock.fence.kernel.landlock import Ruleset, abi
from paddock.fence.kernel.libc import system_call
from paddock.fence.kernel.mounts import MOUNT_ATTR_NODEV, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY, clone_tree, make_private, new_filesystem, set_attributes
from paddock.fence.kernel.netlink import RouteSocket
from paddock.fence.kernel.nftables import load
from paddock.fence.kernel.process import (
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    drop_capabilities,
    no_new_privileges,
    unshare,
)
from paddock.fence.launcher.ruleset import ruleset
from paddock.model.record import record

__all__ = ["Result", "Trial", "chains", "try_chain"]

# A step takes milliseconds; one that waits for something (a security module that asks a daemon) must not hold the diagnosis forever.
PATIENCE_SECONDS = 30.0
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 1 << 5
_SECCOMP_FILTER_FLAG_NEW_LISTENER = 1 << 3
# One instruction: return SECCOMP_RET_ALLOW (seccomp(2), struct sock_filter).
_ALLOW_EVERYTHING = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)


@record
class Trial:
    """One step. ``name`` is what ``host.doctor_fixes`` knows it by, ``what`` says it in words. ``needed`` False: a run does without, and says so."""

    name: str
    what: str
    act: Callable[[], None]
    needed: bool = True


@record
class Result:
    """How a step went: ``ok``, ``failed`` or ``not tried``. ``errno`` 0 and ``words`` empty unless it failed."""

    trial: Trial
    state: str
    errno: int = 0
    words: str = ""


def try_chain(chain: tuple[Trial, ...]) -> list[Result]:
    """Carry the steps out in one child, in order, up to the first that fails."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.close(reader)
        _carry_out(chain, writer)
    os.close(writer)
    try:
        lines = _listen(reader, child).decode("utf-8", "replace").split("\n")[:-1]
    finally:
        os.close(reader)
        os.waitpid(child, 0)
    return _results(chain, lines)


def _carry_out(chain: tuple[Trial, ...], writer: int) -> None:
    """In the child: one line a step, errno and words; never returns. A step may fork: then the new child goes on and this one waits for it."""
    try:
        for trial in chain:
            try:
                trial.act()
            except OSError as error:
                os.write(writer, f"{error.errno or 0} {_one_line(error.strerror or str(error))}\n".encode("utf-8", "replace"))
                break
            os.write(writer, b"ok\n")
    except BaseException as error:  # noqa: BLE001 -- a child must never return into the caller's code
        os.write(writer, f"0 {_one_line(repr(error))}\n".encode("utf-8", "replace"))
    finally:
        os._exit(0)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _listen(reader: int, child: int) -> bytes:
    deadline = time.monotonic() + PATIENCE_SECONDS
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    said = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            os.killpg(child, signal.SIGKILL)
            return said + f"{errno.ETIMEDOUT} no answer within {PATIENCE_SECONDS:.0f} s\n".encode()
        data = os.read(reader, 65536)
        if not data:
            return said
        said += data


def _results(chain: tuple[Trial, ...], lines: list[str]) -> list[Result]:
    results: list[Result] = []
    failed = False
    for number, trial in enumerate(chain):
        line = lines[number] if number < len(lines) else ""
        if line == "ok":
            results.append(Result(trial, "ok"))
        elif failed:
            results.append(Result(trial, "not tried"))
        else:
            code, _, words = line.partition(" ")
            results.append(Result(trial, "failed", int(code) if code.isdigit() else 0, words or "the child that tried it was ended"))
            failed = True
    return results


def _map(uid: int, gid: int, inside_uid: int, inside_gid: int) -> None:
    """user_namespaces(7): a process may map its own ids itself, once setgroups(2) is out of the way."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{inside_uid} {uid} 1"), ("gid_map", f"{inside_gid} {gid} 1")):
        fd = os.open(f"/proc/self/{name}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)


def _namespaces() -> None:
    unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)


def _loopback() -> None:
    routes = RouteSocket()
    try:
        routes.link_up()
    finally:
        routes.close()


def _mounts() -> None:
    make_private()
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    copy = clone_tree(root)
    set_attributes(copy, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID)
    os.close(copy)
    os.close(root)


def _tmpfs() -> None:
    os.close(new_filesystem("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, mode="0755"))


def _first_process() -> None:
    """The next steps belong to process 1 of the new pid namespace (pid_namespaces(7)): the caller waits for it here and leaves with it."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        os._exit(0)


def _proc() -> None:
    os.close(new_filesystem("proc", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV))


def _second_user_namespace(uid: int, gid: int) -> None:
    unshare(CLONE_NEWUSER)
    _map(0, 0, uid, gid)


def _landlock() -> None:
    rules = Ruleset(max(1, abi()))
    no_new_privileges()
    rules.restrict()


def _filter() -> None:
    no_new_privileges()
    _install(0)


def _observer() -> None:
    no_new_privileges()
    os.close(_install(_SECCOMP_FILTER_FLAG_NEW_LISTENER | _SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV))


def _install(flags: int) -> int:
    """seccomp(2) with a ``struct sock_fprog``."""
    program = ctypes.create_string_buffer(_ALLOW_EVERYTHING, len(_ALLOW_EVERYTHING))
    head = struct.pack("@HP", len(_ALLOW_EVERYTHING) // 8, ctypes.addressof(program))
    return system_call("seccomp", ctypes.c_uint, ctypes.c_uint, ctypes.c_char_p)(_SECCOMP_SET_MODE_FILTER, flags, head)


def chains() -> tuple[tuple[Trial, ...], ...]:
    """The steps of the ``namespaces`` backend for this user, in the launcher's order."""
    # Once inside a new user namespace without maps nobody can say who he was.
    uid, gid = os.geteuid(), os.getegid()
    return (
        (
            Trial("user-namespace", "make a user namespace", lambda: unshare(CLONE_NEWUSER)),
            Trial("id-maps", "map this user into it", lambda: _map(uid, gid, 0, 0)),
            Trial("namespaces", "make network, mount, pid, ipc, uts and cgroup namespaces", _namespaces),
            Trial("loopback", "bring up a loopback interface of its own", _loopback),
            Trial("ruleset", "load the rules that lead every connection to the gate", lambda: load(ruleset(()))),
            Trial("mounts", "show the file system read-only", _mounts),
            Trial("tmpfs", "mount private memory file systems", _tmpfs),
            Trial("first-process", "start process 1 of the fence", _first_process),
            Trial("proc", "mount a fresh /proc", _proc),
            Trial("second-user-namespace", "make the inner user namespace", lambda: _second_user_namespace(uid, gid)),
            Trial("capabilities", "give up every capability", drop_capabilities),
        ),
        (Trial("landlock", "put Landlock around writing", _landlock, needed=False),),
        (Trial("filter", "install a system call filter", _filter),),
        (Trial("observer", "hand system calls to the guard, which judges and reports", _observer, needed=False),),
    )
