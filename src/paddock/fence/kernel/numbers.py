"""System call numbers of the two architectures that Paddock runs on.

From ``arch/x86/entry/syscalls/syscall_64.tbl`` and ``scripts/syscall.tbl`` (arm64 uses the generic table) of Linux 6.18. Numbers from 424 on are the same
everywhere. A name that is missing for an architecture does not exist there (``open`` on arm64).
"""

from __future__ import annotations

import os

__all__ = ["AARCH64", "AUDIT_ARCH", "NUMBERS", "X32_BIT", "X86_64"]

_COMMON = {
    "clone3": 435,
    "close_range": 436,
    "fchmodat2": 452,
    "fsconfig": 431,
    "fsmount": 432,
    "fsopen": 430,
    "fspick": 433,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "io_uring_setup": 425,
    "landlock_add_rule": 445,
    "landlock_create_ruleset": 444,
    "landlock_restrict_self": 446,
    "mount_setattr": 442,
    "move_mount": 429,
    "open_tree": 428,
    "open_tree_attr": 467,
    "openat2": 437,
    "pidfd_open": 434,
    "pidfd_send_signal": 424,
    "quotactl_fd": 443,
}

X86_64 = _COMMON | {
    "_sysctl": 156,
    "acct": 163,
    "add_key": 248,
    "adjtimex": 159,
    "bpf": 321,
    "capset": 126,
    "chmod": 90,
    "chroot": 161,
    "clock_adjtime": 305,
    "clock_settime": 227,
    "clone": 56,
    "creat": 85,
    "delete_module": 176,
    "fanotify_init": 300,
    "fchmod": 91,
    "fchmodat": 268,
    "finit_module": 313,
    "init_module": 175,
    "ioctl": 16,
    "ioperm": 173,
    "iopl": 172,
    "kexec_file_load": 320,
    "kexec_load": 246,
    "keyctl": 250,
    "link": 86,
    "linkat": 265,
    "lookup_dcookie": 212,
    "mkdir": 83,
    "mkdirat": 258,
    "mknod": 133,
    "mknodat": 259,
    "mount": 165,
    "nfsservctl": 180,
    "open": 2,
    "open_by_handle_at": 304,
    "openat": 257,
    "perf_event_open": 298,
    "pivot_root": 155,
    "prlimit64": 302,
    "process_vm_readv": 310,
    "quotactl": 179,
    "reboot": 169,
    "rename": 82,
    "renameat": 264,
    "renameat2": 316,
    "request_key": 249,
    "rmdir": 84,
    "seccomp": 317,
    "setdomainname": 171,
    "sethostname": 170,
    "setns": 308,
    "settimeofday": 164,
    "signalfd4": 289,
    "socket": 41,
    "socketpair": 53,
    "swapoff": 168,
    "swapon": 167,
    "symlink": 88,
    "symlinkat": 266,
    "syslog": 103,
    "truncate": 76,
    "umount2": 166,
    "unlink": 87,
    "unlinkat": 263,
    "unshare": 272,
    "uselib": 134,
    "userfaultfd": 323,
    "vhangup": 153,
}

AARCH64 = _COMMON | {
    "acct": 89,
    "add_key": 217,
    "adjtimex": 171,
    "bpf": 280,
    "capset": 91,
    "chroot": 51,
    "clock_adjtime": 266,
    "clock_settime": 112,
    "clone": 220,
    "delete_module": 106,
    "fanotify_init": 262,
    "fchmod": 52,
    "fchmodat": 53,
    "finit_module": 273,
    "init_module": 105,
    "ioctl": 29,
    "kexec_file_load": 294,
    "kexec_load": 104,
    "keyctl": 219,
    "linkat": 37,
    "lookup_dcookie": 18,
    "mkdirat": 34,
    "mknodat": 33,
    "mount": 40,
    "nfsservctl": 42,
    "open_by_handle_at": 265,
    "openat": 56,
    "perf_event_open": 241,
    "pivot_root": 41,
    "prlimit64": 261,
    "process_vm_readv": 270,
    "quotactl": 60,
    "reboot": 142,
    "renameat": 38,
    "renameat2": 276,
    "request_key": 218,
    "seccomp": 277,
    "setdomainname": 162,
    "sethostname": 161,
    "setns": 268,
    "settimeofday": 170,
    "signalfd4": 74,
    "socket": 198,
    "socketpair": 199,
    "swapoff": 225,
    "swapon": 224,
    "symlinkat": 36,
    "syslog": 116,
    "truncate": 45,
    "umount2": 39,
    "unlinkat": 35,
    "unshare": 97,
    "userfaultfd": 282,
    "vhangup": 58,
}

_TABLES = {"x86_64": X86_64, "aarch64": AARCH64}

# linux/audit.h: what the kernel writes into seccomp_data.arch.
_AUDIT_ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

X32_BIT = 0x40000000
"""Numbers of the x32 ABI carry this bit under the x86-64 architecture value (asm/unistd.h)."""

_MACHINE = os.uname().machine

NUMBERS = _TABLES.get(_MACHINE, {})
"""The table of this machine; empty on an architecture that is not supported, so that every call fails with ENOSYS."""

AUDIT_ARCH = _AUDIT_ARCHES.get(_MACHINE, 0)
