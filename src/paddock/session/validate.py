"""``paddock policy validate``: settings files judged one by one, as a run would judge them, every problem with its place.

An *error* is what a run would be refused for; a *warning* is an entry that does nothing, or not what it seems to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from paddock.errors import PaddockError, Problem, SettingsError
from paddock.model import paths
from paddock.model.settings import Context, Entry, Notice, Scope, Settings
from paddock.permissions.rule import feed, notices, parse
from paddock.settings.document import parse as parse_document
from paddock.settings.files import read_file
from paddock.settings.layer import Family, Layer
from paddock.settings.locks import apply_locks, restrict_scopes
from paddock.settings.managed import Roots, check_owner, managed_files
from paddock.settings.merge import merge
from paddock.settings.paths import resolve_entry
from paddock.settings.places import context_for
from paddock.settings.support import NOT_GIVEN, UNSUPPORTED
from paddock.settings.validate import read_layer

__all__ = ["SCOPES", "Finding", "guess_scope", "validate"]

SCOPES = {scope.value: scope for scope in Scope if scope is not Scope.BUILTIN}
"""What ``--scope`` takes."""

TOOLS = frozenset(
    (
        *("Agent", "AskUserQuestion", "Bash", "BashOutput", "Edit", "EnterPlanMode", "ExitPlanMode", "Glob", "Grep", "KillShell", "LS", "LSP", "Monitor"),
        *(
            "MultiEdit",
            "NotebookEdit",
            "NotebookRead",
            "PowerShell",
            "Read",
            "Skill",
            "SlashCommand",
            "Task",
            "TaskCreate",
            "TaskGet",
            "TaskList",
            "TaskOutput",
        ),
        *("TaskStop", "TaskUpdate", "TodoWrite", "ToolSearch", "WebFetch", "WebSearch", "Write"),
    )
)
"""Names of tools that permission rules are written for. Names with ``_`` or ``*`` are servers' tools or patterns and never unknown (spec 4.1)."""

_HOST = Roots()
_READ_SCOPES = {"settings.json": Scope.PROJECT, "settings.local.json": Scope.LOCAL}


@dataclass(frozen=True, slots=True)
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
    try:
        data = read_file(path)[0]
        layer, problems = read_layer(parse_document(file, data), scope, family)
    except SettingsError as error:
        return [_error(problem, file) for problem in error.problems]
    found = [_error(problem, file) for problem in problems]
    if scope is Scope.MANAGED and any(path == known.path for known in managed_files(roots)[0]):
        owner = check_owner(path, roots)
        found += [_error(owner, file)] if owner else []
    found += _judge(layer, context, file)
    return sorted(set(found), key=lambda item: (item.line, item.column, item.level, item.message))


def _error(problem: Problem, file: str) -> Finding:
    return Finding(file, problem.line, problem.column, "error", problem.message, problem.hint)


def _judge(layer: Layer, context: Context, file: str) -> Iterator[Finding]:
    """What only the entries together tell, when the file itself is well formed."""
    for entry, reason in (*restrict_scopes([layer]), *apply_locks([layer], {})):
        yield _at(entry, file, "warning", f"{entry.origin.key} has no effect here: {reason}")
    for _, entry in layer.entries():
        yield from _support(entry, file)
    errors = list(_meaning(layer, context, file))
    yield from errors
    settings = _alone(layer, context)
    broken = {(item.line, item.column) for item in errors}
    for notice in notices(settings):
        if notice.origin is not None and (notice.origin.line, notice.origin.column) not in broken:
            yield _from_notice(notice, file)
    yield from _tools(settings, file)


def _support(entry: Entry, file: str) -> Iterator[Finding]:
    for rows, level in ((UNSUPPORTED, "error"), (NOT_GIVEN, "warning")):
        for row in rows:
            key = entry.origin.key
            if (key == row.key or key.startswith(row.key + ".")) and row.applies(entry.value):
                yield _at(entry, file, level, f"{row.key} {row.sentence}", row.hint)


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


def _alone(layer: Layer, context: Context) -> Settings:
    merged = merge([layer], context)
    return Settings(context, merged.lists, merged.scalars, merged.maps, (), (), ())


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

    near = get_close_matches(tool.lower(), [known.lower() for known in TOOLS], 1)
    return (
        "did you mean " + next(known for known in TOOLS if known.lower() == near[0]) + "?"
        if near
        else "names are written as agents write them: Bash, Read, Edit"
    )


def _from_notice(notice: Notice, file: str) -> Finding:
    origin = notice.origin
    return Finding(file, origin.line if origin else 0, origin.column if origin else 0, "warning", notice.text)


def _at(entry: Entry, file: str, level: str, message: str, hint: str = "") -> Finding:
    return Finding(file, entry.origin.line, entry.origin.column, level, message, hint)
