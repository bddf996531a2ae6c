"""Every place that settings are read from, in the order of precedence. One function per scope; the file system is only read here, in ``managed`` and in
``files``.
"""

from __future__ import annotations

from collections.abc import Sequence

from paddock.errors import SettingsError, UsageError
from paddock.model.paths import join
from paddock.model.settings import Context, Scope, Source
from paddock.settings.files import inline_or_file
from paddock.settings.gathered import Gathered, LoadRequest
from paddock.settings.layer import Family, Layer
from paddock.settings.managed import ManagedFolder, Roots, check_owner, managed_folders
from paddock.settings.overrides import MANAGED_OWNERS
from paddock.settings.places import local_root
from paddock.settings.validate import option_layer

__all__ = ["SELECTABLE", "gather", "selected_scopes"]

SELECTABLE = (Scope.USER, Scope.PROJECT, Scope.LOCAL, Scope.CLI)
"""What ``--setting-sources`` may name; managed and builtin settings always count."""


def selected_scopes(names: Sequence[str] | None) -> frozenset[Scope]:
    """The scopes that count, from the words of ``--setting-sources`` (None: all). Raises ``UsageError`` for a word that is no scope.

    Managed, builtin and what stands on the command line itself always count: ``cli`` is the word for nothing else.
    """
    always = frozenset({Scope.MANAGED, Scope.CLI, Scope.BUILTIN})
    if names is None:
        return always | frozenset(SELECTABLE)
    words = [word.strip() for name in names for word in name.split(",") if word.strip()]
    known = {scope.value: scope for scope in SELECTABLE}
    unknown = [word for word in words if word not in known]
    if unknown:
        raise UsageError(f"--setting-sources: {unknown[0]!r} is not a scope", hint="use user, project, local or cli; managed and builtin settings always count")
    return always | frozenset(known[word] for word in words)


def gather(context: Context, request: LoadRequest) -> Gathered:
    """Read everything but the builtin scope. Problems are collected, not raised, except ``UsageError``."""
    selected = selected_scopes(request.sources)
    out = Gathered(request.overrides)
    _managed(out, request)
    _command_line(out, request)
    for scope, files in ((Scope.LOCAL, _local_files(context)), (Scope.PROJECT, _project_files(context)), (Scope.USER, _user_files(context))):
        for family, path in files:
            if scope not in selected:
                out.sources.append(Source(scope, path, "ignored", "not among --setting-sources"))
            elif scope is Scope.PROJECT and path == f"{context.config_home}/settings.json":
                out.sources.append(Source(scope, path, "ignored", "it is the user's own file"))
            elif (layer := out.read(scope, family, path)) is not None:
                out.layers.append(layer)
    return out


def _managed(out: Gathered, request: LoadRequest) -> None:
    folders, problems = managed_folders(request.roots)
    out.problems += problems
    found = [(folder, layers) for folder in folders if (layers := _folder_layers(out, folder, request.roots))]
    if found or request.parent or request.roots.where() in ("macos", "windows"):
        from paddock.settings.administrators import take_administrators  # most machines have none

        take_administrators(out, found, request)


def _folder_layers(out: Gathered, folder: ManagedFolder, roots: Roots) -> list[Layer]:
    layers: list[Layer] = []
    for path in folder.files:
        layer = out.read(Scope.MANAGED, folder.family, path)
        if layer is None:
            continue
        if MANAGED_OWNERS in out.overrides and (problem := check_owner(path, roots, windows=folder.windows)) is not None:
            out.problems.append(problem)
        layer.source = folder.path
        layers.append(layer)
    return layers


def _command_line(out: Gathered, request: LoadRequest) -> None:
    """Single options before files, files before settings that are handed over, and what was given last before what was given first."""
    for key, value, name in reversed(request.options):
        out.layers.append(option_layer(key, value, name))
    for text in reversed(request.settings):
        try:
            name, data = inline_or_file(text, request.cwd, "--settings")
        except SettingsError as error:
            out.problems += error.problems
            continue
        layer = out.take(Scope.CLI, Family.PADDOCK, name, data)
        if layer is not None:
            out.layers.append(layer)
    for name, text in reversed(request.given):
        from paddock.settings.given import take_given  # only profiles, and programs that use the library, hand settings over

        take_given(out, name, text)


def _local_files(context: Context) -> list[tuple[Family, str]]:
    """At the git root, and the older place in the start folder behind it (spec 1.1)."""
    roots = dict.fromkeys((local_root(context), context.project_root))
    return [(family, join(root, f"{folder}/settings.local.json")) for family, folder in _PROJECT_FOLDERS for root in roots]


def _project_files(context: Context) -> list[tuple[Family, str]]:
    return [(family, join(context.project_root, f"{folder}/settings.json")) for family, folder in _PROJECT_FOLDERS]


def _user_files(context: Context) -> list[tuple[Family, str]]:
    return [(Family.PADDOCK, f"{context.paddock_config_home}/settings.json"), (Family.CLAUDE, f"{context.config_home}/settings.json")]


_PROJECT_FOLDERS = ((Family.PADDOCK, ".paddock"), (Family.CLAUDE, ".claude"))
