"""What a project's own files may not do before somebody looked: widen. Spec 1.6; DESIGN 4.

Entries that widen (a column of the table) and that came with the project count only when exactly this set was accepted, as a digest over the project's root
and the entries. A changed set is void as a whole until it is accepted again. Restrictions always count.

A local file is its user's own, unless git tracks it or a symbolic link leads to it. A folder that was unpacked from an archive can bring along a local file
that no index knows; such a file cannot be told from the user's own.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from paddock.errors import PolicyError
from paddock.model.globs import covers, literal_prefix
from paddock.model.paths import is_beneath
from paddock.model.settings import Context, Entry, Scope
from paddock.settings.gitfiles import in_main_checkout, is_tracked
from paddock.settings.layer import Layer, Voided, key_of
from paddock.settings.overrides import EVERY, TRUST
from paddock.settings.paths import resolve
from paddock.settings.table import Key, Merge, Widens
from paddock.settings.validate import relative_path

__all__ = ["REASON", "Gate", "digest_of", "recorded", "written"]

REASON = "project not trusted: run `paddock trust`"

_PROJECT_MODE = "paddock.filesystem.project"


class Gate:
    """Which entries wait for trust. ``closed`` are the paths and globs that other scopes deny to read; ``read_only`` whether one of them closed the project.

    ``reference`` is None for Paddock's own rule (everything that widens), otherwise the classes of keys that the documented semantics hold back.
    """

    __slots__ = ("closed", "context", "read_only", "reference")

    def __init__(self, context: Context, closed: tuple[tuple[str, bool], ...], *, read_only: bool, reference: frozenset[str] | None = None) -> None:
        self.context = context
        self.closed = closed
        self.read_only = read_only
        self.reference = reference

    @classmethod
    def of(cls, layers: Sequence[Layer], context: Context, overrides: frozenset[str] = EVERY, *, interactive: bool = False) -> Gate:
        """The gate for one set of layers."""
        if TRUST not in overrides:
            return cls(context, (), read_only=False, reference=frozenset({"always", "interactive"} if interactive else {"always"}))
        others = [layer for layer in layers if layer.scope is not Scope.PROJECT]
        read_only = any(layer.scalars[_PROJECT_MODE].value == "read-only" for layer in others if _PROJECT_MODE in layer.scalars)
        return cls(context, tuple(_closed(others, context)), read_only=read_only)

    def waiting(self, layers: Sequence[Layer]) -> list[Entry]:
        """The widening entries of every layer that came with the project or could have been written by what ran in it."""
        out: list[Entry] = []
        for layer in layers:
            if layer.scope not in (Scope.PROJECT, Scope.LOCAL):
                out += self._hooks(layer)
                continue
            widening = [entry for key, entry in layer.entries() if self.widens(key, entry)]
            # A fenced command can write a local file where there was none, so for a run it waits like the project's. In the reference it is the user's own
            # unless it came with the project, which is asked last: it costs a look into git's index.
            if widening and (self.reference is None or layer.scope is Scope.PROJECT or came_with_project(layer.file)):
                out += widening
        return out

    def _hooks(self, layer: Layer) -> list[Entry]:
        """In the reference, no hook of any file runs in an interactive session before the folder is trusted (spec 1.6)."""
        if self.reference is None or "interactive" not in self.reference:
            return []
        return [entry for key, entry in layer.entries() if key.name == "hooks"]

    def widens(self, key: Key, entry: Entry) -> bool:
        """Whether one entry gives more than there would be without it; for the reference, whether it is held back."""
        if self.reference is not None:
            return key.held in self.reference
        if key.widens is Widens.OUTSIDE_PROJECT:
            return self._leaves_project(key, entry)
        return key.widens is Widens.ALWAYS or (key.widens is Widens.VALUES and entry.value in key.widening_values)

    def _leaves_project(self, key: Key, entry: Entry) -> bool:
        root = self.context.project_root
        try:
            path, glob = resolve(str(entry.value), entry.origin, self.context)
        except PolicyError:
            return True
        # Where it leads counts, not only how it is spelled: a link in the project can point at home.
        start = literal_prefix(path) if glob else path
        if not is_beneath(start, root) or not is_beneath(os.path.realpath(start), root):
            return True
        if self.read_only and key.name == "sandbox.filesystem.allowWrite":
            return True
        return any(_reopens(path, closed, root, closed_is_glob=is_glob) for closed, is_glob in self.closed)


def _closed(layers: Sequence[Layer], context: Context) -> Iterator[tuple[str, bool]]:
    for layer in layers:
        for entry in layer.lists.get("sandbox.filesystem.denyRead", ()):
            yield from _resolved(entry, str(entry.value), context)
        for entry in layer.lists.get("sandbox.credentials.files", ()):
            if isinstance(entry.value, dict):
                yield from _resolved(entry, str(entry.value.get("path")), context)


def _resolved(entry: Entry, written: str, context: Context) -> Iterator[tuple[str, bool]]:
    try:
        yield resolve(written, entry.origin, context)
    except PolicyError:
        return  # a relative managed entry: loading reports it as a problem of its own


def _reopens(path: str, closed: str, root: str, *, closed_is_glob: bool) -> bool:
    """Whether showing ``path`` undoes a denial inside the project. A denial from above the project (``~/``) is what ``allowRead: ["."]`` is for."""
    if closed_is_glob:
        return path != root and covers(closed, path)
    return is_beneath(closed, root) and is_beneath(path, closed)


def came_with_project(file: str) -> bool:
    """Whether a local file is part of the project and not its user's own: tracked by git, or reached through a symbolic link."""
    folder = file.rpartition("/")[0]
    try:
        if any(stat.S_ISLNK(os.lstat(path).st_mode) for path in (folder, file)):
            return True
    except OSError:
        return True
    return is_tracked(file)


