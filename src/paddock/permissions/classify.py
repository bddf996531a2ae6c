"""What a rule is: which of the forms of spec 4.1 and 4.2, whether it is ever consulted, and what was probably meant. Pure."""

from __future__ import annotations

from difflib import get_close_matches

from paddock.errors import PolicyError
from paddock.model.record import record
from paddock.permissions.grammar import Rule, parse
from paddock.permissions.tools import FIELDS, INSTEAD, LABELS, PRIMARY, TOOLS

__all__ = ["Classified", "Form", "classify", "is_parameter"]


class Form:
    """The forms."""

    BARE = "bare"
    TOOL_GLOB = "tool-glob"
    PARAMETER = "parameter"
    SPECIFIER = "specifier"
    IGNORED = "ignored"


@record
class Classified:
    """``form`` is one of ``Form``. Ignored rules decide nothing; ``warning`` says why, or what else is odd. ``suggest`` is what was probably meant.

    ``parameter`` and ``value`` are set for the form of that name.
    """

    rule: Rule
    form: str
    warning: str = ""
    suggest: str = ""
    parameter: str = ""
    value: str = ""

    @property
    def removes_tool(self) -> bool:
        """Whether, in a deny list, no use of the tool is left."""
        return self.form in (Form.BARE, Form.TOOL_GLOB)


def classify(text: str, list_name: str) -> Classified:
    """Read one entry of a list (``allow``, ``ask`` or ``deny``). Raises ``PolicyError`` when it is no rule at all."""
    rule = parse(text)
    if "*" in rule.tool:
        return _glob(rule, list_name)
    if rule.specifier is None:
        return Classified(rule, Form.BARE, *_unknown(rule))
    if list_name in ("deny", "ask") and is_parameter(rule.tool, rule.specifier):
        return _parameter(rule)
    if rule.tool in INSTEAD:
        better = f"{INSTEAD[rule.tool]}({rule.specifier})"
        return Classified(rule, Form.IGNORED, f"path rules of {rule.tool} are never consulted", better)
    return Classified(rule, Form.SPECIFIER, *_unknown(rule))


def is_parameter(tool: str, specifier: str) -> bool:
    """Whether the text before the first colon names a field of the tool's input. ``WebFetch(domain:…)`` is none."""
    name, colon, _ = specifier.partition(":")
    return bool(colon) and name.strip() in FIELDS.get(tool, ())


def _parameter(rule: Rule) -> Classified:
    name, _, value = (rule.specifier or "").partition(":")
    name = name.strip()
    if PRIMARY.get(rule.tool) == name:
        return Classified(rule, Form.IGNORED, f"{name} is what {rule.tool} rules are about by themselves", f"{rule.tool}({value.strip()})")
    return Classified(rule, Form.PARAMETER, "", "", name, value.strip())


def _glob(rule: Rule, list_name: str) -> Classified:
    if rule.specifier is not None:
        return Classified(rule, Form.IGNORED, "a rule with a pattern for the tool's name takes no specifier", rule.tool)
    if list_name == "allow" and not _names_server(rule.tool):
        raise PolicyError(f"{rule.text} is skipped: an allow rule names its tool", hint="write mcp__SERVER__* for every tool of one server", code="tool-glob")
    return Classified(rule, Form.TOOL_GLOB)


def _names_server(tool: str) -> bool:
    """``mcp__server__*``: the one place where an allow rule may have a wildcard in the tool's name."""
    head, _, name = tool.removeprefix("mcp__").partition("__")
    return tool.startswith("mcp__") and bool(head) and "*" not in head and bool(name)


def _unknown(rule: Rule) -> tuple[str, str]:
    """A warning and a suggestion for a tool that nobody knows. Names with an underscore belong to servers and plugins."""
    if rule.tool in TOOLS or "_" in rule.tool:
        return "", ""
    better = LABELS.get(rule.tool) or next(iter(get_close_matches(rule.tool, TOOLS, 1)), "")
    folded = next((tool for tool in TOOLS if tool.lower() == rule.tool.lower()), better)
    suggest = "" if not folded else folded if rule.specifier is None else f"{folded}({rule.specifier})"
    return f"no tool is called {rule.tool!r}", suggest
