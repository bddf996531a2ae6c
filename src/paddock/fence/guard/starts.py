"""Which start of a program the kernel is about to refuse, for the report. Nothing is decided here: mounts and Landlock do that."""

from __future__ import annotations

import os
import stat
from typing import Protocol

from paddock.model.guard import Refusal
from paddock.model.paths import normalise
from paddock.model.plan import Access, Place, Plan
from paddock.model.programs import DENIED, EXECUTE, NOT_LISTED

__all__ = ["Starts"]

# execve(2) reads no more of a script's first line (since Linux 5.1), and follows so many interpreters that are scripts themselves.
_FIRST_LINE = 256
_MOST_INTERPRETERS = 5


class Layout(Protocol):
    """``scout.Places``."""

    def find(self, path: str) -> tuple[str, Place | None]:
        """What holds a path."""

    def resolve(self, path: str) -> str:
        """Where it leads."""


class Starts:
    """The rules of one plan about programs, asked by path, in the view of the fence."""

    def __init__(self, plan: Plan, places: Layout) -> None:
        self._places = places
        self._only = plan.startable
        self._files = frozenset(plan.startable.files) if plan.startable is not None else frozenset()

    def refusal(self, path: str) -> Refusal | None:
        """Why ``path``, or the interpreter of the script that it is, cannot be started; None when no rule of these speaks against it."""
        for _ in range(_MOST_INTERPRETERS):
            _, place = self._places.find(path)
            if place is not None and place.access is Access.HIDDEN and place.reason == DENIED:
                return Refusal(path, DENIED, place.why, EXECUTE)
            if self._only is not None and path not in self._files and _is_program(path):
                return Refusal(path, NOT_LISTED, self._only.why, EXECUTE)
            interpreter = _interpreter(path)
            if not interpreter:
                return None
            path = self._places.resolve(interpreter)
        return None


def _is_program(path: str) -> bool:
    """A search of the PATH asks for many that do not exist."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & 0o111)


def _interpreter(path: str) -> str:
    """The absolute path behind ``#!``, or nothing."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            start = os.read(fd, _FIRST_LINE) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
        finally:
            os.close(fd)
    except OSError:
        return ""
    words = start[2:].split(b"\n")[0].split() if start.startswith(b"#!") else []
    return normalise(os.fsdecode(words[0])) if words and words[0].startswith(b"/") and b"\0" not in words[0] else ""
