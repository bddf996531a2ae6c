"""Canaries about system calls that the static filter refuses, and about limits and variables."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import resource
import signal
import socket
import termios

from paddock.fence.inside.canary.base import LIBC, MOST_NAMES, NUMBER, Answer, Said, apart, attempt, child, raw, raw_twin, worst

__all__ = ["VERBS"]

TIOCLINUX = 0x541C
CLONE_NEWUSER = 0x10000000
AF_PACKET, AF_VSOCK, NETLINK_NETFILTER = 17, 40, 12
MPTCP = 262
NO_ADDRESS = 8
BEYOND = 70000
"""No protocol has this number: the kernel itself would say EINVAL, so that any other word is the filter's."""


def calls(wanted: list[tuple[str, list[int]]]) -> Answer:
    """System calls with arguments that do nothing; names come with their numbers in ``NUMBER``."""
    return apart(lambda: [[name, raw(name, *arguments)] for name, arguments in wanted]), raw_twin()


def cloned() -> str:
    """clone(2) with a new user namespace."""
    ctypes.set_errno(0)
    pid = LIBC.syscall(ctypes.c_long(NUMBER["clone"]), ctypes.c_long(CLONE_NEWUSER | signal.SIGCHLD), *(ctypes.c_long(0),) * 4)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
        return "ok"
    return errno.errorcode.get(ctypes.get_errno(), "?")


def new_namespaces() -> Answer:
    """Every way to a user namespace, and with it to capabilities."""

    def work() -> Said:
        said = [["clone", cloned()], ["clone3", raw("clone3", 0, 0)], ["setns", raw("setns", -1, 0)]]
        return [*said, ["unshare", raw("unshare", CLONE_NEWUSER)]]

    return apart(work), worst((raw("unshare", 0), child(lambda _: "ok")))


def sockets() -> Answer:
    """Sockets that speak past the gate, or to the kernel's own parts."""

    def made(family: int, kind: int, protocol: int) -> str:
        return attempt(lambda: socket.socket(family, kind, protocol).close())

    said = [
        ["raw IPv4", made(socket.AF_INET, socket.SOCK_RAW, BEYOND)],
        ["raw IPv6", made(socket.AF_INET6, socket.SOCK_RAW, BEYOND)],
        ["ICMP", made(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)],
        ["MPTCP", made(socket.AF_INET, socket.SOCK_STREAM, MPTCP)],
        ["packet", made(AF_PACKET, socket.SOCK_RAW, 0)],
        ["vsock", made(AF_VSOCK, socket.SOCK_STREAM, 0)],
        ["netfilter", made(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)],
        ["pair", attempt(socket.socketpair, socket.AF_INET, socket.SOCK_STREAM)],
    ]
    return said, worst(made(socket.AF_INET, kind, 0) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))


def terminal() -> Answer:
    """Typing into one's own controlling terminal (ioctl_tty(2)): what the kernel would allow, or refuse with EIO where that is switched off."""

    def work() -> Said:
        os.setsid()
        _, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        said = [["TIOCSTI", attempt(fcntl.ioctl, slave, termios.TIOCSTI, b"x")], ["TIOCLINUX", attempt(fcntl.ioctl, slave, TIOCLINUX, b"\x03")]]
        return [*said, ["twin", attempt(fcntl.ioctl, slave, termios.TIOCGWINSZ, bytes(8))]]

    said = apart(work)
    return [pair for pair in said if pair[0] != "twin"], next((found for what, found in said if what == "twin"), "no terminal can be made")


def limits(wanted: dict[str, int], areas: dict[str, int]) -> Answer:
    """Whether each resource limit is in force for good (soft and hard), and how large the memory-backed folders may become."""
    said = []
    for name, value in wanted.items():
        soft, hard = resource.getrlimit(getattr(resource, name))
        said.append([name, "bound" if 0 <= soft <= value and 0 <= hard <= value else f"{soft}"])
    for path, size in areas.items():
        found = os.statvfs(path)
        said.append([path, "bound" if 0 < found.f_blocks * found.f_frsize <= size else f"{found.f_blocks * found.f_frsize} bytes"])
    return said, attempt(resource.getrlimit, resource.RLIMIT_NOFILE)


def limits_of_others() -> Answer:
    """Change a limit of process 1 (prlimit(2)); the new value stands at no address, so the kernel by itself says EFAULT."""
    own = attempt(resource.setrlimit, resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
    return [["prlimit64", raw("prlimit64", 1, resource.RLIMIT_NOFILE, NO_ADDRESS, 0)]], own


def variables(allowed: list[str], removed: list[str], present: str) -> Answer:
    """The variables that this program was started with."""
    with open("/proc/self/environ", "rb") as file:
        names = {os.fsdecode(pair.partition(b"=")[0]) for pair in file.read().split(b"\0") if pair}
    said = [[name, "seen" if name in names else "gone"] for name in removed]
    strange = sorted(names - set(allowed))
    said.append(["others", f"holds {', '.join(strange[:MOST_NAMES])}" if strange else "none"])
    return said, "ok" if present in names else f"{present} is not there"


VERBS = (calls, new_namespaces, sockets, terminal, limits, limits_of_others, variables)
