"""Secrets that stay readable."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import islice

from paddock.errors import PolicyError
from paddock.model import paths
from paddock.model.globs import component_matches, covers
from paddock.model.settings import Entry, Origin, Scope
from paddock.session.lint.finding import WARNING, Case, Found, Rule
from paddock.session.lint.hidden import Reading
from paddock.session.lint.known import SECRET_NAMES, TEMPLATES
from paddock.settings.paths import resolve_entry

__all__ = ["RULES"]

_MOST_FOLDERS = 2000
_MOST_ENTRIES = 50_000
_MOST_FOUND = 20
_MOST_JUDGED = 1000
_DEEPEST = 6
_SKIPPED = frozenset({".git", "node_modules", ".venv", "venv", ".tox", ".nox", "site-packages", "target", "vendor", "__pycache__", "dist", "build"})
_KEYS = (".pem", ".key")
_HEAD = 4096


def reopened(case: Case) -> Iterator[Found]:
    """``allowRead`` of a place that holds logins."""
    builtin = [
        (resolve_entry(entry, case.context), entry) for entry in case.settings.list("sandbox.filesystem.denyRead") if entry.origin.scope is Scope.BUILTIN
    ]
    for entry in case.list("sandbox.filesystem.allowRead"):
        try:
            rule = resolve_entry(entry, case.context)
        except PolicyError:
            continue
        if rule.is_glob:
            continue
        secret = next(
            (why for closed, why in builtin if (covers(closed.path, rule.path) if closed.is_glob else paths.is_beneath(rule.path, closed.path))), None
        )
        if secret is not None:
            reason = f"it opens what is hidden by default: {secret.origin.text}"
            yield Found(entry, reason, "remove it; a tool that needs a login gets one by paddock.network.tools or a variable of its own")


def readable(case: Case) -> Iterator[Found]:
    """Files of the project that hold secrets, and that nothing hides."""
    if not case.whole or case.files is None:
        return
    reading = Reading(case.files)
    open_files = ((path, what) for path, what in islice(_secrets(case.context.project_root), _MOST_JUDGED) if reading.hides(path) is None)
    for path, what in islice(open_files, _MOST_FOUND):
        name = paths.relative(path, case.context.project_root)
        found = Entry(name, Origin(Scope.PROJECT, path, key="sandbox.filesystem.denyRead", text=name))
        yield Found(found, f"{what} by its name, and the command can read it", f'add "./{name}" to sandbox.filesystem.denyRead')


def _secrets(root: str) -> Iterator[tuple[str, str]]:
    """Files with such names, breadth first and within bounds; links are not followed."""
    folders = [(root, 0)]
    seen = 0
    for number, (folder, depth) in enumerate(folders):  # grows while it is walked
        if number >= _MOST_FOLDERS or seen >= _MOST_ENTRIES:
            return
        try:
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError:
            continue
        seen += len(entries)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if depth < _DEEPEST and entry.name not in _SKIPPED:
                    folders.append((entry.path, depth + 1))
            elif entry.is_file(follow_symlinks=False) and (what := _holds(entry.path, entry.name)):
                yield entry.path, what


def _holds(path: str, name: str) -> str:
    """What a file with this name holds, or an empty string."""
    if set(name.lower().split(".")[1:]) & TEMPLATES:
        return ""
    what = next((what for pattern, what in SECRET_NAMES if component_matches(pattern, name)), "")
    return what if what and (not name.endswith(_KEYS) or _is_private_key(path)) else ""


def _is_private_key(path: str) -> bool:
    """RFC 7468: a certificate ends in pem as well, and is no secret."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode) and b"PRIVATE KEY-----" in os.read(fd, _HEAD)
    except OSError:
        return False
    finally:
        os.close(fd)


RULES = (
    Rule(
        "secret-reopened", WARNING, "Places that hold logins are hidden by default; an entry that shows one again shows it to everything that runs.", reopened
    ),
    Rule("secret-readable", WARNING, "What the project holds is readable inside: a file with passwords or keys has to be hidden by name.", readable),
)
