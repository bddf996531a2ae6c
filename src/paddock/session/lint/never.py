"""Rules about commands that no command can match. The engine that decides is asked: a pattern has to match the command that it spells out."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.errors import PolicyError
from paddock.model.hosts import HostError
from paddock.model.settings import Entry
from paddock.permissions.classify import Form, classify
from paddock.permissions.commandline import CommandLine
from paddock.permissions.patterns import CommandPattern
from paddock.permissions.ruleset import LISTS, RuleSet
from paddock.permissions.shell.line import Line
from paddock.permissions.shell.wrappers import is_safe
from paddock.permissions.tools import SHELLS
from paddock.permissions.world import Fencing, World
from paddock.session.lint.finding import WARNING, Case, Found, Rule

__all__ = ["RULES"]

_FILLER = "x"
_EXCLUDED = "sandbox.excludedCommands"


def never_matches(case: Case) -> Iterator[Found]:
    """``Bash(npm run build && npm test)``."""
    for name, entry in case.rules():
        try:
            found = classify(str(entry.value), name)
        except PolicyError:
            continue
        if found.form != Form.SPECIFIER or found.rule.tool not in SHELLS or found.rule.specifier is None:
            continue
        line = _unmatched(case, name, entry, found.rule.specifier)
        if line is not None:
            yield Found(entry, *_why(line, name, found.rule.specifier))


def _unmatched(case: Case, name: str, entry: Entry, pattern: str) -> Line | None:
    """The line that the rule spells out, when the rule does not match it; None when it does, or when that cannot be told."""
    try:
        rules = RuleSet({one: [entry] if one == name else [] for one in LISTS}, case.context)
    except (PolicyError, HostError):
        return None
    read = CommandLine(_FILLER.join(CommandPattern.of(pattern).parts), rules, World(cwd=case.context.cwd, home=case.context.home))
    if read.line.problem or not read.line.commands:
        return None
    if name == "allow":
        return None if any(read.allowed(command) for command in read.line.commands) else read.line
    return None if read.refused(rules.lists[name]) else read.line


def _why(line: Line, name: str, pattern: str) -> tuple[str, str]:
    """The reason and the remedy."""
    # Redirections of a group are listed as commands without words.
    simple = line.simple
    if len(simple) > 1:
        each = "; ".join(" ".join(word.text for word in command.words) or command.text for command in simple)
        return f"a rule is about one command, and this one spells out {len(simple)}: {each}", "write a rule for each command"
    if any(command.redirects for command in line.commands):
        return "a redirection is no part of what a command rule is compared with", "leave the redirection out, and write an Edit rule for its file"
    unsafe = [variable for command in simple for variable, _ in command.assignments if not is_safe(variable)]
    if unsafe and name == "allow":
        return f"a command that sets {unsafe[0]} is allowed by an exact rule only, not by a pattern", "leave the variable out, or write the whole command"
    if name == "allow" and "*" in pattern:
        return "this command starts another one, or acts on what it finds: only the exact command can be allowed", "write the whole command, without *"
    return "no command is matched by this text", "write the command as agents run it, its words with one space between them"


def excluded_bare(case: Case) -> Iterator[Found]:
    """``"docker"``, and patterns of more than one command."""
    # They count for the client's own sandbox: Paddock takes nothing outside, so all of them are void here.
    for entry in case.entries.get(_EXCLUDED, ()):
        text = str(entry.value)
        if "*" not in text and len(text.split()) == 1:
            reason = f"matches {text} without arguments and nothing else (under Paddock no command runs outside, whatever is listed)"
            yield Found(entry, reason, f'write "{text} *", which takes all of {text} outside of an agent\'s own sandbox, or remove the entry')
        elif len(_commands(case, text)) > 1:
            yield Found(entry, "an entry is about one command, and this one spells out several", "write an entry for each command")


def _commands(case: Case, text: str) -> tuple[object, ...]:
    world = World(cwd=case.context.cwd, home=case.context.home, fencing=Fencing(excluded=(text,)))
    read = CommandLine(_FILLER.join(CommandPattern.of(text).parts), RuleSet({}, case.context), world)
    return () if read.line.problem or read.excluded() else read.line.simple


RULES = (
    Rule(
        "rule-never-matches",
        WARNING,
        "A command rule is compared with one command at a time, without redirections and without what is only put in front of it.",
        never_matches,
    ),
    Rule("excluded-bare", WARNING, "An excluded command without a wildcard is that very command, without any argument.", excluded_bare),
)
