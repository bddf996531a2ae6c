"""One permission rule: its grammar, the anchors of its paths, and what it adds to the fence. Spec 4.1, 3.2 and 2.5.

Matching a tool call against rules is not here: the fence needs only what a rule says about paths and hosts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from paddock.errors import PolicyError
from paddock.model.globs import escape, is_glob, unescape
from paddock.model.paths import normalise
from paddock.model.settings import Context, Notice, Origin, Scope, Settings

__all__ = ["Fed", "Rule", "feed", "notices", "parse", "path_pattern"]

_PATH_TARGETS = {("Edit", "allow"): "allowWrite", ("Edit", "deny"): "denyWrite", ("Read", "deny"): "denyRead"}
_HOST_TARGETS = {"allow": "allowedDomains", "deny": "deniedDomains"}
_INSTEAD = {"Write": "Edit", "NotebookEdit": "Edit", "MultiEdit": "Edit", "Glob": "Read"}
"""Tools whose path rules are accepted and never consulted, and the tool to write instead."""


class Rule(NamedTuple):
    """``specifier`` is None for a bare rule (``Bash``, ``Bash(*)``). ``text`` is the rule as it was written."""

    text: str
    tool: str
    specifier: str | None = None


class Fed(NamedTuple):
    """What one rule adds to one list of the fence. ``target`` is ``allowWrite``, ``denyWrite``, ``denyRead``, ``allowedDomains`` or ``deniedDomains``.

    ``value`` is an absolute path, an absolute glob (``is_glob``) or a host pattern.
    """

    target: str
    value: str
    origin: Origin
    is_glob: bool = False


def parse(text: str) -> Rule:
    """Read ``Tool`` or ``Tool(specifier)``. Raises ``PolicyError`` for anything else."""
    tool, parenthesis, rest = text.partition("(")
    name = tool.strip()
    if not name or ")" in name or not text.isprintable():
        raise PolicyError(f"{text!r} is not a permission rule", hint="write Tool or Tool(specifier)")
    if not parenthesis:
        return Rule(text, name)
    rest = rest.rstrip()
    if not rest.endswith(")"):
        raise PolicyError(f"{text!r} is not a permission rule: the closing parenthesis is missing", hint="write Tool(specifier)")
    specifier = rest[:-1]
    if not specifier.strip():
        raise PolicyError(f"{text!r} is not a permission rule: there is nothing between the parentheses", hint=f"write {name} for every use of the tool")
    return Rule(text, name, None if specifier == "*" else specifier)


def feed(text: str, list_name: str, origin: Origin, context: Context) -> tuple[Fed, ...]:
    """What one entry of ``permissions.allow`` or ``.deny`` adds to the fence. Ask rules, bare rules and rules of other tools add nothing.

    Raises ``PolicyError`` for a deny rule that cannot be understood: skipping it would open what it was to close. An allow rule like that adds nothing;
    ``notices`` tells about it.
    """
    try:
        return tuple(_feed(parse(text), list_name, origin, context))
    except PolicyError as error:
        if list_name == "deny":
            raise PolicyError(f"{origin.file}:{origin.line}: {error}", hint=error.hint) from None
        return ()


def _feed(rule: Rule, list_name: str, origin: Origin, context: Context) -> Iterator[Fed]:
    if rule.specifier is None:
        return
    path_target = _PATH_TARGETS.get((rule.tool, list_name))
    if path_target is not None:
        path, glob = path_pattern(rule.specifier, list_name, origin, context)
        yield Fed(path_target, path, origin, glob)
    elif rule.tool == "WebFetch" and list_name in _HOST_TARGETS:
        yield Fed(_HOST_TARGETS[list_name], _domain(rule, list_name), origin)


def _domain(rule: Rule, list_name: str) -> str:
    kind, colon, host = (rule.specifier or "").partition(":")
    if not colon or kind.strip() != "domain" or not host.strip():
        raise PolicyError(f"{rule.text!r} is not a WebFetch rule", hint="write WebFetch(domain:host)")
    from paddock.model.hosts import HostError, parse_pattern

    try:
        parse_pattern(host.strip(), list_name)
    except HostError as error:
        raise PolicyError(f"{rule.text!r}: {error}", hint=error.hint) from None
    return host.strip()


def path_pattern(specifier: str, list_name: str, origin: Origin, context: Context) -> tuple[str, bool]:
    """The path of a ``Read`` or ``Edit`` rule as an absolute path or glob, and which of the two. Spec 3.2; gitignore(5).

    A name without a slash matches at any depth below its anchor. ``dir/**`` with a single name does so too in deny and ask lists, but in an allow list it is
    the one below the anchor. A directory covers what is in it.
    """
    base, rest, anchored = _anchor(specifier, origin, context)
    stripped, covers_contents = _without_tail(rest)
    single = "/" not in stripped
    dotted = specifier.startswith("./")
    if not anchored and single and stripped and stripped != "**":
        # "./name" is one place and "name" is every place; for "dir/**" the two spellings are documented as one form.
        any_depth = list_name != "allow" if covers_contents else not dotted
        if any_depth:
            return normalise(f"{escape(base)}/**/{stripped}"), True
    if is_glob(stripped):
        return normalise(f"{escape(base)}/{stripped}"), True
    return normalise(f"{base}/{unescape(stripped)}"), False


