"""No line and no rule makes a decision cost more than its length: twice the text takes about twice the steps. Steps are counted, not timed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from paddock.model.settings import Context, Entry, Origin, Scope
from paddock.permissions.decide import decide
from paddock.permissions.patterns import CommandPattern
from paddock.permissions.ruleset import RuleSet
from paddock.permissions.shell.split import split
from paddock.permissions.world import Call, World

CONTEXT = Context("/p", "/p", "", "/h", "/h/.claude", "/h/.config/paddock", "/h/.state", "/h/.cache")
ORIGIN = Origin(Scope.PROJECT, "/p/.claude/settings.json", 1)
RULES = RuleSet(
    {
        "deny": [Entry(text, ORIGIN) for text in ("Bash(rm *)", "Bash(* -rf *)", "Read(./.env)", "Bash(a*b*c*d)")],
        "ask": [Entry("Bash(git push *)", ORIGIN)],
        "allow": [Entry(text, ORIGIN) for text in ("Bash(a *)", "Bash(*x)")],
    },
    CONTEXT,
)
WORLD = World("/p", "/h")
SMALL, LARGE = 120, 480
MOST = 1.5
"""How much more than its share a longer line may take: some steps come in blocks."""

LINES: dict[str, Callable[[int], str]] = {
    "commands": lambda n: "a x; " * n,
    "pipes": lambda n: "a | " * n + "a",
    "chains": lambda n: "a && b || " * (n // 2) + "c",
    "words": lambda n: "a " + "bb " * n,
    "one word": lambda n: "a " + "b" * (n * 4),
    "quotes": lambda n: "a " + "'b' \"c\" " * (n // 2),
    "open quotes": lambda n: "a " + "'b\" " * n,
    "substitutions": lambda n: "a " + "$(b) " * n,
    "backquotes": lambda n: "a " + "`b` " * n,
    "assignments": lambda n: "A=1 " * n + "a",
    "redirections": lambda n: "a " + "> b " * n,
    "wrappers": lambda n: "nice " * n + "a",
    "starters": lambda n: "sudo env " * (n // 2) + "a",
    "folders": lambda n: "cd a; " * n,
    "stars": lambda n: "a " + "* " * n,
    "braces": lambda n: "a " + "{b,c} " * n,
    "backslashes": lambda n: "a " + "\\b" * (n * 2),
    "continuations": lambda n: "a \\\n" * n + "b",
    "files": lambda n: "cat " + "f/../g " * n,
    "options": lambda n: "git log " + "-n1 " * n,
    "noise": lambda n: "(" * n,
    "almost": lambda n: "a" + "b" * n + "c" * n + " e",
}


def steps(work: Callable[[], object]) -> int:
    """Calls of functions, ours and built-in ones, that ``work`` takes."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def judge(line: str) -> object:
    split.cache_clear()
    return decide(Call("Bash", {"command": line}), RULES, WORLD)


@pytest.mark.parametrize("name", LINES)
def test_a_longer_line_costs_its_share(name: str) -> None:
    short, long = LINES[name](SMALL), LINES[name](LARGE)
    judge(short)  # loads what is loaded once
    one, other = steps(lambda: judge(short)), steps(lambda: judge(long))
    assert other <= one * (len(long) / len(short)) * MOST, f"{one} steps for {len(short)} characters, {other} for {len(long)}"


def test_the_count_sees_what_is_not_linear() -> None:
    def square(text: str) -> int:
        return sum(text[at:].count("a") for at in range(len(text)) for _ in range(len(text) // 100))

    one, other = steps(lambda: square("a" * 200)), steps(lambda: square("a" * 800))
    assert other > one * 4 * MOST


@pytest.mark.parametrize("pattern", ["*a" * 40 + "b", "a*" * 40, "* *" * 30, "a" * 400 + "*"])
def test_a_pattern_is_matched_in_one_pass(pattern: str) -> None:
    """Each literal part is looked for once, from where the last one ended."""
    made = CommandPattern.of(pattern)
    assert steps(lambda: made.matches("a" * 5000)) <= 4 * len(made.parts) + 20
