"""A whole fence around a command that does nothing: what is left to try when every step alone went well."""

from __future__ import annotations

import os
import select

from paddock.errors import LaunchError
from paddock.fence.namespaces import Fence, start
from paddock.model.events import Event
from paddock.model.plan import Plan
from paddock.model.policy import Limits, NetworkPolicy

__all__ = ["Notices", "launch_nothing", "wait"]

COMMAND = ("/bin/sh", "-c", "exit 0")
PATIENCE_MS = 30_000
_MEMORY_BYTES = 1024 * 1024


class Notices:
    """Keeps what the fence has to say about itself."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def emit(self, event: Event) -> None:
        """Take one event."""
        if event.reason:
            self.said.append(event.reason)


def launch_nothing() -> None:
    """Build a fence, run a command in it, take it down. Raises ``PaddockError`` when any of it fails; nothing is left behind.

    Must be called from a process with a single thread.
    """
    notices = Notices()
    with open(os.devnull, "rb") as nothing, open(os.devnull, "wb") as out, open(os.devnull, "wb") as err:
        fence = start(_plan(), notices, stdio=(nothing.fileno(), out.fileno(), err.fileno()))
        try:
            fence.spawn()
            code = wait(fence)
        finally:
            fence.close()
            for listener in fence.listeners:
                os.close(listener.fd)
    if code != 0:
        raise LaunchError(f"the command inside ended with {code} instead of 0", step="run a command", hint="; ".join(notices.said))


def _plan() -> Plan:
    """Everything readable, nothing writable, nothing reachable."""
    return Plan(
        argv=COMMAND,
        cwd="/",
        home="/",
        uid=os.geteuid(),
        gid=os.getegid(),
        layout=(),
        private_files=(),
        binds=(),
        environment={"PATH": "/usr/bin:/bin"},
        removed=(),
        network=NetworkPolicy(),
        host_ports=(),
        doors=False,
        limits=Limits(),
        tmp_bytes=_MEMORY_BYTES,
        shm_bytes=_MEMORY_BYTES,
        run_bytes=_MEMORY_BYTES,
        uncovered=(),
        notices=(),
        backend="namespaces",
        digest="",
    )


def wait(fence: Fence) -> int:
    """The command's exit code. Refused opens wait for an answer of the observer, so it is served meanwhile. Raises ``LaunchError`` when it does not end."""
    poll = select.poll()
    poll.register(fence.control_fd, select.POLLIN)
    observer = fence.observer
    if observer is not None:
        poll.register(observer.fileno(), select.POLLIN)
    while True:
        ready = poll.poll(PATIENCE_MS)
        if not ready:
            raise LaunchError("the command inside did not end", step="run a command")
        for fd, _ in ready:
            if fd == fence.control_fd:
                code = fence.handle_control()
                if code is not None:
                    return code
            elif observer is not None and not observer.handle():
                poll.unregister(fd)
