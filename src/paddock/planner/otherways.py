"""Other ways to what is hidden: a bind mount, a second mount of the same file system, or a subvolume that is mounted below another one.

A place is hidden by a mount in front of its path, which says nothing about the same files at another path. The kernel's table tells which part of which file
system is where (proc(5), ``/proc/PID/mountinfo``); what it seems to say is believed when both paths are the same file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from paddock.model import paths
from paddock.model.around import PLACE
from paddock.model.plan import Access, Place
from paddock.planner.tree import Tree
from paddock.planner.view import View

__all__ = ["TABLE", "hide"]

TABLE = "/proc/self/mountinfo"
_TABLE_BYTES = 8 << 20
_ESCAPED = re.compile(r"\\([0-7]{3})")


class _Mount(NamedTuple):
    """``root`` is where the mount begins in its file system, ``point`` where it is."""

    device: str
    root: str
    point: str


def hide(tree: Tree, view: View, kept: Sequence[str]) -> list[tuple[str, Place]]:
    """Hide what is hidden at its other paths too. Gives the paths at which that would hide one of ``kept``: there it stays open."""
    mounts = _mounts(view)
    by_device: dict[str, list[_Mount]] = {}
    for mount in mounts.values():
        by_device.setdefault(mount.device, []).append(mount)
    # In a fence of ours, what hides is one folder and one file in a memory file system, mounted everywhere; its description is on the same one.
    if (ours := mounts.get(PLACE)) is not None:
        by_device.pop(ours.device)
    if all(len(same) == 1 for same in by_device.values()):
        return []
    left: list[tuple[str, Place]] = []
    for place in tree.sweep():
        for path, known in _others(view, place, mounts, by_device) if place.access is Access.HIDDEN else ():
            if tree.access(path) is Access.HIDDEN or tree.access(known) is not Access.HIDDEN:
                continue
            if any(paths.is_beneath(root, path) for root in kept):
                left.append((path, place))
                continue
            node = tree.at(path, view.kind(path))
            node.deny_read = (place.why, f"another way to {place.path}")
    return left


def _others(view: View, place: Place, mounts: Mapping[str, _Mount], by_device: Mapping[str, Sequence[_Mount]]) -> Iterator[tuple[str, str]]:
    """The other paths of a place, and of everything below it that is mounted elsewhere by itself, each with the path at which it is known."""
    holder = next((mounts[path] for path in (place.path, *paths.ancestors(place.path)) if path in mounts), None)
    if holder is None:
        return
    inner = _below(holder.root, paths.relative(place.path, holder.point))
    for mount in by_device.get(holder.device, ()):
        if mount is holder:
            continue
        if paths.is_beneath(inner, mount.root):
            path, known = _below(mount.point, paths.relative(inner, mount.root)), place.path
        elif paths.is_beneath(mount.root, inner):
            path, known = mount.point, _below(place.path, paths.relative(mount.root, inner))
        else:
            continue
        if path != known and _is_same(view, path, known):
            yield path, known


def _below(folder: str, rest: str) -> str:
    return folder if rest in ("", ".") else paths.join(folder, rest)


def _is_same(view: View, one: str, other: str) -> bool:
    try:
        return view.links(one)[:2] == view.links(other)[:2]
    except OSError:
        return False


def _mounts(view: View) -> dict[str, _Mount]:
    """Every mount by its point; of several at one point the last stands before the others."""
    data = view.read(TABLE, _TABLE_BYTES) or b""
    found: dict[str, _Mount] = {}
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        fields = line.split(" ", 5)
        if len(fields) > 5:
            point = _plain(fields[4])
            found[point] = _Mount(fields[2], _plain(fields[3]), point)
    return found


def _plain(text: str) -> str:
    """Space, tab, newline and backslash are written as three octal digits there."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), text) if "\\" in text else text
