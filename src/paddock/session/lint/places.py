"""Paths that mean another place than they seem to, or that hold something they should not."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.errors import PolicyError
from paddock.model import paths
from paddock.model.globs import covers
from paddock.model.policy import PathRule
from paddock.model.settings import Entry, Scope
from paddock.permissions.rule import feed
from paddock.session.lint.finding import WARNING, Case, Found, Rule
from paddock.session.lint.hidden import Reading
from paddock.session.lint.known import CERTIFICATE_VARIABLES, CERTIFICATES
from paddock.settings.layer import key_of
from paddock.settings.paths import base_of, resolve_entry
from paddock.settings.validate import relative_path

__all__ = ["RULES"]


def relative_in_user_file(case: Case) -> Iterator[Found]:
    """``.`` in a file of the user's own."""
    for key, entries in case.entries.items():
        if not key_of(key).shape.is_path:
            continue
        for entry in entries:
            if entry.origin.scope is Scope.USER and relative_path(entry.value):
                base = base_of(entry.origin, case.context)
                reason = f"in a user's own file a relative path starts from {base}, not from the project"
                yield Found(entry, reason, "write it from ~/ or from /, or put it into the project's file")


def hides_certificates(case: Case) -> Iterator[Found]:
    """Denials that take the trusted certificates away."""
    if case.files is None:
        return
    reading = Reading(case.files)
    told: set[tuple[str, int, int]] = set()
    for path, what in _bundles(case):
        rule = reading.hides(path)
        if rule is None or rule.origin.scope is Scope.BUILTIN:
            continue
        entry = next((entry for entry in _written(case) if entry.origin == rule.origin), None)
        place = (rule.origin.file, rule.origin.line, rule.origin.column)
        if entry is not None and place not in told:
            told.add(place)
            yield Found(entry, f"it hides {path}{what}: no program inside can check a certificate then", f'add "{path}" to sandbox.filesystem.allowRead')


def _bundles(case: Case) -> Iterator[tuple[str, str]]:
    for name in CERTIFICATE_VARIABLES:
        given = case.settings.map("env").get(name) or case.settings.map("paddock.environment.set").get(name)
        value = str(given.value) if given is not None else case.environ.get(name, "")
        if value.startswith("/") and "\0" not in value:
            yield paths.normalise(value), f" ({name})"
    yield from ((path, "") for path in CERTIFICATES)


def _written(case: Case) -> Iterator[Entry]:
    for key in ("sandbox.filesystem.denyRead", "sandbox.credentials.files", "permissions.deny"):
        yield from case.list(key)


def write_on_path(case: Case) -> Iterator[Found]:
    """Folders of programs that the command can write."""
    walls = case.files.deny_write if case.files is not None else ()
    searched = [folder for folder in case.path if not any(_closes(wall, folder) for wall in walls)]
    for entry, rule in _writable(case):
        folder = "" if rule.is_glob else next((one for one in searched if paths.is_beneath(one, rule.path)), "")
        if folder:
            reason = f"{folder} is on PATH: what is put there is run outside, by name"
            yield Found(entry, reason, f'name a folder beside it, or add "{folder}" to sandbox.filesystem.denyWrite')


def _closes(wall: PathRule, folder: str) -> bool:
    return covers(wall.path, folder) if wall.is_glob else paths.is_beneath(folder, wall.path)


def _writable(case: Case) -> Iterator[tuple[Entry, PathRule]]:
    for key in ("sandbox.filesystem.allowWrite", "permissions.additionalDirectories"):
        for entry in case.list(key):
            try:
                yield entry, resolve_entry(entry, case.context)
            except PolicyError:
                continue
    for entry in case.list("permissions.allow"):
        for fed in feed(str(entry.value), "allow", entry.origin, case.context):
            if fed.target == "allowWrite":
                yield entry, PathRule(fed.value, fed.origin, fed.is_glob)


RULES = (
    Rule(
        "path-relative-in-user-file",
        WARNING,
        "A relative path starts from the folder of the file that holds it: in a user's own file that is the configuration folder, never the project.",
        relative_in_user_file,
    ),
    Rule("hides-certificates", WARNING, "Without the machine's certificates no program inside can tell a true server from a false one.", hides_certificates),
    Rule(
        "write-on-path",
        WARNING,
        "A folder that is searched for programs must not be writable: the next command outside would run what was put there.",
        write_on_path,
    ),
)
