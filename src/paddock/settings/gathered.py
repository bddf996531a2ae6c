"""What one loading of settings is asked for, and what it has found so far: layers, places, mistakes. Both travel through the functions of this room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from paddock.errors import Problem, SettingsError
from paddock.model.settings import Notice, Origin, Scope, Source
from paddock.settings.document import parse
from paddock.settings.files import leads_nowhere, read_optional
from paddock.settings.foreign import is_foreign
from paddock.settings.layer import Family, Layer, Voided
from paddock.settings.managed import Roots
from paddock.settings.overrides import BROKEN_FILES, EVERY, MANAGED_BROKEN
from paddock.settings.validate import read_entries

__all__ = ["Gathered", "LoadRequest"]


class LoadRequest(NamedTuple):
    """What to load for. ``cwd`` is absolute. ``sources`` are the words of ``--setting-sources``, None for every scope. ``settings`` are the values of
    ``--settings`` in order. ``options`` are single options as (key, value, option name). ``trust_project`` lets the project's widening entries count for this
    call.

    ``given`` are (name, JSON text) of settings that a program hands over, in order: they have the scope of the command line, and no lines.

    ``closed``: beside an administrator, only the command line may widen; what other files restrict still counts.

    ``overrides`` are the strictness overrides in force: all of them for a run. ``parent`` is JSON text or a file from the program that starts Paddock.
    ``interactive`` says that a person sits there, which only the reference semantics of trust ask about. ``registry`` stands in for the one of Windows.
    """

    cwd: str
    environ: Mapping[str, str]
    sources: tuple[str, ...] | None = None
    settings: tuple[str, ...] = ()
    options: tuple[tuple[str, object, str], ...] = ()
    trust_project: bool = False
    roots: Roots = Roots()
    overrides: frozenset[str] = EVERY
    parent: str = ""
    interactive: bool = False
    registry: Callable[[str, str, str], str | None] | None = None
    given: tuple[tuple[str, str], ...] = ()
    closed: bool = False


class Gathered:
    """What was found: layers strongest first, every place that was looked at, everything that is wrong."""

    __slots__ = ("layers", "notices", "overrides", "problems", "sources", "void")

    def __init__(self, overrides: frozenset[str]) -> None:
        self.overrides = overrides
        self.layers: list[Layer] = []
        self.sources: list[Source] = []
        self.problems: list[Problem] = []
        self.notices: list[Notice] = []
        self.void: list[Voided] = []

    def read(self, scope: Scope, family: Family, path: str) -> Layer | None:
        """Read a file if it is there; None when it contributes nothing."""
        try:
            found = read_optional(path)
        except SettingsError as error:
            self.reject(scope, path, error.problems)
            return None
        if found is None and scope is Scope.MANAGED and leads_nowhere(path):
            # Elsewhere a link without an end is a file that is not there; here somebody has put a policy behind it.
            self.reject(scope, path, [Problem(path, 0, 0, "is a link that leads nowhere", "make its target, or remove the link")])
            return None
        if found is None:
            self.sources.append(Source(scope, path, "absent"))
            return None
        if scope is Scope.USER and is_foreign(found[1].st_uid):
            owner = f"belongs to user {found[1].st_uid}, so it is not your own"
            self.reject(scope, path, [Problem(path, 0, 0, owner, "chown it to yourself, or leave it out with --setting-sources")])
            return None
        return self.take(scope, family, path, found[0])

    def take(self, scope: Scope, family: Family, name: str, data: bytes | str) -> Layer | None:
        """Use text that was read; None when it contributes nothing."""
        try:
            document = parse(name, data)
        except SettingsError as error:
            self.reject(scope, name, error.problems)
            return None
        layer, wrongs = read_entries(document, scope, family)
        if wrongs:
            from paddock.settings.repair import judge  # only when something is wrong

            judged = judge(document, layer, wrongs, self.overrides)
            self.problems += judged.problems
            self.notices += judged.notices
            if not judged.usable:
                self.sources.append(Source(scope, name, "ignored", str(wrongs[0].problem)))
                return None
        self.sources.append(Source(scope, name, "read"))
        return layer

    def reject(self, scope: Scope, name: str, problems: Sequence[Problem]) -> None:
        """A source that is not JSON or cannot be read at all: an error, or in the reference something to be told."""
        strict = MANAGED_BROKEN if scope is Scope.MANAGED else BROKEN_FILES
        if scope is Scope.CLI or strict in self.overrides:
            self.problems += problems
            return
        self.sources.append(Source(scope, name, "ignored", str(problems[0])))
        self.notices += [Notice(f"{problem.message}: the file is not used", Origin(scope, problem.file, problem.line, problem.column)) for problem in problems]
