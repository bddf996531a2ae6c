"""One command line under the rules: what a rule speaks about, what is written and read, whether all of it is allowed. Spec 4.4 to 4.6. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from paddock.model import paths
from paddock.permissions.critical import critical_target
from paddock.permissions.editing import NAMES_WHAT_IT_WRITES, operands, plainly_edits
from paddock.permissions.folders import as_written, changes_folder, standing
from paddock.permissions.inner import inner_lines
from paddock.permissions.patterns import CommandPattern
from paddock.permissions.protected import is_protected
from paddock.permissions.readonly import FILE_READERS, is_read_only
from paddock.permissions.ruleset import Hit, RuleList, RuleSet
from paddock.permissions.shell.joining import LOOKED_AT
from paddock.permissions.shell.line import Command, Line, Redirect, Word
from paddock.permissions.shell.split import split
from paddock.permissions.shell.wrappers import is_fed, is_safe, program_name, seen_through, stripped
from paddock.permissions.unknown import known_beginning, may_be_option
from paddock.permissions.world import Reason, World

__all__ = ["INTERPRETERS", "CommandLine"]

_NEVER_BY_PREFIX = frozenset({"watch", "setsid", "ionice", "flock"})
_FIND_ACTS = frozenset({"-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf", "-fls"})
_SINKS = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr"})
_SOCKETS = ("/dev/tcp", "/dev/udp")
INTERPRETERS = frozenset(
    {*("python", "python3", "node", "deno", "bun", "ruby", "perl", "php", "lua", "sh", "bash", "zsh", "dash", "ksh", "fish", "env", "eval", "exec", "ssh")}
    | {*("npx", "bunx", "pnpx", "uvx", "pipx", "npm", "yarn", "pnpm", "uv", "xargs", "sudo", "osascript", "pwsh", "awk", "make")}
)
"""A wildcard rule about one of these is a rule about any code; mode ``auto`` sets it aside."""


class CommandLine:
    """A line, read once. Every question is about the line as a whole."""

    def __init__(self, command: str, rules: RuleSet, world: World) -> None:
        self.rules = rules
        self.world = world
        self.cut = len(command) > LOOKED_AT
        self.line = self._read(command)
        self.folders, self.lost = standing(self.line, world.cwd, world.home)

    def _read(self, command: str) -> Line:
        line = split(command)
        if line.problem and not self.world.reading.complete:
            # The running reference closes a quote that is left open (observed).
            for quote in ('"', "'"):
                if not (closed := split(command + quote)).problem:
                    return closed
        return line

    def _paths(self, word: Word) -> list[str]:
        """Every path that a word may mean."""
        found: list[str] = []
        for folder in self.folders:
            if written := as_written(word, folder, self.world.home):
                found.append(paths.normalise(written))
                if ".." in written.split("/"):
                    found.append(paths.normalise(self.world.steps(written)[-1]))
        return list(dict.fromkeys(found))

    # -- what rules say

    def refused(self, made: RuleList) -> Hit | None:
        """The rule of a deny or ask list that speaks about some part of the line: a command, a file that it reads, a file that it writes."""
        for command in self._every:
            if (hit := self._about(command, made)) is not None:
                return hit
        return None

    @cached_property
    def _every(self) -> tuple[Command, ...]:
        """Commands, what may be some, and those in text that one of them hands on."""
        return tuple(self._all())

    @cached_property
    def _unknown(self) -> tuple[tuple[Command, str], ...]:
        """Commands that depend on the run, each with what is known of its beginning, in every reading."""
        found = ((command, known_beginning(words)) for command in self._every for words in seen_through(command, folders=True))
        return tuple((command, head) for command, head in found if head is not None)

    def _all(self) -> Iterator[Command]:
        for command in (*self.line.commands, *self.line.guesses):
            yield command
            if self.world.reading.inner:
                yield from inner_lines(command)

    def _about(self, command: Command, made: RuleList) -> Hit | None:
        for words in seen_through(command, folders=self.world.reading.folders):
            if (hit := made.command(_texts(words))) is not None:
                return hit
            for path in self._reads(words):
                if (hit := self._path(path, "Read", made)) is not None:
                    return hit
        whole = " ".join(word.text for word in command.words)
        if command.assignments and (hit := made.command([f"{' '.join(text for _, text in command.assignments)} {whole}".rstrip()])) is not None:
            return hit
        for redirect in command.redirects:
            if redirect.target is not None and not redirect.duplicates:
                for path in self._paths(redirect.target):
                    if (hit := self._path(path, "Edit" if redirect.writes else "Read", made)) is not None:
                        return hit
        return None

    def _path(self, path: str, tool: str, made: RuleList) -> Hit | None:
        return next((hit for step in self.world.steps(path) if (hit := made.path(step, tool)) is not None), None)

    def _reads(self, words: Sequence[Word]) -> Iterator[str]:
        if words and program_name(words[0]) in FILE_READERS:
            for word in words[1:]:
                if not word.text.startswith("-"):
                    yield from self._paths(word)

    # -- what is never approved beforehand

    def critical(self) -> str:
        """The operand of a critical removal, anywhere in the line."""
        for command in self._every:
            for folder in (*self.folders, *([""] if self.lost else [])):
                found = critical_target(command, cwd=folder, home=self.world.home, additional=self.world.additional, platform=self.world.platform)
                if found:
                    return found
        return ""

    def protected(self) -> str:
        """A protected path that a redirection writes, or that a command which edits files names."""
        for command in self.line.commands:
            for path in self._written(command):
                if any(is_protected(step) for step in self.world.steps(path)):
                    return path
        return ""

    def _written(self, command: Command) -> Iterator[str]:
        for redirect in command.redirects:
            if redirect.writes and not redirect.duplicates and redirect.target is not None:
                yield from (path for path in self._paths(redirect.target) if path not in _SINKS)
        for words in seen_through(command, folders=True):
            if words and words[0].value in NAMES_WHAT_IT_WRITES:
                for word in words[1:]:
                    # What follows an option may be attached to it: -tDIR, --target-directory=DIR.
                    yield from self._paths(word if not word.text.startswith("-") else _attached(word))

    # -- whether all of it is allowed

    def unapproved(self, *, broad: bool = True) -> Reason | None:
        """Why the line is not allowed by rules, by being read-only or by the mode; None when it is. ``broad``: rules that mean any code count as well."""
        if self.line.problem:
            return Reason(f"{self.line.problem}: no rule allows such a line", None, "write it as a script, or as simpler commands")
        if not self.line.commands:
            return None
        for command in self.line.commands:
            if (reason := self._unapproved(command, broad=broad)) is not None:
                return reason
        return None

    def approving(self) -> tuple[Reason, ...]:
        """Why each command is allowed; to be asked when ``unapproved`` is None."""
        return tuple(self._approval(command) for command in self.line.simple)

    def _approval(self, command: Command) -> Reason:
        hit = self.allowed(command, broad=True)
        if hit is not None:
            return Reason(f"{_shown(command)}: {hit.text} allows it", hit)
        return Reason(f"{_shown(command)}: it only looks" if self._looks(command) else f"{_shown(command)}: the mode allows it")

    def _unapproved(self, command: Command, *, broad: bool) -> Reason | None:
        for redirect in command.redirects:
            if (problem := self._unapproved_redirect(redirect)) is not None:
                return problem
        if not command.words:
            bad = next((name for name, _ in command.assignments if not is_safe(name)), "")
            return Reason(f"it sets {bad}, which is not known to be harmless") if bad else None
        if self.allowed(command, broad=broad) or self._looks(command) or self._accepts(command):
            return None
        return Reason(f"no rule allows {_shown(command)}", None, f"add Bash({_suggestion(command)}) to permissions.allow")

    def allowed(self, command: Command, *, broad: bool = True) -> Hit | None:
        """The rule that allows one command of the line."""
        made = self.rules.allow
        bare = made.tool("Bash")
        if bare is not None and broad:
            return bare
        whole = " ".join((*(text for _, text in command.assignments), *(word.text for word in command.words)))
        hit = made.command([whole], exact_only=True)
        if hit is None and (words := stripped(command)):
            hit = made.command([" ".join(word.text for word in words)], exact_only=_only_exact(words) or (is_fed(command) and words[0].value == "find"))
        if hit is not None and not broad and _is_broad(hit):
            return None
        return hit

    def _looks(self, command: Command) -> bool:
        inside = not self.lost and all(self.world.works_in(folder) for folder in self.folders)
        if changes_folder(command):
            return inside and stripped(command) is not None and not is_fed(command)
        # A folder below may be a repository of its own, with settings that name programs.
        return is_read_only(command, moved=not inside or len(self.folders) > 1)

    def _accepts(self, command: Command) -> bool:
        """Mode ``acceptEdits``: commands that edit files, all of them in the working folders."""
        words = stripped(command)
        if self.world.mode != "acceptEdits" or not words or self.lost or is_fed(command) or not plainly_edits(words):
            return False
        found = [self._paths(word) for word in operands(words)]
        return bool(found) and all(found) and all(self.world.works_in(path) for several in found for path in several)

    def _unapproved_redirect(self, redirect: Redirect) -> Reason | None:
        target = redirect.target
        if redirect.duplicates or redirect.operator in ("<<", "<<<"):
            return None
        if not redirect.writes:
            return self._unapproved_input(target)
        if target is None or target.value is None or target.glob or target.tilde:
            return Reason(f"where {redirect.operator} writes to depends on the run")
        if target.value in _SINKS:
            return None
        if self.lost:
            return Reason(f"{target.text} is written after a cd to a folder that cannot be told")
        for path in self._paths(target):
            if any(paths.is_beneath(path, socket) for socket in _SOCKETS):
                return Reason(f"{path} is a network connection")
            allowed = all(self.rules.allow.path(step, "Edit") is not None for step in self.world.steps(path))
            if not allowed and not (self.world.mode == "acceptEdits" and self.world.works_in(path)):
                return Reason(f"no rule allows writing to {path}", None, f"add Edit(/{path}) to permissions.allow")
        return None

    def _unapproved_input(self, target: Word | None) -> Reason | None:
        """Reading is free, but for the names that bash makes a network connection of. bash(1), REDIRECTION."""
        if target is None or (target.value is None and may_be_option(target)):
            return Reason("what < reads from depends on the run")
        found = next((path for path in self._paths(target) for socket in _SOCKETS if paths.is_beneath(path, socket)), "")
        return Reason(f"{found} is a network connection") if found else None

    # -- what cannot be told

    def untold(self, made: RuleList) -> Reason | None:
        """A command that may turn out to be one that a deny or ask list speaks about."""
        for command, head in self._unknown:
            if (hit := made.may_match(head)) is not None:
                return Reason(f"what {_shown(command)} runs depends on the run, and {hit.text} may be about it", hit, "write the command out")
        return None

    # -- leaving the fence

    def excluded(self) -> bool:
        """Whether ``excludedCommands`` take the line outside."""
        if not self.world.fencing.excluded:
            return False
        patterns = [CommandPattern.of(text) for text in self.world.fencing.excluded]
        commands = [command for command in self.line.commands if command.words]
        if self.world.reading.every_part:
            # A variable can make another program of an excluded one.
            plain = all(is_safe(name) for command in self.line.commands for name, _ in command.assignments)
            return bool(commands) and plain and not self.line.problem and all(_matches_any(command, patterns) for command in commands)
        return any(_matches_any(command, patterns) for command in commands if command.top)


def _texts(words: Sequence[Word]) -> tuple[str, ...]:
    """A command as it was written and as the shell reads it, one space between the words."""
    written = " ".join(word.text for word in words)
    read = " ".join(word.text if word.value is None else word.value for word in words)
    return (written,) if read == written else (written, read)


def _attached(word: Word) -> Word:
    """The value that is written together with an option."""
    text = word.value or ""
    value = text.partition("=")[2] if text.startswith("--") else text[2:]
    return Word(value, value)


def _matches_any(command: Command, patterns: Sequence[CommandPattern]) -> bool:
    texts = _texts(command.words)
    return any(pattern.matches(text) for pattern in patterns for text in texts)


def _only_exact(words: Sequence[Word]) -> bool:
    """Commands that start others, or that act on what they find: no prefix approves what they will do."""
    name = words[0].value
    if name is None or words[0].glob or name in _NEVER_BY_PREFIX:
        return True
    return name == "find" and any(word.value in _FIND_ACTS or may_be_option(word) for word in words[1:])


def _is_broad(hit: Hit) -> bool:
    inside = hit.text.partition("(")[2].rstrip(")")
    return hit.bare or ("*" in inside and inside.replace(":", " ").partition(" ")[0].rstrip("*") in (*INTERPRETERS, ""))


def _shown(command: Command) -> str:
    text = " ".join(command.text.split())
    return text if len(text) <= 80 else text[:79] + "…"


def _suggestion(command: Command) -> str:
    """The smallest rule for a command: its first words, as far as they are plain, and the exact command where nothing is."""
    words = stripped(command) or command.words
    plain = [word.text for word in words[:2] if word.value is not None and not word.text.startswith("-")]
    return f"{' '.join(plain)} *" if len(words) > len(plain) and plain else " ".join(word.text for word in words)
