"""The fixes of ``paddock lint --fix``: worked out on the text, proved on what the text then means, and only then written.

Proved is, for each file: that nothing but the named entries is different, that nothing is wider than before, and that what was to be mended is no longer found.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from paddock.errors import InternalError, UnsupportedError
from paddock.model import paths
from paddock.model.record import replace
from paddock.model.settings import Context, Scope
from paddock.session.filechange import Change, replace_file
from paddock.session.filechange import read as read_bytes
from paddock.session.lint.finding import Finding
from paddock.session.lint.reading import Question, lint, look_at
from paddock.session.validate import guess_scope
from paddock.settings.document import Document
from paddock.settings.gathered import Gathered
from paddock.settings.layer import Family, Layer, key_of
from paddock.settings.overrides import EVERY
from paddock.settings.rewrite import Action, rewrite
from paddock.settings.table import Widens

__all__ = ["Mended", "mend", "write"]

_ROUNDS = 4
"""How often what a fix uncovers is fixed as well: a rule that is spelled right may then be a duplicate."""


class Mended(NamedTuple):
    """What would be done: ``fixed`` in the order in which it was found, ``left`` as found afterwards, ``held`` what may not be changed, with the reason."""

    changes: tuple[Change, ...]
    fixed: tuple[Finding, ...]
    left: tuple[Finding, ...]
    held: tuple[tuple[str, str], ...] = ()


def mend(question: Question) -> Mended:
    """Work out every fix; nothing is written. Raises what ``lint`` raises, and ``InternalError`` when a fix would do something else than it says."""
    fixed: list[Finding] = []
    held: dict[str, str] = {}
    found = lint(question)
    original: dict[str, str] = {}
    for _ in range(_ROUNDS):
        texts = dict(question.texts)
        before = len(fixed)
        for case in look_at(question):
            for file, document in case.documents.items():
                mine = _first_each(item for item in found if item.file == file and item.action is not None)
                if not mine or file in held:
                    continue
                if reason := _hands_off(file, case.scopes[file], case.context) or _same_file(file, original):
                    held[file] = reason
                    continue
                after = rewrite(document, {(item.line, item.column): item.action for item in mine if item.action is not None})
                _prove(document, after, mine, case.scopes[file])
                original.setdefault(file, document.text)
                texts[file] = after
                fixed += mine
        if len(fixed) == before:
            break
        question = replace(question, texts=tuple(texts.items()))
        found = _recheck(question, fixed[before:], found)
    changes = tuple(Change(os.path.realpath(file), text.encode(), dict(question.texts)[file].encode()) for file, text in original.items())
    return Mended(changes, tuple(fixed), tuple(found), tuple(held.items()))


def write(changes: Sequence[Change]) -> None:
    """Write every file, each whole or not at all. Raises ``UnsupportedError`` when one was changed meanwhile or cannot be written."""
    for change in changes:
        if read_bytes(change.path) != change.before:
            raise UnsupportedError(f"{change.path} was changed meanwhile", cause="somebody else wrote it after it was read", hint="run the command again")
    for change in changes:
        try:
            replace_file(change)
        except OSError as error:
            raise UnsupportedError(f"{change.path} cannot be written", cause=error.strerror or str(error)) from error


def _first_each(found: Iterator[Finding]) -> list[Finding]:
    """One fix for each entry; what another rule says about the same one is asked again afterwards."""
    return list({(item.line, item.column): item for item in reversed(list(found))}.values())[::-1]


def _hands_off(file: str, scope: Scope, context: Context) -> str:
    """Why a file is not for this user to change, or not for what its path says about it."""
    real = os.path.realpath(file)
    if real != file:
        # A repository can lead its settings anywhere by a link: to the administrator's, where keys count that count for nothing in a project.
        led = guess_scope(real, context)[0]
        own = [root for root in (context.project_root, context.git_root) if root]
        if led not in (scope, Scope.CLI) or (scope in (Scope.PROJECT, Scope.LOCAL) and not any(paths.is_beneath(real, root) for root in own)):
            return f"it is a link to {real}, which is not a {scope.value} file of this folder"
    if scope is Scope.MANAGED and os.geteuid() != 0:
        return "managed settings are changed by root only"
    return "" if os.access(os.path.dirname(real), os.W_OK) else "its folder cannot be written"


def _same_file(file: str, original: Mapping[str, str]) -> str:
    twin = next((other for other in original if other != file and os.path.realpath(other) == os.path.realpath(file)), "")
    return f"it is the same file as {twin}" if twin else ""


def _recheck(question: Question, done: Sequence[Finding], before: Sequence[Finding]) -> list[Finding]:
    """What is found now. Raises ``InternalError`` for something that was mended and is still there."""
    found = lint(question)
    counts = Counter(map(_which, before))
    counts.subtract(map(_which, done))
    # What a fix has written may have something to be found in turn: a rule that is spelled right is a duplicate.
    new = {(item.key, item.action.text) for item in done if item.action is not None and item.action.kind != "remove"}
    for item in found:
        if _which(item) in counts and counts[_which(item)] <= 0 and (item.key, item.text) not in new:
            raise InternalError(f"{item.id} in {item.file} was mended and is still found: {item.text}")
    return found


def _which(item: Finding) -> tuple[str, str, str, str]:
    return item.id, item.file, item.key, item.text


# -- the proof


def _prove(document: Document, after: str, mine: Sequence[Finding], scope: Scope) -> None:
    def read(text: str) -> Layer:
        gathered = Gathered(EVERY)
        layer = gathered.take(scope, Family.PADDOCK, document.file, text)
        if layer is None or gathered.problems:
            raise InternalError(f"fixing {document.file} would break it")
        return layer

    old, new = read(document.text), read(after)
    expected = Counter(_contents(old))
    for item in mine:
        entry = (item.key, _value_at(old, item))
        if item.action is None or expected[entry] < 1:
            raise InternalError(f"{item.id}: the entry to fix is not in {document.file}")
        if item.action.kind != "beside":
            expected[entry] -= 1
        if item.action.kind != "remove":
            expected[item.key, repr(item.action.text)] += 1
        _refuse_wider(item, item.action)
    if +expected != Counter(_contents(new)):
        raise InternalError(f"fixing {document.file} would change other entries")


def _contents(layer: Layer) -> Iterator[tuple[str, str]]:
    for name, listed in layer.lists.items():
        yield from ((name, repr(entry.value)) for entry in listed)
    for name, entry in layer.scalars.items():
        yield name, repr(entry.value)
    for name, members in layer.maps.items():
        yield from ((name, repr((inner, entry.value))) for inner, entry in members.items())


def _value_at(layer: Layer, item: Finding) -> str:
    for name, listed in layer.lists.items():
        for entry in listed:
            if name == item.key and (entry.origin.line, entry.origin.column) == (item.line, item.column):
                return repr(entry.value)
    return repr(layer.scalars[item.key].value) if item.key in layer.scalars else ""


def _refuse_wider(item: Finding, action: Action) -> None:
    """Entries that give something are only ever taken away; what is added or replaced denies, asks, or is the stricter value of its key."""
    key = key_of(item.key)
    stricter = isinstance(key.stricter, tuple) and {action.text, item.text} <= set(key.stricter)
    if action.kind != "remove" and stricter and key.stricter.index(action.text) > key.stricter.index(item.text):
        return
    if action.kind != "remove" and key.widens is not Widens.NEVER:
        raise InternalError(f"{item.id} would widen {item.key}")
