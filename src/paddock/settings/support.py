"""What this release does not do, as data. A key that would leave the command with less protection than was asked for is refused; a key that would only widen
the fence is not given and said once. A release that implements something removes its row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from paddock.errors import PolicyError
from paddock.model.settings import Entry, Notice, Settings
from paddock.settings.layer import Layer, Voided
from paddock.settings.overrides import FILES_ALWAYS, NEVER_OUTSIDE, REPORTS
from paddock.settings.table import Key

__all__ = ["NOT_GIVEN", "UNSUPPORTED", "notices", "refuse_unsupported", "take_out"]

_ABOUT_STARTING = ("sandbox.enabled", "sandbox.enabledPlatforms", "sandbox.network.strictAllowlist")


class Row(NamedTuple):
    """One thing. ``applies`` tells whether a value asks for it. ``sentence`` completes "KEY in FILE:LINE …"; ``hint`` is the smallest change that helps.

    ``override`` names the strictness override that makes the value void; empty where it is void on this platform anyway.
    """

    key: str
    applies: Callable[[object], bool]
    sentence: str
    hint: str = ""
    override: str = ""


def _given(value: object) -> bool:
    return value is not None


def _on(value: object) -> bool:
    return value is True


def _masks(value: object) -> bool:
    return isinstance(value, dict) and value.get("mode") == "mask"


def _everything(value: object) -> bool:
    return value == "*"


_DENY_INSTEAD = 'use "mode": "deny", which hides it'
_REMOVE = "remove the line to run without it"

UNSUPPORTED: tuple[Row, ...] = (
    Row("sandbox.network.tlsTerminate", _given, "asks to open TLS connections, which this release cannot do", _REMOVE),
    Row("sandbox.network.httpProxyPort", _given, "asks for a proxy of your own in place of the gate, which this release cannot use", _REMOVE),
    Row("sandbox.network.socksProxyPort", _given, "asks for a proxy of your own in place of the gate, which this release cannot use", _REMOVE),
    Row("sandbox.credentials.files", _masks, "asks for a masked file, which this release cannot make", _DENY_INSTEAD),
    Row("sandbox.credentials.envVars", _masks, "asks for a masked variable, which this release cannot make", _DENY_INSTEAD),
    Row("sandbox.credentials.awsPairs", _given, "asks for masked keys, which this release cannot make", _DENY_INSTEAD),
    Row("sandbox.credentials.sigv4", _given, "asks for requests to be signed outside, which this release cannot do", _REMOVE),
    Row("paddock.network.http", _given, "asks for rules about single requests, which this release does not enforce", _REMOVE),
    Row("paddock.network.upstream", _given, "asks for a proxy upstream, which this release cannot use", _REMOVE),
    Row("paddock.audit", _given, "asks for an audit log, which this release does not keep", _REMOVE),
    Row("paddock.credentials", _given, "asks for secrets that stay outside, which this release cannot give", _REMOVE),
)
"""Asked for and not enforced: the run is refused."""

NOT_GIVEN: tuple[Row, ...] = (
    Row("sandbox.excludedCommands", _given, "is not followed: `paddock run` takes no command outside", override=NEVER_OUTSIDE),
    Row("sandbox.filesystem.disabled", _on, "is not followed: `paddock run` always fences files", override=FILES_ALWAYS),
    Row("sandbox.network.allowAllUnixSockets", _on, "is not followed: the host's sockets stay outside", override=FILES_ALWAYS),
    Row("sandbox.network.allowUnixSockets", _given, "counts on macOS only"),
    Row("sandbox.enableWeakerNestedSandbox", _on, "is not followed: the fence is the same everywhere", override=FILES_ALWAYS),
    Row("sandbox.enableWeakerNetworkIsolation", _on, "counts on macOS only"),
    Row("sandbox.allowAppleEvents", _on, "counts on macOS only"),
    Row("sandbox.network.allowMachLookup", _given, "counts on macOS only"),
    Row("sandbox.ignoreViolations", _given, "is not followed: every violation is reported", override=REPORTS),
)
"""Asked for and not given, because the stricter way needs nobody's consent."""

_LOUD: tuple[Row, ...] = (Row("sandbox.network.allowedDomains", _everything, "allows every host: the fence keeps no secret in"),)


def refuse_unsupported(settings: Settings) -> None:
    """Raise ``PolicyError`` when the settings ask for something that this release would not enforce. Names every such entry."""
    sentences: list[str] = []
    hints: list[str] = []
    for row in UNSUPPORTED:
        for entry in _matching(settings, row):
            sentences.append(f"{_place(entry)}: {row.key} {row.sentence}")
            hints.append(row.hint)
    if sentences:
        raise PolicyError("; ".join(sentences), hint=hints[0])


def notices(settings: Settings, platform: str, overrides: frozenset[str]) -> list[Notice]:
    """What a person should hear once about keys that are not given, or that give everything. ``settings`` still hold them."""
    rows = [row for row in NOT_GIVEN if not row.override or row.override in overrides]
    quiet = [Notice(f"{row.key} {row.sentence}", found[0].origin, "info") for row in rows if (found := list(_matching(settings, row)))]
    if any(key in settings.scalars or key in settings.lists for key in _ABOUT_STARTING):
        from paddock.settings.start import notices as about_starting  # most settings do not say

        quiet += about_starting(settings, platform, overrides)
    loud = [Notice(f"{row.key} {row.sentence}", entry.origin) for row in _LOUD for entry in _matching(settings, row)]
    return [*loud, *quiet]


def take_out(layers: Sequence[Layer], overrides: frozenset[str]) -> list[Voided]:
    """Take out of the layers what an override makes void."""
    rows = {row.key: row for row in NOT_GIVEN if row.override in overrides}

    def unwanted(key: Key, entry: Entry) -> str:
        return rows[key.name].sentence if rows[key.name].applies(entry.value) else ""

    return [voided for layer in layers for voided in layer.drop(unwanted, rows)]


def _matching(settings: Settings, row: Row) -> Iterator[Entry]:
    scalar = settings.scalars.get(row.key)
    if scalar is not None and row.applies(scalar.value):
        yield scalar
    for name, entries in settings.lists.items():
        if name == row.key or name.startswith(row.key + "."):
            yield from (entry for entry in entries if row.applies(entry.value))


def _place(entry: Entry) -> str:
    origin = entry.origin
    return f"{origin.file}:{origin.line}" if origin.line else origin.file
