"""Measures Paddock beside a peer, in one run on one machine, and writes ``docs/benchmarks.md``. Fails when the peer is missing or a figure is missed.

Everything is a ratio or a difference between things measured in turns, because absolute times say more about the machine than about the programs.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.server import serving

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
PEER = "@anthropic-ai/sandbox-runtime"
PEER_SETTINGS = {
    "network": {"allowedDomains": [], "deniedDomains": []},
    "filesystem": {"denyRead": [], "allowRead": [], "allowWrite": ["."], "denyWrite": []},
}
STARTS = 15
DOWNLOADS = 5
LARGE = 2 * 1024**3
HALF_OPEN = 120
RULES = (1, 50, 500, 1000)


@dataclass(frozen=True)
class Figure:
    """One row of the page. ``good`` says whether the goal is met."""

    what: str
    measured: str
    goal: str
    good: bool


@dataclass(frozen=True)
class Bench:
    """Where things are. ``folder`` is a project of its own; ``peer`` the peer's program."""

    command: Path
    peer: Path
    base: Path
    folder: Path

    def paddock(self, *words: str, options: Sequence[str] = ()) -> list[str]:
        """The words of one fenced run that no settings file of this machine takes part in."""
        return [str(self.command), "run", "--quiet", "--setting-sources", "cli", *options, "--", *words]

    def seconds(self, argv: Sequence[str]) -> float:
        """How long one command takes; it must succeed."""
        started = time.perf_counter()
        done = subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300)
        taken = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(f"bench: {' '.join(argv)} ended with {done.returncode}\n{done.stderr}")
        return taken

    def in_turns(self, commands: Sequence[Sequence[str]], rounds: int) -> list[list[float]]:
        """Each command once a round, so that a noisy minute hits all alike; one round before, to warm caches, does not count."""
        for argv in commands:
            self.seconds(argv)
        taken = [[self.seconds(argv) for argv in commands] for _ in range(rounds)]
        return [[row[column] for row in taken] for column in range(len(commands))]


def milliseconds(values: Sequence[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values) * 1000:.0f} ms ({min(values) * 1000:.0f} to {max(values) * 1000:.0f})"


def starts(bench: Bench) -> Figure:
    """One ``true`` from nothing."""
    settings = bench.base / "peer.json"
    settings.write_text(json.dumps(PEER_SETTINGS))
    ours, theirs, bare = bench.in_turns([bench.paddock("true"), [str(bench.peer), "--settings", str(settings), "-c", "true"], ["true"]], STARTS)
    ratio = statistics.median(ours) / statistics.median(theirs)
    measured = f"{milliseconds(ours)} against {milliseconds(theirs)}: {ratio:.2f}; without a fence {milliseconds(bare)}"
    return Figure("`paddock run -- true` against `srt -c true`", measured, "at most 0.33", ratio <= 1 / 3)


def download(bench: Bench) -> Figure:
    """One large download through the gate and without it."""
    with serving(bench.base, LARGE) as port:
        words = ["curl", "-sS", "--fail", "-o", "/dev/null", "-4", "-w", "%{speed_download}", f"http://localhost:{port}/large"]
        fenced = bench.paddock(*words, options=["--allow-domain", f"localhost:{port}"])
        speeds: list[list[float]] = [[], []]
        for _ in range(DOWNLOADS):
            for speed, argv in zip(speeds, (words, fenced), strict=True):
                done = subprocess.run(argv, cwd=bench.folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300)
                if done.returncode:
                    raise SystemExit(f"bench: {' '.join(argv)} ended with {done.returncode}\n{done.stderr}")
                speed.append(float(done.stdout) / 1e9)
    direct, gate = (statistics.median(speed) for speed in speeds)
    return Figure(
        "One large download, of direct", f"{gate:.2f} of {direct:.2f} GB/s: {gate / direct:.2f}", "at least 0.5 (hoped for: 0.65)", gate / direct >= 0.5
    )


