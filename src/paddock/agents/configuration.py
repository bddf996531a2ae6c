"""Changes to an agent's own configuration files: shown as a diff, made at once or not at all, and undone exactly.

What a file held before is kept in Paddock's state folder. As long as nobody else has changed the file since, undoing puts back those very bytes; otherwise only
what Paddock had added is taken out again, by whoever knows the format.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress

from paddock.errors import Problem, SettingsError, UnsupportedError
from paddock.session.filechange import Change, diff, read, replace_file

__all__ = ["Change", "Keeper", "diff", "edit_json", "read"]

Document = dict[str, object]


def edit_json(path: str, data: bytes | None, edit: Callable[[Document], None]) -> bytes:
    """The file with ``edit`` made to its object; indentation and the line end are kept. Raises ``SettingsError`` with the line for what is no JSON object."""
    text = _decode(path, data or b"{}")
    try:
        document = json.loads(text, object_pairs_hook=lambda pairs: _once(path, pairs))
    except (json.JSONDecodeError, RecursionError) as error:
        line, column = (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else (1, 1)
        raise SettingsError([Problem(path, line, column, f"not JSON: {error}", "the file is left as it is; mend it and try again")]) from error
    if not isinstance(document, dict):
        raise SettingsError([Problem(path, 1, 1, "expected an object", "the file is left as it is")])
    edit(document)
    indent = _indent(text)
    return (json.dumps(document, indent=indent, ensure_ascii=False) + ("\n" if data is None or text.endswith("\n") else "")).encode("utf-8")


def _decode(path: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError([Problem(path, line, 1, "not UTF-8", "the file is left as it is")]) from error


def _once(path: str, pairs: list[tuple[str, object]]) -> Document:
    """An object in which every name stands once: of two, one would get lost in writing."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for at, (name, _) in enumerate(pairs) if name in dict(pairs[:at]))
        raise SettingsError([Problem(path, 0, 0, f"the name {twice!r} stands twice in one object", "the file is left as it is; remove one")])
    return found


def _indent(text: str) -> int | str | None:
    """How the file indents its first level; two spaces for a new one, nothing for one on a single line."""
    for line in text.splitlines()[1:]:
        space = line[: len(line) - len(line.lstrip(" \t"))]
        if space:
            return space if "\t" in space else len(space)
    return None if len(text) > 2 and "\n" not in text.strip() else 2


class Keeper:
    """Makes changes, and remembers what was there. ``folder`` is below Paddock's state folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def make(self, change: Change) -> None:
        """Write the file whole. Raises ``UnsupportedError`` when it has changed since it was read, or cannot be written; then nothing has changed."""
        if not change.needed:
            return
        if read(change.path) != change.before:
            raise UnsupportedError(f"{change.path} was changed meanwhile", cause="somebody else wrote it after it was read")
        # A second change keeps the first memory: what is to be put back is what was there before Paddock.
        known = self._memory(change.path)
        kept = known["before"] if known is not None and _digest(change.before) == known["after"] else _text(change.before)
        self._remember(change.path, {"path": change.path, "before": kept, "after": _digest(change.after)})
        try:
            replace_file(change)
        except OSError as error:
            raise UnsupportedError(f"{change.path} cannot be written", cause=error.strerror or str(error)) from error

    def original(self, path: str) -> tuple[bool, bytes | None]:
        """Whether the file is as Paddock left it, and what it held before."""
        known = self._memory(path)
        if known is None or _digest(read(path)) != known["after"]:
            return False, None
        before = known["before"]
        return True, None if before is None else base64.b64decode(str(before))

    def forget(self, path: str) -> None:
        """There is nothing to undo any more."""
        with suppress(FileNotFoundError):
            os.unlink(self._place(path))

    def _place(self, path: str) -> str:
        return f"{self._folder}/{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"

    def _memory(self, path: str) -> Document | None:
        data = read(self._place(path))
        if data is None:
            return None
        try:
            found = json.loads(data)
        except ValueError as error:
            raise UnsupportedError(f"{self._place(path)} is damaged", cause="what was there before cannot be told; remove it to go on") from error
        return found if isinstance(found, dict) and found.get("path") == path and "before" in found and "after" in found else None

    def _remember(self, path: str, memory: Document) -> None:
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        place = self._place(path)
        replace_file(Change(place, read(place), json.dumps(memory).encode()), mode=0o600)


def _digest(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode("ascii")
