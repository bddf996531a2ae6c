"""How long ten settings files with a thousand rules take from disk to a policy, beside what the standard library's JSON reader takes for the same files.

``python benchmarks/loading.py [ROUNDS]`` prints the figures; the goal is 30 ms. Nothing is asserted: times say as much about the machine as about the program.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from paddock.model.policy import Policy
from paddock.permissions.rule import notices
from paddock.planner.meaning import policy_from
from paddock.settings.load import LoadRequest, load
from paddock.settings.managed import Roots

FILES = 10
RULES = 1000
GOAL_MS = 30.0


def content(first: int, count: int) -> dict[str, object]:
    """Settings with ``count`` rules of the kinds that teams have, numbered from ``first``."""
    numbers = range(first, first + count)
    return {
        "permissions": {
            "deny": [f"Read(./secret{n}/**)" for n in numbers if n % 5 == 0] + [f"WebFetch(domain:tracker{n}.example)" for n in numbers if n % 5 == 4],
            "allow": [f"Bash(make target{n} *)" for n in numbers if n % 5 == 1],
        },
        "sandbox": {
            "filesystem": {"denyRead": [f"~/.login{n}" for n in numbers if n % 5 == 2]},
            "network": {"allowedDomains": [f"host{n}.example:443" for n in numbers if n % 5 == 3]},
        },
    }


def machine(base: Path) -> tuple[LoadRequest, list[Path]]:
    """Ten files over every scope and both families."""
    project, home, system = base / "home/project", base / "home", base / "system"
    managed = [system / "etc" / name / file for name in ("paddock", "claude-code") for file in ("managed-settings.json", "managed-settings.d/1.json")]
    projects = [project / f".{family}" / f"settings{local}.json" for family in ("paddock", "claude") for local in ("", ".local")]
    files = [*managed, *projects, home / ".config/paddock/settings.json", home / ".claude/settings.json"]
    for number, file in enumerate(files):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content(number * RULES // FILES, RULES // FILES), indent=2), encoding="utf-8")
    return LoadRequest(str(project), {"HOME": str(home)}, trust_project=True, roots=Roots(str(system), "linux")), files


def compiled(request: LoadRequest) -> Policy:
    """Everything between the files and the planner."""
    settings = load(request)
    notices(settings)
    return policy_from(settings)


def timed(act: Callable[[], object], rounds: int) -> list[float]:
    """Milliseconds of each round."""
    out = []
    for _ in range(rounds):
        begin = time.perf_counter()
        act()
        out.append((time.perf_counter() - begin) * 1000)
    return out


def main(words: list[str]) -> int:
    """Measure and print."""
    rounds = int(words[0]) if words else 30
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="paddock-loading-") as name:
        base = Path(name).resolve()
        base.chmod(0o755)
        request, files = machine(base)
        whole = timed(lambda: compiled(request), rounds)
        plain = timed(lambda: [json.loads(file.read_bytes()) for file in files], rounds)
    best, middle = min(whole), statistics.median(whole)
    print(f"{FILES} files, {RULES} rules, {rounds} rounds: {best:.1f} ms at best, {middle:.1f} at the median (goal: under {GOAL_MS:g})")
    print(f"{best / min(plain):.1f} times what reading the same files with json takes ({min(plain):.1f} ms)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
