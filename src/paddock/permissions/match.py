"""Whether path rules speak about a path: the one question behind every decision about files. Spec 3.2. Pure; links are resolved by whoever asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from paddock.errors import PolicyError
from paddock.model.globs import covers
from paddock.model.paths import is_beneath
from paddock.model.settings import Context, Origin
from paddock.permissions.grammar import Rule, parse, path_pattern

__all__ = ["PathMatcher", "judge_path"]

_COVERED = {"Edit": ("Edit", "Write", "MultiEdit", "NotebookEdit"), "Read": ("Read", "Glob", "Grep", "LS")}
"""Tools by the rules that speak about their paths."""
_CLOSED_FOR_READING = ("Edit", "Write", "MultiEdit")
"""What a ``Read`` deny rule closes as well; ``NotebookEdit`` is not among it."""


class PathMatcher(NamedTuple):
    """One ``Read`` or ``Edit`` rule with its path worked out. ``fold``: letter case does not matter."""

    rule: Rule
    list_name: str
    origin: Origin
    path: str
    is_glob: bool
    fold: bool

    @classmethod
    def of(cls, text: str, list_name: str, origin: Origin, context: Context) -> PathMatcher | None:
        """The matcher of one entry; None when it speaks about no path, or cannot be understood."""
        try:
            rule = parse(text)
            if rule.tool not in _COVERED or rule.specifier is None:
                return None
            path, glob = path_pattern(rule.specifier, list_name, origin, context)
        except PolicyError:
            return None
        fold = rule.tool == "Read" and list_name == "deny"
        return cls(rule, list_name, origin, path.lower() if fold else path, glob, fold)

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools whose paths the rule speaks about."""
        return (*_COVERED[self.rule.tool], *(_CLOSED_FOR_READING if self.fold else ()))

    def matches(self, path: str, tool: str) -> bool:
        """Whether the rule speaks about a tool's use of an absolute, normalised path."""
        if tool not in _COVERED[self.rule.tool] and not (self.fold and tool in _CLOSED_FOR_READING):
            return False
        path = path.lower() if self.fold else path
        return covers(self.path, path) if self.is_glob else is_beneath(path, self.path)


def judge_path(steps: Sequence[str], tool: str, rules: Mapping[str, Sequence[PathMatcher]]) -> str:
    """``deny``, ``ask`` or ``allow`` for a path and everywhere its links lead, from the path as used to its end: deny and ask need one step, allow needs all.

    ``ask`` when no rule speaks about it.
    """
    for name in ("deny", "ask"):
        if any(matcher.matches(step, tool) for step in steps for matcher in rules.get(name, ())):
            return name
    allowed = all(any(matcher.matches(step, tool) for matcher in rules.get("allow", ())) for step in steps)
    return "allow" if allowed else "ask"
