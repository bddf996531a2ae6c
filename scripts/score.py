"""Runs the escape corpus against this tree and writes ``docs/security-score.md``: the score by category, for every kind of user that took part.

Usage: score.py CORPUS_FOLDER. As root it runs once as root and once as the unprivileged user that ``./dev test`` makes; as anybody else, once. The corpus needs
its names in the hosts file, which only root can add and remove.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import pwd
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "security-score.md"
TEST_USER = "paddock-test"
BASE_PORTS = (27000, 27200)
LONGEST = 1800
HELD = "pass"


@dataclass(frozen=True)
class Score:
    """Who ran the corpus, and the result of each case: ``pass``, ``fail``, ``refused`` (the launcher declined to run it) or ``na``."""

    who: str
    results: Mapping[str, str]


def categories(corpus: Path) -> dict[str, list[str]]:
    """The cases of each category, both in the corpus' order."""
    found: dict[str, list[str]] = {}
    for case in json.loads((corpus / "cases.json").read_text(encoding="utf-8")):
        found.setdefault(case["category"], []).append(case["id"])
    return found


def version(corpus: Path) -> str:
    """Names the cases that were run: a digest of their file."""
    return hashlib.sha256((corpus / "cases.json").read_bytes()).hexdigest()[:12]


def run(corpus: Path, command: Path, user: str, port: int, folder: Path) -> Score:
    """One run of the whole corpus. Raises ``SystemExit`` when the runner itself fails."""
    out = folder / f"{user}.json"
    words = [sys.executable, str(corpus / "run.py"), "--launcher", "paddock", "--bin", str(command), "--base-port", str(port), "--out", str(out)]
    if user != pwd.getpwuid(os.getuid()).pw_name:
        home = pwd.getpwnam(user).pw_dir
        words = ["runuser", "-u", user, "--", "env", f"HOME={home}", f"USER={user}", f"LOGNAME={user}", *words]
    print(f"running the corpus as {user} ...", file=sys.stderr, flush=True)
    done = subprocess.run(words, cwd="/", check=False, timeout=LONGEST, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if not out.exists():
        raise SystemExit(f"score: the corpus ended with {done.returncode} and left no results")
    results = json.loads(out.read_text(encoding="utf-8"))
    return Score("root" if user == "root" else "an unprivileged user", {case: found["result"] for case, found in results.items()})


def page(corpus: Path, scores: Sequence[Score]) -> str:
    """The page. A case that does not apply to a user counts neither as held nor as open."""
    import paddock

    cases = categories(corpus)
    total = sum(len(ids) for ids in cases.values())
    head = f"| category | cases | {' | '.join(score.who for score in scores)} |\n| --- | --- |{' --- |' * len(scores)}"
    rows = [f"| {name} | {len(ids)} | {' | '.join(_held(score, ids) for score in scores)} |" for name, ids in cases.items()]
    every = [case for ids in cases.values() for case in ids]
    rows.append(f"| **all** | **{total}** | {' | '.join(f'**{_held(score, every)}**' for score in scores)} |")
    return f"""# Security score

Written by `./dev score`, which runs a corpus of {total} acceptance and escape cases against this tree: attacks that must fail, ordinary work that must succeed.
A case that Paddock declines to run (exit code 125, because it would do less than the settings ask for) does not count as held.

Paddock {paddock.__version__}, corpus {version(corpus)}, Linux {platform.release()}, {datetime.now(UTC):%Y-%m-%d}.

{head}
{chr(10).join(rows)}

{chr(10).join(_open(score, cases) for score in scores)}"""


def _held(score: Score, ids: Sequence[str]) -> str:
    counted = Counter(score.results.get(case, "missing") for case in ids)
    outside = counted["na"]
    return f"{counted[HELD]}" + (f" ({outside} not applicable)" if outside else "")


def _open(score: Score, cases: Mapping[str, Sequence[str]]) -> str:
    lines = []
    for name, ids in cases.items():
        missed = [f"`{case}`{' (declined)' if score.results.get(case) == 'refused' else ''}" for case in ids if score.results.get(case) not in (HELD, "na")]
        if missed:
            lines.append(f"- {name}: {', '.join(missed)}")
    return f"## Not held, as {score.who}\n\n{chr(10).join(lines) or 'None.'}\n"


def main(argv: Sequence[str]) -> int:
    """Run and write. Returns 2 for a wrong call."""
    if len(argv) != 1 or not (Path(argv[0]) / "cases.json").is_file():
        print("usage: ./dev score CORPUS_FOLDER (the folder that holds cases.json and run.py)", file=sys.stderr)
        return 2
    corpus = Path(argv[0]).resolve()
    users = ["root", TEST_USER] if os.getuid() == 0 else [pwd.getpwuid(os.getuid()).pw_name]
    command = Path(sys.executable).with_name("paddock")
    with tempfile.TemporaryDirectory(prefix="paddock-score-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        if os.getuid() == 0:
            subprocess.run([sys.executable, str(corpus / "run.py"), "--hosts", "add"], check=True, timeout=60)
        try:
            scores = [run(corpus, command, user, port, folder) for user, port in zip(users, BASE_PORTS, strict=False)]
        finally:
            if os.getuid() == 0:
                subprocess.run([sys.executable, str(corpus / "run.py"), "--hosts", "remove"], check=True, timeout=60)
    PAGE.write_text(page(corpus, scores), encoding="utf-8")
    for score in scores:
        print(f"{score.who}: {Counter(score.results.values())}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
