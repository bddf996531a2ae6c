"""Entries that do not count because of who wrote them: managed-only and restricted keys, the administrator's locks, masks from a repository. Spec 1.5.

Runs before merging, on the layers themselves: what is taken out here cannot win anything later. Restrictions are never taken out, with one documented
exception: ``allowManagedPermissionRulesOnly`` voids the deny rules of other scopes too, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paddock.model.settings import Entry, Scope
from paddock.settings.layer import Layer, Voided
from paddock.settings.table import Key, Merge

__all__ = ["apply_locks", "restrict_scopes"]

_DISABLED = "sandbox.filesystem.disabled"
_DOMAINS_LOCK = "sandbox.network.allowManagedDomainsOnly"
_FILES = "sandbox.credentials.files"
_MODE = "permissions.defaultMode"


def restrict_scopes(layers: Sequence[Layer]) -> list[Voided]:
    """Take out what a scope may not set."""
    out: list[Voided] = []
    for layer in layers:
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
    locks = {name for layer in layers if layer.scope is Scope.MANAGED for name, entry in layer.scalars.items() if entry.value is True}
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
    return out + _project_auto(layers) + _beaten_masks(layers)


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
                    out += weaker.drop(lambda key, _: "the project asks for automatic decisions, so the default holds" if key.name == _MODE else "")
            out += layer.drop(lambda key, _: "a repository cannot choose automatic decisions" if key.name == _MODE else "")
    return out


def _beaten_masks(layers: Sequence[Layer]) -> list[Voided]:
    """For the same variable or file, ``deny`` beats ``mask`` whatever the scopes (spec 2.4)."""
    denied = {(key.name, _subject(entry)) for layer in layers for key, entry in layer.entries() if _mode(entry) == "deny"}

    def unwanted(key: Key, entry: Entry) -> str:
        beaten = key.merge is Merge.UNION and _mode(entry) == "mask" and (key.name, _subject(entry)) in denied
        return "another entry denies it" if beaten else ""

    return [voided for layer in layers for voided in layer.drop(unwanted)]


def _mode(entry: Entry) -> object:
    return entry.value.get("mode") if isinstance(entry.value, dict) else None


def _subject(entry: Entry) -> object:
    value = entry.value
    return (value.get("name"), value.get("path")) if isinstance(value, dict) else None
