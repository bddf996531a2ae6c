"""Absolute paths, compared component by component.

Paths are ``str`` decoded with the file system encoding and ``surrogateescape`` (PEP 383), so that every byte sequence survives. A prefix test on the string
itself is never right (``/srv/app`` is not above ``/srv/app2``); these functions are the only comparison that the project uses.
"""

from __future__ import annotations

__all__ = ["ancestors", "depth", "is_beneath", "join", "normalise", "relative"]


def normalise(path: str) -> str:
    """Lexically normal form of an absolute path: no ``.``, no ``..``, no repeated or trailing slash.

    Symbolic links are not consulted: resolve first where that matters. Raises ``ValueError`` for a relative path or a NUL.
    """
    if not path.startswith("/"):
        raise ValueError(f"not an absolute path: {path!r}")
    if "\0" in path:
        raise ValueError("a path cannot contain NUL")
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if parts:
                parts.pop()
            continue
        parts.append(part)
    return "/" + "/".join(parts)


def join(base: str, path: str) -> str:
    """``path`` taken relative to ``base`` unless it is absolute; normalised."""
    return normalise(path if path.startswith("/") else f"{base}/{path}")


def is_beneath(path: str, root: str) -> bool:
    """Whether ``path`` is ``root`` or lies below it. Both must be normalised."""
    if root in ("/", path):
        return True
    return len(path) > len(root) and path.startswith(root) and path[len(root)] == "/"


def relative(path: str, root: str) -> str:
    """``path`` seen from ``root`` (``""`` when they are equal). Raises ``ValueError`` when it is not beneath."""
    if not is_beneath(path, root):
        raise ValueError(f"{path!r} is not beneath {root!r}")
    return path[1:] if root == "/" else path[len(root) + 1 :]


def ancestors(path: str) -> list[str]:
    """Every directory above ``path``, nearest first, ending with ``/``. Empty for ``/``."""
    out: list[str] = []
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        out.append(path)
    return out


def depth(path: str) -> int:
    """Number of components; 0 for ``/``."""
    return 0 if path == "/" else path.count("/")
