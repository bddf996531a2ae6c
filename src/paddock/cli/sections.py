"""Policy and plan on paper: titled tables."""

from __future__ import annotations

from paddock.cli.output import Output
from paddock.session.prepare import Prepared
from paddock.session.show import Sections, plan_json, plan_sections, where

__all__ = ["print_sections", "show_plan"]


def show_plan(prepared: Prepared, out: Output, *, as_json: bool) -> None:
    """Print the plan: what ``run`` would do here, and what it would not cover."""
    if as_json:
        out.json(plan_json(prepared.plan))
        return
    print_sections(plan_sections(prepared), out)
    for notice in (*prepared.settings.notices, *prepared.plan.notices):
        place = f" ({where(notice.origin, prepared.settings.context)})" if notice.origin else ""
        out.note(notice.text + place)


def print_sections(sections: Sections, out: Output) -> None:
    """Print each section that has rows: its title, then a table."""
    for title, heads, rows in sections:
        if rows:
            out.text(f"{title}\n")
            out.table(rows, heads)
            out.text("\n")
