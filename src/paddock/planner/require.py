"""What the policy asks for and this host must be able to give. A layer that is missing is an error here, never a weaker fence later."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.errors import UnsupportedError
from paddock.host.facts import Facts
from paddock.model.cgroups import PROCESSES, Cgroup
from paddock.model.plan import Uncovered
from paddock.model.policy import Limits, Policy
from paddock.model.record import replace
from paddock.model.settings import Notice, Scope, Settings
from paddock.planner.enforce import wants_cgroup

__all__ = ["coarse", "enforceable", "require", "unenforced"]

BACKENDS = ("namespaces",)
"""The backends that exist."""

# mount_setattr(2) is what makes a whole tree read-only at once.
NEEDED_KERNEL = (5, 12)

# With this version of Landlock files can still be moved between folders (see the launcher).
USABLE_LANDLOCK = 2


def require(policy: Policy, settings: Settings, facts: Facts) -> str:
    """The backend to use. Raises ``UnsupportedError`` with the cause and the fix."""
    if policy.backend not in ("auto", *BACKENDS):
        raise UnsupportedError(f"the backend {policy.backend} does not exist yet", cause="paddock.backend", hint='set paddock.backend to "namespaces"')
    _namespaces(facts)
    if not facts.nftables:
        raise UnsupportedError("network capture needs libnftables.so.1", cause="it was not found", hint="paddock setup, or: apt-get install libnftables1")
    if policy.programs.only is not None and facts.landlock_abi < USABLE_LANDLOCK:
        raise UnsupportedError(
            "paddock.programs.only cannot be enforced here",
            cause="this kernel has no usable Landlock (landlock(7))",
            hint="use Linux 5.19 or newer with Landlock switched on, or name what may not be started in permissions.deny",
        )
    if _cannot_count(facts) and _asked_for(settings, "paddock.limits.processes"):
        raise UnsupportedError(
            "limits.processes cannot be enforced for root here",
            cause="no pids cgroup in which a child can be made",
            hint="run as another user, or leave paddock.limits.processes out",
        )
    return BACKENDS[0]


def unenforced(settings: Settings, facts: Facts) -> Iterator[Uncovered]:
    """Builtin bounds that this host cannot keep. What somebody asked for is refused instead (``require``)."""
    limit = settings.scalars.get("paddock.limits.processes")
    if limit is not None and _cannot_count(facts):
        yield Uncovered("paddock.limits.processes", "root's processes cannot be counted here: no pids cgroup in which a child can be made", limit.origin)


def coarse(settings: Settings, limits: Limits, cgroups: tuple[Cgroup, ...]) -> Iterator[Notice]:
    """What was asked for and is kept by looking now and then: how finely."""
    if not wants_cgroup(limits):
        return
    from paddock.planner.ways import ways  # most runs have no such limit

    for way in ways(limits, cgroups):
        entry = settings.scalars.get(f"paddock.limits.{way.key}")
        if way.by == "watcher" and entry is not None:
            yield Notice(f"paddock.limits.{way.key} is kept without a cgroup here: {way.means}", entry.origin, "info")


def enforceable(limits: Limits, facts: Facts) -> Limits:
    """The limits without those that ``unenforced`` tells about."""
    return replace(limits, processes=None) if _cannot_count(facts) else limits


def _cannot_count(facts: Facts) -> bool:
    """RLIMIT_NPROC does not bind root (setrlimit(2)), so only a cgroup can."""
    return facts.uid == 0 and not any(PROCESSES in cgroup.controllers for cgroup in facts.cgroups)


def _asked_for(settings: Settings, key: str) -> bool:
    entry = settings.scalars.get(key)
    return entry is not None and entry.origin.scope is not Scope.BUILTIN


def _namespaces(facts: Facts) -> None:
    if facts.kernel < NEEDED_KERNEL:
        have = ".".join(map(str, facts.kernel))
        raise UnsupportedError(f"Linux {have} is too old for the namespaces backend", cause="mount_setattr(2) came with 5.12", hint="use a newer kernel")
    if facts.max_user_namespaces == 0:
        raise UnsupportedError("user namespaces are switched off", cause="user.max_user_namespaces is 0", hint="sysctl -w user.max_user_namespaces=15000")
    if facts.unprivileged_userns_clone == 0 and facts.uid != 0:
        raise UnsupportedError(
            "user namespaces are closed to users", cause="kernel.unprivileged_userns_clone is 0", hint="sysctl -w kernel.unprivileged_userns_clone=1"
        )
