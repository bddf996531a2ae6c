"""What to do on this host: the one value that the planner makes and that the fence, the gate and every report read.

Pure data. Paths are absolute, resolved on the host, without symbolic links; the same path names the same thing inside, unless a field says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from paddock.model.cgroups import Cgroup
from paddock.model.guard import NOTHING_GUARDED, GuardRules
from paddock.model.policy import Limits, NetworkPolicy
from paddock.model.programs import DENIED, Startable
from paddock.model.record import record
from paddock.model.settings import Notice, Origin
from paddock.model.unprotect import BY_PATH, Lifting

__all__ = ["Access", "Bind", "Kind", "Place", "Plan", "PrivateFile", "RemovedVariable", "Uncovered", "has_program_rules"]


class Access(str, Enum):
    """What the command may do at a place and below it, until a deeper place says otherwise."""

    HIDDEN = "hidden"
    READ = "read"
    WRITE = "write"


class Kind(str, Enum):
    """What was found on the host when the plan was made. The launcher refuses to go on when it finds something else."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"


@record
class Place:
    """One entry of the layout. ``why`` is the rule; ``reason`` says it in words (``protected: git hooks``).

    ``skeleton`` marks a hidden directory that is an ancestor of places which are shown again: it becomes an empty read-only tmpfs that holds only the
    way to them. Other hidden places are masked by an unreadable file or an empty read-only directory. A ``pin`` changes no access: it keeps the name from being
    renamed or removed, because something protected lies below.
    """

    path: str
    access: Access
    kind: Kind
    why: Origin
    reason: str = ""
    skeleton: bool = False
    pin: bool = False


@record
class Bind:
    """A host directory shown writable at another path inside (a cache private to the project). The source is made, mode 0700, when it is missing."""

    source: str
    target: str
    why: Origin


@record
class PrivateFile:
    """A file that exists only inside, read-only, with this content. It covers whatever the host has at ``path``."""

    path: str
    content: bytes
    mode: int
    why: Origin


@record
class RemovedVariable:
    """An environment variable that was set outside and is not inside. The value is nowhere in a plan."""

    name: str
    why: Origin


@record
class Uncovered:
    """Something that a rule asks for and that this fence does not enforce yet, said by ``--dry-run``. ``subject`` is a path or a name."""

    subject: str
    reason: str
    why: Origin


@record
class Plan:
    """Everything one run does. ``layout`` is sorted by path depth, parents first; the root itself is ``READ`` without being listed.

    ``environment`` is complete: nothing else is passed. ``tmp_bytes``, ``shm_bytes`` and ``run_bytes`` cap the three memory-backed areas. ``doors`` says that
    the explicit proxies listen as well. ``cgroups`` are to be made, each for its controllers; ``watched`` are the limits that the supervisor counts for itself
    (words of ``model.cgroups``), because nothing here stops the command at them. ``digest`` names the plan (hex, from everything but the command). ``lifting``
    says how protected names are lifted, ``guard`` which names may not be made, ``startable`` the only programs that may be started (None: every one).
    """

    argv: tuple[str, ...]
    cwd: str
    home: str
    uid: int
    gid: int
    layout: tuple[Place, ...]
    private_files: tuple[PrivateFile, ...]
    binds: tuple[Bind, ...]
    environment: Mapping[str, str]
    removed: tuple[RemovedVariable, ...]
    network: NetworkPolicy
    host_ports: tuple[int, ...]
    doors: bool
    limits: Limits
    tmp_bytes: int
    shm_bytes: int
    run_bytes: int
    uncovered: tuple[Uncovered, ...]
    notices: tuple[Notice, ...]
    backend: str
    digest: str
    lifting: Lifting = BY_PATH
    cgroups: tuple[Cgroup, ...] = ()
    watched: tuple[str, ...] = ()
    guard: GuardRules = NOTHING_GUARDED
    startable: Startable | None = None


def has_program_rules(plan: Plan) -> bool:
    """Whether some program may not be started."""
    return plan.startable is not None or any(place.reason == DENIED for place in plan.layout)
