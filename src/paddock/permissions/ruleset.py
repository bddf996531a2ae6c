"""The rules of one agent, read once and asked often. Spec 4. Pure.

A rule that is skipped (``classify`` says why) is in none of the tables, with one exception: a deny rule that is no rule at all is the caller's to refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from paddock.errors import PolicyError
from paddock.model.hosts import Host, HostError, Pattern, parse_pattern
from paddock.model.record import field, slotted
from paddock.model.settings import Context, Entry, Origin, Settings
from paddock.permissions.classify import Classified, Form, classify
from paddock.permissions.match import PathMatcher
from paddock.permissions.patterns import CommandPattern, PatternIndex
from paddock.permissions.tools import EDITS, READS, SHELLS

__all__ = ["LISTS", "Hit", "RuleList", "RuleSet", "hosts_of", "single_spaces"]

LISTS = ("deny", "ask", "allow")
"""In the order in which they are asked: the first list with a match decides."""


class Hit(NamedTuple):
    """A rule that speaks about a call. ``text`` is the rule as written; ``subject`` what it matched: a subcommand, a path, a host."""

    text: str
    list_name: str
    origin: Origin
    subject: str = ""
    bare: bool = False


@slotted
class RuleList:
    """One list, by what its rules are about."""

    name: str
    bare: dict[str, Hit] = field(default_factory=dict)
    globs: list[tuple[CommandPattern, Hit]] = field(default_factory=list)
    parameters: list[tuple[str, str, CommandPattern, Hit]] = field(default_factory=list)
    patterns: list[CommandPattern] = field(default_factory=list)
    commands: list[Hit] = field(default_factory=list)
    paths: list[tuple[PathMatcher, Hit]] = field(default_factory=list)
    hosts: list[tuple[tuple[Pattern, ...], Hit]] = field(default_factory=list)
    names: list[tuple[str, CommandPattern, Hit]] = field(default_factory=list)
    index: PatternIndex = field(default_factory=lambda: PatternIndex(()))

    def tool(self, tool: str) -> Hit | None:
        """The rule about every use of a tool. A server's name alone is about all its tools."""
        found = self.bare.get(tool)
        if found is None and tool.startswith("mcp__"):
            found = self.bare.get("__".join(tool.split("__")[:2]))
        return found or next((hit for pattern, hit in self.globs if pattern.matches(tool)), None)

    def parameter(self, tool: str, given: Mapping[str, object]) -> Hit | None:
        """The rule about a field of this call. A field that is not there matches nothing."""
        for about, name, pattern, hit in self.parameters:
            if about == tool and name in given and (value := _scalar(given[name])) is not None and pattern.matches(value):
                return hit._replace(subject=f"{name}: {value}")
        return None

    def command(self, texts: Iterable[str], *, exact_only: bool = False) -> Hit | None:
        """The first rule that matches one of the readings of a command."""
        for text in texts:
            for number in self.index.matches(text):
                if not exact_only or self.patterns[number].exact:
                    return self.commands[number]._replace(subject=text)
        return None

    def may_match(self, head: str) -> Hit | None:
        """The first rule that matches some command which begins with ``head``."""
        number = self.index.may_match(head)
        return None if number is None else self.commands[number]._replace(subject=head.rstrip())

    def path(self, path: str, tool: str) -> Hit | None:
        """The rule about a path."""
        return next((hit._replace(subject=path) for matcher, hit in self.paths if matcher.matches(path, tool)), None)

    def host(self, host: Host, port: int) -> Hit | None:
        """The rule about a host."""
        return next((hit._replace(subject=host.text) for patterns, hit in self.hosts if any(p.matches(host, port) for p in patterns)), None)

    def named(self, tool: str, name: str) -> Hit | None:
        """The rule about a tool whose specifier is a name: an agent, a skill, a tool of a server."""
        return next((hit._replace(subject=name) for about, pattern, hit in self.names if about == tool and pattern.matches(name)), None)


class RuleSet:
    """All rules that count, by list."""

    def __init__(self, entries: Mapping[str, Sequence[Entry]], context: Context, *, broken: list[tuple[Entry, str]] | None = None) -> None:
        """``broken`` collects the entries that are no rules, each with the reason; without it a broken deny or ask rule raises ``PolicyError``."""
        self.context = context
        self.lists = {name: self._list(name, entries.get(name, ()), broken) for name in LISTS}

    @classmethod
    def of(cls, settings: Settings) -> RuleSet:
        """The rules of merged settings. Raises ``PolicyError`` for a deny or ask rule that cannot be understood: without it less would be refused."""
        return cls({name: settings.list(f"permissions.{name}") for name in LISTS}, settings.context)

    @property
    def deny(self) -> RuleList:
        """What is refused."""
        return self.lists["deny"]

    @property
    def ask(self) -> RuleList:
        """What somebody is asked about."""
        return self.lists["ask"]

    @property
    def allow(self) -> RuleList:
        """What runs unasked."""
        return self.lists["allow"]

    def _list(self, name: str, entries: Sequence[Entry], broken: list[tuple[Entry, str]] | None) -> RuleList:
        made = RuleList(name)
        for entry in entries:
            try:
                self._add(made, classify(str(entry.value), name), entry.origin)
            except (PolicyError, HostError) as error:
                if broken is not None:
                    broken.append((entry, str(error)))
                elif name != "allow":
                    raise PolicyError(f"{entry.origin.file}:{entry.origin.line}: {error}", hint=error.hint) from None
        made.index = PatternIndex(made.patterns)
        return made

    def _add(self, made: RuleList, found: Classified, origin: Origin) -> None:
        rule = found.rule
        hit = Hit(rule.text, made.name, origin, bare=found.removes_tool)
        if found.form == Form.IGNORED:
            return
        if found.form == Form.TOOL_GLOB:
            made.globs.append((CommandPattern.of(rule.tool), hit))
        elif found.form == Form.PARAMETER:
            made.parameters.append((rule.tool, found.parameter, CommandPattern(tuple(found.value.split("*"))), hit))
        elif rule.specifier is None:
            made.bare.setdefault(rule.tool.removesuffix("__*"), hit)
        elif rule.tool in SHELLS:
            made.patterns.append(CommandPattern.of(single_spaces(rule.specifier)))
            made.commands.append(hit)
        elif rule.tool in READS | EDITS:
            matcher = PathMatcher.of(rule.text, made.name, origin, self.context)
            if matcher is None:
                raise PolicyError(f"{rule.text!r} names no path that can be understood")
            made.paths.append((matcher, hit))
        elif rule.tool == "WebFetch":
            made.hosts.append((hosts_of(rule.text, rule.specifier, made.name), hit))
        else:
            made.names.append((rule.tool, CommandPattern.of(rule.specifier), hit))


def hosts_of(text: str, specifier: str, list_name: str) -> tuple[Pattern, ...]:
    """The readings of ``WebFetch(domain:…)``. Raises ``PolicyError`` or ``HostError``."""
    kind, colon, host = specifier.partition(":")
    if not colon or kind.strip() != "domain" or not host.strip():
        raise PolicyError(f"{text!r} is not a WebFetch rule", hint="write WebFetch(domain:host)")
    # Asking about too much is the safe side, as refusing is.
    return parse_pattern(host.strip(), "allow" if list_name == "allow" else "deny")


def single_spaces(text: str) -> str:
    """A rule is compared with words that have one space between them; inside quotes its spaces are its own."""
    if "'" in text or '"' in text or ("  " not in text and "\t" not in text):
        return text
    return " ".join(part for part in text.replace("\t", " ").split(" ") if part)


def _scalar(value: object) -> str | None:
    """A field's value as rules write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
