"""Entries that do not count because of who wrote them: managed-only and restricted keys, the administrator's locks, masks from a repository. Spec 1.5.

Runs before merging, on the layers themselves: what is taken out here cannot win anything later. Restrictions are never taken out, with one documented
exception: ``allowManagedPermissionRulesOnly`` voids the deny rules of other scopes too, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paddock.model.settings import Entry, Scope
from paddock.settings.layer import Family, Layer, Voided
from paddock.settings.table import Key

__all__ = ["apply_locks", "restrict_scopes"]

_DISABLED = "sandbox.filesystem.disabled"
_DOMAINS_LOCK = "sandbox.network.allowManagedDomainsOnly"
_FILES = "sandbox.credentials.files"
_CREDENTIALS = (_FILES, "sandbox.credentials.envVars")
_MODE = "permissions.defaultMode"
_NO_HOOKS = "disableAllHooks"
_EXPORTER = "OTEL_EXPORTER_OTLP_"


def restrict_scopes(layers: Sequence[Layer]) -> list[Voided]:
    """Take out what a scope may not set."""
    out: list[Voided] = []
    for layer in layers:
        if layer.scope is not Scope.BUILTIN:  # our own data is where it may be
            out += layer.drop(_misplaced)
    return out


def _misplaced(key: Key, entry: Entry) -> str:
    scope = entry.origin.scope
    if scope not in key.scopes:
        names = [s.value for s in Scope if s in key.scopes and s is not Scope.BUILTIN]
        return f"{key.name} counts only from {' and '.join(names)} settings"
    if scope in (Scope.PROJECT, Scope.LOCAL) and isinstance(entry.value, dict) and entry.value.get("mode") == "mask":
        return "a repository cannot ask for a masked secret"
    return ""


def apply_locks(layers: Sequence[Layer], environ: Mapping[str, str]) -> list[Voided]:
    """Take out what the administrator's locks close."""
    locks = _locks(layers)
    pinned = _pin(layers, environ)

    def unwanted(key: Key, entry: Entry) -> str:
        if key.lock in locks and entry.origin.scope is not Scope.MANAGED:
            return f"the administrator set {key.lock}"
        if key.name == "permissions.allow" and _DOMAINS_LOCK in locks and entry.origin.scope is not Scope.MANAGED and _is_web_rule(entry):
            return f"the administrator set {_DOMAINS_LOCK}"
        if key.name == _DISABLED and pinned and (entry.origin.scope is not Scope.MANAGED or pinned.startswith("CLAUDE")):
            return pinned
        return ""

    out = [voided for layer in layers for voided in layer.drop(unwanted)]
    return out + _project_auto(layers) + _forbidden_modes(layers) + _beaten_masks(layers) + _switched_hooks(layers) + _foreign_exporters(layers)


def _locks(layers: Sequence[Layer]) -> set[str]:
    """Managed switches that are on. Within one family the strongest file says so; a second administrator's family can only add."""
    said: dict[tuple[Family, str], object] = {}
    for layer in layers:
        if layer.scope is Scope.MANAGED:
            for name, entry in layer.scalars.items():
                said.setdefault((layer.family, name), entry.value)
    return {name for (_, name), value in said.items() if value is True}


def _forbidden_modes(layers: Sequence[Layer]) -> list[Voided]:
    """Modes that any scope took away."""
    switches = {"permissions.disableBypassPermissionsMode": "bypassPermissions", "permissions.disableAutoMode": "auto"}
    away = {mode: name for name, mode in switches.items() if any(name in layer.scalars for layer in layers)}

    def unwanted(key: Key, entry: Entry) -> str:
        return f"{away[entry.value]} takes this mode away" if key.name == _MODE and isinstance(entry.value, str) and entry.value in away else ""

    return [voided for layer in layers for voided in layer.drop(unwanted, (_MODE,))] if away else []


