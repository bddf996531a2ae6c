"""Figures that need no peer: the gate against no gate, and more rules against fewer."""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path

from benchmarks.measure import Bench, Figure, milliseconds
from benchmarks.server import serving

__all__ = ["download", "half_open", "rules"]

HERE = Path(__file__).resolve().parent
STARTS = 15
DOWNLOADS = 5
LARGE = 2 * 1024**3
HALF_OPEN = 120
RULES = (1, 50, 500, 1000)


def download(bench: Bench) -> Figure:
    """One large download through the gate and without it."""
    with serving(bench.base, LARGE) as port:
        words = ["curl", "-sS", "--fail", "-o", "/dev/null", "-4", "-w", "%{speed_download}", f"http://localhost:{port}/large"]
        fenced = bench.paddock(*words, options=["--allow-domain", f"localhost:{port}"])
        speeds: list[list[float]] = [[], []]
        for _ in range(DOWNLOADS):
            for speed, argv in zip(speeds, (words, fenced), strict=True):
                speed.append(float(bench.output(argv)) / 1e9)
    direct, gate = (statistics.median(speed) for speed in speeds)
    return Figure(
        "One large download, of direct", f"{gate:.2f} of {direct:.2f} GB/s: {gate / direct:.2f}", "at least 0.5 (hoped for: 0.65)", gate / direct >= 0.5
    )


def half_open(bench: Bench) -> Figure:
    """A request beside connections that never finish their greeting."""
    shutil.copy(HERE / "inside.py", bench.folder)
    with serving(bench.base, 1) as port:
        argv = bench.paddock("/usr/bin/python3", "inside.py", str(port), str(HALF_OPEN), options=["--allow-domain", f"localhost:{port}"])
        answer = json.loads(bench.output(argv))
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
