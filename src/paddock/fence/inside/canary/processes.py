"""Canaries about processes: the host's and process 1 of the fence, and what this one could still become."""

from __future__ import annotations

import ctypes
import os
import signal
import struct

from paddock.fence.inside.canary.base import LIBC, Answer, apart, attempt, called, child, opened, raw, worst

__all__ = ["VERBS"]

PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17
IPC_PRIVATE, IPC_RMID, IPC_STAT = 0, 0, 2


def processes(pid: int) -> Answer:
    """Whether the process of the host's is in sight."""
    return [["/proc", attempt(os.stat, f"/proc/{pid}")]], worst((attempt(os.stat, f"/proc/{os.getpid()}"), attempt(os.stat, "/proc/1")))


def ended_by(pid: int) -> str:
    """Whether a signal ends a child of ours."""
    os.kill(pid, signal.SIGKILL)
    # It stays a zombie until it is waited for: WNOWAIT leaves that to the one who made it.
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return "ok" if found is not None and found.si_status == signal.SIGKILL else "it was not ended"


def signals(pid: int) -> Answer:
    """SIGURG does nothing to anybody who did not ask for it."""
    said = [["kill", attempt(os.kill, pid, signal.SIGURG)], ["pidfd_open", attempt(lambda: os.close(os.pidfd_open(pid)))]]
    return said, child(ended_by)


def group() -> Answer:
    """A signal to everybody in one's process group does not stop at a process namespace by itself (kill(2))."""
    return apart(lambda: [["kill", attempt(os.kill, 0, signal.SIGCHLD)]]), child(ended_by)


def seized(pid: int) -> str:
    """Whether a process can be traced (ptrace(2))."""
    said = called("ptrace", PTRACE_SEIZE, pid, 0, 0)
    if said == "ok":
        # Letting go needs it to be stopped; this program ends soon, and with it the tracing.
        called("ptrace", PTRACE_DETACH, pid, 0, 0)
    return said


def peeked(pid: int) -> str:
    """Whether the memory of a process can be read (process_vm_readv(2)). Children have this program's layout, so the address is right for them."""
    source, target = ctypes.create_string_buffer(b"probe"), ctypes.create_string_buffer(5)
    remote = struct.pack("@PN", ctypes.addressof(source), 5)
    local = struct.pack("@PN", ctypes.addressof(target), 5)
    iov = [ctypes.create_string_buffer(part, len(part)) for part in (local, remote)]
    return raw("process_vm_readv", pid, ctypes.addressof(iov[0]), 1, ctypes.addressof(iov[1]), 1, 0)


def trace(pid: int) -> Answer:
    """Trace and read a process of the host's."""
    said = apart(lambda: [["ptrace", seized(pid)], ["process_vm_readv", peeked(pid)]])
    return said, child(lambda own: worst((peeked(own), seized(own))))


def trace_keeper() -> Answer:
    """Trace and read process 1 of the fence, which holds the way to the supervisor."""
    said = apart(lambda: [["ptrace", seized(1)], ["process_vm_readv", peeked(1)], ["/proc/1/mem", opened("/proc/1/mem", os.O_RDWR)]])
    return said, child(lambda own: worst((peeked(own), seized(own))))


def shared_memory(segment: int) -> Answer:
    """A System V segment of the host's, by its number (shmctl(2))."""
    buffer = ctypes.create_string_buffer(256)
    said = called("shmctl", segment, IPC_STAT, ctypes.addressof(buffer))
    own = LIBC.shmget(IPC_PRIVATE, ctypes.c_size_t(4096), 0o600)
    twin = called("shmctl", own, IPC_STAT, ctypes.addressof(buffer))
    called("shmctl", own, IPC_RMID, 0)
    return [["shmctl", said]], twin


def status() -> Answer:
    """What this process could still do (proc_pid_status(5))."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        fields = {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
    said = [[name, "none" if fields.get(name, "?").strip("0") == "" else fields.get(name, "?")] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
    said += [["NoNewPrivs", fields.get("NoNewPrivs", "?")], ["Seccomp", fields.get("Seccomp", "?")]]
    return said, "ok" if fields.get("Pid") == str(os.getpid()) else "its status is not its own"


def namespaces(outside: dict[str, str]) -> Answer:
    """Whether each namespace is another than the supervisor's."""
    said = [[name, "shared" if os.readlink(f"/proc/self/ns/{name}") == link else "own"] for name, link in outside.items()]
    same = os.readlink("/proc/self/ns/net") == os.readlink(f"/proc/{os.getpid()}/ns/net")
    return said, "ok" if same else "its namespaces cannot be told"


VERBS = (processes, signals, group, trace, trace_keeper, shared_memory, status, namespaces)