def _anchor(specifier: str, origin: Origin, context: Context) -> tuple[str, str, bool]:
    """The folder that a path starts from, the rest, and whether a prefix said so."""
    if specifier.startswith("//"):
        return "", specifier[2:], True
    if specifier == "~" or specifier.startswith("~/"):
        return context.home, specifier[2:], True
    if specifier.startswith("/"):
        return _source_folder(specifier, origin, context), specifier[1:], True
    if specifier.startswith("~"):
        raise PolicyError(f"{specifier!r} names another user's home", hint="write ~/… or //…")
    return context.cwd, specifier.removeprefix("./"), False


def _source_folder(specifier: str, origin: Origin, context: Context) -> str:
    """Where ``/x`` starts: it is the folder of the settings source, not the root of the file system."""
    if origin.scope is Scope.MANAGED:
        raise PolicyError(f"{specifier!r} starts with one slash, which has no meaning in a managed file", hint=f"write /{specifier} for an absolute path")
    if origin.scope is Scope.PROJECT:
        return context.project_root
    folder = origin.file.rpartition("/")[0]
    if origin.scope is Scope.USER:
        return folder if folder == context.paddock_config_home else context.config_home
    if origin.scope is Scope.CLI and origin.file.startswith("/"):
        return folder or "/"
    return context.cwd


def _without_tail(rest: str) -> tuple[str, bool]:
    """The path without a trailing ``/`` or ``/**``, and whether ``/**`` was there."""
    covers_contents = False
    while True:
        shorter = rest.rstrip("/")
        if shorter.endswith("/**"):
            shorter = shorter[:-3]
            covers_contents = True
        if shorter == rest:
            return ("" if rest == "**" else rest), covers_contents
        rest = shorter


def notices(settings: Settings) -> tuple[Notice, ...]:
    """One warning for each rule that is skipped or never consulted."""
    return tuple(
        Notice(text, entry.origin)
        for name in ("allow", "ask", "deny")
        for entry in settings.list(f"permissions.{name}")
        if (text := _complaint(entry.value, name, entry.origin, settings.context))
    )


def _complaint(value: object, list_name: str, origin: Origin, context: Context) -> str:
    """Why a rule does not do what it seems to, or ``""``."""
    if not isinstance(value, str):
        return ""
    try:
        rule = parse(value)
        for _ in _feed(rule, list_name, origin, context):
            pass
    except PolicyError as error:
        return f"rule skipped: {error}"
    if rule.specifier is not None and rule.tool in _INSTEAD:
        return f"{rule.text} is never consulted: write {_INSTEAD[rule.tool]}({rule.specifier})"
    if list_name == "allow" and "*" in rule.tool and not _named_server(rule.tool):
        return f"{rule.text} is skipped: an allow rule names its tool"
    return ""


def _named_server(tool: str) -> bool:
    """``mcp__server__*``: the one place where an allow rule may have a wildcard in the tool's name."""
    head, _, name = tool.removeprefix("mcp__").partition("__")
    return tool.startswith("mcp__") and bool(head) and "*" not in head and bool(name)
