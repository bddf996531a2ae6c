"""What a rule of the linter is, what it finds, and what it gets to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from paddock.model.policy import FilesystemPolicy
from paddock.model.record import record, slotted
from paddock.model.settings import Context, Entry, Scope, Settings
from paddock.settings.document import Document
from paddock.settings.rewrite import Action

__all__ = ["ERROR", "INFO", "LISTS", "WARNING", "Case", "Check", "Finding", "Found", "Rule"]

ERROR, WARNING, INFO = "error", "warning", "info"
LISTS = ("allow", "ask", "deny")


class Found(NamedTuple):
    """One place at which a rule has something to say. ``remedy`` is what to do about it, a whole sentence.

    ``action`` does it, where that can be done without widening anything and without guessing; None leaves it to a person.
    """

    entry: Entry
    reason: str
    remedy: str
    action: Action | None = None
    level: str = ""


@record
class Finding:
    """A line of the answer. ``file`` is absolute; ``line`` and ``column`` count from 1 and are 0 for a file that is itself what was found."""

    id: str
    level: str
    file: str
    line: int
    column: int
    key: str
    text: str
    reason: str
    remedy: str
    action: Action | None = None


@slotted
class Case:
    """The settings that are looked at. ``entries`` holds, by key and strongest first, everything that their files say; ``void`` are the identities (``id``)
    of entries that do not count. ``settings`` is what they come to when the project is trusted, ``files`` its meaning for files (None where a rule is
    broken). ``documents`` holds the files' text by path, ``empty`` their lists without an entry (as one entry each), ``scopes`` who reads each file.
    ``path`` are the folders of ``PATH``.

    ``whole``: these are all settings that count in the folder, so that it makes sense to look for what is missing.
    """

    context: Context
    environ: Mapping[str, str]
    settings: Settings
    entries: Mapping[str, Sequence[Entry]]
    void: frozenset[int]
    files: FilesystemPolicy | None
    documents: Mapping[str, Document]
    empty: Mapping[str, Sequence[Entry]]
    scopes: Mapping[str, Scope]
    path: tuple[str, ...] = ()
    whole: bool = True

    def list(self, key: str) -> Iterator[Entry]:
        """The entries of a list key that count."""
        return (entry for entry in self.entries.get(key, ()) if id(entry) not in self.void)

    def rules(self) -> Iterator[tuple[str, Entry]]:
        """The permission rules that count and are text, each with its list."""
        for name in LISTS:
            for entry in self.list(f"permissions.{name}"):
                if isinstance(entry.value, str):
                    yield name, entry


Check = Callable[[Case], Iterator[Found]]


class Rule(NamedTuple):
    """``id`` in kebab case, ``why`` one sentence that explains it to somebody who sees it for the first time, ``fix`` what ``--fix`` does (empty: nothing)."""

    id: str
    level: str
    why: str
    check: Check
    fix: str = ""
