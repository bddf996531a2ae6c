"""The guard's half of telling: which calls may be worth a word, as packets to the supervisor, which knows the host's side and says it."""

from __future__ import annotations

import _socket
import errno
import os
import stat
import struct

from paddock.fence.guard.caller import Caller
from paddock.fence.guard.notify import STARTS, WRITING, Call
from paddock.fence.guard.starts import Starts
from paddock.model.guard import Refusal
from paddock.model.paths import ancestors, is_beneath, normalise
from paddock.model.plan import Access, Kind, Place, Plan

__all__ = ["LOOKED", "OWN_AREAS", "REFUSED", "Places", "Scout", "unpack_refusal"]

LOOKED = 1
"""A call that the supervisor should look at: ``HEAD``, then the path."""
REFUSED = 2
"""A refusal of the guard's: its fields, separated by NUL."""
HEAD = struct.Struct("=BBQ")

_REMEMBERED = 8192
_MOST = 4000
"""Packets of one run. The supervisor has a lower bound of its own, of distinct refusals."""

# Memory file systems of the fence: what lies there on the host is not what the command sees.
OWN_AREAS = ("/dev", "/proc", "/run", "/sys", "/tmp", "/var/tmp")  # noqa: S108 -- compared, not used


class Places:
    """The layout of a plan, asked by path."""

    def __init__(self, plan: Plan) -> None:
        self._places: dict[str, Place | None] = {**dict.fromkeys(OWN_AREAS), **{p.path: p for p in plan.layout}, **{b.target: None for b in plan.binds}}
        self._cwd = plan.cwd
        self._folders: dict[str, str] = {}
        self._holders: dict[str, tuple[str, Place | None]] = {}

    def find(self, path: str) -> tuple[str, Place | None]:
        """What holds ``path``: the deepest place of the plan, or no place and an area of the fence's own, or no place and the root."""
        if path in self._places:
            return path, self._places[path]
        folder = path.rpartition("/")[0] or "/"
        found = self._holders.get(folder)
        if found is None:
            if len(self._holders) >= _REMEMBERED:
                self._holders.clear()
            above = next((above for above in (folder, *ancestors(folder)) if above in self._places), "/")
            found = self._holders[folder] = (above, self._places.get(above))
        return found

    def listable(self, place: Place) -> bool:
        """A folder that holds the way to what is shown below, or an empty one in the project, which every tool that walks the project looks into."""
        return place.skeleton or (place.kind is Kind.DIRECTORY and is_beneath(place.path, self._cwd))

    def resolve(self, path: str) -> str:
        """Best effort, with the folders remembered: links are rare, and folders are asked for again and again."""
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


class Scout:
    """Sees only what the fence shows: whether a path may touch something hidden or read-only. It decides nothing, and waits for nobody."""

    telling = frozenset((errno.EACCES, errno.EBUSY, errno.ENOENT, errno.EPERM, errno.EROFS, errno.EXDEV))
    """How a call fails that the fence may have refused."""

    def __init__(self, plan: Plan, words: int) -> None:
        self._places = Places(plan)
        self._private = frozenset(f.path for f in plan.private_files)
        self._words = _socket.socket(fileno=words)
        self._words.setblocking(False)
        self._dull: set[bytes] = set()
        """Absolute paths, as callers write them, whose reading is nothing to tell about: libraries are opened by every process again."""
        self._left = _MOST
        self._starts = Starts(plan, self._places)

    def path(self, caller: Caller, call: Call, arguments: tuple[int, ...]) -> bytes | None:
        """The path that a call is told by, absolute, links not resolved; None when there is nothing to tell about it or it cannot be read."""
        if call.told is None:
            return None
        directory, address = call.told
        try:
            text = caller.text(arguments[address])
            if text in self._dull and call.flags is not None and not arguments[call.flags] & WRITING:
                return None
            if text.startswith(b"/"):
                return _through_process(caller, text) if call in STARTS else text
            # Only for words, so nothing is held open: the link is read as it is now.
            return os.fsencode(caller.folder(None if directory is None else arguments[directory])) + b"/" + text
        except OSError:
            return None  # then the call fails by itself

    def look(self, text: bytes, call: Call, flags: int) -> None:
        """Hand a call on when it may have met the fence."""
        if self._left <= 0:
            return
        try:
            path = self._places.resolve(normalise(os.fsdecode(text)))
        except (OSError, ValueError, RecursionError):
            return  # a path through a thousand links fails by itself
        if call in STARTS:
            refusal = self._starts.refusal(path)
            if refusal is not None:
                self._tell(refusal)
            return
        writes = call.flags is None or bool(flags & WRITING)
        above, place = self._places.find(path)
        if path in self._private or (place is not None and path == place.path and not writes and self._places.listable(place)):
            return
        if (place is not None and place.access is Access.HIDDEN) or (writes and (place.access is Access.READ if place is not None else above == "/")):
            self._send(HEAD.pack(LOOKED, call.index, flags) + os.fsencode(path))
        elif not writes and text.startswith(b"/") and len(self._dull) < _REMEMBERED:
            self._dull.add(text)

    def refused(self, refusal: Refusal) -> int:
        """Tell about a refusal; gives the errno for the caller. A place that is read-only fails as one, and the words about it are the plan's."""
        _, place = self._places.find(refusal.path)
        if refusal.act == "write" and place is not None and place.access is not Access.WRITE:
            self._send(HEAD.pack(LOOKED, 0, WRITING) + os.fsencode(refusal.path))
            return errno.EROFS if place.access is Access.READ else errno.EACCES
        self._tell(refusal)
        return errno.EPERM if refusal.act == "write" else errno.EACCES

    def _tell(self, refusal: Refusal) -> None:
        rule = refusal.rule
        fields = (refusal.act, refusal.path, refusal.reason, rule.scope.value, rule.file, str(rule.line), str(rule.column), rule.key, rule.text)
        self._send(bytes((REFUSED,)) + "\0".join(fields).encode("utf-8", "surrogateescape"))

    def _send(self, packet: bytes) -> None:
        self._left -= 1
        if self._left < 0:
            return
        try:
            self._words.send(packet)
        except OSError:
            return  # the supervisor has no room, or is gone: a report is never worth a wait


def _through_process(caller: Caller, text: bytes) -> bytes:
    """A path through a process's own folder in ``/proc``, which this process has none like, without that part. For words only."""
    _, proc, who, name, *rest = (*text.split(b"/", 4), b"", b"", b"")[:5]
    if proc != b"proc" or not rest:
        return text
    if name == b"root":
        return b"/" + rest[0]
    if name == b"cwd" and who in (b"self", b"thread-self"):
        return os.fsencode(caller.folder(None)) + b"/" + rest[0]
    number, _, below = rest[0].partition(b"/")
    if name == b"fd" and who in (b"self", b"thread-self") and number.isdigit() and len(number) < 10:
        return os.fsencode(caller.folder(int(number))) + b"/" + below
    return text


def unpack_refusal(packet: bytes) -> list[str]:
    """The fields of a ``REFUSED`` packet."""
    return packet[1:].decode("utf-8", "surrogateescape").split("\0")
