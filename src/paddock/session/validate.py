"""``paddock policy validate``: settings files judged one by one, as a run would judge them, every problem with its place.

An *error* is what a run would be refused for; a *warning* is an entry that does nothing, or not what it seems to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from paddock.errors import PaddockError, Problem, SettingsError
from paddock.model import paths
from paddock.model.record import record
from paddock.model.settings import Context, Entry, Notice, Scope, Settings
from paddock.model.text import escape
from paddock.permissions.rule import feed, notices, parse
from paddock.permissions.tools import LABELS, TOOLS
from paddock.settings.files import read_file
from paddock.settings.gathered import Gathered
from paddock.settings.layer import Family, Layer
from paddock.settings.load import LoadRequest, settle
from paddock.settings.managed import Roots, check_owner, managed_files
from paddock.settings.overrides import EVERY
from paddock.settings.paths import resolve_entry
from paddock.settings.places import context_for
from paddock.settings.support import UNSUPPORTED
from paddock.settings.table import KEYS

__all__ = ["SCOPES", "Finding", "guess_scope", "validate"]

SCOPES = {scope.value: scope for scope in Scope if scope is not Scope.BUILTIN}
"""What ``--scope`` takes."""

_HOST = Roots()
_READ_SCOPES = {"settings.json": Scope.PROJECT, "settings.local.json": Scope.LOCAL}


@record
class Finding:
    """One line of the answer. ``file`` as it was given; ``line`` and ``column`` from 1, 0 when there is none. ``level`` is ``error`` or ``warning``."""

    file: str
    line: int
    column: int
    level: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.level}: {self.message}" + (f" ({self.hint})" if self.hint else "")


def validate(files: Sequence[str], cwd: str, environ: Mapping[str, str], scope: Scope | None = None, roots: Roots = _HOST) -> list[Finding]:
    """Everything that is wrong with the files, in their order, from the top of each to its end. ``scope`` None: from each file's path."""
    context = context_for(cwd, environ)
    return [finding for file in files for finding in _file(file, cwd, context, scope, roots)]


def guess_scope(path: str, context: Context) -> tuple[Scope, Family]:
    """Who would read a file at this (absolute) path. One that nobody reads by itself counts as given to ``--settings``."""
    folder, _, name = path.rpartition("/")
    parent = folder.rpartition("/")[2]
    family = Family.CLAUDE if "claude" in f"{folder}/" else Family.PADDOCK
    if name == "managed-settings.json" or parent == "managed-settings.d":
        return Scope.MANAGED, family
    real = os.path.realpath(folder)
    if name == "settings.json" and real in (context.paddock_config_home, context.config_home):
        return Scope.USER, Family.PADDOCK if real == context.paddock_config_home else Family.CLAUDE
    if parent in (".paddock", ".claude") and name in _READ_SCOPES:
        return _READ_SCOPES[name], Family.CLAUDE if parent == ".claude" else Family.PADDOCK
    return Scope.CLI, Family.PADDOCK


def _file(file: str, cwd: str, context: Context, scope: Scope | None, roots: Roots) -> list[Finding]:
    path = paths.join(cwd, file)
    guessed, family = guess_scope(path, context)
    scope = scope or guessed
    gathered = Gathered(EVERY)
    try:
        layer = gathered.take(scope, family, file, read_file(path)[0])
    except SettingsError as error:
        return [_error(problem, file) for problem in error.problems]
    if scope is Scope.MANAGED and any(path == known.path for known in managed_files(roots)[0]):
        owner = check_owner(path, roots)
        gathered.problems += [owner] if owner else []
    found = [_error(problem, file) for problem in gathered.problems]
    found += [_from_notice(notice, file) for notice in gathered.notices]
    found += _judge(layer, context, file) if layer is not None else []
    return sorted(set(found), key=lambda item: (item.line, item.column, item.level, item.message))


def _error(problem: Problem, file: str) -> Finding:
    return Finding(file, problem.line, problem.column, "error", problem.message, problem.hint)


