"""Where the links of a path lead, one after the other. symlink(7), path_resolution(7)."""

from __future__ import annotations

import errno
import os

__all__ = ["MOST_LINKS", "steps"]

MOST_LINKS = 40
"""As many as the kernel follows in one path."""


def steps(path: str) -> tuple[str, ...]:
    """The path as it is used, then as it reads after each link on the way, and where it ends; each once. What does not exist counts as it is written.

    ``path`` is absolute and normalised. Raises ``OSError`` (``ELOOP``) for links in a circle, or where a folder may not be looked into.
    """
    found = [path]
    at, pending, links = "", path.strip("/").split("/")[::-1], 0
    while pending:
        part = pending.pop()
        if part in ("", "."):
            continue
        if part == "..":
            at = at.rpartition("/")[0]
            continue
        target = _target(f"{at}/{part}")
        if target is None:
            at = f"{at}/{part}"
            continue
        links += 1
        if links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if target.startswith("/"):
            at = ""
        pending += target.split("/")[::-1]
        found.append(os.path.normpath("/".join([at or "/", *pending[::-1]])))
    found.append(at or "/")
    return tuple(dict.fromkeys(step.replace("//", "/") for step in found))


def _target(path: str) -> str | None:
    """What a link says; None for anything else, and for what is not there."""
    try:
        return os.readlink(path)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT, errno.ENOTDIR):
            return None
        raise
