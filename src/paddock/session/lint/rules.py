"""Permission rules whose words are not what their author took them for."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.errors import PolicyError
from paddock.model.hosts import HostError
from paddock.model.settings import Entry, Scope
from paddock.permissions.classify import Classified, Form, classify
from paddock.permissions.covering import Placed
from paddock.permissions.rule import feed
from paddock.permissions.ruleset import RuleSet
from paddock.permissions.tools import INSTEAD, PRIMARY, TOOLS
from paddock.session.lint.finding import ERROR, WARNING, Case, Found, Rule
from paddock.settings.rewrite import Action

__all__ = ["RULES"]

_TOP = frozenset({*("/bin", "/boot", "/data", "/dev", "/etc", "/home", "/lib", "/lib64", "/mnt", "/media", "/opt", "/proc", "/root"), *("/run", "/sbin")})
_TOPS = _TOP | {"/srv", "/sys", "/tmp", "/usr", "/var", "/Users", "/Library", "/Applications", "/private", "/Volumes"}  # noqa: S108 -- compared, not used
"""Folders that stand at the root of file systems, and hardly ever in a project."""


def _read(entry: Entry, name: str) -> Classified | None:
    try:
        return classify(str(entry.value), name)
    except PolicyError:
        return None


def malformed(case: Case) -> Iterator[Found]:
    """Rules that cannot be read at all: the engine that decides is asked."""
    for name, entry in case.rules():
        broken: list[tuple[Entry, str]] = []
        try:
            RuleSet({name: [entry]}, case.context, broken=broken)
            if not broken:
                feed(str(entry.value), name, entry.origin, case.context)
            reason, hint = (broken[0][1], "") if broken else ("", "")
        except PolicyError as error:
            reason, hint = str(error).removeprefix(f"{entry.origin.file}:{entry.origin.line}: "), error.hint
        if reason and not _is_tool_pattern(entry, name):
            level = WARNING if name == "allow" else ERROR
            effect = "is skipped" if name == "allow" else "is an error: without it less would be refused, so nothing runs"
            yield Found(entry, f"{reason}; in permissions.{name} such a rule {effect}", hint or _form(str(entry.value)), None, level)


def _form(text: str) -> str:
    return "write WebFetch(domain:host)" if text.startswith("WebFetch(") else "write Tool or Tool(specifier)"


def _is_tool_pattern(entry: Entry, name: str) -> bool:
    try:
        classify(str(entry.value), name)
    except PolicyError as error:
        return error.code == "tool-glob"
    return False


def tool_case(case: Case) -> Iterator[Found]:
    """``bash(rm *)``."""
    folded = {tool.lower(): tool for tool in TOOLS}
    for name, entry in case.rules():
        found = _read(entry, name)
        meant = folded.get(found.rule.tool.lower(), "") if found else ""
        if found is None or not meant or found.rule.tool in TOOLS:
            continue
        better = meant if found.rule.specifier is None else f"{meant}({found.rule.specifier})"
        # In an allow list the rule would come to life: that is its owner's to do.
        action = Action("replace", better) if name != "allow" else None
        yield Found(entry, f"tools' names have capital letters: nothing is called {found.rule.tool}", f"write {better}", action)


def tool_unknown(case: Case) -> Iterator[Found]:
    """A name that no tool has."""
    folded = {tool.lower() for tool in TOOLS}
    for name, entry in case.rules():
        found = _read(entry, name)
        if found is None or set(found.rule.tool) & set("_*") or found.rule.tool in TOOLS or found.rule.tool.lower() in folded:
            continue
        remedy = f"did you mean {found.suggest}?" if found.suggest else "names are written as agents write them: Bash, Read, Edit, mcp__server__tool"
        yield Found(entry, f"no tool is called {found.rule.tool}, so the rule matches nothing", remedy)


def never_consulted(case: Case) -> Iterator[Found]:
    """``Write(path)``."""
    for name, entry in case.rules():
        found = _read(entry, name)
        if found is None or found.form != Form.IGNORED or found.rule.tool not in INSTEAD or found.parameter:
            continue
        if _primary(found):
            continue
        action = Action("replace", found.suggest) if name != "allow" and _understood(case, entry, name, found.suggest) else None
        yield Found(entry, f"path rules of {found.rule.tool} are accepted and never consulted", f"write {found.suggest}", action)


def primary_field(case: Case) -> Iterator[Found]:
    """``Bash(command:rm *)``."""
    for name, entry in case.rules():
        found = _read(entry, name)
        if found is None or found.form != Form.IGNORED or not _primary(found):
            continue
        field = PRIMARY[found.rule.tool]
        usable = _understood(case, entry, name, found.suggest)
        remedy = f"write {found.suggest}" if usable else f"write what {found.rule.tool} rules take, without {field}:"
        reason = f"{field} is what {found.rule.tool} rules are about by themselves; a rule that names it is ignored"
        yield Found(entry, reason, remedy, Action("replace", found.suggest) if usable else None)


def _primary(found: Classified) -> bool:
    field = (found.rule.specifier or "").partition(":")[0].strip()
    return ":" in (found.rule.specifier or "") and PRIMARY.get(found.rule.tool) == field


def _understood(case: Case, entry: Entry, name: str, text: str) -> bool:
    """Whether what is suggested is itself a rule that is consulted."""
    try:
        found = classify(text, name)
        return found.form == Form.SPECIFIER and Placed(found, name, entry.origin, case.context).consulted
    except (PolicyError, HostError):
        return False


def tool_pattern(case: Case) -> Iterator[Found]:
    """``mcp__*`` in an allow list, ``mcp__*(x)`` anywhere."""
    for name, entry in case.rules():
        try:
            found = classify(str(entry.value), name)
        except PolicyError as error:
            if error.code == "tool-glob":
                yield Found(entry, "an allow rule with a pattern for the tool's name is skipped", error.hint)
            continue
        if "*" in found.rule.tool and found.form == Form.IGNORED:
            yield Found(entry, "a rule with a pattern for the tool's name takes nothing in parentheses, and is ignored", f"write {found.rule.tool}")


def anchored_path(case: Case) -> Iterator[Found]:
    """``Read(/etc/x)``, which is a place below the folder of the settings."""
    written = {(name, str(entry.value)) for name, entry in case.rules()}
    for name, entry in case.rules():
        found = _read(entry, name)
        path = found.rule.specifier or "" if found else ""
        if found is None or found.rule.tool not in ("Read", "Edit") or not path.startswith("/") or path.startswith("//"):
            continue
        top = "/" + path.split("/")[1]
        if (top not in _TOPS and not path.startswith(f"{case.context.home}/")) or entry.origin.scope is Scope.MANAGED:
            continue
        better = f"{found.rule.tool}(/{path})"
        if any((one, better) in written for one in _at_least(name)):
            continue
        # Beside it, because the denial that is written is its owner's to take back. An ask rule could be one that a denial covers already.
        action = Action("beside", better) if name == "deny" else None
        yield Found(entry, f"one slash starts from the settings' own folder, so {path} of this machine is not meant", f"write {better}", action)


def _at_least(name: str) -> tuple[str, ...]:
    """The lists in which the absolute path makes up for this one: the list itself, and those that win over it."""
    return {"deny": ("deny",), "ask": ("ask", "deny")}.get(name, (name,))


RULES = (
    Rule("rule-malformed", ERROR, "Something in a permissions list is no rule; in deny and ask lists nothing runs before it is mended.", malformed),
    Rule(
        "tool-case",
        WARNING,
        "Names of tools are compared letter by letter, and start with a capital.",
        tool_case,
        "deny and ask lists: the right spelling",
    ),
    Rule("tool-unknown", WARNING, "No agent has a tool of this name, so the rule never matches.", tool_unknown),
    Rule(
        "rule-never-consulted",
        WARNING,
        "Path rules are asked under the names Read and Edit only; the same rule about Write or Glob is accepted and does nothing.",
        never_consulted,
        "deny and ask lists: the same path under the right name",
    ),
    Rule(
        "rule-primary-field",
        WARNING,
        "A rule about a field of the input cannot name the field that the tool's rules are about anyway: it is ignored.",
        primary_field,
        "the rule without the field's name",
    ),
    Rule("rule-tool-pattern", WARNING, "A pattern in a tool's name counts alone, and in deny and ask lists; anywhere else the rule is skipped.", tool_pattern),
    Rule(
        "rule-anchored-path",
        WARNING,
        "In a permission rule one slash starts from the settings' own folder; two start from the root.",
        anchored_path,
        "deny lists: adds the absolute path beside it",
    ),
)
