"""A fresh private folder for one run, and its end whatever the command has put there."""

from __future__ import annotations

import os
import stat

__all__ = ["make", "remove"]

_OWN = 0o700


def make() -> str:
    """A new empty folder that only this user may enter, where the system keeps temporary files."""
    from tempfile import mkdtemp

    return os.path.realpath(mkdtemp(prefix="paddock-"))


def remove(path: str) -> None:
    """Remove the folder and everything in it, following no link. Nothing happens when it is gone.

    Folders may lie in each other deeper than a path or a call stack is long, and without any right for their owner: each one below is moved up to the top
    and emptied there.
    """
    try:
        top = _open(path, None)
    except FileNotFoundError:
        return
    try:
        number = 0
        while names := os.listdir(top):
            for name in names:
                number = _take_apart(top, name, number)
    finally:
        os.close(top)
    os.rmdir(path)


def _take_apart(top: int, name: str, number: int) -> int:
    """Remove one entry of the top folder; folders in it come up under numbers that are not taken."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=top)
        return number
    os.chmod(name, _OWN, dir_fd=top)  # a folder, seen above, and nobody else is left who could change it
    folder = _open(name, top)
    try:
        for inner in os.listdir(folder):
            if stat.S_ISDIR(os.stat(inner, dir_fd=folder, follow_symlinks=False).st_mode):
                os.chmod(inner, _OWN, dir_fd=folder)  # moving a folder writes its "..": its owner needs the right
                number = _move_up(folder, inner, top, number)
            else:
                os.unlink(inner, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)
    return number


def _move_up(folder: int, inner: str, top: int, number: int) -> int:
    while True:
        number += 1
        try:
            os.stat(str(number), dir_fd=top, follow_symlinks=False)
        except FileNotFoundError:
            os.rename(inner, str(number), src_dir_fd=folder, dst_dir_fd=top)
            return number


def _open(name: str, base: int | None) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=base)
