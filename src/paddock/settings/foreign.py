"""Whether somebody else could have had a hand in where a person's own folders are.

In a folder that everybody may write (a home or an XDG folder below ``/tmp``) another user can be there first, with a link or a folder of that name. The kernel
follows no such link there for us (``fs.protected_symlinks``, proc(5)), but resolving a path by hand would.
"""

from __future__ import annotations

import os
import stat

__all__ = ["foreign_link", "is_foreign"]

_MOST_LINKS = 40  # as path_resolution(7)


def is_foreign(uid: int) -> bool:
    """Whether a file of this user can have been made neither by this user nor by the administrator, whose id has another number in some user namespaces."""
    return uid not in (0, os.geteuid()) and uid != os.stat("/").st_uid


def foreign_link(path: str) -> str:
    """The first symbolic link on the way along an absolute ``path`` that belongs to somebody else, empty when there is none. The end may be missing."""
    at = ""
    pending = path.split("/")[::-1]
    links = 0
    while pending and links <= _MOST_LINKS:
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
            return ""  # nothing is there, or nothing that this user could go through
        if not target:
            at = here
            continue
        if is_foreign(status.st_uid):
            return here
        links += 1
        pending += target.split("/")[::-1]
        at = "" if target.startswith("/") else at
    return ""
