"""Telling about refused file accesses, in the supervisor. Report only.

What arrives here was refused already, or is for the kernel's mounts to refuse: the guard hands over what may have met the fence, and the host's side of it is
looked at here. A path may change between the call and this look, so what is said is what the command most probably met. What the caller could not have done
outside either (a file of root's) is not worth telling.
"""

from __future__ import annotations

import _socket
import os
import select

from paddock.fence.guard.notify import CALLS, WRITING, Call
from paddock.fence.guard.scout import HEAD, LOOKED, OWN_AREAS, Places, unpack_refusal
from paddock.model import programs
from paddock.model.events import Event, EventSink
from paddock.model.paths import is_beneath
from paddock.model.plan import Access, Place, Plan
from paddock.model.settings import Origin, Scope

__all__ = ["FileObserver"]

MAX_EVENTS = 200
"""Distinct refusals that one run tells about: a program that tries a whole tree must not fill the log."""

_BATCH = 64
_PACKET = 1 << 16

_MAKES = frozenset(("link", "linkat", "mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat"))
_NEEDS_EXISTING = frozenset(("rename", "renameat", "renameat2", "rmdir", "truncate", "unlink", "unlinkat"))


class FileObserver:
    """See ``ports.Observer``. ``fd`` is the other end of the guard's packet socket."""

    def __init__(self, fd: int, plan: Plan, events: EventSink) -> None:
        self._words = _socket.socket(fileno=fd)
        self._words.setblocking(False)
        self._events = events
        self._places = Places(plan)
        self._lifting = plan.lifting
        self._private = frozenset(f.path for f in plan.private_files)
        self._told: set[tuple[str, str]] = set()

    def fileno(self) -> int:
        """Readable when there is something to tell."""
        return self._words.fileno()

    def handle(self) -> bool:
        """Tell what waits, a bounded number of things. False when the guard has ended."""
        for _ in range(_BATCH):
            try:
                packet = self._words.recv(_PACKET)
            except BlockingIOError:
                return True
            if not packet:
                return False
            if len(self._told) < MAX_EVENTS:
                self._hear(packet)
        return True

    def ended(self) -> bool:
        """Whether the guard has ended."""
        poll = select.poll()
        poll.register(self._words, 0)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Give the descriptor back, when everything that was told is heard."""
        poll = select.poll()
        poll.register(self._words, select.POLLIN)
        while poll.poll(0) and self.handle():
            continue
        self._words.close()

    def _hear(self, packet: bytes) -> None:
        if packet[0] != LOOKED:
            self._refused(unpack_refusal(packet))
            return
        _, index, flags = HEAD.unpack_from(packet)
        try:
            self._look(CALLS[index], flags, os.fsdecode(packet[HEAD.size :]))
        except (OSError, ValueError, RecursionError):
            return  # nothing is there to be told about

    def _refused(self, fields: list[str]) -> None:
        act, path, reason, scope, file, line, column, key, text = fields
        rule = Origin(Scope(scope), file, int(line), int(column), key, text)
        lifts = (("unprotect", self._lifting.entry(path)),) if self._lifting.lifts(rule) else ()
        if act == programs.EXECUTE:
            self._tell(act, path, reason, rule, self._start_remedy(path, rule))
            return
        remedy = self._lifting.remedy(path, rule) if act == "write" else f"add {path} to sandbox.filesystem.allowRead"
        self._tell(act, path, reason, rule, remedy, lifts)

    def _start_remedy(self, path: str, rule: Origin) -> str:
        above, place = self._places.find(path)
        if rule.key == programs.ONLY and (place.access is Access.WRITE if place is not None else above in OWN_AREAS):
            return "start it from a place that the command cannot write, and list it there"
        return programs.remedy(path, rule)

    def _look(self, call: Call, flags: int, path: str) -> None:
        writes = call.flags is None or bool(flags & WRITING)
        path = self._places.resolve(path)
        above, place = self._places.find(path)
        if path in self._private:
            return  # the command has a file of its own there
        if place is not None and path == place.path and not writes and self._places.listable(place):
            return
        if place is not None and place.access is Access.HIDDEN:
            self._hidden(path, place, writes=writes)
        elif writes and (place.access is Access.READ if place is not None else above == "/"):
            self._unwritable(path, place, call, flags)

    def _hidden(self, path: str, place: Place, *, writes: bool) -> None:
        if os.access(path, os.W_OK if writes else os.R_OK):
            remedy = f"add {path} to sandbox.filesystem.{'allowWrite' if writes else 'allowRead'}"
            if place.reason == programs.DENIED:
                remedy = programs.remedy(path, place.why)
            self._tell("write" if writes else "read", path, place.reason or "hidden", place.why, remedy)

    def _unwritable(self, path: str, place: Place | None, call: Call, flags: int) -> None:
        exists = os.path.lexists(path)
        if call.name in _MAKES and exists:
            return  # EEXIST, with or without a fence
        if not exists and (call.name in _NEEDS_EXISTING or (call.flags is not None and not flags & os.O_CREAT)):
            return  # ENOENT, likewise
        changes_folder = call.name in _MAKES or call.name in _NEEDS_EXISTING or not exists
        if not os.access(path.rpartition("/")[0] or "/" if changes_folder else path, os.W_OK):
            return
        if self._lifting.read_only is not None and is_beneath(path, self._lifting.root) and (place is None or is_beneath(self._lifting.root, place.path)):
            remedy = f"add a folder that holds it to sandbox.filesystem.allowWrite ({path})"
            self._tell("write", path, "this project is read-only", self._lifting.read_only, remedy)
        elif place is None:
            self._tell("write", path, "outside the places that this command may write", None, f"add {path} to sandbox.filesystem.allowWrite")
        else:
            lifts = (("unprotect", self._lifting.entry(place.path)),) if self._lifting.lifts(place.why) else ()
            self._tell("write", path, place.reason or "read-only", place.why, self._lifting.remedy(place.path, place.why), lifts)

    def _tell(self, act: str, path: str, reason: str, rule: Origin | None, remedy: str, detail: tuple[tuple[str, str], ...] = ()) -> None:
        if (act, path) in self._told:
            return
        self._told.add((act, path))
        self._events.emit(Event("violation", "file", act, path, reason, rule, remedy, detail))
        if len(self._told) == MAX_EVENTS:
            self._events.emit(Event("notice", "file", reason=f"{MAX_EVENTS} different refused file accesses were told; more are not"))
