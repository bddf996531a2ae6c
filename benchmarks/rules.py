"""How long one decision takes: a thousand rules in each list, and a command line of two kilobytes.

``python benchmarks/rules.py [ROUNDS]`` prints the figures; the goal is 1 ms for a line that was read before. Nothing is asserted: times say as much about the
machine as about the program.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from paddock.model.settings import Context, Entry, Origin, Scope
from paddock.permissions.decide import decide
from paddock.permissions.ruleset import RuleSet
from paddock.permissions.shell.split import split
from paddock.permissions.world import Call, World

RULES = 1000
GOAL_MS = 1.0
LINE = " && ".join(f"tool{number} sub{number} --option value 'some words' \"and more\" path/of/file{number}.c" for number in range(27))
ONE = "tool1 sub1 " + "path/of/some/file.c " * 100


def rules() -> RuleSet:
    """A third of the rules about programs of the line, none of which decides; the rest about others, a few with a wildcard at the beginning."""
    origin = Origin(Scope.PROJECT, "/p/.claude/settings.json", 7)
    context = Context("/p", "/p", "", "/h", "/h/.claude", "/h/.config/paddock", "/h/.state", "/h/.cache")
    texts = [f"Bash(tool{number % 30} other{number} *)" if number % 3 == 0 else f"Bash(program{number} *)" for number in range(RULES - 10)]
    texts += [f"Bash(* --never{number} *)" for number in range(10)]
    allow = [f"Bash(tool{number} *)" for number in range(30)]
    return RuleSet({"deny": [Entry(text, origin) for text in texts], "allow": [Entry(text, origin) for text in allow]}, context)


def milliseconds(work: Callable[[], object], rounds: int) -> float:
    """The median of ``rounds``."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def main() -> int:
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    made, world = rules(), World("/p", "/h")

    def judge(line: str) -> None:
        decide(Call("Bash", {"command": line}), made, world)

    def anew(line: str) -> None:
        split.cache_clear()
        judge(line)

    for name, line in (("27 commands", LINE), ("one command", ONE)):
        judge(line)
        verdict = decide(Call("Bash", {"command": line}), made, world).decision
        print(f"{name}, {len(line)} characters, {RULES} deny rules: {verdict}")
        print(f"  line read before  {milliseconds(lambda line=line: judge(line), rounds):8.3f} ms  (goal {GOAL_MS})")  # type: ignore[misc]
        print(f"  line read anew    {milliseconds(lambda line=line: anew(line), rounds):8.3f} ms")  # type: ignore[misc]
    return 0


if __name__ == "__main__":
    sys.exit(main())
