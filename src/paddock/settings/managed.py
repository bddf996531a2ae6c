"""The administrator's files: where they are, and whether nobody but the administrator could have written them. Spec 1.3; DESIGN 4.

A managed file binds everybody on the machine, so one that somebody else could change is worse than none: it is refused, and so is every folder on the way to
it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Mapping
from typing import NamedTuple

from paddock.errors import Problem
from paddock.settings.layer import Family

__all__ = ["FOLDERS", "WINDOWS_IN_WSL", "ManagedFile", "ManagedFolder", "Roots", "check_owner", "managed_files", "managed_folders", "this_platform"]

_BASE = "managed-settings.json"
_DROP_INS = "managed-settings.d"
_MAX_LINKS = 40  # as many as the kernel follows, path_resolution(7)

FOLDERS: Mapping[str, tuple[tuple[Family, str], ...]] = {
    "linux": ((Family.PADDOCK, "etc/paddock"), (Family.CLAUDE, "etc/claude-code")),
    "wsl": ((Family.PADDOCK, "etc/paddock"), (Family.CLAUDE, "etc/claude-code")),
    "macos": ((Family.PADDOCK, "Library/Application Support/Paddock"), (Family.CLAUDE, "Library/Application Support/ClaudeCode")),
    # Below the system drive. The older ProgramData folder is not read: its users can write it.
    "windows": ((Family.PADDOCK, "Program Files/Paddock"), (Family.CLAUDE, "Program Files/ClaudeCode")),
}
"""The administrator's folders by platform, below the root."""
WINDOWS_IN_WSL = "mnt/c/Program Files/ClaudeCode"
"""The Windows side's folder as a WSL machine sees it."""


def this_platform() -> str:
    """``linux``, ``wsl``, ``macos`` or ``windows``."""
    if sys.platform in ("darwin", "win32"):
        return "macos" if sys.platform == "darwin" else "windows"
    # Microsoft's kernels say so in their release, uname(2).
    return "wsl" if "microsoft" in os.uname().release.lower() else "linux"


class Roots(NamedTuple):
    """Where the system's files are looked for: ``/``, or a folder that stands in for it. Then its owner stands in for root. ``platform`` is empty for the
    running one.
    """

    system: str = "/"
    platform: str = ""

    def path(self, relative: str) -> str:
        """A path below the root."""
        return f"{self.system.rstrip('/')}/{relative}"

    def where(self) -> str:
        """The platform whose places are read."""
        return self.platform or this_platform()

    def owners(self) -> tuple[int, ...]:
        """Users whose files count as the administrator's."""
        return (0,) if self.system == "/" else (0, os.stat(self.system).st_uid)


class ManagedFile:
    """One file to read, present or not."""

    __slots__ = ("family", "path")

    def __init__(self, family: Family, path: str) -> None:
        self.family = family
        self.path = path


class ManagedFolder:
    """One folder and the files to read in it, present or not, strongest first: the drop-ins from the last to the first in alphabetical order, then the base
    file. ``windows`` marks the Windows side of a WSL machine.
    """

    __slots__ = ("family", "files", "path", "windows")

    def __init__(self, family: Family, path: str, files: tuple[str, ...], *, windows: bool = False) -> None:
        self.family = family
        self.path = path
        self.files = files
        self.windows = windows


def managed_folders(roots: Roots) -> tuple[list[ManagedFolder], list[Problem]]:
    """The folders of this platform, strongest first."""
    platform = roots.where()
    problems: list[Problem] = []
    folders = [_folder(family, roots.path(folder), problems) for family, folder in FOLDERS[platform]]
    if platform == "wsl":
        folders.append(_folder(Family.CLAUDE, roots.path(WINDOWS_IN_WSL), problems, windows=True))
    return folders, problems


def managed_files(roots: Roots) -> tuple[list[ManagedFile], list[Problem]]:
    """The files of all folders, strongest first."""
    folders, problems = managed_folders(roots)
    return [ManagedFile(folder.family, path) for folder in folders for path in folder.files], problems


def _folder(family: Family, folder: str, problems: list[Problem], *, windows: bool = False) -> ManagedFolder:
    drop_ins = f"{folder}/{_DROP_INS}"
    try:
        names = sorted(name for name in os.listdir(drop_ins) if name.endswith(".json") and not name.startswith("."))
    except OSError as error:
        names = []
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            problems.append(Problem(drop_ins, 0, 0, f"cannot be listed: {error.strerror}", "managed settings must be readable by everybody"))
    return ManagedFolder(family, folder, (*(f"{drop_ins}/{name}" for name in reversed(names)), f"{folder}/{_BASE}"), windows=windows)


def check_owner(path: str, roots: Roots, *, windows: bool = False) -> Problem | None:
    """Why a managed file cannot be believed: the first part of its path, followed through every link, that somebody else owns or can write. None when all is
    well.

    The walk starts below ``roots.system``. On the ``windows`` side of a WSL machine every file seems to belong to its user, and the write bits say what Windows
    lets that user do (learn.microsoft.com, "File Permissions for WSL"): there nobody may have one.
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
        problem = _judge(path, here, status, owners) if not windows else _judge_windows(path, here, status)
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


def _judge_windows(path: str, here: str, status: os.stat_result) -> Problem | None:
    if "/mnt/c/" not in here:
        return None  # the way to the drive, and its root, where everybody may make folders beside the ones that are there
    what = "it" if here == path else here
    if stat.S_ISLNK(status.st_mode) or status.st_mode & 0o222:
        return Problem(path, 0, 0, f"{what} can be written from Windows without an administrator, or is a link", "take the write permission of users away")
    return None
