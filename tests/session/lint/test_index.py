"""The short way to the rules that may contain another finds what the long way finds."""

from __future__ import annotations

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from paddock.model.settings import Context, Entry, Origin, Scope
from paddock.permissions.classify import classify
from paddock.permissions.covering import Placed, covers
from paddock.session.lint.index import Index

CONTEXT = Context("/home/dev/app", "/home/dev/app", "", "/home/dev", "/home/dev/.claude", "/home/dev/.config/paddock", "/s", "/c")
RULES = (
    "Bash(git *)",
    "Bash(git push *)",
    "Bash(git)",
    "Bash(g*)",
    "Bash(* push)",
    "Bash(git*)",
    "Bash",
    "Monitor(git push a)",
    "Agent(a *)",
    "Agent(a b)",
    "Agent",
)
PATHS = (
    "Read(src/**)",
    "Read(src/A)",
    "Read(./src/a)",
    "Edit(//home/dev/app/src)",
    "Edit(src/*.py)",
    "Edit(./src/x.py)",
    "Edit(~/app)",
    "Edit(//**)",
    "Read(.env)",
)
OTHERS = ("mcp__a", "mcp__a__b", "mcp__a__*", "WebFetch(domain:*.example.com)", "WebFetch(domain:a.example.com)", "WebSearch", "Skill(x)")
ANY = st.lists(st.sampled_from(RULES + PATHS + OTHERS), min_size=1, max_size=8)


def placed(text: str, list_name: str, line: int) -> tuple[Entry, Placed]:
    origin = Origin(Scope.PROJECT, "/home/dev/app/.claude/settings.json", line, 1, f"permissions.{list_name}", text)
    return Entry(text, origin), Placed(classify(text, list_name), list_name, origin, CONTEXT)


@settings(phases=(Phase.explicit, Phase.generate))
@example(["Read(./src/a)"], "Read(src/A)", "deny")
@given(ANY, st.sampled_from(RULES + PATHS + OTHERS), st.sampled_from(["deny", "ask", "allow"]))
def test_nothing_that_covers_is_left_out(texts: list[str], asked: str, list_name: str) -> None:
    rules = [placed(text, list_name, number) for number, text in enumerate(texts, 1)]
    _, narrow = placed(asked, "allow", 99)
    short = {entry.origin.line for entry, rule in Index(rules).candidates(narrow) if covers(rule, narrow)}
    assert short == {entry.origin.line for entry, rule in rules if covers(rule, narrow)}
