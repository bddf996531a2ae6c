"""Where a run may make a cgroup of its own. Pure: the files come from a ``Tree``.

Version 2 (Documentation/admin-guide/cgroup-v2.rst): a child gets the controllers that its parent lists in ``cgroup.subtree_control``, which a parent that
holds processes cannot list ("no internal processes"). So the nearest cgroup above this process's own that hands something on is looked for; to move a process,
``cgroup.procs`` of the nearest common ancestor must be writable too, and that is this very cgroup. Version 1 (cgroup-v1/cgroups.rst): each hierarchy has its
own controllers, and a child always gets them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from paddock.model.cgroups import CPU, MEMORY, PROCESSES, Cgroup
from paddock.model.paths import ancestors, is_beneath, join, normalise, relative

__all__ = ["HostTree", "Tree", "find"]

_WANTED = (MEMORY, PROCESSES, CPU)
_PLAIN = ("", "domain")
"""What ``cgroup.type`` says of a cgroup that can have ordinary children; the root has no such file."""


class Tree(Protocol):
    """The part of a file system that is asked."""

    def read(self, path: str) -> str:
        """The text of a file; empty when it cannot be read."""

    def writable(self, path: str) -> bool:
        """Whether this user may write there."""


class HostTree:
    """This machine's."""

    def read(self, path: str) -> str:
        """See ``Tree``."""
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except OSError:
            return ""

    def writable(self, path: str) -> bool:
        """See ``Tree``. A read-only mount says no, also to root (access(2), EROFS)."""
        return os.access(path, os.W_OK)


class _Mount(NamedTuple):
    """One mounted hierarchy: ``root`` is the part of it that is shown at ``point``; ``controllers`` is empty for version 2."""

    version: int
    point: str
    root: str
    controllers: tuple[str, ...]


def find(tree: Tree) -> tuple[Cgroup, ...]:
    """Every cgroup in which this process may make one that offers something: version 2 first, the nearest first."""
    own = dict(_memberships(tree.read("/proc/self/cgroup")))
    mounts = sorted(_mounts(tree.read("/proc/self/mountinfo")), key=lambda mount: -mount.version)
    found: dict[tuple[int, str], Cgroup] = {}
    for mount in mounts:
        path = own.get(mount.controllers)
        if path is None or not path.startswith("/") or not is_beneath(normalise(path), mount.root):
            continue  # what is mounted is another part of the hierarchy than the one that this process is in
        folder = join(mount.point, relative(normalise(path), mount.root))
        candidates = _version_2(tree, folder, mount.point) if mount.version == 2 else _version_1(tree, folder, mount.controllers)
        for cgroup in candidates:
            found.setdefault((cgroup.version, cgroup.folder), cgroup)
    return tuple(found.values())


def _memberships(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Lines of ``/proc/self/cgroup`` are ``hierarchy:controllers:path``; version 2 has hierarchy 0 and no controllers there (cgroups(7))."""
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        names = tuple(sorted(name for name in controllers.split(",") if name))
        if names or number == "0":
            yield names, path


def _mounts(text: str) -> Iterator[_Mount]:
    """The cgroup lines of ``/proc/self/mountinfo`` (proc(5)): ids, device, root, mount point, options, more fields, a hyphen, type, source, more options."""
    for line in text.splitlines():
        head, _, tail = line.partition(" - ")
        kind, _, rest = tail.partition(" ")
        if kind not in ("cgroup", "cgroup2"):
            continue
        fields = head.split(" ")
        point, root = _unescape(fields[4]), _unescape(fields[3])
        if kind == "cgroup2":
            yield _Mount(2, point, root, ())
            continue
        options = rest.rpartition(" ")[2].split(",")
        yield _Mount(1, point, root, tuple(sorted(option for option in options if option in _V1_CONTROLLERS or option.startswith("name="))))


_V1_CONTROLLERS = frozenset(
    ("blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "misc", "net_cls", "net_prio", "perf_event", "pids", "rdma")
)


def _unescape(text: str) -> str:
    r"""The kernel writes space, tab, newline and backslash as ``\040`` and so on."""
    first, *rest = text.split("\\")
    return first + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)


def _version_2(tree: Tree, folder: str, top: str) -> Iterator[Cgroup]:
    if not tree.writable(join(folder, "cgroup.procs")):
        return  # the launcher could not come back
    for place in (folder, *ancestors(folder)):
        if not is_beneath(place, top):
            return
        if _usable(tree, place) and tree.read(join(place, "cgroup.type")).strip() in _PLAIN:
            handed_on = tree.read(join(place, "cgroup.subtree_control")).split()
            yield Cgroup(2, place, folder, tuple(name for name in _WANTED if name == CPU or name in handed_on))


def _version_1(tree: Tree, folder: str, controllers: tuple[str, ...]) -> Iterator[Cgroup]:
    offered = tuple(name for name in _WANTED if name in controllers)
    if offered and _usable(tree, folder):
        yield Cgroup(1, folder, folder, offered)


def _usable(tree: Tree, folder: str) -> bool:
    return tree.writable(folder) and tree.writable(join(folder, "cgroup.procs"))
