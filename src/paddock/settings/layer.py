"""One settings source, read: its entries by key, each with its place. Merging starts from a list of these."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from enum import Enum

from paddock.model.settings import Entry, Scope
from paddock.settings.table import KEYS, Key

__all__ = ["Family", "Layer", "Voided", "key_of"]


class Family(str, Enum):
    """Whose file it is. Within a scope, a value of an earlier family goes before one of a later."""

    OPTION = "option"
    PADDOCK = "paddock"
    CLAUDE = "claude"
    BUILTIN = "builtin"


Voided = tuple[Entry, str]
"""An entry that was read and does not count, and why."""


class Layer:
    """The entries of one file. ``others`` are the names at its top that are not ours; ``source`` is the folder that it and its drop-ins are read from as one
    source, empty for a file that stands alone.
    """

    __slots__ = ("family", "file", "lists", "maps", "others", "scalars", "scope", "source")

    def __init__(self, scope: Scope, family: Family, file: str) -> None:
        self.scope = scope
        self.family = family
        self.file = file
        self.lists: dict[str, list[Entry]] = {}
        self.scalars: dict[str, Entry] = {}
        self.maps: dict[str, dict[str, Entry]] = {}
        self.others: list[str] = []
        self.source = ""

    def entries(self) -> Iterator[tuple[Key, Entry]]:
        """Every entry with the row of its key."""
        for name, items in self.lists.items():
            for entry in items:
                yield key_of(name), entry
        for name, entry in self.scalars.items():
            yield KEYS[name], entry
        for name, members in self.maps.items():
            for entry in members.values():
                yield KEYS[name], entry

    def drop(self, unwanted: Callable[[Key, Entry], str], only: Container[str] | None = None) -> list[Voided]:
        """Take every entry out for which ``unwanted`` gives a reason; they come back with it. ``only`` names the keys to look at, None for all."""
        out: list[Voided] = []
        for name, entries in self.lists.items():
            key = key_of(name)
            if only is None or key.name in only:
                self.lists[name] = [entry for entry in entries if not _void(out, entry, unwanted(key, entry))]
        for name, entry in list(self.scalars.items()):
            if (only is None or name in only) and _void(out, entry, unwanted(KEYS[name], entry)):
                del self.scalars[name]
        for name, members in self.maps.items():
            if only is None or name in only:
                self.maps[name] = {inner: entry for inner, entry in members.items() if not _void(out, entry, unwanted(KEYS[name], entry))}
        return out


def _void(out: list[Voided], entry: Entry, reason: str) -> bool:
    if reason:
        out.append((entry, reason))
    return bool(reason)


def key_of(name: str) -> Key:
    """The row of a stored name: itself, or the key of which it is one list (``hooks.PreToolUse``)."""
    while name not in KEYS:
        name = name.rpartition(".")[0]
    return KEYS[name]
