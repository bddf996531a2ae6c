"""Sockets of the host that have a path: a read-only mount does not keep anybody from connecting to one (unix(7)), so those that exist are hidden.

The kernel lists every socket of this network namespace with the path it was bound to (proc(5), ``/proc/net/unix``). A socket that is made later, or was bound
to a relative path, is not found here.
"""

from __future__ import annotations

from paddock.model import paths
from paddock.planner.view import View

__all__ = ["TABLE", "bound"]

TABLE = "/proc/net/unix"
_TABLE_BYTES = 8 << 20


def bound(view: View) -> list[str] | None:
    """The absolute paths that sockets are bound to, each once, as they were given to bind(2). None when the kernel's list cannot be read."""
    data = view.read(TABLE, _TABLE_BYTES)
    if data is None:
        return None
    found: dict[str, None] = {}
    for line in data.decode("utf-8", "surrogateescape").split("\n")[1:]:
        # Seven columns of numbers, then the path, spaces and all: the first slash after a space begins it. Abstract names begin with @.
        _, slash, rest = line.partition(" /")
        if slash:
            found[paths.normalise("/" + rest)] = None
    return list(found)
