"""From settings files to findings: every source read as a run reads it, then every rule asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from paddock.errors import PaddockError, SettingsError
from paddock.model import paths
from paddock.model.policy import FilesystemPolicy
from paddock.model.record import record
from paddock.model.settings import Context, Entry, Origin, Settings
from paddock.planner.meaning import policy_from
from paddock.session.lint.finding import Case, Finding, Found, Rule
from paddock.session.lint.table import RULES
from paddock.session.validate import SCOPES, guess_scope
from paddock.settings.document import Document, Node, parse
from paddock.settings.files import read_file
from paddock.settings.gathered import Gathered, LoadRequest
from paddock.settings.layer import Layer
from paddock.settings.load import settle
from paddock.settings.managed import Roots
from paddock.settings.overrides import EVERY
from paddock.settings.places import context_for
from paddock.settings.sources import gather
from paddock.settings.table import KEYS, SECTIONS

__all__ = ["SCOPES", "Question", "lint", "look_at"]


@record
class Question:
    """What is to be looked at: the settings that count in ``cwd``, or the files by themselves. ``scope``: who would read the files, empty for a guess.

    ``texts`` stand in for what files hold, by absolute path: a change is judged before it is made.
    """

    cwd: str
    environ: Mapping[str, str]
    files: tuple[str, ...] = ()
    scope: str = ""
    roots: Roots = Roots()
    texts: tuple[tuple[str, str], ...] = ()


def lint(question: Question) -> list[Finding]:
    """Everything that the rules find, file by file from top to bottom. Raises ``SettingsError`` for settings that do not load, ``UsageError``."""
    return [finding for case in look_at(question) for finding in _findings(case)]


def look_at(question: Question) -> Iterator[Case]:
    """What the rules get: all files together, or each named file alone."""
    context = context_for(question.cwd, question.environ)
    if not question.files:
        yield _case(question, context, _gather_all(question, context), whole=True)
    for path in dict.fromkeys(paths.join(question.cwd, file) for file in question.files):
        yield _case(question, context, _gather_one(question, context, path), whole=False)


def _gather_all(question: Question, context: Context) -> Gathered:
    found = gather(context, LoadRequest(question.cwd, question.environ, roots=question.roots))
    texts = dict(question.texts)
    for at, layer in enumerate(found.layers):
        if layer.file in texts:
            found.layers[at] = _read(Gathered(EVERY), layer, texts[layer.file])
    return found


def _read(into: Gathered, layer: Layer, text: str) -> Layer:
    """A source as it would be with another text. Raises ``SettingsError``."""
    again = into.take(layer.scope, layer.family, layer.file, text)
    if into.problems or again is None:
        raise SettingsError(into.problems)
    again.source = layer.source
    return again


def _gather_one(question: Question, context: Context, path: str) -> Gathered:
    scope, family = guess_scope(path, context)
    found = Gathered(EVERY)
    text = dict(question.texts).get(path)
    layer = found.take(SCOPES.get(question.scope, scope), family, path, read_file(path)[0] if text is None else text)
    if layer is not None:
        found.layers.append(layer)
    return found


def _case(question: Question, context: Context, found: Gathered, *, whole: bool) -> Case:
    if found.problems:
        raise SettingsError(found.problems)
    entries: dict[str, list[Entry]] = {}
    for layer in found.layers:  # before they are merged: what does not count is taken out of the layers then
        for name, listed in layer.lists.items():
            entries.setdefault(name, []).extend(listed)
        for name, entry in layer.scalars.items():
            entries.setdefault(name, []).append(entry)
        for name, members in layer.maps.items():
            entries.setdefault(name, []).extend(members.values())
    read = {layer.file: layer for layer in found.layers}
    documents = {file: _document(question, file) for file in read if file.startswith("/")}
    settings = settle(found, context, LoadRequest(question.cwd, question.environ, trust_project=True, roots=question.roots))
    return Case(
        context=context,
        environ=question.environ,
        settings=settings,
        entries=entries,
        void=frozenset(id(entry) for entry, _ in settings.void),
        files=_meaning(settings),
        documents=documents,
        empty=_empty(documents, read),
        scopes={file: layer.scope for file, layer in read.items()},
        path=tuple(dict.fromkeys(paths.normalise(part) for part in question.environ.get("PATH", "").split(":") if part.startswith("/") and "\0" not in part)),
        whole=whole,
    )


def _meaning(settings: Settings) -> FilesystemPolicy | None:
    try:
        return policy_from(settings).filesystem
    except PaddockError:
        return None  # a deny rule that is none: the rule about that says so


def _document(question: Question, file: str) -> Document:
    text = dict(question.texts).get(file)
    return parse(file, read_file(file)[0] if text is None else text)


def _empty(documents: Mapping[str, Document], layers: Mapping[str, Layer]) -> dict[str, Sequence[Entry]]:
    out: dict[str, list[Entry]] = {}
    for file, document in documents.items():
        for name, node in _lists(document.root, ""):
            line, column = document.place(node.start)
            out.setdefault(name, []).append(Entry([], Origin(layers[file].scope, file, line, column, name, "[]")))
    return dict(out)


def _lists(node: Node, prefix: str) -> Iterator[tuple[str, Node]]:
    """Lists without an entry, by the dotted name of their key."""
    for name, member in node.value.items() if isinstance(node.value, dict) else ():
        dotted = prefix + name
        if member.value == [] and dotted in KEYS:
            yield dotted, member
        elif dotted in SECTIONS:
            yield from _lists(member, f"{dotted}.")


def _findings(case: Case) -> list[Finding]:
    out = [_finding(rule, found) for rule in RULES for found in rule.check(case)]
    order = {file: number for number, file in enumerate(case.documents)}
    return sorted(dict.fromkeys(out), key=lambda item: (order.get(item.file, len(order)), item.file, item.line, item.column, item.id))


def _finding(rule: Rule, found: Found) -> Finding:
    origin = found.entry.origin
    level = found.level or rule.level
    return Finding(rule.id, level, origin.file, origin.line, origin.column, origin.key, origin.text, found.reason, found.remedy, found.action)
