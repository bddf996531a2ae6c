"""Entries that others make superfluous."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.errors import PolicyError
from paddock.model import paths
from paddock.model.globs import covers as glob_covers
from paddock.model.globs import literal_prefix
from paddock.model.hosts import HostError, Pattern, parse_pattern
from paddock.model.policy import PathRule
from paddock.model.settings import Entry, Scope
from paddock.permissions.classify import Form, classify
from paddock.permissions.commandline import CommandLine
from paddock.permissions.covering import Placed, covers, host_covers
from paddock.permissions.ruleset import RuleSet
from paddock.permissions.world import World
from paddock.session.lint.broad import allows_anything
from paddock.session.lint.finding import INFO, LISTS, WARNING, Case, Found, Rule
from paddock.session.lint.index import Index
from paddock.settings.layer import key_of
from paddock.settings.paths import resolve_entry
from paddock.settings.rewrite import Action
from paddock.settings.table import Merge

__all__ = ["RULES"]

_MOST = 1_000_000
"""Pairs of paths, and of hosts, that are compared; longer lists are left alone."""
_FILES = "sandbox.filesystem."
_NET = "sandbox.network."


def duplicate(case: Case) -> Iterator[Found]:
    """The same entry twice in one list of one file."""
    for key, entries in case.entries.items():
        if key_of(key).merge is not Merge.UNION:
            continue
        seen: dict[tuple[str, str], Entry] = {}
        for entry in entries:
            first = seen.setdefault((entry.origin.file, repr(entry.value)), entry)
            if first is not entry:
                yield Found(entry, f"the same entry is in line {first.origin.line} of the same list", "remove one of them", Action("remove"))


def _placed(case: Case) -> dict[str, list[tuple[Entry, Placed]]]:
    out: dict[str, list[tuple[Entry, Placed]]] = {name: [] for name in LISTS}
    for name, entry in case.rules():
        try:
            found = classify(str(entry.value), name)
            if found.form != Form.IGNORED:
                out[name].append((entry, Placed(found, name, entry.origin, case.context)))
        except (PolicyError, HostError):
            continue  # said by another rule
    return out


def shadowed(case: Case) -> Iterator[Found]:
    """Allow and ask rules of which nothing is left."""
    rules = _placed(case)
    for name, stronger in (("allow", ("deny", "ask")), ("ask", ("deny",))):
        for winner in stronger:
            index = Index(rules[winner])
            for entry, narrow in rules[name]:
                wide = next((other for other, rule in index.candidates(narrow) if _closes(rule, narrow, winner)), None)
                if wide is not None:
                    yield _covered(entry, wide, f"{winner} wins over {name}, whatever is more specific")
    yield from _shadowed_paths(case)
    yield from _shadowed_hosts(case)


def _closes(wide: Placed, narrow: Placed, winner: str) -> bool:
    if narrow.feeds and (winner == "ask" or wide.found.form != Form.SPECIFIER):
        return False  # for the fence the rule still opens its path or host: only a denial of the same kind closes it there
    if winner == "ask" and wide.found.form == Form.BARE:
        return False  # a bare ask rule is not asked about commands that run inside
    return covers(wide, narrow)


def _covered(entry: Entry, wide: Entry, why: str) -> Found:
    place = f"{wide.origin.text} in line {wide.origin.line}"
    same = entry.origin.file == wide.origin.file
    if not same:
        place += f" of {wide.origin.file}"
    remedy = "remove this entry, or narrow the other one"
    return Found(entry, f"{place} covers all of it, and {why}", remedy, Action("remove") if same else None)


def _shadowed_paths(case: Case) -> Iterator[Found]:
    denied = list(_resolved(case, f"{_FILES}denyWrite"))
    allowed = list(_resolved(case, f"{_FILES}allowWrite"))
    for entry, rule in allowed if len(allowed) * len(denied) <= _MOST else ():
        wide = next((other for other, wall in denied if _path_inside(rule, wall)), None)
        if wide is not None:
            yield _covered(entry, wide, "what may not be written wins, whatever is more specific")


def _resolved(case: Case, key: str) -> Iterator[tuple[Entry, PathRule]]:
    for entry in case.list(key):
        try:
            yield entry, resolve_entry(entry, case.context)
        except PolicyError:
            continue


def _path_inside(rule: PathRule, wall: PathRule) -> bool:
    if rule.is_glob:
        return not wall.is_glob and paths.is_beneath(literal_prefix(rule.path), wall.path)
    return glob_covers(wall.path, rule.path) if wall.is_glob else paths.is_beneath(rule.path, wall.path)


def _shadowed_hosts(case: Case) -> Iterator[Found]:
    denied = list(_patterns(case, "deniedDomains", "deny"))
    allowed = list(_patterns(case, "allowedDomains", "allow"))
    for entry, inner in allowed if len(allowed) * len(denied) <= _MOST else ():
        wide = next((other for other, outer in denied if all(any(host_covers(one, pattern) for one in outer) for pattern in inner)), None)
        if wide is not None:
            yield _covered(entry, wide, "a denied host stays denied, whatever is more specific")


def _patterns(case: Case, name: str, kind: str) -> Iterator[tuple[Entry, tuple[Pattern, ...]]]:
    for entry in case.list(_NET + name):
        try:
            yield entry, parse_pattern(str(entry.value), kind)
        except HostError:
            continue


def redundant(case: Case) -> Iterator[Found]:
    """Allow rules that a broader one of the same file contains."""
    allow = _placed(case)["allow"]
    index = Index(allow)
    for entry, narrow in allow:
        wide = next((other for other, rule in index.candidates(narrow) if _contains(case, other, rule, entry, narrow)), None)
        if wide is not None:
            yield Found(entry, f"{wide.origin.text} in line {wide.origin.line} allows all of it", "remove one of the two", Action("remove"))


def _contains(case: Case, wide: Entry, rule: Placed, entry: Entry, narrow: Placed) -> bool:
    if wide is entry or wide.origin.file != entry.origin.file or wide.value == entry.value or not covers(rule, narrow):
        return False
    if allows_anything(rule.found.rule):
        return False  # that one is what should go
    if covers(narrow, rule):
        return (wide.origin.line, wide.origin.column) < (entry.origin.line, entry.origin.column)  # two spellings of one rule: the first stays
    if narrow.feeds and rule.found.form != Form.SPECIFIER:
        return False  # the narrow one opens its path in the fence, which a bare rule does not
    return narrow.pattern is None or not narrow.pattern.exact or _approves(case, wide, str(narrow.found.rule.specifier))


def _approves(case: Case, wide: Entry, text: str) -> bool:
    """Some commands are allowed by their exact text only: no pattern contains that rule."""
    rules = RuleSet({"allow": [wide]}, case.context)
    read = CommandLine(text, rules, World(cwd=case.context.cwd, home=case.context.home))
    return bool(read.line.simple) and not read.line.problem and all(read.allowed(command) for command in read.line.simple)


def scope_ignored(case: Case) -> Iterator[Found]:
    """Keys that only somebody else may set."""
    for name, entries in case.entries.items():
        key = key_of(name)
        for entry in entries:
            if entry.origin.scope in key.scopes:
                continue
            who = " and ".join(scope.value for scope in Scope if scope in key.scopes and scope is not Scope.BUILTIN)
            remedy = f"move it to a {who} file, or remove it"
            # A file that nobody reads by itself may be a draft for somebody who is allowed to.
            action = None if entry.origin.scope is Scope.CLI else Action("remove")
            yield Found(entry, f"{key.name} counts only from {who} settings; in a {entry.origin.scope.value} file it does nothing", remedy, action)


RULES = (
    Rule(
        "entry-duplicate", INFO, "An entry stands twice in one list: one of them will be forgotten when the other is changed.", duplicate, "removes the second"
    ),
    Rule(
        "entry-shadowed",
        WARNING,
        "Deny goes before ask and ask before allow, whatever is more specific: an entry that a stronger list covers wholly never counts.",
        shadowed,
        "removes it, when both are in one file",
    ),
    Rule(
        "rule-redundant", INFO, "A broader allow rule of the same file contains this one, which therefore limits nothing.", redundant, "removes the narrow one"
    ),
    Rule(
        "scope-ignored",
        WARNING,
        "Some keys count from certain files only; anywhere else they look like a restriction and are none.",
        scope_ignored,
        "removes it",
    ),
)
