"""Canaries about system calls that no command needs.

Where it can be had, the arguments are such that the kernel by itself would answer otherwise than the filter does: then the word that comes back shows that the
filter said it. The numbers in the comments are what the kernel says without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from paddock.fence.kernel.numbers import NUMBERS
from paddock.model.plan import Plan
from paddock.model.record import replace
from paddock.session.verify_host import HostSide
from paddock.session.verify_table import Canary, all_of, words

__all__ = ["USED", "canaries"]

_BAD = 0x7FFF0000  # flags that no call knows: EINVAL
_NOWHERE = -1

_MOUNTS = (
    ("mount", (0, 0, 0, 0, 0)),  # EFAULT
    ("umount2", (0, _BAD)),  # EINVAL
    ("chroot", (0,)),  # EFAULT
    ("open_tree", (_NOWHERE, 0, _BAD)),  # EINVAL
    ("mount_setattr", (_NOWHERE, 0, _BAD, 0, 0)),  # EINVAL
    ("move_mount", (_NOWHERE, 0, _NOWHERE, 0, 0)),  # EPERM
    ("pivot_root", (0, 0)),  # EPERM
    ("fsopen", (0, 0)),  # EPERM
    ("fsconfig", (_NOWHERE, 0, 0, 0, 0)),  # EINVAL
)
_KEYRINGS = (
    ("keyctl", (_BAD, 0, 0, 0, 0)),  # EOPNOTSUPP
    ("add_key", (0, 0, 0, 0, 0)),  # EFAULT
    ("request_key", (0, 0, 0, 0)),  # EFAULT
)
_KERNEL = (
    ("bpf", (_BAD, 0, 0)),  # EINVAL or EPERM
    ("perf_event_open", (0, 0, -1, -1, 0)),  # EFAULT
    ("userfaultfd", (_BAD,)),  # EINVAL or EPERM
    ("kexec_load", (0, 0, 0, _BAD)),  # EPERM
    ("init_module", (0, 0, 0)),  # EPERM
    ("syslog", (_NOWHERE, 0, 0)),  # EINVAL or EPERM
)
_AROUND = (
    ("io_uring_setup", (0, 0)),  # EFAULT
    ("io_uring_enter", (_NOWHERE, 0, 0, _BAD, 0, 0)),  # EINVAL
)
_HANDLES = (
    ("open_by_handle_at", (_NOWHERE, 0, 0)),  # EFAULT or EPERM
    ("fanotify_init", (_BAD, 0)),  # EINVAL or EPERM
)

_CLOCKS = (
    ("adjtimex", (0,)),  # EFAULT
    ("clock_adjtime", (_BAD, 0)),  # EINVAL
    ("clock_settime", (_BAD, 0)),  # EINVAL
    ("sethostname", (0, _NOWHERE)),  # EPERM
)
_SET_ID, _CREATE, _NODE = 0o4755, 0o100, 0o20600
# The paths are no addresses: EFAULT, or for a call with a bad descriptor EBADF.
_MODES = (
    ("chmod", (0, _SET_ID)),
    ("fchmod", (_NOWHERE, _SET_ID)),
    ("creat", (0, _SET_ID)),
    ("mkdir", (0, _SET_ID)),
    ("fchmodat", (_NOWHERE, 0, _SET_ID)),
    ("fchmodat2", (_NOWHERE, 0, _SET_ID, 0)),
    ("mkdirat", (_NOWHERE, 0, _SET_ID)),
    ("open", (0, _CREATE, _SET_ID)),
    ("openat", (_NOWHERE, 0, _CREATE, _SET_ID)),
    ("mknod", (0, _SET_ID, 0)),
    ("mknodat", (_NOWHERE, 0, _NODE, 0)),
)
# What they would set is what process 1 has already (setpriority(2), ioprio_set(2)).
_PRIORITIES = (
    ("sched_setaffinity", (1, 0, 0)),  # EINVAL
    ("sched_setscheduler", (1, -1, 0)),  # EINVAL
    ("sched_setparam", (1, 0)),  # EINVAL
    ("sched_setattr", (1, 0, 0)),  # EINVAL
    ("setpriority", (0, 1, 0)),  # no error
    ("ioprio_set", (1, 1, 0)),  # no error
)
_RLIMIT_CORE, _NO_ADDRESS = 4, 8
_CORE = (
    ("setrlimit", (_RLIMIT_CORE, _NO_ADDRESS)),  # EFAULT
    ("prlimit64", (0, _RLIMIT_CORE, _NO_ADDRESS, 0)),  # EFAULT
)
_GROUPS = (_CORE, _MOUNTS, _KEYRINGS, _KERNEL, _AROUND, _HANDLES, _CLOCKS, _MODES, _PRIORITIES)

_OTHERS = ("clone", "clone3", "landlock_create_ruleset", "landlock_restrict_self", "prlimit64", "process_vm_readv", "setns", "unshare")
USED = frozenset((*_OTHERS, *(name for group in _GROUPS for name, _ in group)))
"""The calls whose numbers the probe has to know."""


def canaries(_plan: Plan, _host: HostSide) -> Iterator[Canary]:
    """In the order in which they are tried."""
    expects = {"clone": words("EPERM"), "clone3": words("ENOSYS"), "setns": words("EPERM"), "unshare": words("EPERM")}
    yield Canary("new-namespaces", "make or enter a user namespace, in four ways", "new_namespaces", (), expects, shown="EPERM, ENOSYS")
    yield _calls("mount-calls", "mount, unmount, change the root", _MOUNTS, "EPERM")
    yield _calls("keyrings", "use the kernel's keyrings", _KEYRINGS, "EPERM")
    yield _calls("kernel-calls", "load code into the kernel, watch it or read its log", _KERNEL, "EPERM")
    yield _calls("io-uring", "have calls carried out past the filter", _AROUND, "ENOSYS")
    yield _calls("file-handles", "open a file without a path, watch a whole file system", _HANDLES, "EPERM")
    yield _calls("clocks", "set the clock or the host's name", _CLOCKS, "EPERM")
    yield _calls("set-id-calls", "pass a set-user-id bit or a device to each call that takes a mode", _MODES, "EPERM")
    yield _calls("priorities", "change when process 1 runs", _PRIORITIES, "EPERM")
    tries = "raise the limit on core files, which would start the machine's crash handler"
    yield replace(_calls("core-limit", tries, _CORE, "ok"), shown="taken, and not carried out")
    sockets = {"raw IPv4": words("EPERM"), "raw IPv6": words("EPERM", "EAFNOSUPPORT"), "ICMP": words("EPROTONOSUPPORT"), "MPTCP": words("EPROTONOSUPPORT")}
    yield Canary("sockets", "make raw, packet and other unusual sockets", "sockets", (), {**sockets, **all_of("EAFNOSUPPORT")}, shown="the filter's errno")
    yield Canary("terminal", "type into the terminal (TIOCSTI, TIOCLINUX)", "terminal", (), all_of("EPERM"))


def _calls(name: str, tries: str, wanted: tuple[tuple[str, tuple[int, ...]], ...], refusal: str) -> Canary:
    return Canary(name, tries, "calls", ([(call, arguments) for call, arguments in wanted if call in NUMBERS],), all_of(refusal))
