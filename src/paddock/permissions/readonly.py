"""Commands that only look: they run unasked in every mode unless a rule names them. Spec 4.6. Pure.

The published list is open-ended ("including"). This one holds what it names and what cannot do more than those; a form that can write, run something or speak
to another machine is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from paddock.permissions.shell.line import Command, Word
from paddock.permissions.shell.wrappers import is_fed, stripped
from paddock.permissions.unknown import is_plain_test, may_be_option

__all__ = ["FILE_READERS", "is_read_only"]

_ALWAYS: Final = frozenset(
    {
        *("cat", "cmp", "comm", "du", "diff", "echo", "expr", "fmt", "getconf", "grep", "head", "ls", "lsof", "numfmt", "pgrep", "pr", "printf", "pwd"),
        *("seq", "ss", "stat", "tail", "test", "tput", "tsort", "wc", "which", "[", "[[", "true", "false", ":", "basename", "dirname", "realpath", "readlink"),
        *("egrep", "fgrep", "id", "whoami", "uname", "nproc", "cut", "tr", "column", "rev", "tac", "nl", "paste", "fold", "strings", "md5sum", "sha1sum"),
        *("sha256sum", "sha512sum", "cksum", "jq", "cd"),
    }
)
_ONLY_WITHOUT: Final[dict[str, frozenset[str]]] = {
    "find": frozenset({"-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf", "-fls"}),
    "fd": frozenset({"-x", "--exec", "-X", "--exec-batch"}),
    "fdfind": frozenset({"-x", "--exec", "-X", "--exec-batch"}),
    "sort": frozenset({"-o", "--output", "--compress-program", "-T", "--temporary-directory"}),
    "file": frozenset({"-m", "--magic-file", "-f", "--files-from", "-C", "--compile", "-z", "-Z", "--uncompress", "--uncompress-noreport"}),
    "lsof": frozenset({"-D"}),
    "ss": frozenset({"-K", "--kill", "-D", "--diag", "-F", "--filter", "-N", "--net"}),
    "printf": frozenset({"-v"}),
    "date": frozenset({"-s", "--set", "-f", "--file"}),
    "jq": frozenset({"-L", "-f", "--from-file"}),
}
"""Read-only unless one of these options is given, in any spelling that begins with it."""
_GLOB_IS_RISKY: Final = frozenset({"find", "fd", "fdfind", "sort", "sed", "git", "file", "date", "lsof", "ss", "printf"})
"""Programs with options that write or run: an unquoted wildcard may become such an option."""
FILE_READERS: Final = frozenset(
    {*("cat", "cmp", "cut", "diff", "egrep", "fgrep", "grep", "head", "less", "more", "nl", "sed", "sort", "strings", "tac", "tail", "wc")}
)
"""Programs whose operands are files to read. What a script opens by itself is the fence's business."""

_GIT_READS: Final = frozenset(
    {
        *("blame", "cat-file", "check-attr", "check-ignore", "cherry", "count-objects", "describe", "diff", "diff-tree", "for-each-ref", "grep", "log"),
        *("ls-files", "ls-tree", "merge-base", "name-rev", "rev-list", "rev-parse", "shortlog", "show", "show-ref", "status", "var", "version", "whatchanged"),
    }
)
_GIT_LISTS: Final[dict[str, frozenset[str]]] = {
    "branch": frozenset({"-a", "--all", "-r", "--remotes", "-v", "-vv", "--verbose", "--list", "-l", "--show-current", "--merged", "--no-merged"}),
    "tag": frozenset({"-l", "--list", "-n"}),
    "remote": frozenset({"-v", "--verbose"}),
    "stash": frozenset({"list", "show"}),
    "worktree": frozenset({"list"}),
    "reflog": frozenset({"show"}),
    "config": frozenset({"--get", "--get-all", "--list", "-l", "--show-origin", "--show-scope"}),
}
"""Subcommands that only list when every word behind them is one of these."""
_GIT_RISKY: Final = (
    *("--output", "-o", "--ext-diff", "--textconv", "--open-files-in-pager", "-O", "--upload-pack", "--exec", "--no-index", "--filters", "--show-signature"),
)
_DOCKER_READS: Final = frozenset({"ps", "images", "inspect", "logs", "version", "info", "top", "stats", "port", "diff", "history"})
_DOCKER_ELSEWHERE: Final = ("-H", "--host", "--context", "-c", "--url", "--connection", "--config")


def is_read_only(command: Command, *, moved: bool) -> bool:
    """Whether it only looks. Redirections are judged elsewhere. ``moved``: the line has changed its folder to one that is not known to be its own."""
    words = stripped(command)
    if not words:
        return False
    name = words[0].value
    if name is None:
        return False
    fed = is_fed(command)
    if name == "git":
        return not moved and not fed and not any(word.glob for word in words) and _git(words[1:])
    if name == "docker":
        return not fed and _docker(words[1:])
    if name in ("test", "["):
        return not fed and is_plain_test(command)
    return _plain(name, words, fed=fed)


def _plain(name: str, words: Sequence[Word], *, fed: bool) -> bool:
    if name in _GLOB_IS_RISKY and any(word.glob for word in words[1:]):
        return False
    risky = _ONLY_WITHOUT.get(name)
    if risky is None:
        return name in _ALWAYS
    if fed or (name == "date" and not all(map(_shows_date, words[1:]))):
        return False
    return not any(_uses(word, risky) for word in words[1:])


def _shows_date(word: Word) -> bool:
    """date(1): an operand that is no format sets the clock."""
    return word.text.startswith(("-", "+", '"+', "'+"))


def _uses(word: Word, risky: frozenset[str]) -> bool:
    """Whether a word is, or may turn out to be, one of the options: bundled, with its value attached, shortened, or made by an expansion."""
    if word.value is None:
        return may_be_option(word)
    text = word.value
    if not text.startswith("-"):
        return False
    name = text.partition("=")[0]
    if name.startswith("--"):
        return any(option.startswith(name) for option in risky if option.startswith("--"))
    short = {option[1] for option in risky if len(option) == 2}
    return text in risky or bool(short.intersection(text[1:]))


def _git(words: Sequence[Word]) -> bool:
    """Past options that cannot name a program or another repository."""
    rest = list(words)
    while rest and rest[0].text in ("--no-pager", "-P", "--no-optional-locks", "--literal-pathspecs"):
        rest.pop(0)
    if not rest or rest[0].value is None or any(map(may_be_option, rest[1:])):
        return False
    verb, given = rest[0].value, [word.value or word.text for word in rest[1:]]
    if any(word.startswith(_GIT_RISKY) or _shortened(word) for word in given):
        return False
    if verb in _GIT_READS:
        return True
    allowed = _GIT_LISTS.get(verb)
    return allowed is not None and all(word in allowed for word in given) and (bool(given) or verb not in ("stash", "config", "worktree"))


def _shortened(word: str) -> bool:
    """Whether it is the beginning of a risky option: git takes any that is not ambiguous."""
    name = word.partition("=")[0]
    return len(name) > 2 and name.startswith("--") and any(option.startswith(name) for option in _GIT_RISKY)


def _docker(words: Sequence[Word]) -> bool:
    if any(word.value is None or word.value.startswith(_DOCKER_ELSEWHERE) for word in words):
        return False
    return bool(words) and words[0].value in _DOCKER_READS
