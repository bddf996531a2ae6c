"""The administrator's sources: which one of them is in force, and what counts from the others all the same. Spec 1.3 and 1.4.

The first source in rank order that holds a policy key is selected; the others do not merge with it. Pure: it works on what was read. Imported only where there
is more than one source, a helper, or a program that hands settings down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from paddock.model.settings import Entry
from paddock.settings.layer import Layer, Voided
from paddock.settings.table import KEYS, Key, Merge

__all__ = ["AdminSource", "Rank", "Selection", "hand_down", "select"]

_WSL = "wslInheritsWindowsSettings"
_DOMAINS_LOCK = "sandbox.network.allowManagedDomainsOnly"
_PATHS_LOCK = "sandbox.filesystem.allowManagedReadPathsOnly"
_RULES_LOCK = "allowManagedPermissionRulesOnly"
_EXPORTER = ("OTEL_EXPORTER_OTLP_", "OTEL_LOG_")
_EXPORTER_NAME = "OTEL_LOGS_EXPORTER"


class Rank(str, Enum):
    """Kinds of sources, the first one first. ``HELPER`` is what a policy helper printed in place of a source that named it. Nothing in this release fetches
    ``REMOTE``; ``USER_POLICY`` is the registry branch that its user can write.
    """

    HELPER = "helper"
    REMOTE = "remote"
    POLICY = "mdm"
    FILE = "file"
    USER_POLICY = "hkcu"


class AdminSource(NamedTuple):
    """One source: its layers, strongest first. ``windows`` marks a source of the Windows side of a WSL machine."""

    rank: Rank
    name: str
    layers: tuple[Layer, ...]
    windows: bool = False


class Selection(NamedTuple):
    """``source`` is None when no source holds a policy key. ``layers`` are what counts, strongest first; ``void`` what does not."""

    source: AdminSource | None
    layers: list[Layer]
    void: list[Voided]


def select(sources: Sequence[AdminSource]) -> Selection:
    """Choose among sources, and keep of the others what is read from every source."""
    ordered = sorted(_joined(sources), key=_order)
    chosen = next((source for source in ordered if _delivers(source)), None)
    if chosen is None:
        return Selection(None, [], [])
    void: list[Voided] = []
    scanned = [source for source in ordered if source.rank is not Rank.USER_POLICY or source is chosen]
    locks = {name for name in (_DOMAINS_LOCK, _PATHS_LOCK) for source in scanned if _value(source, name) is True}
    layers = list(chosen.layers)
    exporter = _sets_exporter(layers)
    for source in ordered:
        if source is chosen:
            continue
        kept = _kept(source, locks, exporter=exporter) if source in scanned else Layer(source.layers[0].scope, source.layers[0].family, source.name)
        exporter = exporter or _sets_exporter([kept])
        void += _loosened(layers, kept)
        void += _left_out(source, kept, f"{chosen.name} is in force, and administrators' sources do not add up")
        layers.append(kept)
    return Selection(chosen, layers, void)


def _joined(sources: Sequence[AdminSource]) -> list[AdminSource]:
    """WSL: the Windows side counts when a source that only its administrator can write says so; the user's branch has to say it too (spec 1.3)."""
    joined = any(_value(source, _WSL) is True for source in sources if source.windows and source.rank is not Rank.USER_POLICY)
    own = [source for source in sources if not source.windows]
    if not joined:
        return own  # on every other machine nothing is marked
    return [source for source in sources if source.windows and (source.rank is not Rank.USER_POLICY or _value(source, _WSL) is True)] + own


def _order(source: AdminSource) -> tuple[int, bool, int]:
    ranks = list(Rank)
    # Remote settings first, then the whole Windows side, then our own side by rank.
    return (0 if source.rank is Rank.REMOTE else 1, not source.windows, ranks.index(source.rank))


def _delivers(source: AdminSource) -> bool:
    """Whether there is a policy key in it; the key that only joins two sides is none."""
    return any(layer.others or any(key.name != _WSL for key, _ in layer.entries()) or any(layer.lists) for layer in source.layers)


def _value(source: AdminSource, name: str) -> object:
    """The value of a single-valued key in one source: its first layer's that has it."""
    return next((layer.scalars[name].value for layer in source.layers if name in layer.scalars), None)


