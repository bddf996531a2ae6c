"""Layers to one value per key. Spec 1.2: scalars go by precedence, lists are unions, maps are merged by name; the table says where a key differs.

Layers come strongest first. What this file takes from the order of two files of the same scope: ours goes before the other family's unless that would loosen,
which is an error; for the administrator's files the stricter value holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from paddock.errors import Problem
from paddock.model.settings import SCOPES, Context, Entry, Notice, Scope
from paddock.settings.layer import Family, Layer, Voided, key_of
from paddock.settings.paths import base_of
from paddock.settings.table import KEYS, Key, Merge
from paddock.settings.validate import relative_path

__all__ = ["Merged", "merge", "notices_for"]


class Merged:
    """The result. ``problems`` are conflicts that nobody but the user can settle; ``beaten`` is what a winner was chosen over (see ``Settings``)."""

    __slots__ = ("beaten", "lists", "maps", "problems", "scalars", "void")

    def __init__(self) -> None:
        self.lists: dict[str, tuple[Entry, ...]] = {}
        self.scalars: dict[str, Entry] = {}
        self.maps: dict[str, Mapping[str, Entry]] = {}
        self.void: list[Voided] = []
        self.problems: list[Problem] = []
        self.beaten: dict[str, tuple[Entry, ...]] = {}

    def lost(self, name: str, entries: Iterable[Entry]) -> None:
        """Remember what lost, without what is void for a reason of its own."""
        losers = tuple(entry for entry in entries if all(entry is not voided for voided, _ in self.void))
        if losers:
            self.beaten[name] = losers


def merge(layers: Sequence[Layer], context: Context) -> Merged:
    """Combine layers, strongest first."""
    out = Merged()
    for name in _names(layer.lists for layer in layers):
        out.lists[name] = _union(key_of(name), layers, name, context, out)
    for name in _names(layer.scalars for layer in layers):
        entry = _scalar(KEYS[name], layers, out)
        if entry is not None:
            out.scalars[name] = entry
            out.lost(name, (other for layer in layers if (other := layer.scalars.get(name, entry)) is not entry))
    for name in _names(layer.maps for layer in layers):
        combined: dict[str, Entry] = {}
        for layer in layers:
            for inner, entry in layer.maps.get(name, {}).items():
                combined.setdefault(inner, entry)
        out.maps[name] = combined
        for inner, entry in combined.items():
            out.lost(f"{name}.{inner}", (other for layer in layers if (other := layer.maps.get(name, {}).get(inner, entry)) is not entry))
    return out


def _names(groups: Iterable[Mapping[str, object]]) -> list[str]:
    # A dict keeps the order in which names were first met, so that reports list keys the way the strongest file does.
    return list(dict.fromkeys(name for group in groups for name in group))


def _union(key: Key, layers: Sequence[Layer], name: str, context: Context, out: Merged) -> tuple[Entry, ...]:
    if key.merge is Merge.INTERSECTION:
        return _intersection(layers, name, out)
    if key.merge is Merge.MANAGED_LIST:
        managed = [layer for layer in layers if layer.scope is Scope.MANAGED and name in layer.lists]
        if managed:
            out.lost(name, (entry for layer in layers if layer.scope is not Scope.MANAGED for entry in layer.lists.get(name, ())))
            layers = managed
    seen: dict[object, Entry] = {}
    for layer in _as_read(layers):
        for entry in layer.lists.get(name, ()):
            seen.setdefault(_identity(key, entry, context), entry)
    return tuple(seen.values())


def _intersection(layers: Sequence[Layer], name: str, out: Merged) -> tuple[Entry, ...]:
    """What every file that has the list says in the same words; drop-ins of an administrator's are files of their own here."""
    lists = [layer.lists[name] for layer in layers if name in layer.lists]
    common = set.intersection(*({_frozen(entry.value) for entry in entries} for entries in lists))
    kept = {_frozen(entry.value): entry for entry in reversed(lists[0]) if _frozen(entry.value) in common}
    out.lost(name, (entry for entries in lists for entry in entries if _frozen(entry.value) not in common))
    return tuple(reversed(kept.values()))


