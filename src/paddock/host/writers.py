"""Who besides root could change a file: by owning it, by a mode or an access control list, or through a folder above it.

An answer for people and inventories, not a gate: nothing is allowed or refused by it. Sources: inode(7), acl(5), path_resolution(7).
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable, Iterator

from paddock.model.record import field, slotted

__all__ = ["Writers", "group_members", "user_name", "writers_of"]

_MAX_LINKS = 40
_ACL = "system.posix_acl_access"
# struct posix_acl_xattr_header and _entry (linux/posix_acl_xattr.h): version, then tag, permissions, id.
_ACL_HEAD = struct.Struct("<I")
_ACL_ENTRY = struct.Struct("<HHI")
_ACL_USER, _ACL_GROUP, _ACL_MASK = 0x02, 0x08, 0x10
_WRITE = 2
# Nothing that Paddock loads: other people's packages beside it, and the interpreter's own tests.
_SKIPPED = frozenset(("site-packages", "dist-packages", "test", "tests", "idlelib"))


@slotted
class Writers:
    """``users`` and ``groups`` by number, each with the first place that gives the right. ``everyone`` is such a place, or empty."""

    users: dict[int, str] = field(default_factory=dict)
    groups: dict[int, str] = field(default_factory=dict)
    everyone: str = ""

    def take(self, path: str, status: os.stat_result, *, folder_above: bool) -> None:
        """Add those who can write to ``path`` itself; for a ``folder_above``, those who can put something else in the way."""
        self.users.setdefault(status.st_uid, path)
        if stat.S_ISLNK(status.st_mode) or (folder_above and status.st_mode & stat.S_ISVTX):
            return  # the mode of a link means nothing; in a sticky folder others replace only what is theirs, and its owner was counted
        if status.st_mode & stat.S_IWOTH:
            self.everyone = self.everyone or path
        if status.st_mode & stat.S_IWGRP:
            # With an access control list these bits are its mask: without them no entry of the list gives writing.
            users, groups, plain = _listed(path)
            for uid in users:
                self.users.setdefault(uid, path)
            for gid in (*groups, *((status.st_gid,) if plain else ())):
                self.groups.setdefault(gid, path)


def writers_of(places: Iterable[str], trees: Iterable[str] = ()) -> Writers:
    """Everybody who could change what is found at ``places`` (absolute paths; for a missing one: who could make it) or anything below ``trees``."""
    out = Writers()
    seen: set[str] = set()
    for place in (*places, *(tops := tuple(trees))):
        for path, status, above in _way(place):
            if path not in seen or not above:
                seen.add(path)
                out.take(path, status, folder_above=above)
    for top in tops:
        for path in _below(os.path.realpath(top)):
            try:
                out.take(path, os.lstat(path), folder_above=False)
            except OSError:
                continue  # gone since it was listed
    return out


def _way(place: str) -> Iterator[tuple[str, os.stat_result, bool]]:
    """Every part of the path, links followed one by one, as (path, status, whether it is only a folder on the way). Ends where nothing is."""
    at, links = "", 0
    pending = place.strip("/").split("/")[::-1]
    yield "/", os.lstat("/"), True
    while pending:
        part = pending.pop()
        if part in ("", "."):
            continue
        if part == "..":
            at = at.rpartition("/")[0]
            continue
        here = f"{at}/{part}"
        try:
            status = os.lstat(here)
            target = os.readlink(here) if stat.S_ISLNK(status.st_mode) else ""
        except OSError:
            return  # the folders above, which are out already, say who could make it
        yield here, status, bool(pending) and not target
        if not target:
            at = here
            continue
        links += 1
        if links > _MAX_LINKS:
            return
        pending += target.split("/")[::-1]
        at = "" if target.startswith("/") else at


def _below(top: str) -> Iterator[str]:
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        yield from (f"{folder}/{name}" for name in (*folders, *files))


def _listed(path: str) -> tuple[list[int], list[int], bool]:
    """The named users and groups of an access control list that may write, and whether the file's own group may."""
    try:
        data = os.getxattr(path, _ACL, follow_symlinks=False)
    except OSError:
        return [], [], True  # no list, or a file system without them: the mode says all
    entries = list(_ACL_ENTRY.iter_unpack(data[_ACL_HEAD.size :]))
    if not any(tag == _ACL_MASK for tag, _, _ in entries):
        return [], [], True
    group = any(tag == 0x04 and bits & _WRITE for tag, bits, _ in entries)
    writing = [(tag, number) for tag, bits, number in entries if bits & _WRITE]
    return [n for tag, n in writing if tag == _ACL_USER], [n for tag, n in writing if tag == _ACL_GROUP], group


def group_members(gid: int) -> frozenset[int]:
    """The users of a group, by their entry in the group database and by their primary group."""
    import grp
    import pwd

    try:
        names = grp.getgrgid(gid).gr_mem
    except KeyError:
        names = []
    members = {entry.pw_uid for entry in pwd.getpwall() if entry.pw_gid == gid or entry.pw_name in names}
    return frozenset(members)


def user_name(uid: int) -> str:
    """The name of a user, empty when the database has none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""
