"""The one door of this room: from a request to merged settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from paddock.errors import SettingsError
from paddock.model.settings import Context, Entry, Scope, Settings, Source
from paddock.settings import builtin, support
from paddock.settings.layer import Layer
from paddock.settings.locks import apply_locks, restrict_scopes
from paddock.settings.managed import Roots
from paddock.settings.merge import merge, notices_for
from paddock.settings.places import context_for
from paddock.settings.sources import Gathered, gather, selected_scopes
from paddock.settings.trust import Gate, digest_of, gate_layers
from paddock.settings.truststore import is_trusted

__all__ = ["LoadRequest", "context_for", "load"]


class LoadRequest(NamedTuple):
    """What to load for. ``cwd`` is absolute. ``sources`` are the words of ``--setting-sources``, None for every scope. ``settings`` are the values of
    ``--settings`` in order. ``options`` are single options as (key, value, option name). ``trust_project`` lets the project's widening entries count for this
    call.
    """

    cwd: str
    environ: Mapping[str, str]
    sources: tuple[str, ...] | None = None
    settings: tuple[str, ...] = ()
    options: tuple[tuple[str, object, str], ...] = ()
    trust_project: bool = False
    roots: Roots = Roots()


def load(request: LoadRequest) -> Settings:
    """Read every source that counts, and merge.

    Raises ``SettingsError`` with every problem of every file, ``UsageError`` for a wrong option or an unusable working folder.
    """
    context = context_for(request.cwd, request.environ)
    gathered = gather(context, selected_scopes(request.sources), request.settings, request.options, request.cwd, request.roots)
    if gathered.problems:
        raise SettingsError(gathered.problems)
    layers = [*gathered.layers, builtin.layer(context, request.environ)]
    void = restrict_scopes(layers) + apply_locks(layers, request.environ)
    waiting, digest = _waiting(layers, context, request)
    untrusted = gate_layers(layers, waiting)
    merged = merge(layers, context)
    if merged.problems:
        raise SettingsError(merged.problems)
    void += merged.void
    settings = Settings(
        context=context,
        lists=merged.lists,
        scalars=merged.scalars,
        maps=merged.maps,
        void=(*void, *untrusted),
        notices=tuple(notices_for(void)),
        sources=_sources(gathered, waiting),
        trust_needed=tuple(waiting),
        trust_digest=digest,
        beaten=merged.beaten,
    )
    return replace(settings, notices=(*settings.notices, *support.notices(settings)))


def _waiting(layers: list[Layer], context: Context, request: LoadRequest) -> tuple[list[Entry], str]:
    """The entries that wait for trust (none when they were accepted), and the digest of the set."""
    if not any(layer.scope in (Scope.PROJECT, Scope.LOCAL) for layer in layers):
        return [], ""
    entries = Gate.of(layers, context).waiting(layers)
    digest = digest_of(context.project_root, entries)
    if request.trust_project or is_trusted(context.state_home, context.project_root, digest):
        return [], digest
    return entries, digest


def _sources(gathered: Gathered, waiting: list[Entry]) -> tuple[Source, ...]:
    held = {entry.origin.file for entry in waiting}
    found = [replace(s, state="untrusted", detail="its widening entries wait for `paddock trust`") if s.file in held else s for s in gathered.sources]
    return (*found, Source(Scope.BUILTIN, "builtin", "read"))
