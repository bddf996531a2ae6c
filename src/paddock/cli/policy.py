"""``paddock policy show`` and ``paddock policy schema``."""

from __future__ import annotations

from paddock.cli.options import COMMON, Option, help_text, parse
from paddock.cli.output import Output
from paddock.cli.request import request_from
from paddock.cli.sections import print_sections, show_plan
from paddock.errors import UsageError
from paddock.session.prepare import load_settings, prepare
from paddock.session.show import plan_json, policy_json, policy_sections

__all__ = ["main"]

OPTIONS: tuple[Option, ...] = (
    *COMMON,
    Option("--plan", "", "show the plan for this host as well"),
    Option("--json", "", "for programs"),
    Option("--help", "", "this page"),
)
USAGE = "paddock policy show [OPTIONS] | paddock policy schema"


def main(words: list[str], out: Output) -> int:
    """Print what is in force here, or the JSON Schema of the settings. Exit code 0."""
    if words[:1] == ["schema"]:
        from paddock.session.schema import json_schema

        out.json(json_schema())
        return 0
    if words[:1] in ([], ["--help"]):
        out.text(help_text(USAGE, "Shows the policy in force in this folder, and where each part comes from.", OPTIONS))
        return 0
    if words[:1] == ["explain"]:
        from paddock.cli.explain import main as explain

        return explain(words[1:], out)
    if words[:1] != ["show"]:
        raise UsageError(f"unknown word {words[0]!r}", hint=USAGE)
    return _show(words[1:], out)


def _show(words: list[str], out: Output) -> int:
    parsed = parse(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, "Shows the policy in force in this folder, and where each part comes from.", OPTIONS))
        return 0
    if parsed.rest:
        raise UsageError(f"unexpected word {parsed.rest[0]!r}", hint=USAGE)
    request = request_from(parsed)
    if parsed.has("--plan"):
        prepared = prepare(request)
        if parsed.has("--json"):
            out.json({"policy": policy_json(prepared.settings), "plan": plan_json(prepared.plan)})
            return 0
        print_sections(policy_sections(prepared.settings), out)
        show_plan(prepared, out, as_json=False)
        return 0
    settings = load_settings(request)
    if parsed.has("--json"):
        out.json(policy_json(settings))
    else:
        print_sections(policy_sections(settings), out)
    return 0
