"""The host's file system with a memory: every question is asked once per plan, and paths are resolved link by link.

Resolving is ours and not ``os.path.realpath`` because three things are needed at once: the links that were passed on the way (a rule protects them too), paths
whose end does not exist yet, and one question per name however many rules share a folder.
"""

from __future__ import annotations

from typing import NamedTuple

from paddock.host.files import SMALL_FILE_BYTES, Files
from paddock.model import paths
from paddock.model.plan import Kind

__all__ = ["Resolved", "View"]

# path_resolution(7): the kernel gives up after 40 links; so do we, and call the path absent.
MAX_LINKS = 40


class Resolved(NamedTuple):
    """Where a path really leads. ``kind`` is None when its end does not exist; then ``path`` is the longest existing part, resolved, and the rest as it was
    written. ``links`` are the places of the links that were followed, outermost first; each one's own folder is resolved.
    """

    path: str
    kind: Kind | None
    links: tuple[str, ...]


class View:
    """One plan's look at the host."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._kinds: dict[str, Kind | None] = {}
        self._names: dict[str, dict[str, Kind] | None] = {}
        self._read: dict[tuple[str, int], bytes | None] = {}
        self._links_left = MAX_LINKS
        self._resolved: dict[str, Resolved] = {"/": Resolved("/", Kind.DIRECTORY, ())}

    def kind(self, path: str) -> Kind | None:
        """See ``Files.kind``."""
        try:
            return self._kinds[path]
        except KeyError:
            pass
        found = self._kinds[path] = self._files.kind(path)
        return found

    def names(self, path: str) -> dict[str, Kind] | None:
        """The entries of a directory by name, sorted; None when it cannot be listed."""
        try:
            return self._names[path]
        except KeyError:
            pass
        entries = self._files.names(path)
        found = self._names[path] = None if entries is None else dict(sorted(entries))
        return found

    def read(self, path: str, limit: int = SMALL_FILE_BYTES) -> bytes | None:
        """See ``Files.read``. Remembered, so that what is judged by its content and what is taken from it are one reading."""
        try:
            return self._read[path, limit]
        except KeyError:
            pass
        found = self._read[path, limit] = self._files.read(path, limit)
        return found

    def head(self, path: str, size: int) -> bytes:
        """See ``Files.head``."""
        return self._files.head(path, size)

    def links(self, path: str) -> tuple[int, int, int]:
        """See ``Files.links``."""
        return self._files.links(path)

    def socket(self, path: str) -> bool:
        """See ``Files.socket``."""
        return self._files.socket(path)

    def executable(self, path: str) -> bool:
        """See ``Files.executable``."""
        return self._files.executable(path)

    def can_make(self, path: str) -> bool:
        """Whether this user could make the directory ``path`` (or has it already)."""
        for folder in (path, *paths.ancestors(path)):
            if self.resolve(folder).kind is not None:
                return self._files.writable(self.resolve(folder).path)
        return False

    def readlink(self, path: str) -> str:
        """The text of a link, empty when it is gone."""
        try:
            return self._files.readlink(path)
        except OSError:
            return ""

    def resolve(self, path: str) -> Resolved:
        """Follow every link of ``path``, which must be normalised."""
        known = self._resolved.get(path)
        if known is not None:
            return known
        # The unknown part from the top down: a loop, so that a path of two thousand components needs no deep stack.
        missing: list[str] = []
        while known is None:
            head, _, name = path.rpartition("/")
            missing.append(name)
            path = head or "/"
            known = self._resolved.get(path)
        for name in reversed(missing):
            path = f"{path}/{name}" if path != "/" else f"/{name}"
            # Counted over everything that one name leads to: links that lead to links would otherwise double with every step.
            self._links_left = MAX_LINKS
            known = self._resolved[path] = self._step(known, name)
        return known

    def _step(self, folder: Resolved, name: str) -> Resolved:
        path = f"{folder.path}/{name}" if folder.path != "/" else f"/{name}"
        kind = None if folder.kind is None else self.kind(path)
        if kind is not Kind.SYMLINK:
            return Resolved(path, kind, folder.links)
        self._links_left -= 1
        if self._links_left < 0:
            return Resolved(path, None, folder.links)
        target = self._follow(folder, self.readlink(path))
        return Resolved(target.path, target.kind, (*folder.links, path, *target.links))

    def _follow(self, folder: Resolved, text: str) -> Resolved:
        """The target of a link in ``folder``. ``..`` is taken after the links before it, as the kernel does."""
        here = Resolved("/" if text.startswith("/") else folder.path, Kind.DIRECTORY, ())
        for part in text.split("/"):
            if part in ("", "."):
                continue
            if part == "..":
                kind = Kind.DIRECTORY if here.kind is Kind.DIRECTORY else None
                here = Resolved(paths.ancestors(here.path)[0] if here.path != "/" else "/", kind, here.links)
            else:
                here = self._step(here, part)
        return here if text else Resolved(folder.path, None, ())
