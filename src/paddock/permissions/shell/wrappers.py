"""Programs that only start another one, and variables that only dress it: what is taken off before rules are matched. Spec 4.5."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from paddock.permissions.shell.line import Command, Word

__all__ = ["SAFE_VARIABLES", "SHELLS", "is_assignment", "is_fed", "is_safe", "program_name", "seen_through", "stripped"]

SAFE_VARIABLES: Final = frozenset({"NODE_ENV", "LANG", "LANGUAGE", "TZ", "NO_COLOR", "FORCE_COLOR", "CI"})
"""Variables that an allow rule matches past. The published list gives examples only; none of a loader, a path or an interpreter belongs here."""

SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "busybox"})

_READINGS: Final = 32
"""Wrappers behind each of which a rule is tried. Of more, only what is behind the last: the effort must not grow with the square of a line."""

Words = tuple[Word, ...]


def is_safe(name: str) -> bool:
    """Whether a variable may be set in front of an allowed command."""
    return name in SAFE_VARIABLES or name.startswith("LC_")


def is_assignment(text: str) -> bool:
    """Whether a word looks like ``NAME=value``."""
    name, equals, _ = text.partition("=")
    return bool(equals) and name.isidentifier() and name.isascii()


def program_name(word: Word) -> str:
    """A program's word as it is, and without the folder it is named with: ``/usr/bin/rm`` is ``rm``."""
    return (word.value or word.text).rpartition("/")[2]


def stripped(command: Command) -> Words | None:
    """The words that an allow rule is matched with: without safe variables and the wrappers of the published list, however often they stand there.

    None when a variable is set that is not known to be safe: no rule allows the command then, whatever its words are.
    """
    if not all(is_safe(name) for name, _ in command.assignments):
        return None
    words = command.words
    while (shorter := _unwrap(words, _HARMLESS)) is not None and not (shorter and is_assignment(shorter[0].text)):
        words = shorter
    return words


def is_fed(command: Command) -> bool:
    """Whether words from standard input are added to its own: what they are depends on the run."""
    words: Words | None = command.words
    while words:
        if words[0].value == "xargs":
            return True
        words = _unwrap(words, _HARMLESS)
    return False


def seen_through(command: Command, *, folders: bool) -> Iterator[Words]:
    """Every reading of a command that a deny or ask rule is tried on: behind variables, behind each wrapper, behind programs that start others.

    ``folders``: also a program that is named with its folder, by its plain name.
    """
    words = command.words
    readings = 0
    while True:
        readings += 1
        if readings < _READINGS:
            yield words
        if folders and words and "/" in (words[0].value or words[0].text):
            name = program_name(words[0])
            words = (Word(name, None if words[0].value is None else name, words[0].glob), *words[1:])
            yield words
        if words and words[0].value == "git" and (bare := _git(words)) != words:
            yield bare
        shorter = _unwrap(words, _STARTERS)
        if not shorter:
            if readings >= _READINGS:
                yield words
            return
        words = shorter


def _unwrap(words: Words, table: dict[str, Callable[[Words], int]]) -> Words | None:
    """Without the wrapper in front; None when there is none, or when it is used in a way that does not just start the rest."""
    if not words or words[0].value is None:
        return None
    count = table.get(words[0].value)
    if count is None:
        return None
    taken = count(words)
    return words[taken:] if 0 < taken < len(words) else None


def _plain(_words: Words) -> int:
    return 1


def _no_flags(words: Words) -> int:
    """Only without options of its own."""
    return 1 if len(words) > 1 and not words[1].text.startswith("-") else 0


def _options(values: str, *, operands: int = 0, long_values: Sequence[str] = ()) -> Callable[[Words], int]:
    """Past short options (those in ``values`` take a value), long options and a number of operands."""

    def count(words: Words) -> int:
        at = 1
        while at < len(words) and words[at].text.startswith("-") and words[at].text != "-":
            text = words[at].text
            at += 1
            if text == "--":
                break
            if text.startswith("--"):
                # getopt_long(3) takes a beginning of a name for the whole of it.
                at += 1 if "=" not in text and any(name.startswith(text) for name in long_values) else 0
            elif text[-1] in values and all(char not in values for char in text[1:-1]):
                at += 1
        return at + operands

    return count


