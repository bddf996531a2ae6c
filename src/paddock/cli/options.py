"""The options that decide about policy, shared by ``run``, ``policy`` and ``trust``; and the small parser that reads them.

Options end at the first word that is not one (or after ``--``), so no word of the command can be taken for an option of ours. The parser is our own because it
must stop there, and because argparse costs more to import than the fence costs to build.
"""

from __future__ import annotations

from paddock.errors import UsageError
from paddock.model.record import field, record, slotted

__all__ = ["COMMON", "Option", "Parsed", "help_text", "parse", "parse_mixed"]


@record
class Option:
    """One option. ``metavar`` empty: a switch. ``key``: the settings key that its value joins, with cli scope; empty: the verb reads it itself.

    ``kind`` says how the text becomes a settings value: ``text``, ``int``, ``seconds`` or ``true``.
    """

    name: str
    metavar: str
    help: str
    key: str = ""
    kind: str = "text"


COMMON: tuple[Option, ...] = (
    Option("--settings", "FILE|JSON", "one more settings file, or settings as JSON text, with the scope of the command line"),
    Option("--profile", "NAME", "settings that come with Paddock, weaker than --settings: web, python, rust, go, java, untrusted, containers, team"),
    Option("--setting-sources", "LIST", "scopes that count besides managed and builtin: user,project,local,cli"),
    Option("--allow-domain", "HOST[:PORT]", "reach this host", "sandbox.network.allowedDomains"),
    Option("--deny-domain", "HOST[:PORT]", "never reach this host", "sandbox.network.deniedDomains"),
    Option("--allow-read", "PATH", "show this path again inside a hidden one", "sandbox.filesystem.allowRead"),
    Option("--deny-read", "PATH", "hide this path", "sandbox.filesystem.denyRead"),
    Option("--allow-write", "PATH", "let the command write below this path", "sandbox.filesystem.allowWrite"),
    Option("--deny-write", "PATH", "never write below this path", "sandbox.filesystem.denyWrite"),
    Option("--unprotect", "NAME|PATH", "let the command write this protected name, or this one path", "paddock.filesystem.unprotect"),
    Option("--keep-env", "NAME", "pass this variable although it looks like a secret", "paddock.environment.keep"),
    Option("--tool", "NAME", "allow the hosts that this tool is configured for: npm, pip, git, apt, cargo, go, maven, gradle", "paddock.network.tools"),
    Option("--publish", "PORT", "expose this inside port on the host's loopback", "paddock.network.publish", "int"),
    Option("--proxy-env", "", "announce the proxy doors in the environment", "paddock.network.proxyEnv", "true"),
    Option("--timeout", "SECONDS", "end the run after this time with exit code 124", "paddock.limits.timeoutSeconds", "seconds"),
    Option("--trust-project", "", "let the project's widening entries count for this run, without a question"),
    Option("--allow-home", "", "allow the working folder to be the home folder, / or a folder above home"),
)


@slotted
class Parsed:
    """What was on the command line. ``values`` holds the verb's own options by name; ``settings`` the ones that feed a settings key."""

    rest: list[str] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)
    settings: list[tuple[str, object, str]] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Whether the option was given."""
        return name in self.values

    def last(self, name: str, default: str = "") -> str:
        """The value given last, or ``default``."""
        return self.values[name][-1] if name in self.values else default


def parse(words: list[str], options: tuple[Option, ...]) -> Parsed:
    """Read options up to the first other word. Raises ``UsageError`` for an unknown option, a missing or a malformed value."""
    table = {o.name: o for o in options}
    parsed = Parsed()
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            at += 1
            break
        if not word.startswith("-") or word == "-":
            break
        name, equals, value = word.partition("=")
        option = table.get(name)
        if option is None:
            raise UsageError(f"unknown option {name}", hint=_near(name, list(table)))
        at += 1
        if option.metavar and not equals:
            if at >= len(words):
                raise UsageError(f"{name} needs a value: {name} {option.metavar}")
            value = words[at]
            at += 1
        elif equals and not option.metavar:
            raise UsageError(f"{name} takes no value")
        _take(parsed, option, value)
    parsed.rest = words[at:]
    return parsed


def parse_mixed(words: list[str], options: tuple[Option, ...]) -> Parsed:
    """Like ``parse`` for verbs whose words are no command: options may also stand between and behind them, up to ``--``."""
    parsed, words = Parsed(), list(words)
    rest: list[str] = []
    end = words.index("--") if "--" in words else len(words)
    head, tail = words[:end], words[end + 1 :]
    while head:
        some = parse(head, options)
        for name, found in some.values.items():
            parsed.values.setdefault(name, []).extend(found)
        parsed.settings += some.settings
        rest += some.rest[:1]
        head = some.rest[1:]
    parsed.rest = [*rest, *tail]
    return parsed


def _take(parsed: Parsed, option: Option, value: str) -> None:
    if option.key:
        parsed.settings.append((option.key, _value(option, value), option.name))
    else:
        parsed.values.setdefault(option.name, []).append(value)


def _value(option: Option, text: str) -> object:
    if option.kind == "true":
        return True
    if option.kind == "text":
        return text
    try:
        number = int(text) if option.kind == "int" else float(text)
    except ValueError:
        raise UsageError(f"{option.name} needs a number, not {text!r}") from None
    if not 0 < number < float("inf"):  # also refuses nan, which compares false with everything
        raise UsageError(f"{option.name} needs a number above zero, not {text!r}")
    return int(number) if number == int(number) else number


def _near(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, [*names, "--help"], 1)
    return f"did you mean {near[0]}?" if near else "options of Paddock stand before the command; put `--` between them"


def help_text(usage: str, summary: str, options: tuple[Option, ...]) -> str:
    """The help page of a verb, aligned."""
    shown = [(f"{o.name} {o.metavar}".strip(), o.help) for o in options]
    width = max(len(left) for left, _ in shown)
    return "\n".join([f"usage: {usage}", "", summary, "", "options:", *(f"  {left:<{width}}  {right}" for left, right in shown)]) + "\n"
