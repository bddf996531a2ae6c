"""What a fence is to those who use it: one Protocol per thing, whatever the backend. No I/O here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from paddock.model.record import record
from paddock.model.usage import Usage

__all__ = ["CAPTURE", "DNS_TCP", "DNS_UDP", "HTTP", "SOCKS", "Counts", "Listener", "Observer", "OnStep", "RunningFence", "unwatched"]

CAPTURE = "capture"
DNS_TCP = "dns-tcp"
DNS_UDP = "dns-udp"
HTTP = "http"
SOCKS = "socks"

OnStep = Callable[[str], None]
"""Told the name of every step of a run just before it is done, by the process that does it: the supervisor, the launcher, or process 1. What it raises is
treated as if the step had raised it. It is a parameter of Python functions only; no variable, file or option sets it.
"""


def unwatched(_step: str) -> None:
    """The ``OnStep`` of every ordinary run."""


@record
class Listener:
    """A socket made inside the fence's network. ``role`` is one of the words above, ``family`` is 4 or 6, ``fd`` a listening (for UDP: bound) descriptor.

    The receiver of a listener owns the descriptor and closes it.
    """

    role: str
    family: int
    fd: int


@record
class Counts:
    """What the processes of a fence take: None where nothing here counts it.

    ``memory_bytes`` and ``processes`` are of this moment, ``peak_memory_bytes`` and ``peak_processes`` the most so far. ``user_seconds`` and ``system_seconds``
    are known to a cgroup only, ``cpu_seconds`` is their sum or what was added up. ``written_bytes`` is what processes caused to be written to file systems that
    store (getrusage(2), ``ru_oublock``): a rewritten page counts again, what somebody removed stays counted. ``killed`` counts processes that the kernel ended
    for want of memory, ``refused`` those that it did not start. ``unseen``: there is a process whose files and writing this user may not look at.
    """

    memory_bytes: int | None = None
    peak_memory_bytes: int | None = None
    cpu_seconds: float | None = None
    user_seconds: float | None = None
    system_seconds: float | None = None
    processes: int | None = None
    peak_processes: int | None = None
    written_bytes: int | None = None
    killed: int = 0
    refused: int = 0
    unseen: bool = False


class Observer(Protocol):
    """Reports refused file accesses. It decides nothing: the guard or the kernel has refused or will refuse whatever it says."""

    def fileno(self) -> int:
        """Readable when there is something to tell."""

    def handle(self) -> bool:
        """Tell what waits. False when the guard has ended: forget the descriptor."""

    def close(self) -> None:
        """Tell what is left, and give the descriptor back. Only when nothing runs inside any more."""


class RunningFence(Protocol):
    """A fence that stands. Every method is for the thread that started it."""

    @property
    def control_fd(self) -> int:
        """Readable when ``handle_control`` has something to do."""

    @property
    def observer(self) -> Observer | None:
        """None when this host allows none."""

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """The doors of the fence's network. Accepting is the receiver's work."""

    @property
    def exit_code(self) -> int | None:
        """The command's exit code as far as messages were read; None while it runs. An answer to another request may have brought it."""

    @property
    def usage(self) -> Usage:
        """What the fence took, once it is closed; nothing is known before."""

    @property
    def exit_signal(self) -> int:
        """The signal that ended the command, 0 when it left by itself or still runs."""

    @property
    def terminal(self) -> int:
        """The other end of the fence's terminal, to be relayed and closed by the receiver; -1 without one."""

    def counts(self, *, near: int = 0) -> Counts:
        """What the processes inside take now, as far as the plan has it counted; after ``close`` what they took.

        Where memory is added up, a sum from ``near`` bytes on is looked at more closely, which costs more.
        """

    def unlinked(self, devices: frozenset[int]) -> int:
        """Bytes of files on these file systems that have no name any more and that a process inside holds open."""

    def spawn(self, argv: tuple[str, ...] | None = None, *, foreground: bool = False) -> int:
        """Start the plan's command, or ``argv`` in its place, and give its process id inside. The fence ends with this command.

        ``foreground`` starts it in the foreground of the fence's terminal.

        Raises ``CommandNotFoundError``, ``CommandNotExecutableError``, or ``LaunchError`` when it cannot be started for another reason.
        """

    def handle_control(self) -> int | None:
        """Read one message of the keeper. Gives the exit code (128 plus the number for a signal) when the command has ended, else None."""

    def abandon(self) -> None:
        """The observer has ended: end everything inside, unless the command has ended as well."""

    def signal(self, signo: int) -> None:
        """Send ``signo`` to every process inside."""

    def key(self, signo: int) -> None:
        """Send ``signo`` to the command's process group, as a terminal does."""

    def take_stop(self) -> int:
        """The signal by which the command was stopped since the last call, 0 for none. Only a fence with a terminal knows."""

    def resume(self, *, foreground: bool) -> None:
        """Continue the command, in the foreground of the fence's terminal or not."""

    def dial(self, port: int) -> int:
        """A stream descriptor connected to ``port`` on the fence's own loopback. Raises ``OSError`` as connect(2) does."""

    def inside_listeners(self) -> list[int]:
        """The TCP ports on which something inside listens, on loopback or on every address."""

    def close(self) -> None:
        """End everything inside and wait until it is gone. Safe to call twice."""
