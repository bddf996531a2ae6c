"""Somebody who removes the cgroups of a run when everybody else is gone.

The launcher cannot, once it has given up its capabilities to be the guard, and the supervisor may have been killed. So a process is forked before that, in a
session of its own and with the caller's own rights, that does nothing but wait until neither the launcher nor process 1 is there any more.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from paddock.fence.kernel.process import close_from

__all__ = ["Janitor"]


class Janitor:
    """Calls ``clean`` in a process of its own when every copy of ``fd`` is closed. ``keep`` are the descriptors that ``clean`` needs."""

    def __init__(self, clean: Callable[[], None], keep: frozenset[int]) -> None:
        waiting, self.fd = os.pipe2(os.O_CLOEXEC)
        self._pid = os.fork()
        if self._pid == 0:
            _wait_and_clean(waiting, clean, keep)
        os.close(waiting)

    def finish(self) -> None:
        """Let go, and wait until everything is clean. Whoever else holds ``fd`` has to be gone."""
        os.close(self.fd)
        os.waitpid(self._pid, 0)


def _wait_and_clean(waiting: int, clean: Callable[[], None], keep: frozenset[int]) -> None:
    try:
        os.setsid()  # what is sent to the caller's process group is not for this one
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for fd in range(3):
            os.dup2(null, fd)  # nobody outside waits for this process
        close_from(3, keep | {waiting})
        os.chdir("/")
        os.read(waiting, 1)
        clean()
    finally:
        os._exit(0)
