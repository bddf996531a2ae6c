"""Variables of ``env`` that an agent itself reads: what they switch, and what is easily mistaken about them. Spec 8.

Paddock passes such variables on or keeps them back like any other; it explains them, because the values do not mean what they look like. Imported only when
settings hold one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from paddock.model.settings import Entry, Notice

__all__ = ["Switches", "notices", "switches"]

_TRAFFIC = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"
_TELEMETRY = "CLAUDE_CODE_ENABLE_TELEMETRY"
_PROVIDERS = "CLAUDE_CODE_USE_"
_METRICS = "OTEL_METRICS_EXPORTER"
_LOGS = "OTEL_LOGS_EXPORTER"
_EXPORTERS = {_METRICS: ("otlp", "prometheus", "console"), _LOGS: ("otlp", "console")}


class Switches(NamedTuple):
    """What an agent makes of its environment. ``cancelled`` are provider choices that an empty value takes back."""

    telemetry: bool
    metrics: bool
    logs: bool
    nonessential_traffic: bool
    cancelled: tuple[str, ...]


def switches(env: Mapping[str, str]) -> Switches:
    """The documented reading of these variables."""
    on = env.get(_TELEMETRY) == "1"
    metrics, logs = (on and any(word.strip() in known for word in env.get(name, "").split(",")) for name, known in _EXPORTERS.items())
    # Any value but the empty one, "0" included.
    quiet = bool(env.get(_TRAFFIC))
    cancelled = tuple(name for name, value in env.items() if name.startswith(_PROVIDERS) and not value)
    return Switches(metrics or logs, metrics, logs, not quiet, cancelled)


def notices(env: Mapping[str, Entry]) -> Iterator[Notice]:
    """A hint for each value that does something else than it says."""
    meant = switches({name: str(entry.value) for name, entry in env.items()})
    traffic = env.get(_TRAFFIC)
    if traffic is not None and traffic.value in ("0", "false", "no", "off") and not meant.nonessential_traffic:
        yield Notice(f"env {_TRAFFIC}: any value disables, this one too; remove the line to allow it", traffic.origin, "info")
    exporter = env.get(_METRICS) or env.get(_LOGS)
    if exporter is not None and not meant.telemetry and _TELEMETRY not in env:
        yield Notice(f"env {exporter.origin.text}: no telemetry is sent unless {_TELEMETRY} is 1", exporter.origin, "info")
