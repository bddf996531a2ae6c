"""Whether this process is in a fence of Paddock's already, and in which: found out from the kernel, never from what somebody says.

A wrong yes would run a command without a fence of its own, so everything that can be asked is asked: the description stands on a read-only mount of its own,
in a network without any way out, no capability is left in any set, a filter is in force, namespaces cannot be made, and every place that is said to be
closed is closed by a mount. What does not fit makes the answer no, and then the ordinary fence is built, or cannot be built; nothing runs with less.
"""

from __future__ import annotations

import errno
import os
import stat

from paddock.model.around import PLACE, Around, Spot, parse
from paddock.model.plan import Access

__all__ = ["find"]

_NO_CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
_MOST_BYTES = 16 << 20
_CLONE_NEWUSER = 0x10000000


def find() -> Around | None:
    """The fence around this process, or None. Must be called from a process with a single thread: the last question is put by a child."""
    try:
        fd = os.open(PLACE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not (_is_own_mount(fd) and _is_locked_down() and _has_no_way_out() and _cannot_make_namespaces()):
            return None
        around = parse(_content(fd))
        device = os.fstat(fd).st_dev
    except (OSError, ValueError):
        return None
    finally:
        os.close(fd)
    return around if all(_holds(spot, device) for spot in (*around.layout, *_root(around))) else None


def _root(around: Around) -> tuple[Spot, ...]:
    return () if any(spot.path == "/" for spot in around.layout) else (Spot("/", Access.READ, "directory", "builtin"),)


def _is_own_mount(fd: int) -> bool:
    """Whether the descriptor is on a read-only mount whose root it is: its line in mountinfo ends in its own path (proc(5))."""
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or not os.fstatvfs(fd).f_flag & os.ST_RDONLY:
        return False
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as info:
        number = next(line.split()[1] for line in info if line.startswith("mnt_id:"))
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        return any((fields := line.split())[0] == number and fields[4] == PLACE for line in mounts)


def _content(fd: int) -> bytes:
    size = os.fstat(fd).st_size
    if size > _MOST_BYTES:
        raise ValueError("too long to be ours")
    return os.pread(fd, size, 0)


def _is_locked_down() -> bool:
    with open("/proc/self/status", encoding="utf-8", errors="surrogateescape") as status:
        facts = {name: value.strip() for name, _, value in (line.partition(":") for line in status)}
    return facts.get("NoNewPrivs") == "1" and facts.get("Seccomp") == "2" and all(int(facts.get(name, "1"), 16) == 0 for name in _NO_CAPABILITIES)


def _has_no_way_out() -> bool:
    with open("/proc/self/net/dev", encoding="ascii", errors="replace") as table:
        return [line.partition(":")[0].strip() for line in table.read().splitlines()[2:]] == ["lo"]


def _cannot_make_namespaces() -> bool:
    """Tried: what a sysctl or a profile says is one thing and what the kernel does another."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    child = os.fork()
    if child == 0:
        try:
            refused = libc.unshare(_CLONE_NEWUSER) != 0 and ctypes.get_errno() == errno.EPERM
        finally:
            os._exit(0 if refused else 1)
    return os.waitpid(child, 0)[1] == 0


def _holds(spot: Spot, device: int) -> bool:
    """Whether the kernel says of a place what the description says. Nothing is opened: touching a hidden place would be reported as refused.

    A masked file or folder is on the memory file system that also holds the description, which nothing else inside is on. A link is not asked about: below an
    area of the fence's own it is a copy.
    """
    if spot.access is Access.WRITE or spot.kind == "symlink":
        return True
    try:
        read_only = bool(os.statvfs(spot.path).f_flag & os.ST_RDONLY)
        found = os.stat(spot.path, follow_symlinks=False)
    except FileNotFoundError:
        return spot.access is Access.HIDDEN  # below an area of the fence's own, where the host's place never was
    except OSError:
        return False
    masked = spot.access is not Access.HIDDEN or not spot.kind or found.st_dev == device
    return read_only and masked