def _environment(words: Words) -> int:
    """env(1): options, then assignments."""
    at = _options("uCS", long_values=("--unset", "--chdir"))(words)
    while at < len(words) and is_assignment(words[at].text):
        at += 1
    return at


def _git(words: Words) -> Words:
    """git(1): options before the subcommand change where and how, not what."""
    at = _options("Cc", long_values=("--git-dir", "--work-tree", "--namespace", "--exec-path", "--super-prefix", "--config-env", "--attr-source"))(words)
    return (words[0], *words[at:])


def _keyword(words: Words) -> int:
    """The shell's own ``time``. The program of that name, which is meant with any other option, can write a file."""
    at = 2 if len(words) > 1 and words[1].text == "-p" else 1
    return 0 if len(words) > at and words[at].text.startswith("-") else at


_HARMLESS: Final[dict[str, Callable[[Words], int]]] = {
    "timeout": _options("ks", operands=1, long_values=("--kill-after", "--signal")),
    "time": _keyword,
    "nice": _options("n", long_values=("--adjustment",)),
    "nohup": _no_flags,
    "stdbuf": _options("ioe", long_values=("--input", "--output", "--error")),
    "command": _no_flags,
    "builtin": _no_flags,
    "noglob": _plain,
    "xargs": _no_flags,
}
"""The published list. Spec 4.5."""

_STARTERS: Final[dict[str, Callable[[Words], int]]] = {
    **_HARMLESS,
    "command": _options(""),
    "xargs": _options("aEdILnPs", long_values=("--arg-file", "--delimiter", "--max-lines", "--max-args", "--max-procs", "--max-chars", "--replace")),
    "nohup": _options(""),
    "env": _environment,
    "sudo": _options("ugCDhprTtU", long_values=("--user", "--group", "--chdir", "--host", "--prompt", "--role", "--type")),
    "doas": _options("uCa"),
    "watch": _options("n", long_values=("--interval",)),
    "ionice": _options("cnp", long_values=("--class", "--classdata")),
    "setsid": _options(""),
    "flock": _options("wEc", operands=1, long_values=("--timeout", "--wait", "--conflict-exit-code")),
    "chrt": _options("TPD", operands=1),
    "taskset": _options("", operands=1),
    "setarch": _options("", operands=1),
    "strace": _options("eoOpsSuaIPX"),
    "ltrace": _options("elnopsuaADwx"),
    "unshare": _options("SGRw"),
    "setpriv": _options(""),
    "runuser": _options("ugGs"),
    "chroot": _options("", operands=1),
    "exec": _options("a"),
    "coproc": _plain,
    "nocorrect": _plain,
    "script": _options("cEIOBTmot"),
    "busybox": _no_flags,
    "toybox": _no_flags,
    "time": _options("fo"),
    "parallel": _options("jISNnLaP", long_values=("--jobs", "--max-args", "--arg-file", "--results", "--joblog")),
    "pkexec": _options("", long_values=("--user",)),
    "prlimit": _options("p"),
    "numactl": _options("NCmpPi"),
    "nsenter": _options("tSG", long_values=("--target",)),
    "systemd-run": _options("puGtMHE", long_values=("--unit", "--property", "--uid", "--gid", "--slice", "--machine", "--setenv")),
    "fakeroot": _options("lsib"),
    "xvfb-run": _options("enfpsw"),
    "valgrind": _options(""),
    "catchsegv": _plain,
    "unbuffer": _options(""),
    "dbus-run-session": _options(""),
    "bwrap": _options(""),
    "!": _plain,
    "-": _plain,
}
"""What deny and ask rules see through as well: whatever runs the rest of its words as a command."""
