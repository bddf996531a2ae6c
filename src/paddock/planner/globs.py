"""Patterns become what exists: a walk from the longest literal beginning, bounded by a count of folders.

``*`` and ``?`` stay in one component, ``**`` crosses any number, ``[...]`` is a set of characters and a backslash takes the next character as it is (spec 3.1,
3.2).
Links are not followed while walking; a match that is a link counts with its target.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from paddock.model.globs import component_test
from paddock.model.plan import Kind, Uncovered
from paddock.model.policy import PathRule
from paddock.planner.names import DEPENDENCY_FOLDERS
from paddock.planner.view import Resolved, View

__all__ = ["MAX_FOLDERS", "expand", "split"]

MAX_FOLDERS = 2000
"""How many folders are looked into for all patterns with the same beginning."""

_SPECIAL = frozenset("*?[\\")

_State = tuple[int, int]
"""Pattern number and the component that comes next."""


def split(pattern: str) -> tuple[str, tuple[str, ...]]:
    """The longest beginning without a wildcard, and the components after it."""
    parts = [part for part in pattern.split("/") if part]
    literal = 0
    while literal < len(parts) and not _SPECIAL.intersection(parts[literal]):
        literal += 1
    return "/" + "/".join(parts[:literal]), tuple(parts[literal:])


def expand(view: View, rules: Sequence[PathRule], key: str, uncovered: list[Uncovered]) -> Iterator[tuple[PathRule, Resolved]]:
    """Every existing path that a pattern matches. What the walk did not reach goes to ``uncovered``."""
    groups: dict[str, list[tuple[PathRule, tuple[str, ...]]]] = {}
    for rule in rules:
        start, rest = split(rule.path)
        if start == "/":
            # The whole system would have to be searched.
            uncovered.append(Uncovered(rule.path, f"{key}: a pattern needs a first folder without wildcards", rule.origin))
            continue
        groups.setdefault(start, []).append((rule, rest))
    for start, group in groups.items():
        found = view.resolve(start)
        if found.kind is Kind.DIRECTORY:
            yield from _walk(view, found.path, group, key, uncovered)
        elif found.kind is not None:
            yield from ((rule, found) for rule, rest in group if all(part == "**" for part in rest))


def _walk(view: View, start: str, group: list[tuple[PathRule, tuple[str, ...]]], key: str, uncovered: list[Uncovered]) -> Iterator[tuple[PathRule, Resolved]]:
    matcher = _Matcher([rest for _, rest in group])
    soon: deque[tuple[str, frozenset[_State]]] = deque([(start, matcher.begin())])
    late: deque[tuple[str, frozenset[_State]]] = deque()
    listed = 0
    while (soon or late) and listed < MAX_FOLDERS:
        folder, states = (soon or late).popleft()
        entries = view.names(folder)
        listed += 1
        base = folder if folder != "/" else ""
        for name, kind in (entries or {}).items():
            matched, following = matcher.step(states, name)
            path = f"{base}/{name}"
            for number in matched:
                yield group[number][0], view.resolve(path)
            if following and kind is Kind.DIRECTORY:
                # What tools fill themselves comes last, like in the scan for protected names.
                (late if name in DEPENDENCY_FOLDERS or name == ".git" else soon).append((path, following))
    left = [*soon, *late]
    if left:
        for number in sorted({number for _, states in left for number, _ in states}):
            rule = group[number][0]
            uncovered.append(Uncovered(rule.path, f"{key}: {len(left)} folders or more are not searched ({left[0][0]} is the first)", rule.origin))


class _Prepared:
    """What the entries of a folder are tried against, for one set of states: a table for literal components, a list for the others."""

    __slots__ = ("literals", "passing", "tests")

    def __init__(self) -> None:
        self.literals: dict[str, set[_State]] = {}
        self.tests: list[tuple[Callable[[str], bool], _State]] = []
        self.passing: set[_State] = set()


class _Matcher:
    """All patterns of a group at once, one component at a time. A state never goes backwards, so the set of states per folder stays as small as the group."""

    def __init__(self, patterns: list[tuple[str, ...]]) -> None:
        self._patterns = patterns
        self._tests: dict[str, Callable[[str], bool]] = {}
        self._prepared: dict[frozenset[_State], _Prepared] = {}
        self._ended: dict[frozenset[_State], tuple[tuple[int, ...], frozenset[_State]]] = {}

    def begin(self) -> frozenset[_State]:
        return self._close((number, 0) for number in range(len(self._patterns)))

    def step(self, states: frozenset[_State], name: str) -> tuple[tuple[int, ...], frozenset[_State]]:
        """``(patterns that match here, states for what is below)``."""
        prepared = self._prepared.get(states) or self._prepare(states)
        following = set(prepared.passing)
        following.update(prepared.literals.get(name, ()))
        following.update(state for test, state in prepared.tests if test(name))
        key = frozenset(following)
        known = self._ended.get(key)
        if known is None:
            closed = self._close(key)
            ended = tuple(sorted({number for number, position in closed if position == len(self._patterns[number])}))
            # A match covers what is below it: the walk need not go on for that pattern.
            known = self._ended[key] = ended, frozenset(state for state in closed if state[0] not in ended)
        return known

    def _prepare(self, states: frozenset[_State]) -> _Prepared:
        prepared = self._prepared[states] = _Prepared()
        for number, position in states:
            pattern = self._patterns[number]
            if position == len(pattern):
                continue
            part = pattern[position]
            if part == "**":
                prepared.passing.add((number, position))
            elif _SPECIAL.intersection(part):
                prepared.tests.append((self._test(part), (number, position + 1)))
            else:
                prepared.literals.setdefault(part, set()).add((number, position + 1))
        return prepared

    def _close(self, states: Iterable[_State]) -> frozenset[_State]:
        """``**`` also matches nothing: the component after it may come at once."""
        closed: set[_State] = set()
        for number, first in states:
            position = first
            closed.add((number, position))
            pattern = self._patterns[number]
            while position < len(pattern) - 1 and pattern[position] == "**":
                position += 1
                closed.add((number, position))
        return frozenset(closed)

    def _test(self, part: str) -> Callable[[str], bool]:
        test = self._tests.get(part)
        if test is None:
            test = self._tests[part] = component(part)
        return test


def component(part: str) -> Callable[[str], bool]:
    """The test of one component, without regular expressions: a hostile project's pattern could keep one busy for hours."""
    if not _SPECIAL.intersection(part):
        return part.__eq__
    if part.count("*") == 1 and not _SPECIAL.difference("*").intersection(part):
        begin, _, end = part.partition("*")
        return lambda name: len(name) >= len(begin) + len(end) and name.startswith(begin) and name.endswith(end)
    return component_test(part)
