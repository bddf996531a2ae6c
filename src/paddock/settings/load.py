"""The one door of this room: from a request to merged settings."""

from __future__ import annotations

from paddock.errors import PolicyError, SettingsError
from paddock.model.globs import SKIPPED, handling
from paddock.model.record import replace
from paddock.model.settings import Context, Entry, Notice, Scope, Settings, Source
from paddock.settings import builtin, support
from paddock.settings.gathered import Gathered, LoadRequest
from paddock.settings.layer import Layer, Voided
from paddock.settings.locks import apply_locks, restrict_scopes
from paddock.settings.merge import Merged, merge, notices_for
from paddock.settings.overrides import AUTO_MODE, WRITE_PATTERNS
from paddock.settings.paths import resolve
from paddock.settings.places import context_for
from paddock.settings.sources import gather
from paddock.settings.table import Key
from paddock.settings.trust import Gate, digest_of, gate_layers
from paddock.settings.truststore import is_trusted

__all__ = ["AGENT_ONLY", "CLOSED", "LoadRequest", "context_for", "load", "settle"]

AGENT_ONLY = "an agent's telemetry is not passed on to commands"
"""Why ``OTEL_`` variables of ``env`` are void."""
CLOSED = "under this profile only the command line may widen"
"""Why entries of files are void in a closed request."""

_MODE = "permissions.defaultMode"
_FILES = "sandbox.filesystem."
_PATTERN_LISTS = frozenset(_FILES + name for name in ("allowWrite", "denyWrite", "allowRead", "denyRead"))


def load(request: LoadRequest) -> Settings:
    """Read every source that counts, and merge.

    Raises ``SettingsError`` with every problem of every file, ``UsageError`` for a wrong option or an unusable working folder.
    """
    context = context_for(request.cwd, request.environ)
    return settle(gather(context, request), context, request)


def settle(gathered: Gathered, context: Context, request: LoadRequest) -> Settings:
    """What was gathered, judged and merged. Raises ``SettingsError``."""
    if gathered.problems:
        raise SettingsError(gathered.problems)
    overrides, platform = request.overrides, request.roots.where()
    layers = [*gathered.layers, builtin.layer(context, request.environ, overrides)]
    void = gathered.void + restrict_scopes(layers) + apply_locks(layers, request.environ) + _skip_patterns(layers, context, platform, overrides)
    void += _hold_back(layers, context) if request.closed else []
    waiting, digest = _waiting(layers, context, request)
    untrusted = gate_layers(layers, waiting)
    asked = merge(layers, context)
    if asked.problems:
        raise SettingsError(asked.problems)
    not_given = support.take_out(layers, overrides)
    merged = merge(layers, context) if not_given else asked
    said = [*notices_for(void + merged.void), *_about_agents(merged)]
    agent_only = _finish(merged, overrides)
    settings = Settings(
        context=context,
        lists=merged.lists,
        scalars=merged.scalars,
        maps=merged.maps,
        void=(*void, *merged.void, *untrusted, *not_given, *agent_only),
        notices=(),
        sources=_sources(gathered, waiting),
        trust_needed=tuple(waiting),
        trust_digest=digest,
        beaten=merged.beaten,
    )
    said += support.notices(replace(settings, lists=asked.lists, scalars=asked.scalars), platform, overrides)
    return replace(settings, notices=(*gathered.notices, *said))


def _hold_back(layers: list[Layer], context: Context) -> list[Voided]:
    """Take out what a person's and a project's files widen."""
    gate = Gate.of(layers, context)
    files = [layer for layer in layers if layer.scope in (Scope.USER, Scope.PROJECT, Scope.LOCAL)]
    return [voided for layer in files for voided in layer.drop(lambda key, entry: CLOSED if gate.widens(key, entry) else "")]


def _skip_patterns(layers: list[Layer], context: Context, platform: str, overrides: frozenset[str]) -> list[Voided]:
    """Take out path entries with wildcards that this platform does not carry out (spec 3.1)."""

    def unwanted(key: Key, entry: Entry) -> str:
        name = key.name.removeprefix(_FILES)
        if not isinstance(entry.value, str) or not any(char in entry.value for char in "*?["):
            return ""
        try:
            path, glob = resolve(entry.value, entry.origin, context)
        except PolicyError:
            return ""  # whoever uses the entry says what is wrong with it
        strict = WRITE_PATTERNS in overrides
        if handling(name, path, platform, is_pattern=glob, write_patterns=strict) != SKIPPED or (strict and name.endswith("Read")):
            return ""
        return "a pattern is not carried out here: name the folder itself"

    return [voided for layer in layers if layer.scope is not Scope.BUILTIN for voided in layer.drop(unwanted, _PATTERN_LISTS)]


def _finish(merged: Merged, overrides: frozenset[str]) -> list[Voided]:
    """Last changes to what won: no automatic decisions, and no telemetry of an agent for its commands."""
    mode = merged.scalars.get(_MODE)
    if mode is not None and mode.value == "auto" and AUTO_MODE in overrides:
        merged.scalars[_MODE] = Entry("default", mode.origin)
    env = merged.maps.get("env", {})
    own = [entry for name, entry in env.items() if name.startswith("OTEL_")]
    if own:
        merged.maps["env"] = {name: entry for name, entry in env.items() if not name.startswith("OTEL_")}
    return [(entry, AGENT_ONLY) for entry in own]


def _about_agents(merged: Merged) -> list[Notice]:
    env = merged.maps.get("env", {})
    if not any(name.startswith(("OTEL_", "CLAUDE_CODE_")) for name in env):
        return []
    from paddock.settings.agent import notices  # few settings have such a variable

    return list(notices(env))


def _waiting(layers: list[Layer], context: Context, request: LoadRequest) -> tuple[list[Entry], str]:
    """The entries that wait for trust (none when they were accepted), and the digest of the set."""
    if not request.interactive and not any(layer.scope in (Scope.PROJECT, Scope.LOCAL) for layer in layers):
        return [], ""
    entries = Gate.of(layers, context, request.overrides, interactive=request.interactive).waiting(layers)
    digest = digest_of(context.project_root, entries)
    if request.trust_project or is_trusted(context.state_home, context.project_root, digest):
        return [], digest
    return entries, digest


def _sources(gathered: Gathered, waiting: list[Entry]) -> tuple[Source, ...]:
    held = {entry.origin.file for entry in waiting}
    found = [replace(s, state="untrusted", detail="its widening entries wait for `paddock trust`") if s.file in held else s for s in gathered.sources]
    return (*found, Source(Scope.BUILTIN, "builtin", "read"))
