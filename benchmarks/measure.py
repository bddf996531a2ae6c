"""What every figure shares: running commands in turns, and how a figure is written down."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Bench", "Figure", "Table", "milliseconds"]

LONGEST = 300
"""Seconds that one command may take before the whole measurement is given up."""


@dataclass(frozen=True)
class Figure:
    """One row of the page. ``good`` says whether the goal is met."""

    what: str
    measured: str
    goal: str
    good: bool


@dataclass(frozen=True)
class Table:
    """A comparison: one row for each program, one column for each size. ``note`` says how it was measured."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str


@dataclass(frozen=True)
class Bench:
    """Where things are. ``folder`` is a project of its own, below ``base``."""

    command: Path
    base: Path
    folder: Path

    def paddock(self, *words: str, options: Sequence[str] = ()) -> list[str]:
        """The words of one fenced run that no settings file of this machine takes part in."""
        return [str(self.command), "run", "--quiet", "--setting-sources", "cli", *options, "--", *words]

    def output(self, argv: Sequence[str], folder: Path | None = None) -> str:
        """What one command prints. Raises ``SystemExit`` when it fails."""
        done = subprocess.run(argv, cwd=folder or self.folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=LONGEST)
        if done.returncode:
            raise SystemExit(f"bench: {' '.join(argv)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def seconds(self, argv: Sequence[str], folder: Path | None = None) -> float:
        """How long one command takes; it must succeed."""
        started = time.perf_counter()
        self.output(argv, folder)
        return time.perf_counter() - started

    def in_turns(self, commands: Sequence[Sequence[str]], rounds: int, folder: Path | None = None) -> list[list[float]]:
        """Each command once a round, so that a noisy minute hits all alike; one round before, to warm caches, does not count."""
        for argv in commands:
            self.seconds(argv, folder)
        taken = [[self.seconds(argv, folder) for argv in commands] for _ in range(rounds)]
        return [[row[column] for row in taken] for column in range(len(commands))]


def milliseconds(values: Sequence[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values) * 1000:.0f} ms ({min(values) * 1000:.0f} to {max(values) * 1000:.0f})"
