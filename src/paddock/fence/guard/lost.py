"""Mounts that the host takes away: what they stood before is the guard's from then on.

When somebody outside puts another file in the place of one (``rename`` over it, as editors and ``git`` write files) or removes it, the kernel takes away every
mount on that name, in every mount namespace (mount_namespaces(7)): the new file would be open to the command. The table of mounts wakes who polls it then
(proc(5), ``/proc/PID/mounts``), and names cannot be exchanged between two calls that this process answers.
"""

from __future__ import annotations

import os
import re

from paddock.model import paths
from paddock.model.guard import Denial
from paddock.model.plan import Access, Plan

__all__ = ["Mounts"]

_ESCAPED = re.compile(rb"\\([0-7]{3})")
_HARMLESS = "/etc"
"""Private files in here (who answers for names) stand before nothing secret, and hosts rewrite theirs at any time: the host's may be read then."""


class Mounts:
    """``fd`` becomes ready (POLLPRI) when the table of the fence's mounts has changed."""

    def __init__(self, proc: int, plan: Plan) -> None:
        self.fd = os.open("thread-self/mountinfo", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
        hidden = {place.path: place.why for place in plan.layout if place.access is Access.HIDDEN}
        hidden |= {file.path: file.why for file in plan.private_files if not paths.is_beneath(file.path, _HARMLESS)}
        kept = {place.path: place.why for place in plan.layout if place.access is Access.READ}
        self._hidden = {Denial(path, why) for path, why in hidden.items()}
        self._denials = {path: Denial(path, why) for path, why in (kept | hidden).items()}
        self._standing = {number: path for number, path in self._table().items() if path in self._denials}

    def lost(self) -> list[tuple[Denial, bool]]:
        """What is not mounted any more since the last question, and whether it is not to be read either."""
        there = self._table().keys()
        gone = [number for number in self._standing if number not in there]
        found = [self._denials[self._standing.pop(number)] for number in gone]
        return [(denial, denial in self._hidden) for denial in found]

    def _table(self) -> dict[int, str]:
        os.lseek(self.fd, 0, os.SEEK_SET)
        data = b""
        while part := os.read(self.fd, 1 << 16):
            data += part
        lines = (line.split(b" ") for line in data.splitlines())
        return {int(fields[0]): os.fsdecode(_ESCAPED.sub(lambda found: bytes((int(found[1], 8),)), fields[4])) for fields in lines}