def half_open(bench: Bench) -> Figure:
    """A request beside connections that never finish their greeting."""
    shutil.copy(ROOT / "benchmarks" / "inside.py", bench.folder)
    with serving(bench.base, 1) as port:
        argv = bench.paddock("/usr/bin/python3", "inside.py", str(port), str(HALF_OPEN), options=["--allow-domain", f"localhost:{port}"])
        done = subprocess.run(argv, cwd=bench.folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(argv)} ended with {done.returncode}\n{done.stderr}")
    answer = json.loads(done.stdout)
    alone, crowded = answer["alone"], answer["crowded"]
    delay = statistics.median(crowded) - statistics.median(alone)
    measured = f"{delay * 1000:.1f} ms (alone {milliseconds(alone)}, beside them {milliseconds(crowded)})"
    return Figure(f"Delay of a request by {HALF_OPEN} half-open connections", measured, "under 50 ms", delay < 0.05)


def rules(bench: Bench) -> Figure:
    """One ``true`` under more and more hidden files."""
    secrets = bench.base / "secrets"
    secrets.mkdir()
    for number in range(max(RULES)):
        (secrets / f"{number:04}").write_text("hidden\n")
    commands = []
    for count in RULES:
        settings = bench.base / f"rules-{count}.json"
        settings.write_text(json.dumps({"sandbox": {"filesystem": {"denyRead": [str(secrets / f"{number:04}") for number in range(count)]}}}))
        commands.append(bench.paddock("true", options=["--settings", str(settings)]))
    medians = [statistics.median(values) * 1000 for values in bench.in_turns(commands, STARTS)]
    spread = max(medians) - min(medians)
    measured = f"{', '.join(f'{median:.0f}' for median in medians)} ms: {spread:.0f} ms apart"
    return Figure(f"`true` under {', '.join(f'{count:,}' for count in RULES)} path rules", measured, "within 60 ms", spread <= 60)


def install_peer(base: Path) -> tuple[Path, str]:
    """The peer's newest release, in a folder of its own. Raises ``SystemExit`` where it cannot be had."""
    for program in ("npm", "bwrap", "socat", "rg", "curl"):
        if not shutil.which(program):
            raise SystemExit(f"bench: {program} is missing, and the peer needs it; ./dev bench installs it")
    prefix = base / "peer"
    done = subprocess.run(["npm", "install", "--silent", "--prefix", str(prefix), f"{PEER}@latest"], capture_output=True, text=True, check=False, timeout=300)
    srt = prefix / "node_modules" / ".bin" / "srt"
    if done.returncode or not srt.exists():
        raise SystemExit(f"bench: could not install {PEER}\n{done.stderr}")
    return srt, json.loads((prefix / "node_modules" / PEER / "package.json").read_text())["version"]


def page(figures: Sequence[Figure], peer_version: str) -> str:
    """The page."""
    import paddock

    user = "root" if os.getuid() == 0 else "an unprivileged user"
    machine = f"Python {platform.python_version()}, Linux {platform.release()}, {os.cpu_count()} processors, as {user}, {datetime.now(UTC):%Y-%m-%d}"
    rows = "\n".join(f"| {f.what} | {f.measured} | {f.goal} | {'yes' if f.good else '**no**'} |" for f in figures)
    return f"""# Benchmarks

Written by `./dev bench`, which installs the peer at its newest release and measures both in turns on one machine. Medians, with the range in brackets.

Paddock {paddock.__version__}, {PEER} {peer_version}, {machine}.

| what | measured | goal | met |
| --- | --- | --- | --- |
{rows}

- *Start*: from the shell's point of view, interpreter start included, no settings.
- *Download*: 2 GiB by curl from a server on the same machine, listed as `localhost:PORT`. All of it shares the
  machine's processors, so the ratio is what to read.
- *Half-open*: each connection sends the first three bytes of a TLS greeting and then nothing; the request is plain HTTP on a connection of its own.
- *Rules*: `denyRead` entries that name existing files.
"""


def main() -> int:
    """Measure everything and write the page. Returns 1 when a goal is missed."""
    command = Path(sys.executable).with_name("paddock")
    with tempfile.TemporaryDirectory(prefix="paddock-bench-") as name:
        base = Path(name)
        folder = base / "project"
        folder.mkdir()
        peer, version = install_peer(base)
        bench = Bench(command, peer, base, folder)
        figures = []
        for measure in (starts, download, half_open, rules):
            figure = measure(bench)
            figures.append(figure)
            print(f"{'ok   ' if figure.good else 'MISSED'} {figure.what}: {figure.measured} ({figure.goal})", flush=True)
        PAGE.write_text(page(figures, version), encoding="utf-8")
    return 0 if all(figure.good for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
