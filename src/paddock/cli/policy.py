"""``paddock policy show`` and ``paddock policy schema``."""

from __future__ import annotations

from paddock.cli.options import COMMON, Option, help_text, parse
from paddock.cli.output import Output
from paddock.cli.run import request_from
from paddock.errors import UsageError
from paddock.session.prepare import Prepared, load_settings, prepare
from paddock.session.show import Sections, plan_json, plan_sections, policy_json, policy_sections, where

__all__ = ["main", "show_plan"]

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
        _sections(policy_sections(prepared.settings), out)
        show_plan(prepared, out, as_json=False)
        return 0
    settings = load_settings(request)
    if parsed.has("--json"):
        out.json(policy_json(settings))
    else:
        _sections(policy_sections(settings), out)
    return 0


def show_plan(prepared: Prepared, out: Output, *, as_json: bool) -> None:
    """Print the plan: what ``run`` would do here, and what it would not cover."""
    if as_json:
        out.json(plan_json(prepared.plan))
        return
    _sections(plan_sections(prepared), out)
    for notice in (*prepared.settings.notices, *prepared.plan.notices):
        place = f" ({where(notice.origin, prepared.settings.context)})" if notice.origin else ""
        out.note(notice.text + place)


def _sections(sections: Sections, out: Output) -> None:
    for title, heads, rows in sections:
        if rows:
            out.text(f"{title}\n")
            out.table(rows, heads)
            out.text("\n")
