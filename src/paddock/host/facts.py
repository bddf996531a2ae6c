"""What this machine is and has, as far as it can be known for next to nothing.

Only facts that the planner needs for every run. Whether a step of the fence really works is tried by ``host/doctor.py``, in a child, when somebody asks.
"""

from __future__ import annotations

import os

from paddock.model.cgroups import Cgroup
from paddock.model.record import record

__all__ = ["Facts", "gather"]

# landlock_create_ruleset(2); the same number on every architecture (added after the tables were unified).
_SYS_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_CREATE_RULESET_VERSION = 1

# Where the dynamic linker looks on the systems that we know (ld.so(8), Debian multiarch). The file is only looked for here; the launcher loads it by its name.
_LIBRARY_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/lib64",
    "/usr/local/lib",
)


@record
class Facts:
    """``kernel`` is (major, minor). ``landlock_abi`` is 0 without Landlock (landlock(7)). ``nftables`` says that ``libnftables.so.1`` was found.

    ``max_user_namespaces`` and ``unprivileged_userns_clone`` are the sysctls' values, None where the kernel has no such file; ``apparmor_restricts_userns`` is
    Ubuntu's switch. ``cgroups`` are those in which this user may make one, where somebody asked for them to be
    looked for.
    """

    kernel: tuple[int, int]
    machine: str
    hostname: str
    uid: int
    gid: int
    landlock_abi: int
    nftables: bool
    max_user_namespaces: int | None
    unprivileged_userns_clone: int | None
    apparmor_restricts_userns: int | None
    cgroups: tuple[Cgroup, ...]


def gather(*, cgroups: bool = False) -> Facts:
    """Look once. Starts nothing and changes nothing. ``cgroups`` looks for cgroups too; root always needs them: nothing else counts root's processes."""
    name = os.uname()
    return Facts(
        kernel=_version(name.release),
        machine=name.machine,
        hostname=name.nodename,
        uid=os.getuid(),
        gid=os.getgid(),
        landlock_abi=_landlock_abi(),
        nftables=any(os.path.exists(f"{folder}/libnftables.so.1") for folder in _LIBRARY_FOLDERS),
        max_user_namespaces=_number("/proc/sys/user/max_user_namespaces"),
        unprivileged_userns_clone=_number("/proc/sys/kernel/unprivileged_userns_clone"),
        apparmor_restricts_userns=_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        cgroups=_cgroups() if cgroups or os.getuid() == 0 else (),
    )


def _version(release: str) -> tuple[int, int]:
    numbers: list[int] = []
    for part in release.split(".")[:2]:
        digits = ""
        for character in part:
            if not character.isdigit():
                break
            digits += character
        numbers.append(int(digits or "0"))
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (numbers[0] if numbers else 0, 0)


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(4096)
    except OSError:
        return None


def _number(path: str) -> int | None:
    text = (_text(path) or "").strip()
    return int(text) if text.isdigit() else None


def _landlock_abi() -> int:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    answer = libc.syscall(
        ctypes.c_long(_SYS_LANDLOCK_CREATE_RULESET), ctypes.c_void_p(None), ctypes.c_size_t(0), ctypes.c_uint(_LANDLOCK_CREATE_RULESET_VERSION)
    )
    return max(0, int(answer))


def _cgroups() -> tuple[Cgroup, ...]:
    from paddock.host.cgroups import HostTree, find  # an ordinary user's run without a limit that needs them loads none of it

    return find(HostTree())
