"""Whether everything that one rule speaks about is spoken about by another. Pure.

Each answer of yes is certain; where it would take more than is written in the two rules, the answer is no.
"""

from __future__ import annotations

from paddock.model import paths
from paddock.model.globs import literal_prefix
from paddock.model.hosts import Host, Pattern
from paddock.model.settings import Context, Origin
from paddock.permissions.classify import Classified, Form
from paddock.permissions.match import PathMatcher
from paddock.permissions.patterns import CommandPattern
from paddock.permissions.ruleset import hosts_of, single_spaces
from paddock.permissions.tools import EDITS, READS, SHELLS

__all__ = ["Placed", "covers", "host_covers", "pattern_covers"]

_ANY = "\x01"
"""Stands for any text: no rule can hold it, so only a wildcard takes it."""


class Placed:
    """A rule with what its words mean where it stands. Raises ``PolicyError`` or ``HostError`` for a rule that cannot be understood."""

    __slots__ = ("found", "hosts", "list_name", "origin", "path", "pattern")

    def __init__(self, found: Classified, list_name: str, origin: Origin, context: Context) -> None:
        self.found = found
        self.list_name = list_name
        self.origin = origin
        self.pattern: CommandPattern | None = None
        self.path: PathMatcher | None = None
        self.hosts: tuple[Pattern, ...] = ()
        rule = found.rule
        if found.form != Form.SPECIFIER or rule.specifier is None:
            return
        if rule.tool in READS | EDITS:
            self.path = PathMatcher.of(rule.text, list_name, origin, context)
        elif rule.tool == "WebFetch":
            self.hosts = hosts_of(rule.text, rule.specifier, list_name)
        else:
            self.pattern = CommandPattern.of(single_spaces(rule.specifier) if rule.tool in SHELLS else rule.specifier)

    @property
    def consulted(self) -> bool:
        """Whether a rule with a specifier is about something: a path, hosts, a pattern."""
        return self.path is not None or bool(self.hosts) or self.pattern is not None

    @property
    def feeds(self) -> bool:
        """Whether the rule also opens something in the fence, which only another rule of the fence can close again."""
        return self.list_name == "allow" and self.found.form == Form.SPECIFIER and self.found.rule.tool in ("Edit", "WebFetch")


def covers(wide: Placed, narrow: Placed) -> bool:
    """Whether ``wide`` speaks about every call that ``narrow`` speaks about."""
    tool, inner = wide.found.rule.tool, narrow.found.rule.tool
    if Form.IGNORED in (wide.found.form, narrow.found.form):
        return False
    if wide.found.form == Form.TOOL_GLOB:
        return all(CommandPattern.of(tool).matches(one.replace("*", _ANY)) for one in _tools(narrow))
    if wide.found.form == Form.BARE:
        return all(_bare_covers(tool, one) for one in _tools(narrow))
    if Form.PARAMETER in (wide.found.form, narrow.found.form):
        same = (wide.found.form, wide.found.parameter, tool) == (narrow.found.form, narrow.found.parameter, inner)
        return same and _texts_covered(wide.found.value.split("*"), narrow.found.value)
    if narrow.found.form != Form.SPECIFIER:
        return False
    if wide.pattern is not None and narrow.pattern is not None:
        return (tool == inner or {tool, inner} <= SHELLS) and pattern_covers(wide.pattern, narrow.pattern)
    if wide.path is not None and narrow.path is not None:
        return tool == inner and _path_covers(wide.path, narrow.path)
    return bool(wide.hosts and narrow.hosts) and all(any(host_covers(one, other) for one in wide.hosts) for other in narrow.hosts)


def _tools(rule: Placed) -> tuple[str, ...]:
    """The tools that a rule speaks about: one about a path or a command speaks about several."""
    tool = rule.found.rule.tool
    if rule.path is not None:
        return rule.path.tools
    return tuple(sorted(SHELLS)) if rule.found.form == Form.SPECIFIER and tool in SHELLS else (tool,)


def _bare_covers(tool: str, inner: str) -> bool:
    """A server's name is about all its tools."""
    if tool == inner:
        return True
    server = tool.removesuffix("__*")
    return server.startswith("mcp__") and server.count("__") == 1 and inner.startswith(f"{server}__")


def _texts_covered(parts: list[str], text: str) -> bool:
    return CommandPattern(tuple(parts)).matches(text.replace("*", _ANY))


def pattern_covers(wide: CommandPattern, narrow: CommandPattern) -> bool:
    """Whether every text that ``narrow`` matches is matched by ``wide``: where a wildcard takes a character that no pattern holds, it takes any text."""
    if narrow.bare and not wide.matches(narrow.parts[0][:-1]):
        return False
    return wide.matches(_ANY.join(narrow.parts))


def _path_covers(wide: PathMatcher, narrow: PathMatcher) -> bool:
    inner = narrow.path.lower() if wide.fold else narrow.path
    if narrow.fold and not wide.fold:
        return False
    if not narrow.is_glob:
        return wide.matches(inner, narrow.rule.tool)
    if wide.is_glob:
        return wide.path == inner
    return paths.is_beneath(literal_prefix(inner), wide.path)


def host_covers(wide: Pattern, narrow: Pattern) -> bool:
    """Whether every host and port of ``narrow`` is one of ``wide``."""
    if wide.port is not None and wide.port != narrow.port:
        return False
    port = narrow.port or 443
    if narrow.everything:
        return wide.everything and wide.denies >= narrow.denies
    if narrow.address:
        return wide.matches(Host("", narrow.address), port)
    labels = [label.replace("*", _ANY) for label in narrow.labels]
    if narrow.labels[0] != "**":
        return wide.matches(Host(".".join(labels)), port)
    # One label or more: what takes one and two of them takes any number.
    return all(wide.matches(Host(".".join([*[_ANY] * count, *labels[1:]])), port) for count in (1, 2))
