"""The folder and the files of the log, opened so that nobody else can have a hand in them.

The log says what was refused, so it must not be a way to write somewhere else (a link planted at its name) nor be written by others.
"""

from __future__ import annotations

import os
import stat

from paddock.errors import UnsupportedError

__all__ = ["LOG_NAME", "make_folder", "open_file", "open_folder", "rotated_name"]

LOG_NAME = "events.jsonl"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def rotated_name(number: int) -> str:
    """``events.jsonl`` for 0, ``events.jsonl.1`` for the newest of the old files, and so on."""
    return f"{LOG_NAME}.{number}" if number else LOG_NAME


def open_folder(path: str, *, create: bool) -> int:
    """A descriptor of the state folder, close-on-exec. ``create`` makes it and what is missing above it, mode 0700 (XDG base directory specification).

    Raises ``UnsupportedError`` when it is a link, is not ours or can be written by others; ``OSError`` when it cannot be opened (``FileNotFoundError``
    without ``create``).
    """
    if create:
        make_folder(path)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except NotADirectoryError as error:  # what O_DIRECTORY | O_NOFOLLOW says about a link
        raise UnsupportedError(f"{path} is not a folder of its own", cause="it is a link or a file", hint=f"move {path} away") from error
    return _checked(fd, path)


def open_file(folder: int, name: str, flags: int) -> int:
    """A descriptor of a regular file in ``folder``, close-on-exec; made with mode 0600 when ``flags`` hold ``O_CREAT``.

    Raises ``UnsupportedError`` when it is a link, has a second name, is not ours or can be written by others; ``OSError`` when it cannot be opened.
    """
    try:
        # O_NONBLOCK: opening a planted FIFO must not wait for its other end.
        fd = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600, dir_fd=folder)
    except OSError as error:
        if _is_foreign(folder, name):
            raise UnsupportedError(
                f"{name} is not a file of its own", cause="it is a link or a special file", hint=f"remove {name} from the state folder"
            ) from error
        raise
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(fd)
        raise UnsupportedError(f"{name} is not a file of its own", cause="it is special or has a second name", hint=f"remove {name} from the state folder")
    return _checked(fd, name)


def make_folder(path: str) -> None:
    """Make a folder and what is missing above it, mode 0700 (XDG base directory specification). Raises ``OSError``."""
    missing = []
    while path and not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:  # another run was faster; what it made is checked like everything else
            continue


def _is_foreign(folder: int, name: str) -> bool:
    try:
        return not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _checked(fd: int, name: str) -> int:
    status = os.fstat(fd)
    problem = ""
    if status.st_uid != os.geteuid():
        problem = f"it belongs to user {status.st_uid}"
    elif status.st_mode & _OTHERS_WRITE:
        problem = f"others can write it (mode {stat.S_IMODE(status.st_mode):04o})"
    if problem:
        os.close(fd)
        raise UnsupportedError(f"{name} is not safe to use", cause=problem, hint=f"chown it to yourself and chmod go-w {name}")
    return fd
