"""What the steps of one launch share, and the words in which they report."""

from __future__ import annotations

from typing import Protocol

from paddock.fence.ports import OnStep, unwatched
from paddock.model.plan import Plan

__all__ = ["Changed", "State", "Step", "StepFailed"]


class Changed(Exception):  # noqa: N818 -- a finding, turned into StepFailed with the step's description
    """The host no longer looks as the plan says."""


class StepFailed(Exception):  # noqa: N818 -- as above: it names what happened
    """A step could not be carried out. Travels to the supervisor as text."""

    def __init__(self, step: str, number: int, message: str, *, changed: bool = False) -> None:
        super().__init__(message)
        self.step = step
        self.number = number
        self.message = message
        self.changed = changed


class State:
    """Descriptors that one step makes and later ones use. -1 stands for "not yet"."""

    def __init__(self, plan: Plan, stdio: tuple[int, ...], control: int, on_step: OnStep = unwatched, *, wants_terminal: bool = False) -> None:
        self.plan = plan
        self.uid = plan.uid
        self.gid = plan.gid
        self.stdio = stdio
        self.control = control
        self.on_step = on_step
        self.kept = -1
        """Held open by process 1 for as long as it lives."""
        self.leash = -1
        """Hung up when the supervisor is done with this fence."""
        self.host = -1
        """The host's root, before the pivot."""
        self.stage = -1
        """A small tmpfs that is never visible inside: masks, private files, and the place where the new root is put together."""
        self.root = -1
        """The new root."""
        self.scratch = -1
        """The memory file system of both folders for temporary files."""
        self.process = -1
        """Process 1's folder in the new ``/proc``, as it is below the read-only cover."""
        self.processes = -1
        """The root of the new ``/proc``, where the supervisor counts for itself."""
        self.own: dict[str, bool] = {}
        """Every mounted place so far: whether it is a memory file system of ours, where names may be made."""
        self.seal: list[int] = []
        """Mounts that become read-only when all places stand."""
        self.replaced: set[int] = set()
        """The standard streams that were opened again through a read-only mount."""
        self.ipv6 = True
        self.wants_terminal = wants_terminal
        self.terminal = -1
        """The command's end of the fence's pseudo-terminal."""
        self.observer = -1
        """The listener of the guard's filter."""
        self.handover = (-1, -1)
        """From process 1 (the second) to the launcher (the first)."""
        self.inside = (-1, -1)
        """Process 1's mount namespace and root."""
        self.notices: list[str] = []


class Step(Protocol):
    """One thing that the launcher does. The list of them is what runs, what ``--dry-run`` shows and what doctor names when it fails."""

    def describe(self) -> str:
        """One line: a verb and what it acts on."""

    def execute(self, state: State, /) -> None:
        """Do it. Raises ``OSError`` or ``Changed``."""
