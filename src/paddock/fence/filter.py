"""The static filter: system calls that no command needs, refused for everybody inside with an honest errno.

It is a list of what is refused, not of what is allowed: it keeps kernel code that has no business in a fence out of reach, and closes ways around the other
layers. Reading what a pointer points to is not possible here, which is why calls with their arguments in memory (``clone3``, ``openat2``) are refused whole,
with the errno that makes callers fall back to the older call.
"""

from __future__ import annotations

import errno
import stat

from paddock.fence.kernel.bpf import ALLOW, Clause, Rule, assemble, equals, has_bits, not_zero, refuse
from paddock.fence.kernel.numbers import AUDIT_ARCH, NUMBERS, X32_BIT, X86_64

__all__ = ["RULES", "static_filter"]

_EPERM = refuse(errno.EPERM)
_ENOSYS = refuse(errno.ENOSYS)
_DONE = refuse(0)
"""The call succeeds and does nothing."""

# getrlimit(2). The fence sets this limit to the one value at which a crash starts no program of the host's (core(5)). Who asks for 0 wants the same, and some
# (key agents) end when they cannot have it; taken literally it would start that program again.
_RLIMIT_CORE = 4

# clone(2), unshare(2): every CLONE_NEW* flag. CLONE_NEWTIME (0x80) lies in clone's signal number and exists only for unshare.
_NEW_NAMESPACES = 0x7E020000
_NEW_TIME_NAMESPACE = 0x00000080

_SET_ID = stat.S_ISUID | stat.S_ISGID
_DEVICES = (stat.S_IFCHR, stat.S_IFBLK)
_S_IFMT = 0o170000
_O_CREATES = 0o100 | 0o20000000  # O_CREAT and the bit that is only in O_TMPFILE: without one of them open ignores its mode

# ioctl_tty(2), ioctl_console(2): typing into the caller's terminal, and pasting into it on a console. And other line disciplines for a terminal: drivers of
# modems and field buses, loaded on demand by anybody who has a terminal.
_TIOCSTI = 0x5412
_TIOCLINUX = 0x541C
_TIOCSETD = 0x5423

# linux/btrfs.h, bcachefs: an ioctl that makes a directory, with all that is in another one, where the guard would not see it.
_BTRFS_SNAP_CREATE, _BTRFS_SUBVOL_CREATE, _BTRFS_SNAP_CREATE_V2, _BTRFS_SUBVOL_CREATE_V2 = 0x50009401, 0x5000940E, 0x50009417, 0x50009418
_BCACHEFS_SUBVOLUME_CREATE = 0x4020BC10
_MAKING = (_BTRFS_SNAP_CREATE, _BTRFS_SUBVOL_CREATE, _BTRFS_SNAP_CREATE_V2, _BTRFS_SUBVOL_CREATE_V2, _BCACHEFS_SUBVOLUME_CREATE)

_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_STREAM, _DGRAM, _RAW, _SEQPACKET = 1, 2, 3, 5
_NONBLOCK, _CLOEXEC = 0o4000, 0o2000000
_TYPE = 0xFFFFFFFF & ~(_NONBLOCK | _CLOEXEC)
_TCP, _UDP, _ROUTE = 6, 17, 0

# setpriority(2), ioprio_set(2): whom a call is about.
_PRIO_PROCESS, _PRIO_PGRP, _PRIO_USER = 0, 1, 2
_IOPRIO_PROCESS, _IOPRIO_PGRP, _IOPRIO_USER = 1, 2, 3


def _mode(names: tuple[str, ...], argument: int, *, creating_flags: int | None = None) -> Rule:
    """Refuse a set-user-id or set-group-id bit in a mode argument."""
    tests = (has_bits(argument, _SET_ID),) if creating_flags is None else (has_bits(creating_flags, _O_CREATES), has_bits(argument, _SET_ID))
    return Rule(names, (Clause(tests, _EPERM),), ALLOW)


def _node(name: str, mode: int) -> Rule:
    return Rule((name,), (Clause((equals(mode, *_DEVICES, mask=_S_IFMT),), _EPERM), Clause((has_bits(mode, _SET_ID),), _EPERM)), ALLOW)


_SOCKETS = Rule(
    ("socket",),
    (
        Clause((equals(0, _AF_UNIX), equals(1, _STREAM, _DGRAM, _SEQPACKET, mask=_TYPE)), ALLOW),
        Clause((equals(0, _AF_INET, _AF_INET6), equals(1, _STREAM, mask=_TYPE), equals(2, 0, _TCP)), ALLOW),
        Clause((equals(0, _AF_INET, _AF_INET6), equals(1, _DGRAM, mask=_TYPE), equals(2, 0, _UDP)), ALLOW),
        # What the C libraries' getifaddrs(3) and getaddrinfo(3) open, word for word. A netlink socket of any other shape is not needed to ask for addresses.
        Clause((equals(0, _AF_NETLINK), equals(1, _RAW | _CLOEXEC, _DGRAM | _CLOEXEC), equals(2, _ROUTE)), ALLOW),
        # The kernel's own answers: raw sockets need a capability, other protocols (SCTP, UDP-Lite, MPTCP) are as if they were not built in.
        Clause((equals(0, _AF_INET, _AF_INET6), equals(1, _STREAM, _DGRAM, mask=_TYPE)), refuse(errno.EPROTONOSUPPORT)),
        Clause((equals(0, _AF_INET, _AF_INET6),), _EPERM),
        Clause((equals(0, _AF_UNIX),), refuse(errno.ESOCKTNOSUPPORT)),
    ),
    refuse(errno.EAFNOSUPPORT),
)

