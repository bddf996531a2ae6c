"""Telling about refused file accesses. Report only.

This is **not** enforcement: every call is answered "go on", and the kernel's mounts and Landlock decide. A path may change between this look and the call, so
what is said here is what the command most probably met, for the person who wonders why something failed. What the caller could not have done outside either (a
file of root's) is not worth telling.
"""

from __future__ import annotations

import os
import select
import stat

from paddock.fence.guard.notify import Call, Notifications
from paddock.model.events import Event, EventSink
from paddock.model.paths import ancestors, is_beneath, normalise
from paddock.model.plan import Access, Kind, Place, Plan
from paddock.model.settings import Origin

__all__ = ["FileObserver"]

MAX_EVENTS = 200
"""Distinct refusals that one run tells about: a program that tries a whole tree must not fill the log."""

_BATCH = 64
_REMEMBERED = 8192

# Memory file systems of the fence: what lies there on the host is not what the command sees.
_OWN_AREAS = ("/dev", "/proc", "/run", "/sys", "/tmp", "/var/tmp")  # noqa: S108 -- compared, not used

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_MAKES = frozenset(("link", "linkat", "mkdir", "mkdirat", "symlink", "symlinkat"))
_NEEDS_EXISTING = frozenset(("rename", "renameat", "renameat2", "rmdir", "unlink", "unlinkat"))


class FileObserver:
    """See ``ports.Observer``. ``fd`` is the listener of the filter of ``notify``."""

    def __init__(self, fd: int, plan: Plan, events: EventSink) -> None:
        self._fd = fd
        self._events = events
        self._notifications = Notifications(fd)
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        self._places: dict[str, Place | None] = {**dict.fromkeys(_OWN_AREAS), **{p.path: p for p in plan.layout}, **{b.target: None for b in plan.binds}}
        self._cwd = plan.cwd
        self._lifting = plan.lifting
        self._private = frozenset(f.path for f in plan.private_files)
        self._folders: dict[str, str] = {}
        self._dull: set[bytes] = set()
        """Absolute paths, as callers write them, whose reading is nothing to tell about: libraries are opened by every process again."""
        self._told: set[tuple[str, str]] = set()

    def fileno(self) -> int:
        """Readable when a call waits for an answer."""
        return self._fd

    def handle(self) -> bool:
        """Answer what waits, a bounded number of calls. False when nobody is left who could call."""
        for _ in range(_BATCH):
            ready = self._poll.poll(0)
            if not ready:
                return True
            if not ready[0][1] & select.POLLIN:
                return False
            self._one()
        return True

    def close(self) -> None:
        """Give the descriptor back. Calls that are sent to nobody fail, so only when nothing runs inside any more."""
        os.close(self._fd)

    def _one(self) -> None:
        try:
            report, pid, call, arguments = self._notifications.receive()
        except FileNotFoundError:
            return  # the caller has died
        try:
            if call is not None:
                self._look(pid, call, arguments)
        except (OSError, ValueError, RecursionError):
            # It has died, or its path cannot be read, or leads through a thousand links: then the call fails by itself. The answer is below, whatever happened.
            return
        finally:
            self._go_on(report)

    def _go_on(self, report: int) -> None:
        try:
            self._notifications.go_on(report)
        except FileNotFoundError:
            return  # the caller has died

    def _look(self, pid: int, call: Call, arguments: tuple[int, ...]) -> None:
        flags = 0 if call.flags is None else arguments[call.flags]
        writes = call.flags is None or bool(flags & _WRITES)
        if flags & os.O_PATH or len(self._told) >= MAX_EVENTS:
            return
        text = self._notifications.text(pid, call, arguments)
        if not writes and text in self._dull:
            return
        path = self._resolve(normalise(self._notifications.absolute(pid, call, arguments, text)))
        above, place = self._place(path)
        if path in self._private:
            return  # the command has a file of its own there
        if place is not None and path == place.path and not writes and self._listable(place):
            return
        if place is not None and place.access is Access.HIDDEN:
            self._hidden(path, place, writes=writes)
        elif writes:
            if place.access is Access.READ if place is not None else above == "/":
                self._unwritable(path, place, call, flags)
        elif text.startswith(b"/") and len(self._dull) < _REMEMBERED:
            self._dull.add(text)

    def _listable(self, place: Place) -> bool:
        """A folder that holds the way to what is shown below, or an empty one in the project, which every tool that walks the project looks into."""
        return place.skeleton or (place.kind is Kind.DIRECTORY and is_beneath(place.path, self._cwd))

    def _resolve(self, path: str) -> str:
        """Best effort, in the host's view, with the folders remembered: links are rare, and folders are asked for again and again."""
        folder, _, name = path.rpartition("/")
        real = self._folders.get(folder)
        if real is None:
            if len(self._folders) >= _REMEMBERED:
                self._folders.clear()
            real = self._folders[folder] = os.path.realpath(folder or "/")
        joined = f"{real}/{name}" if real != "/" else f"/{name}"
        try:
            return os.path.realpath(joined) if stat.S_ISLNK(os.lstat(joined).st_mode) else joined
        except OSError:
            return joined

    def _place(self, path: str) -> tuple[str, Place | None]:
        """What holds ``path``: the deepest place of the plan, or no place and an area of the fence's own, or no place and the root."""
        for above in (path, *ancestors(path)):
            if above in self._places:
                return above, self._places[above]
        return "/", None

    def _hidden(self, path: str, place: Place, *, writes: bool) -> None:
        if os.access(path, os.W_OK if writes else os.R_OK):
            remedy = f"add {path} to sandbox.filesystem.{'allowWrite' if writes else 'allowRead'}"
            self._tell("write" if writes else "read", path, place.reason or "hidden", place, remedy)

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
            self._say("write", path, "this project is read-only", self._lifting.read_only, remedy)
        elif place is None:
            self._tell("write", path, "outside the places that this command may write", None, f"add {path} to sandbox.filesystem.allowWrite")
        else:
            lifts = (("unprotect", self._lifting.entry(place.path)),) if self._lifting.lifts(place.why) else ()
            self._tell("write", path, place.reason or "read-only", place, self._lifting.remedy(place.path, place.why), lifts)

    def _tell(self, act: str, path: str, reason: str, place: Place | None, remedy: str, detail: tuple[tuple[str, str], ...] = ()) -> None:
        self._say(act, path, reason, place.why if place else None, remedy, detail)

    def _say(self, act: str, path: str, reason: str, rule: Origin | None, remedy: str, detail: tuple[tuple[str, str], ...] = ()) -> None:
        if (act, path) in self._told:
            return
        self._told.add((act, path))
        self._events.emit(Event("violation", "file", act, path, reason, rule, remedy, detail))
        if len(self._told) == MAX_EVENTS:
            self._events.emit(Event("notice", "file", reason=f"{MAX_EVENTS} different refused file accesses were told; more are not"))