def gate_layers(layers: Sequence[Layer], waiting: Sequence[Entry]) -> list[Voided]:
    """Take the waiting entries out."""
    if not waiting:
        return []
    identities = {id(entry) for entry in waiting}
    return [voided for layer in layers for voided in layer.drop(lambda _, entry: REASON if id(entry) in identities else "")]


def digest_of(project_root: str, entries: Sequence[Entry]) -> str:
    """SHA-256 (hex) over the project's root and its widening entries; their order, file and line do not matter. Empty for no entries.

    In a linked worktree the folder of the main checkout stands for the root, so that what was accepted there holds here; not when an entry means another place
    in every worktree.
    """
    if not entries:
        return ""
    from hashlib import sha256  # only for projects that widen something

    parts = sorted({canonical([entry.origin.key, _named(entry)]) for entry in entries})
    place = project_root if any(map(_depends_on_place, entries)) else in_main_checkout(project_root)
    text = canonical(["paddock trust 1", place, *parts])
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _depends_on_place(entry: Entry) -> bool:
    """Whether an entry is, or could hold, a path that leaves the project from where the project is."""
    return ".." in entry.origin.text or (key_of(entry.origin.key).shape.is_path and relative_path(entry.value))


def _named(entry: Entry) -> object:
    """The value, with its name for entries of a map."""
    return [entry.origin.text, entry.value]


def written(entry: Entry) -> str:
    """An entry as somebody has to see it before it counts: a variable with its value, which reports leave out. The value came with the project."""
    if key_of(entry.origin.key).merge is Merge.MAP:
        return f"{entry.origin.text}={entry.value}"
    return entry.origin.text


def recorded(entry: Entry) -> str:
    """An entry as the record of an acceptance names it: a value that may be a secret only by its digest, so that another one is seen to be new."""
    if key_of(entry.origin.key).merge is not Merge.MAP:
        return entry.origin.text
    from hashlib import sha256  # only for projects that widen something

    return f"{entry.origin.text} (value sha256 {sha256(canonical(_named(entry)).encode('utf-8', 'surrogateescape')).hexdigest()[:16]})"


def canonical(value: object) -> str:
    """One spelling per JSON value. Strings carry their length, so that no two values share a spelling."""
    if isinstance(value, dict):
        return "{" + "".join(canonical(name) + canonical(value[name]) for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + "".join(map(canonical, value)) + "]"
    if isinstance(value, str):
        return f"{len(value)}:{value}"
    return f"<{value!r}>"