RULES: tuple[Rule, ...] = (
    # Namespaces: no way to a user namespace, and with it to capabilities.
    Rule(("clone3",), (), _ENOSYS),
    Rule(("clone",), (Clause((has_bits(0, _NEW_NAMESPACES),), _EPERM),), ALLOW),
    Rule(("unshare",), (Clause((has_bits(0, _NEW_NAMESPACES | _NEW_TIME_NAMESPACE),), _EPERM),), ALLOW),
    Rule(("setns",), (), _EPERM),
    # Mounts and roots.
    Rule(("mount", "umount2", "pivot_root", "chroot", "mount_setattr", "move_mount", "open_tree", "open_tree_attr"), (), _EPERM),
    Rule(("fsopen", "fsconfig", "fsmount", "fspick"), (), _EPERM),
    # Files without a path, accounting, quotas: open_by_handle_at goes around every mount.
    Rule(("open_by_handle_at", "fanotify_init", "lookup_dcookie", "acct", "quotactl", "quotactl_fd", "swapon", "swapoff"), (), _EPERM),
    # Kernel code, kernel memory, kernel keys.
    Rule(("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "bpf", "perf_event_open", "userfaultfd"), (), _EPERM),
    Rule(("add_key", "request_key", "keyctl", "syslog", "iopl", "ioperm"), (), _EPERM),
    # io_uring carries calls out without passing any filter.
    Rule(("io_uring_setup", "io_uring_enter", "io_uring_register", "uselib", "_sysctl", "nfsservctl"), (), _ENOSYS),
    # The machine's own state.
    Rule(("reboot", "sethostname", "setdomainname", "vhangup", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime"), (), _EPERM),
    # Typing into the terminal, and its drivers. The command word is cut to 32 bits by the kernel.
    Rule(("ioctl",), (Clause((equals(1, _TIOCSTI, _TIOCLINUX, _TIOCSETD, *_MAKING),), _EPERM),), ALLOW),
    # Limits of others: process 1 could be starved through them.
    Rule(("prlimit64",), (Clause((has_bits(0, 0xFFFFFFFF), not_zero(2)), _EPERM), Clause((equals(1, _RLIMIT_CORE), not_zero(2)), _DONE)), ALLOW),
    Rule(("setrlimit",), (Clause((equals(0, _RLIMIT_CORE),), _DONE),), ALLOW),
    # Process 1 has to be scheduled to end the fence: made idle beside busy processes, it let them outlive a killed supervisor for as long as they liked.
    # "This process group" and "all of this user's" may hold process 1.
    Rule(("sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"), (Clause((equals(0, 1),), _EPERM),), ALLOW),
    Rule(("setpriority",), (Clause((equals(0, _PRIO_PROCESS), equals(1, 1)), _EPERM), Clause((equals(0, _PRIO_PGRP, _PRIO_USER),), _EPERM)), ALLOW),
    Rule(("ioprio_set",), (Clause((equals(0, _IOPRIO_PROCESS), equals(1, 1)), _EPERM), Clause((equals(0, _IOPRIO_PGRP, _IOPRIO_USER),), _EPERM)), ALLOW),
    # Set-id bits: a file made here can be run outside by somebody else.
    _mode(("chmod", "fchmod", "creat", "mkdir"), 1),
    _mode(("fchmodat", "fchmodat2", "mkdirat"), 2),
    _mode(("open",), 2, creating_flags=1),
    _mode(("openat",), 3, creating_flags=2),
    Rule(("openat2",), (), _ENOSYS),
    _node("mknod", 1),
    _node("mknodat", 2),
    _SOCKETS,
    Rule(("socketpair",), (Clause((equals(0, _AF_UNIX),), ALLOW),), refuse(errno.EAFNOSUPPORT)),
)


# memfd_create(2). Landlock does not look at files in memory, so one that can be executed would be a program of no list. The errno is that of
# ``vm.memfd_noexec`` = 2.
_MFD_NOEXEC_SEAL = 0x8
_NO_PROGRAMS_IN_MEMORY = Rule(("memfd_create",), (Clause((has_bits(1, _MFD_NOEXEC_SEAL),), ALLOW),), refuse(errno.EACCES))


def static_filter(*, only_listed_programs: bool = False) -> bytes:
    """The program for this machine; with ``only_listed_programs`` none can be made in memory."""
    rules = (*RULES, _NO_PROGRAMS_IN_MEMORY) if only_listed_programs else RULES
    return assemble(rules, NUMBERS, AUDIT_ARCH, X32_BIT if NUMBERS is X86_64 else None)