def _as_read(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Strongest first, except that the files of one administrator's source are joined in the order in which they are read: the base file, then the drop-ins."""
    at = 0
    while at < len(layers):
        end = at + 1
        while layers[at].source and end < len(layers) and layers[end].source == layers[at].source:
            end += 1
        yield from reversed(layers[at:end])
        at = end


def _identity(key: Key, entry: Entry, context: Context) -> object:
    """What makes two entries of a list the same. The same words mean different places in different files when they are relative, and then both stay."""
    value = entry.value
    if key.shape.is_path and relative_path(value):
        return _frozen(value), base_of(entry.origin, context)
    if isinstance(value, str) and key.name.startswith("permissions.") and "(/" in value and "(//" not in value:
        return value, entry.origin.scope, entry.origin.file.rpartition("/")[0]
    return _frozen(value)


def _frozen(value: object) -> object:
    if isinstance(value, dict):
        return tuple(sorted((name, _frozen(item)) for name, item in value.items()))
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return type(value).__name__, value


def _scalar(key: Key, layers: Sequence[Layer], out: Merged) -> Entry | None:
    by_scope: dict[Scope, Entry] = {}
    for scope in SCOPES:
        rivals = [(layer, layer.scalars[key.name]) for layer in layers if layer.scope is scope and key.name in layer.scalars]
        if rivals:
            by_scope[scope] = _within_scope(key, scope, rivals, out)
    winner: Entry | None = None
    for scope in reversed(SCOPES):
        entry = by_scope.get(scope)
        if entry is None:
            continue
        if winner is not None and scope is Scope.PROJECT and key.tighten_only and _looser(key, entry, winner):
            out.void.append((entry, f"a project file may make {key.name} stricter, not looser than {winner.origin}"))
            continue
        winner = entry
    for scope in SCOPES:
        entry = by_scope.get(scope)
        if entry is not None and winner is not None and scope in key.one_way and _looser(key, winner, entry):
            winner = entry
    return winner


def _within_scope(key: Key, scope: Scope, rivals: list[tuple[Layer, Entry]], out: Merged) -> Entry:
    """The value of one scope: the first by family, except that the administrator's stricter value holds and ours must not loosen."""
    first = rivals[0][1]
    for layer, entry in rivals[1:]:
        if layer.family is not Family.CLAUDE or rivals[0][0].family is not Family.PADDOCK or not _looser(key, first, entry):
            continue
        if scope is Scope.MANAGED:
            return entry
        here, there = first.origin, entry.origin
        message = f"{key.name} is {first.origin.text} here and {entry.origin.text} in {there.file}:{there.line}, which is stricter"
        out.problems.append(Problem(here.file, here.line, here.column, message, "make both files say the same, or remove one of the two lines"))
        break
    return first


def _looser(key: Key, one: Entry, other: Entry) -> bool:
    """Whether ``one`` gives more than ``other``, as far as the table knows an order."""
    a, b = one.value, other.value
    if key.stricter == "less":
        return isinstance(a, (int, float)) and isinstance(b, (int, float)) and a > b
    if isinstance(key.stricter, tuple) and a in key.stricter and b in key.stricter:
        return key.stricter.index(a) < key.stricter.index(b)
    return False


def notices_for(void: Sequence[Voided]) -> list[Notice]:
    """One sentence per key, file and reason: a list of a hundred entries is said once."""
    groups: dict[tuple[str, str, str], list[Entry]] = {}
    for entry, reason in void:
        groups.setdefault((entry.origin.key, entry.origin.file, reason), []).append(entry)
    return [
        Notice(f"{key} in {file} does not count{f' ({len(entries)} entries)' if len(entries) > 1 else ''}: {reason}", entries[0].origin)
        for (key, file, reason), entries in groups.items()
    ]
