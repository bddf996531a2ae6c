"""Every place that settings are read from, in the order of precedence. One function per scope; the file system is only read here, in ``managed`` and in
``files``.
"""

from __future__ import annotations

from collections.abc import Sequence

from paddock.errors import Problem, SettingsError, UsageError
from paddock.model.paths import join
from paddock.model.settings import Context, Scope, Source
from paddock.settings.document import parse
from paddock.settings.files import read_file, read_optional
from paddock.settings.layer import Family, Layer
from paddock.settings.managed import Roots, check_owner, managed_files
from paddock.settings.places import local_root
from paddock.settings.validate import option_layer, read_layer

__all__ = ["SELECTABLE", "Gathered", "gather", "selected_scopes"]

SELECTABLE = (Scope.USER, Scope.PROJECT, Scope.LOCAL, Scope.CLI)
"""What ``--setting-sources`` may name; managed and builtin settings always count."""


class Gathered:
    """What was found: layers strongest first, every place that was looked at, everything that is wrong."""

    __slots__ = ("layers", "problems", "sources")

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.sources: list[Source] = []
        self.problems: list[Problem] = []

    def read(self, scope: Scope, family: Family, path: str) -> None:
        """Read a file if it is there."""
        try:
            found = read_optional(path)
            if found is None:
                self.sources.append(Source(scope, path, "absent"))
                return
            self.take(scope, family, path, found[0])
        except SettingsError as error:
            self.problems += error.problems

    def take(self, scope: Scope, family: Family, name: str, data: bytes | str) -> None:
        """Use text that was read. Raises ``SettingsError`` when it is not JSON."""
        layer, problems = read_layer(parse(name, data), scope, family)
        self.layers.append(layer)
        self.problems += problems
        self.sources.append(Source(scope, name, "read"))


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


def gather(
    context: Context,
    selected: frozenset[Scope],
    settings: Sequence[str],
    options: Sequence[tuple[str, object, str]],
    cwd: str,
    roots: Roots,
) -> Gathered:
    """Read everything but the builtin scope. Problems are collected, not raised."""
    out = Gathered()
    _managed(out, roots)
    _command_line(out, settings, options, cwd)
    for scope, files in ((Scope.LOCAL, _local_files(context)), (Scope.PROJECT, _project_files(context)), (Scope.USER, _user_files(context))):
        for family, path in files:
            if scope not in selected:
                out.sources.append(Source(scope, path, "ignored", "not among --setting-sources"))
            elif scope is Scope.PROJECT and path == f"{context.config_home}/settings.json":
                out.sources.append(Source(scope, path, "ignored", "it is the user's own file"))
            else:
                out.read(scope, family, path)
    return out


def _managed(out: Gathered, roots: Roots) -> None:
    files, problems = managed_files(roots)
    out.problems += problems
    for file in files:
        before = len(out.layers)
        out.read(Scope.MANAGED, file.family, file.path)
        if len(out.layers) > before and (problem := check_owner(file.path, roots)) is not None:
            out.problems.append(problem)


def _command_line(out: Gathered, settings: Sequence[str], options: Sequence[tuple[str, object, str]], cwd: str) -> None:
    """Single options before files, and what was given last before what was given first."""
    for key, value, name in reversed(options):
        out.layers.append(option_layer(key, value, name))
    for text in reversed(settings):
        try:
            if text.lstrip().startswith("{"):
                out.take(Scope.CLI, Family.PADDOCK, "--settings", text)
            else:
                path = join(cwd, text)
                out.take(Scope.CLI, Family.PADDOCK, path, read_file(path)[0])
        except SettingsError as error:
            out.problems += error.problems
        except ValueError as error:
            raise UsageError(f"--settings: {error}") from None


def _local_files(context: Context) -> list[tuple[Family, str]]:
    """At the git root, and the older place in the start folder behind it (spec 1.1)."""
    roots = dict.fromkeys((local_root(context), context.project_root))
    return [(family, join(root, f"{folder}/settings.local.json")) for family, folder in _PROJECT_FOLDERS for root in roots]


def _project_files(context: Context) -> list[tuple[Family, str]]:
    return [(family, join(context.project_root, f"{folder}/settings.json")) for family, folder in _PROJECT_FOLDERS]


def _user_files(context: Context) -> list[tuple[Family, str]]:
    return [(Family.PADDOCK, f"{context.paddock_config_home}/settings.json"), (Family.CLAUDE, f"{context.config_home}/settings.json")]


_PROJECT_FOLDERS = ((Family.PADDOCK, ".paddock"), (Family.CLAUDE, ".claude"))