def _switched_hooks(layers: Sequence[Layer]) -> list[Voided]:
    """``disableAllHooks`` follows precedence; from below managed it leaves the administrator's hooks alone (spec 7)."""
    by = next((layer for layer in layers if _NO_HOOKS in layer.scalars), None)
    if by is None or by.scalars[_NO_HOOKS].value is not True:
        return []
    reason = f"{by.file} sets disableAllHooks"
    affected = [layer for layer in layers if by.scope is Scope.MANAGED or layer.scope is not Scope.MANAGED]
    return [voided for layer in affected for voided in layer.drop(lambda *_: reason, ("hooks",))]


def _foreign_exporters(layers: Sequence[Layer]) -> list[Voided]:
    """A managed telemetry address takes the exporter's variables of everybody else along, so that it never meets another login (spec 8)."""
    if not any(layer.scope is Scope.MANAGED and any(name.startswith(_EXPORTER) for name in layer.maps.get("env", {})) for layer in layers):
        return []
    reason = "managed settings choose where telemetry goes"
    others = [layer for layer in layers if layer.scope is not Scope.MANAGED and "env" in layer.maps]
    return [voided for layer in others for voided in layer.drop(lambda _, e: reason if e.origin.text.startswith(_EXPORTER) else "", ("env",))]


def _is_web_rule(entry: Entry) -> bool:
    # WebFetch allow rules are the other way to list a host (spec 1.5). Only the name is looked at: what the rule says is the matcher's business.
    return isinstance(entry.value, str) and entry.value.partition("(")[0].strip() == "WebFetch"


def _pin(layers: Sequence[Layer], environ: Mapping[str, str]) -> str:
    """Why ``sandbox.filesystem.disabled`` is out of the user's hands (spec 2.2), or ``""``."""
    if environ.get("CLAUDE_CODE_SUBPROCESS_ENV_SCRUB"):
        return "CLAUDE_CODE_SUBPROCESS_ENV_SCRUB is set"
    for layer in layers:
        if layer.scope is not Scope.MANAGED:
            continue
        for key, entry in layer.entries():
            if key.name.startswith("sandbox.filesystem.") or (key.name == _FILES and _mode(entry) == "deny"):
                return "managed settings configure the file layer"
    return ""


def _project_auto(layers: Sequence[Layer]) -> list[Voided]:
    """A repository's ``"auto"`` is void and still hides weaker scopes' values: the default applies (spec 1.5)."""
    out: list[Voided] = []
    for index, layer in enumerate(layers):
        entry = layer.scalars.get(_MODE)
        if entry is not None and entry.value == "auto" and layer.scope in (Scope.PROJECT, Scope.LOCAL):
            if not any(_MODE in stronger.scalars for stronger in layers[:index]):
                for weaker in layers[index + 1 :]:
                    out += weaker.drop(lambda *_: "the project asks for automatic decisions, so the default holds", (_MODE,))
            out += layer.drop(lambda *_: "a repository cannot choose automatic decisions", (_MODE,))
    return out


def _beaten_masks(layers: Sequence[Layer]) -> list[Voided]:
    """For the same variable or file, ``deny`` beats ``mask`` whatever the scopes (spec 2.4)."""
    denied = {(name, _subject(entry)) for layer in layers for name in _CREDENTIALS for entry in layer.lists.get(name, ()) if _mode(entry) == "deny"}

    def unwanted(key: Key, entry: Entry) -> str:
        return "another entry denies it" if _mode(entry) == "mask" and (key.name, _subject(entry)) in denied else ""

    return [voided for layer in layers for voided in layer.drop(unwanted, _CREDENTIALS)] if denied else []


def _mode(entry: Entry) -> object:
    return entry.value.get("mode") if isinstance(entry.value, dict) else None


def _subject(entry: Entry) -> object:
    value = entry.value
    return (value.get("name"), value.get("path")) if isinstance(value, dict) else None
