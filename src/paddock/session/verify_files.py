"""Canaries about files."""

from __future__ import annotations

import os
from collections.abc import Iterator

from paddock.fence.inside.canary import base
from paddock.fence.inside.canary.files import landlock_layers
from paddock.fence.kernel.landlock import abi
from paddock.fence.kernel.numbers import NUMBERS
from paddock.model.guard import Judge
from paddock.model.paths import ancestors, is_beneath, join
from paddock.model.plan import Access, Kind, Place, Plan
from paddock.model.programs import DENIED
from paddock.session.verify_host import HostSide
from paddock.session.verify_table import Canary, Evidence, all_of, words
from paddock.session.verify_view import access, names_shown, place_at

__all__ = ["absent_names", "canaries", "made_by_probe"]

MOST_PLACES = 256
"""Places of one kind that are tried; more are said to be left out."""
MOST_FOLDERS = 8

_PROGRAMS = ("env", "id", "true", "sort")
"""Programs of every system, to be tried where only some may be started."""

REFUSED = ("EROFS", "EACCES", "EPERM")
GONE = ("ENOENT", "EACCES", "empty")

# (path, which bytes of it would matter): all of them speak for the whole machine.
_KERNEL_WRITES = ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger", "/proc/sys/vm/drop_caches", "/proc/1/oom_score_adj")
_KERNEL_MOUNTS = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/1", "/sys")
_KERNEL_SECRETS = ("/proc/keys", "/proc/key-users", "/proc/kcore", "/proc/kmsg", "/proc/timer_list", "/proc/sched_debug", "/proc/vmallocinfo")
# null, zero, full, random, urandom; tty, console's place, ptmx. And terminals.
_HARMLESS_NODES = ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2))
_TERMINALS = tuple(range(136, 144))


def canaries(plan: Plan, host: HostSide) -> Iterator[Canary]:
    """In the order in which they are tried."""
    yield _hidden(plan)
    yield _programs(plan)
    yield _secret(host)
    yield _temporary(host)
    yield _outside(plan, host)
    yield _mounts(plan, host)
    yield _protected(plan, host)
    yield _absent(plan, host)
    yield _told(plan, host)
    yield Canary(
        "standard-input",
        "write to a file of the host's that was handed in for reading",
        "handed_in",
        (),
        {"reopen": words("EROFS", "EACCES"), "mount": words("ro")},
        shown="refused, by a read-only mount",
    )
    yield _landlock()
    yield Canary("set-id", "make a set-user-id file, folder or device, in seven ways", "set_id", (host.token,), all_of("EPERM"))
    yield _kernel_files()
    secrets = [path for path in _KERNEL_SECRETS if os.path.lexists(path)]
    yield Canary("kernel-secrets", "read what tells about the whole machine in /proc", "kernel_secrets", (secrets,), all_of("EACCES"))
    yield Canary("devices", "find a device that is not harmless", "devices", (_HARMLESS_NODES, _TERMINALS), all_of("none"))


# -- reading


def _hidden(plan: Plan) -> Canary:
    """Every hidden place that exists: what is inside must be another object, unreadable or empty."""
    shown = os.path.realpath("/proc/self/exe")
    found = os.stat(shown)
    places = [place for place in plan.layout if place.access is Access.HIDDEN and os.path.lexists(place.path)]
    if not places:
        return Canary("read-hidden", "read what is hidden", absent="this plan hides nothing that exists")
    arguments = [_as_found(place, plan) for place in places[:MOST_PLACES]]
    left = f" ({len(places) - MOST_PLACES} more are not tried)" if len(places) > MOST_PLACES else ""
    plural = "places" if len(places) > 1 else "place"
    tries = f"read {len(arguments)} hidden {plural}{left}"
    return Canary("read-hidden", tries, "visible", (arguments, shown, found.st_dev, found.st_ino), all_of(*GONE), shown="absent, unreadable or empty")


def _programs(plan: Plan) -> Canary:
    """What rules deny by name; where programs are listed, some of the system's that are not. Only what this user could start outside."""
    denied = [place.path for place in plan.layout if place.reason == DENIED and place.kind is Kind.FILE]
    if plan.startable is not None:
        named = dict.fromkeys(os.path.realpath(f"/usr/bin/{name}") for name in _PROGRAMS)
        denied += [path for path in named if path not in (*plan.startable.files, *denied)]
    found = [path for path in denied if os.access(path, os.X_OK)][:MOST_PLACES]
    tries = "start programs that may not be started"
    if not found:
        return Canary("programs", tries, absent="this plan keeps no program from being started")
    return Canary("programs", f"{tries} ({len(found)})", "start", (found,), all_of("EACCES"))