def _kept(source: AdminSource, locks: set[str], *, exporter: bool) -> Layer:
    """What counts of a source that was not selected."""
    first = source.layers[0]
    out = Layer(first.scope, first.family, source.name)
    for layer in source.layers:
        for name, entry in layer.scalars.items():
            if name not in out.scalars and _value(source, name) == entry.value and _from_all(KEYS[name], entry.value):
                out.scalars[name] = entry
        for name, entries in layer.lists.items():
            kept = [entry for entry in entries if _locked(name, entry, locks)]
            if kept:
                out.lists.setdefault(name, []).extend(kept)
        for name, members in layer.maps.items():
            if KEYS[name].every_admin:
                fresh = {inner: entry for inner, entry in members.items() if not (exporter and _is_exporter(inner))}
                out.maps[name] = {**fresh, **out.maps.get(name, {})}
    return out


def _from_all(key: Key, value: object) -> bool:
    if key.every_admin == "stricter" and isinstance(key.stricter, tuple):
        return value == key.stricter[-1]
    return bool(key.every_admin)


def _locked(name: str, entry: Entry, locks: set[str]) -> bool:
    """The list that belongs to a lock is joined over all sources while the lock is on."""
    if name == "sandbox.network.allowedDomains":
        return _DOMAINS_LOCK in locks
    if name == "permissions.allow":
        return _DOMAINS_LOCK in locks and isinstance(entry.value, str) and entry.value.partition("(")[0].strip() == "WebFetch"
    return name == "sandbox.filesystem.allowRead" and _PATHS_LOCK in locks


def _is_exporter(name: str) -> bool:
    return name.startswith(_EXPORTER) or name == _EXPORTER_NAME


def _sets_exporter(layers: Iterable[Layer]) -> bool:
    """Whether one of the exporter's variables is set: the group moves as one, so that an address never meets another source's login."""
    return any(_is_exporter(name) for layer in layers for name in layer.maps.get("env", {}))


def _loosened(layers: Sequence[Layer], kept: Layer) -> list[Voided]:
    """Take out of stronger sources what would undo a value that counts from any source."""
    names = {name for name in kept.scalars if KEYS[name].every_admin == "stricter"}
    reason = f"{kept.file} is stricter, and this key counts from every administrator's source"
    return [voided for layer in layers for voided in layer.drop(lambda key, entry: reason if key.name in names and not _from_all(key, entry.value) else "")]


def _left_out(source: AdminSource, kept: Layer, reason: str) -> list[Voided]:
    counted = {id(entry) for _, entry in kept.entries()}
    return [(entry, reason) for layer in source.layers for _, entry in layer.entries() if id(entry) not in counted]


def hand_down(selection: Selection, parent: Layer) -> Selection:
    """Settings of the program that starts Paddock. They count as they are without an administrator; beside one only when the selected source asks for it, and
    then only what restricts, and the lists that no lock closes.
    """
    if selection.source is None and not selection.layers:
        return Selection(None, [parent], selection.void)
    behaviour = next((layer.scalars["parentSettingsBehavior"].value for layer in selection.layers if "parentSettingsBehavior" in layer.scalars), "drop")
    if behaviour != "merge":
        dropped = parent.drop(lambda _key, _entry: "there are managed settings, and they do not ask for it (parentSettingsBehavior)")
        return selection._replace(void=selection.void + dropped)
    locks = {name for layer in selection.layers for name, entry in layer.scalars.items() if entry.value is True}
    dropped = parent.drop(_unwelcome(locks))
    return selection._replace(layers=[*selection.layers, parent], void=selection.void + dropped)


_OPENING = {
    "permissions.allow": _RULES_LOCK,
    "sandbox.network.allowedDomains": _DOMAINS_LOCK,
    "sandbox.filesystem.allowRead": _PATHS_LOCK,
    "sandbox.filesystem.allowWrite": "",
}
"""Lists of a host program that open something and count all the same, and the lock that closes each."""


def _unwelcome(locks: set[str]) -> Callable[[Key, Entry], str]:
    def unwanted(key: Key, entry: Entry) -> str:
        if key.name in _OPENING:
            closed = _OPENING[key.name] in locks or (_DOMAINS_LOCK in locks and _locked(key.name, entry, locks))
            return "an administrator's lock closes this list" if closed else ""
        if key.merge is Merge.SCALAR:
            strictest = isinstance(key.stricter, tuple) and bool(key.stricter) and entry.value == key.stricter[-1]
            return "" if strictest else "only what restricts is taken from the program that starts Paddock"
        restricts = key.merge in (Merge.UNION, Merge.INTERSECTION) and key.widens.value == "never"
        return "" if restricts else "only what restricts is taken from the program that starts Paddock"

    return unwanted