def _judge(layer: Layer, context: Context, file: str) -> list[Finding]:
    """What only the entries together tell, when the file is read alone and everything in it is trusted."""
    out = [*(finding for _, entry in layer.entries() for finding in _unsupported(entry, file)), *_meaning(layer, context, file)]
    alone = Gathered(EVERY)
    alone.layers.append(layer)
    try:
        settings = settle(alone, context, LoadRequest(context.cwd, {}, trust_project=True))
    except SettingsError as error:
        return [*out, *(_error(problem, file) for problem in error.problems)]
    out += [_at(entry, file, "warning", _void(entry.origin.key, reason)) for entry, reason in settings.void if entry.origin.file == file]
    known = {(item.line, item.column) for item in out}
    said = [notice for notice in (*settings.notices, *notices(settings)) if notice.origin is not None and notice.origin.file == file]
    out += [_from_notice(notice, file) for notice in said if notice.origin is not None and (notice.origin.line, notice.origin.column) not in known]
    return [*out, *_tools(settings, file), *_misspelt(layer, file)]


def _void(key: str, reason: str) -> str:
    """The reasons of ``Settings.void`` are written for a column of their own; here they follow the key."""
    if reason.startswith(key):
        return reason
    return f"{key} {reason}" if reason.startswith(("is ", "counts ")) else f"{key} has no effect: {reason}"


def _misspelt(layer: Layer, file: str) -> Iterator[Finding]:
    """Names at the top belong to other readers, unless they look like one of ours."""
    from difflib import get_close_matches

    ours = {name.partition(".")[0] for name in KEYS}
    for name in layer.others:
        near = get_close_matches(name.lower(), ours, 1, 0.8)
        if near:
            yield Finding(file, 0, 0, "warning", f'"{escape(name)}" at the top is not a setting of Paddock', f"did you mean {near[0]}?")


def _unsupported(entry: Entry, file: str) -> Iterator[Finding]:
    key = entry.origin.key
    for row in UNSUPPORTED:
        if (key == row.key or key.startswith(row.key + ".")) and row.applies(entry.value):
            yield _at(entry, file, "error", f"{row.key} {row.sentence}", row.hint)


def _meaning(layer: Layer, context: Context, file: str) -> Iterator[Finding]:
    """Paths and rules that are well formed and mean nothing."""
    for key, entry in layer.entries():
        name = key.name.removeprefix("permissions.")
        try:
            if key.shape.is_path:
                resolve_entry(entry, context)
            elif key.name in ("permissions.allow", "permissions.deny") and isinstance(entry.value, str):
                feed(entry.value, name, entry.origin, context)
        except PaddockError as error:
            yield _at(entry, file, "error", _without_place(str(error), entry), error.hint)


def _without_place(message: str, entry: Entry) -> str:
    """The message alone: the place stands in front of it anyway."""
    origin = entry.origin
    for place in (f"{origin}: ", f"{origin.file}:{origin.line}: "):
        message = message.removeprefix(place)
    return message


def _tools(settings: Settings, file: str) -> Iterator[Finding]:
    for name in ("allow", "ask", "deny"):
        for entry in settings.list(f"permissions.{name}"):
            try:
                tool = parse(str(entry.value)).tool
            except PaddockError:
                continue  # said already
            if tool not in TOOLS and not set(tool) & set("_*"):
                yield _at(entry, file, "warning", f"there is no tool called {tool}", _near(tool))


def _near(tool: str) -> str:
    from difflib import get_close_matches

    folded = {known.lower(): known for known in sorted(TOOLS)}
    near = LABELS.get(tool) or next((folded[name] for name in get_close_matches(tool.lower(), folded, 1)), "")
    return f"did you mean {near}?" if near else "names are written as agents write them: Bash, Read, Edit"


def _from_notice(notice: Notice, file: str) -> Finding:
    origin = notice.origin
    return Finding(file, origin.line if origin else 0, origin.column if origin else 0, "warning", notice.text)


def _at(entry: Entry, file: str, level: str, message: str, hint: str = "") -> Finding:
    return Finding(file, entry.origin.line, entry.origin.column, level, message, hint)