def _as_found(place: Place, plan: Plan) -> tuple[str, str, int, int, list[str]]:
    """A place with what the host has there; -1 where this user cannot look."""
    try:
        found = os.lstat(place.path)
        number = (found.st_dev, found.st_ino)
    except OSError:
        number = (-1, -1)
    return place.path, place.kind.value, *number, names_shown(plan, place.path)


def _secret(host: HostSide) -> Canary:
    tries = "read a file made just now in a hidden folder"
    if not host.hidden:
        return Canary("read-new", tries, absent="there is no folder of Paddock's own to make it in")
    return Canary("read-new", tries, "secret", (host.hidden_file, host.secret), all_of("ENOENT", "EACCES"))


def _temporary(host: HostSide) -> Canary:
    return Canary("host-tmp", "read a file of the host's in /tmp", "own_tmp", (host.temporary_file, host.token), all_of("ENOENT"))


def _told(plan: Plan, host: HostSide) -> Canary:
    """The observer's work: a refusal is among the violations. It tells only what this user could have read outside."""
    tries = "have a refused read told outside"
    hidden = (place.path for place in plan.layout if place.access is Access.HIDDEN and place.kind is Kind.FILE and os.access(place.path, os.R_OK))
    path = host.hidden_file or next(hidden, "")
    if not path:
        return Canary("observer", tries, absent="this plan hides no file that this user could read")

    def missing(evidence: Evidence) -> str:
        return "" if evidence.refused("file", "read", path) else "the refusal was not told"

    def excuse(evidence: Evidence) -> str:
        return "another program watches system calls here" if evidence.said("will not be reported") else ""

    return Canary("observer", tries, "secret", (path, host.secret), all_of("ENOENT", "EACCES"), missing, excuse, shown="refused, and told")


# -- writing


def writable_outside(plan: Plan) -> list[str]:
    """Folders in which this user may make files and a command of this plan may not."""
    wanted = (
        plan.home,
        *ancestors(plan.cwd),
        *(place.path for place in plan.layout if place.access is Access.HIDDEN and place.skeleton),
        "/usr/local",
        "/opt",
        "/srv",
    )
    found = [path for path in dict.fromkeys(wanted) if access(plan, path) is Access.READ or place_at(plan, path) is not None]
    return [path for path in found if access(plan, path) is not Access.WRITE and os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK)][:MOST_FOLDERS]


def write_twins(plan: Plan, host: HostSide) -> list[str]:
    """Files that the plan lets the command make: in the first folder that it may write, and in its own folder for temporary files."""
    roots = [place.path for place in plan.layout if place.access is Access.WRITE and place.kind is Kind.DIRECTORY and os.access(place.path, os.W_OK)]
    return [f"{folder}/{host.token}.twin" for folder in (*roots[:1], "/tmp")]  # noqa: S108 -- the fence's own


def _outside(plan: Plan, host: HostSide) -> Canary:
    tries = "make a file outside the project"
    folders = writable_outside(plan)
    if not folders:
        return Canary("write-outside", tries, absent="this user can write nowhere else anyway")
    paths = [f"{folder.rstrip('/')}/{host.token}.outside" for folder in folders]

    def made(evidence: Evidence) -> str:
        return ", ".join(path for path in evidence.seen.left if path in paths)

    # Below a hidden place a folder of the host's may not even be there; only then is its absence the refusal.
    hidden = [path for path, folder in zip(paths, folders, strict=True) if access(plan, folder) is Access.HIDDEN]
    expects = {**all_of(*REFUSED), **dict.fromkeys(hidden, words(*REFUSED, "ENOENT"))}
    return Canary("write-outside", f"{tries}, in {', '.join(folders)}", "write", (paths, write_twins(plan, host)), expects, made)


