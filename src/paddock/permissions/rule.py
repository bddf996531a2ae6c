"""What permission rules add to the fence, and which of them do nothing. Spec 2.5 and 4.1.

Matching a tool call against rules is in ``match``: the fence needs only what a rule says about paths and hosts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from paddock.errors import PolicyError
from paddock.model.globs import SKIPPED, handling
from paddock.model.settings import Context, Entry, Notice, Origin, Settings
from paddock.permissions.grammar import Rule, parse, path_pattern

__all__ = ["STRICT", "Fed", "Rule", "Strictness", "feed", "notices", "parse", "path_pattern"]  # the grammar's names are this room's door as well

_PATH_TARGETS = {("Edit", "allow"): "allowWrite", ("Edit", "deny"): "denyWrite", ("Read", "deny"): "denyRead"}
_HOST_TARGETS = {"allow": "allowedDomains", "deny": "deniedDomains"}
_INSTEAD = {"Write": "Edit", "NotebookEdit": "Edit", "MultiEdit": "Edit", "Glob": "Read"}
"""Tools whose path rules are accepted and never consulted, and the tool to write instead."""
_MAX_PAIRS = 4000
"""Allow and deny rules that are compared with each other at a start; more would take longer than the hint is worth."""


class Fed(NamedTuple):
    """What one rule adds to one list of the fence. ``target`` is ``allowWrite``, ``denyWrite``, ``denyRead``, ``allowedDomains`` or ``deniedDomains``.

    ``value`` is an absolute path, an absolute glob (``is_glob``) or a host pattern.
    """

    target: str
    value: str
    origin: Origin
    is_glob: bool = False


class Strictness:
    """How a rule is taken. ``refuse``: a deny rule that cannot be understood is an error, and not only skipped. ``write_patterns``: patterns in deny rules are
    carried out for writing. ``platform`` is the one that the fence runs on.
    """

    __slots__ = ("platform", "refuse", "write_patterns")

    def __init__(self, *, refuse: bool = True, write_patterns: bool = True, platform: str = "linux") -> None:
        self.refuse = refuse
        self.write_patterns = write_patterns
        self.platform = platform


STRICT = Strictness()
"""What a run does."""


def feed(text: str, list_name: str, origin: Origin, context: Context, strictness: Strictness = STRICT) -> tuple[Fed, ...]:
    """What one entry of ``permissions.allow`` or ``.deny`` adds to the fence. Ask rules, bare rules and rules of other tools add nothing.

    Raises ``PolicyError`` for a deny rule that cannot be understood: skipping it would open what it was to close. An allow rule like that adds nothing;
    ``notices`` tells about it.
    """
    try:
        return tuple(_feed(parse(text), list_name, origin, context, strictness))
    except PolicyError as error:
        if list_name == "deny" and strictness.refuse:
            raise PolicyError(f"{origin.file}:{origin.line}: {error}", hint=error.hint) from None
        return ()


def _feed(rule: Rule, list_name: str, origin: Origin, context: Context, strictness: Strictness) -> Iterator[Fed]:
    if rule.specifier is None:
        return
    path_target = _PATH_TARGETS.get((rule.tool, list_name))
    if path_target is not None:
        path, glob = path_pattern(rule.specifier, list_name, origin, context)
        how = handling(path_target, path, strictness.platform, is_pattern=glob, write_patterns=strictness.write_patterns)
        if how == SKIPPED and not (path_target == "denyRead" and strictness.write_patterns):
            raise PolicyError(f"{rule.text!r} is a pattern, which the fence does not carry out", hint="name the folder itself", code="pattern")
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


def notices(settings: Settings, strictness: Strictness = STRICT) -> tuple[Notice, ...]:
    """One warning for each rule that is skipped, never consulted, or without effect."""
    found = [
        Notice(text, entry.origin)
        for name in ("allow", "ask", "deny")
        for entry in settings.list(f"permissions.{name}")
        if (text := _complaint(entry.value, name, entry.origin, settings.context, strictness))
    ]
    return (*found, *_shadowed(settings))


def _complaint(value: object, list_name: str, origin: Origin, context: Context, strictness: Strictness) -> str:
    """Why a rule does not do what it seems to, or ``""``."""
    if not isinstance(value, str):
        return ""
    try:
        rule = parse(value)
        for _ in _feed(rule, list_name, origin, context, strictness):
            pass
    except PolicyError as error:
        return f"{error}: {error.hint}" if error.code == "pattern" else f"rule skipped: {error}"
    if rule.specifier is not None and rule.tool in _INSTEAD:
        return f"{rule.text} is never consulted: write {_INSTEAD[rule.tool]}({rule.specifier})"
    if list_name == "allow" and "*" in rule.tool and not _named_server(rule.tool):
        return f"{rule.text} is skipped: an allow rule names its tool"
    return ""


def _named_server(tool: str) -> bool:
    """``mcp__server__*``: the one place where an allow rule may have a wildcard in the tool's name."""
    head, _, name = tool.removeprefix("mcp__").partition("__")
    return tool.startswith("mcp__") and bool(head) and "*" not in head and bool(name)


def _shadowed(settings: Settings) -> Iterator[Notice]:
    """``Edit`` allow rules that open nothing: a deny rule covers where they begin, and wins whatever is more specific; or the path is protected."""
    allow = [entry for entry in settings.list("permissions.allow") if _edits(entry)]
    deny = [entry for entry in settings.list("permissions.deny") if _edits(entry)]
    if not allow or len(allow) * len(deny) > _MAX_PAIRS:
        return
    from paddock.permissions.match import PathMatcher, judge_path  # only where there is such a rule
    from paddock.permissions.protected import is_protected

    context = settings.context
    matchers = [matcher for entry in deny if (matcher := PathMatcher.of(str(entry.value), "deny", entry.origin, context)) is not None]
    for entry in allow:
        for fed in feed(str(entry.value), "allow", entry.origin, context):
            if judge_path([fed.value], "Edit", {"deny": matchers}) == "deny":
                yield Notice(f"{entry.value} opens nothing: a deny rule covers it, and deny wins whatever is more specific", entry.origin)
            elif is_protected(fed.value):
                yield Notice(f"{entry.value} opens nothing: the path is protected, and only paddock.filesystem.unprotect lifts that", entry.origin)


def _edits(entry: Entry) -> bool:
    return isinstance(entry.value, str) and entry.value.startswith("Edit(")
