"""The administrator's files: where they are, and whether nobody but the administrator could have written them. Spec 1.3; DESIGN 4.

A managed file binds everybody on the machine, so one that somebody else could change is worse than none: it is refused, and so is every folder on the way to
it.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

from paddock.errors import Problem
from paddock.settings.layer import Family

__all__ = ["ManagedFile", "Roots", "check_owner", "managed_files"]

_FOLDERS = ((Family.PADDOCK, "etc/paddock"), (Family.CLAUDE, "etc/claude-code"))
_BASE = "managed-settings.json"
_DROP_INS = "managed-settings.d"
_MAX_LINKS = 40  # as many as the kernel follows, path_resolution(7)


class Roots(NamedTuple):
    """Where the system's files are looked for: ``/``, or a folder that stands in for it. Then its owner stands in for root."""

    system: str = "/"

    def path(self, relative: str) -> str:
        """A path below the root."""
        return f"{self.system.rstrip('/')}/{relative}"

    def owners(self) -> tuple[int, ...]:
        """Users whose files count as the administrator's."""
        return (0,) if self.system == "/" else (0, os.stat(self.system).st_uid)


class ManagedFile(NamedTuple):
    """One file to read, present or not."""

    family: Family
    path: str


def managed_files(roots: Roots) -> tuple[list[ManagedFile], list[Problem]]:
    """The files of both families, strongest first: in each, the drop-ins from the last to the first in alphabetical order, then the base file."""
    files: list[ManagedFile] = []
    problems: list[Problem] = []
    for family, folder in _FOLDERS:
        drop_ins = roots.path(f"{folder}/{_DROP_INS}")
        try:
            names = sorted(name for name in os.listdir(drop_ins) if name.endswith(".json") and not name.startswith("."))
        except OSError as error:
            names = []
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                problems.append(Problem(drop_ins, 0, 0, f"cannot be listed: {error.strerror}", "managed settings must be readable by everybody"))
        files += [ManagedFile(family, f"{drop_ins}/{name}") for name in reversed(names)]
        files.append(ManagedFile(family, roots.path(f"{folder}/{_BASE}")))
    return files, problems


def check_owner(path: str, roots: Roots) -> Problem | None:
    """Why a managed file cannot be believed: the first part of its path, followed through every link, that somebody else owns or can write. None when all is
    well.

    The walk starts below ``roots.system``.
    """
    owners = roots.owners()
    at = roots.system.rstrip("/")
    pending = path.removeprefix(at).strip("/").split("/")[::-1]
    links = 0
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
        except OSError as error:
            return Problem(here, 0, 0, f"cannot be checked: {error.strerror}")
        problem = _judge(path, here, status, owners)
        if problem is not None:
            return problem
        if not target:
            at = here
            continue
        links += 1
        if links > _MAX_LINKS:
            return Problem(path, 0, 0, "goes through too many symbolic links")
        pending += target.split("/")[::-1]
        at = "" if target.startswith("/") else at
    return None


def _judge(path: str, here: str, status: os.stat_result, owners: tuple[int, ...]) -> Problem | None:
    what = "it" if here == path else here
    if status.st_uid not in owners:
        return Problem(path, 0, 0, f"{what} belongs to user {status.st_uid}, not to root", f"chown root {here}, or remove the managed file")
    # The mode of a link means nothing: what counts is the folder it lies in, which was judged before.
    if not stat.S_ISLNK(status.st_mode) and status.st_mode & 0o022:
        return Problem(path, 0, 0, f"{what} can be written by group or others (mode {stat.S_IMODE(status.st_mode):04o})", f"chmod go-w {here}")
    return None