def _mounts(plan: Plan, host: HostSide) -> Canary:
    """The mounts by themselves, whatever else stands before them."""
    shown = [place.path for place in plan.layout if place.access is Access.READ and place.kind is not Kind.SYMLINK]
    held = [path for path in shown if access(plan, path) is Access.READ]
    root = [] if access(plan, "/") is Access.WRITE else ["/"]
    outside = [folder for folder in writable_outside(plan) if access(plan, folder) is Access.READ]
    read_only = list(dict.fromkeys((*root, *outside, *held)))[:MOST_PLACES]
    writable = [path.rpartition("/")[0] for path in write_twins(plan, host)]
    return Canary("mounts", f"find a writable mount among {len(read_only)} places to read", "mounts", (read_only, writable), all_of("ro"))


def _protected(plan: Plan, host: HostSide) -> Canary:
    """What is held read-only inside the folders that can be written, and this user could write."""
    roots = [place.path for place in plan.layout if place.access is Access.WRITE]
    found = [p for p in plan.layout if p.access is Access.READ and not p.pin and p.kind is not Kind.SYMLINK and any(is_beneath(p.path, root) for root in roots)]
    places = [(place.path, place.kind.value) for place in found if os.access(place.path, os.W_OK)][:MOST_PLACES]
    tries = "write to protected names that exist"
    if not places:
        return Canary("protected", tries, absent="no protected name exists here that this user could write to")
    return Canary("protected", f"{tries} ({len(places)})", "protected", (places, host.token, write_twins(plan, host)), all_of(*REFUSED))


def absent_names(plan: Plan) -> list[str]:
    """Protected names that do not exist, where the plan lets the command write and this user could: what the guard alone keeps from being made."""
    judge = Judge(plan.guard)
    roots = [root for root in plan.guard.roots if os.path.isdir(root) and os.access(root, os.W_OK | os.X_OK)][:MOST_FOLDERS]
    names = [join(root, name) for root in roots for name in sorted(plan.guard.anywhere) if judge.judge(root, name) is not None]
    ruled = [denial.path for denial in plan.guard.denied if not denial.is_glob and os.access(denial.path.rpartition("/")[0], os.W_OK | os.X_OK)]
    return [path for path in dict.fromkeys((*ruled, *names)) if not os.path.lexists(path)][:MOST_PLACES]


def _absent(plan: Plan, host: HostSide) -> Canary:
    tries = "make protected names that do not exist"
    found = absent_names(plan)
    if not found:
        return Canary("protected-absent", tries, absent="no protected name is missing where this user and the command can write")

    def made(evidence: Evidence) -> str:
        return ", ".join(path for path in evidence.seen.left if path in found)

    def excuse(evidence: Evidence) -> str:
        return "the guard is missing here, and the fence says so" if evidence.said("protected names that do not exist yet can be created") else ""

    places = [(path, kind) for path in found for kind in ("file", "directory")]
    return Canary(
        "protected-absent",
        f"{tries} ({len(found)}), as files and folders",
        "absent",
        (places, write_twins(plan, host)),
        all_of("EPERM", "EACCES"),
        made,
        excuse,
    )


def made_by_probe(plan: Plan, host: HostSide) -> tuple[str, ...]:
    """Every path in a place of the host's that the probe tries to make."""
    outside = [f"{folder.rstrip('/')}/{host.token}.outside" for folder in writable_outside(plan)]
    inside = [place.path for place in plan.layout if place.access is Access.READ and place.kind is Kind.DIRECTORY]
    return (*outside, *write_twins(plan, host)[:-1], *(f"{path}/{host.token}" for path in inside))


def _landlock() -> Canary:
    def excuse(evidence: Evidence) -> str:
        return "this kernel has no usable Landlock" if evidence.said("Landlock") and abi() < 2 else ""

    base.NUMBER.update(NUMBERS)
    layers = landlock_layers()  # around this program itself: a container may have put some
    return Canary(
        "landlock",
        "write to a file of the host's that has no name, handed in for reading",
        "landlock",
        (),
        {**all_of("EACCES"), "layers": words(str(int(layers) + 1)) if layers.isdecimal() else words()},
        excuse=excuse,
        shown="EACCES, and a layer of Landlock more than outside",
    )


def _kernel_files() -> Canary:
    written = [path for path in _KERNEL_WRITES if os.path.lexists(path)]
    mounts = [path for path in _KERNEL_MOUNTS if os.path.lexists(path)]
    expects = {**{path: words("EROFS", "EACCES", "EPERM") for path in written}, **{f"mount of {path}": words("ro") for path in mounts}}
    return Canary(
        "kernel-files", "write to files that speak for the whole machine", "kernel_files", (written, mounts), expects, shown="refused, read-only mounts"
    )
