"""Command lines of agents: what the splitter lists against what bash starts."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Hashable, Iterator
from functools import cache
from typing import Final

from fuzz.engine import Disagreement, Target
from paddock.model.settings import Context, Entry, Origin, Scope
from paddock.permissions.decide import decide
from paddock.permissions.ruleset import RuleSet
from paddock.permissions.shell.line import Command, Line
from paddock.permissions.shell.split import split
from paddock.permissions.world import Call, World

__all__ = ["TARGETS"]

_KEYWORDS: Final = frozenset(
    {*("if", "then", "elif", "else", "fi", "for", "in", "do", "done", "while", "until", "case", "esac", "function", "select", "time", "coproc")}
)
_NAMES: Final = re.compile(r"[uvwxyz]{1,3}|[0-3]{1,2}|[A-F]{1,2}")
_RUNS: Final = re.compile(r"[A-Za-z0-9_]+")
_OTHERS: Final = frozenset(" \t\n\\'\"$(){}<>|&;#`=!*?[]-+:,@%^~")
# Whatever is started is not found, and told instead: no program runs. A name with a y in it succeeds, so that both ways of a condition are seen.
_TELL: Final = """() { { printf '%%s\\0' "$#" "$@"; } >>'%s/log'; case $1 in *y*) return 0;; esac; return 127; }"""
_SECONDS: Final = 3


@cache
def _bash() -> str | None:
    return shutil.which("bash")


def _harmless(text: str) -> bool:
    """Whether bash may be given it: no slash, no dot, and no word but keywords and names that are no program and no built-in command."""
    plain = _RUNS.sub("", text)
    return _OTHERS.issuperset(plain) and all(run in _KEYWORDS or _NAMES.fullmatch(run) for run in _RUNS.findall(text))


def _ended(words: list[str], environ: dict[str, str], work: str) -> bool:
    """Run bash to its end, and end what it left in the background."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet, env=environ, cwd=work, start_new_session=True) as bash:
        try:
            bash.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        else:
            return True
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(bash.pid, signal.SIGKILL)


def _started(text: str) -> tuple[list[list[str]], set[str]]:
    """What bash starts for a line, word by word, and the files that it makes."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        work, log = os.path.join(folder, "work"), os.path.join(folder, "log")
        os.mkdir(work)
        environ = {"PATH": folder, "HOME": work, "BASH_FUNC_command_not_found_handle%%": _TELL % folder}
        words = [str(_bash()), "--norc", "--noprofile", "-c", f"ulimit -t 1 -f 64; cd '{work}'\n{text}"]
        if not _ended(words, environ, work):
            return [], set()
        made = set(os.listdir(work))
        try:
            with open(log, encoding="utf-8", errors="surrogateescape") as file:
                fields = file.read().split("\0")
        except FileNotFoundError:
            return [], made
    found, at = [], 0
    while at < len(fields) - 1:
        count = int(fields[at])
        found.append(fields[at + 1 : at + 1 + count])
        at += 1 + count
    return found, made


def _accounts(command: Command, started: list[str]) -> bool:
    """Whether a listed command may be the one that was started: the same words, up to the first that depends on the run."""
    for at, word in enumerate(command.words):
        if word.value is None or word.glob or word.tilde:
            return True
        if at >= len(started) or started[at] != word.value:
            return False
    return len(started) == len(command.words)


def _unlisted(line: Line, started: list[list[str]], made: set[str]) -> Iterator[str]:
    for words in started:
        if not any(_accounts(command, words) for command in _read(line)):
            yield f"started {words}"
    targets = [redirect.target for command in line.commands for redirect in command.redirects if redirect.writes and redirect.target is not None]
    if not any(target.value is None or target.glob or target.tilde for target in targets):
        yield from (f"wrote {name!r}" for name in sorted(made - {target.value for target in targets}))


def _read(line: Line) -> Iterator[Command]:
    """Listed commands, also without the wrappers of the shell's own grammar."""
    for command in line.commands:
        yield command
        if command.name == "time":
            yield command._replace(words=command.words[2:] if len(command.words) > 1 and command.words[1].text == "-p" else command.words[1:])


def _split(data: bytes) -> Hashable:
    text = data[:400].decode("utf-8", "replace").replace("\0", "")
    line = split(text)
    if line.problem:
        return line.problem
    if _bash() is not None and _harmless(text):
        for wrong in _unlisted(line, *_started(text)):
            raise Disagreement(f"{text!r}: bash {wrong}, listed are {[command.text for command in line.commands]}")
    return tuple(len(command.words) for command in line.commands)


_CONTEXT: Final = Context("/p", "/p", "", "/h", "/h/.claude", "/h/.config/paddock", "/h/.state", "/h/.cache")
_ORIGIN: Final = Origin(Scope.PROJECT, "/p/.claude/settings.json", 7)


def _rules(data: bytes) -> Hashable:
    """The first line is an allow rule's inside, the second a deny rule's, the rest a command. A broken rule is refused; everything else is decided."""
    head, _, rest = data.decode("utf-8", "replace").partition("\n")
    second, _, command = rest.partition("\n")
    broken: list[tuple[Entry, str]] = []
    lists = {"allow": [Entry(f"Bash({head})", _ORIGIN)], "deny": [Entry(f"Bash({second})", _ORIGIN)]}
    verdict = decide(Call("Bash", {"command": command}), RuleSet(lists, _CONTEXT, broken=broken), World("/p", "/h"))
    if verdict.decision == "allow" and split(command).problem:
        raise Disagreement(f"{command!r} was allowed, and not understood")
    return verdict.decision, len(broken)


_WORDS: Final = tuple(
    word.encode()
    for word in (
        *("x", "y", "z", "u y", "x y", "$(x)", "`x`", "$((1))", "((1))", "${x:-y}", "${x}", "$x", '"', "'", "$'", '$"', "\\", "\\\n", "\n", ";", "&", "|"),
        *("&&", "||", "|&", "<<A\n", "<<-A\n", "<<'A'\n", "\nA\n", "<<<", "<(x)", ">(y)", ">", ">>", "&>", ">|", "<>", "2>&1", ">&", "{ ", "; }", "(", ")"),
        *("if y; then ", "; else ", "; fi", "for x in y; do ", "; done", "while x; do ", "until y; do ", "case x in x) ", ";; ", ";& ", ";;& ", "esac", "#"),
        *("x() { ", "function x { ", "! ", "time ", "time -p ", "coproc ", "select x in y; do ", "[[ ", " ]]", "x=y", "x=(", "x+=y", "{x,y}", "*", "~"),
        " # x\n",
    )
)

TARGETS: Final = (
    Target("shell-split", _split, words=_WORDS, cost=20),
    Target("rules", _rules, words=(b"*", b" *", b":*", b"x *", *_WORDS[:24])),
)
