"""Figures beside the peers: how long and how much memory one run, an idle run and fifty at once take, and what a large tree adds."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import LONGEST, Bench, Figure, Table, milliseconds
from benchmarks.memory import descendants, pss_bytes
from benchmarks.peers import Peer

__all__ = ["fifty", "growth", "idle", "requests", "starts"]

STARTS = 15
FIFTY = 50
TREES = (10, 10_000, 200_000)
GROWTH_STARTS = 5
PER_FOLDER = 100
MIB = 1 << 20
ROUNDS = 3


def starts(bench: Bench, peers: Sequence[Peer]) -> tuple[Figure, Table]:
    """One ``true`` from nothing, of everybody in turns."""
    ours, bare, *theirs = bench.in_turns([bench.paddock("/bin/true"), ["/bin/true"], *(peer.words(["/bin/true"]) for peer in peers)], STARTS)
    ratio = statistics.median(ours) / statistics.median(theirs[0])
    figure = Figure(
        f"`paddock run -- true` against {peers[0].name}",
        f"{milliseconds(ours)} against {milliseconds(theirs[0])}: {ratio:.2f}",
        "at most 0.33",
        ratio <= 1 / 3,
    )
    rows = [("paddock", milliseconds(ours)), *((peer.name, milliseconds(taken)) for peer, taken in zip(peers, theirs, strict=True))]
    rows.append(("no sandbox", milliseconds(bare)))
    return figure, Table("Cold start", ("", "one `true`"), tuple(rows), "From the outside, interpreter start included, no settings.")


def _launch(argvs: Sequence[Sequence[str]], folder: Path) -> list[subprocess.Popen[str]]:
    signs = folder / SIGNS
    shutil.rmtree(signs, ignore_errors=True)
    signs.mkdir()
    return [subprocess.Popen(argv, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True) for argv in argvs]


def _wait_up(running: Sequence[subprocess.Popen[str]], folder: Path) -> int:
    """Until each has left its sign. How many ended before they could: a peer may have a limit that its makers never met, which is a result as well."""
    until = time.monotonic() + LONGEST
    while True:
        gone = sum(child.poll() is not None for child in running)
        if len(list((folder / SIGNS).iterdir())) + gone >= len(running):
            return gone
        if time.monotonic() > until:
            raise SystemExit(f"bench: a waiting command never started: {running[0].args!r}")
        time.sleep(LOOK_SECONDS)


def _end(running: Sequence[subprocess.Popen[str]]) -> None:
    for child in running:
        child.communicate("\n", timeout=LONGEST)


# Leaves a sign that it runs (one peer holds output back until the end), and stays until it gets a line. A file, because one peer wants a line for a shell.
SIGNS = "signs"
WAITER = f"#!/bin/sh\nmktemp {SIGNS}/XXXXXXXX\nread line\n"
LOOK_SECONDS = 0.002


def _waiter(bench: Bench) -> str:
    path = bench.folder / "waiter.sh"
    path.write_text(WAITER)
    path.chmod(0o755)
    return str(path)


def _everybody(bench: Bench, peers: Sequence[Peer], command: str) -> list[tuple[str, list[str]]]:
    return [("paddock", bench.paddock(command)), *((peer.name, peer.words([command])) for peer in peers)]


def _memory(running: Sequence[subprocess.Popen[str]]) -> int:
    """Everything but the commands themselves."""
    found = descendants(child.pid for child in running)
    return pss_bytes(pid for pid, name in found.items() if name != "waiter.sh")


def fifty(bench: Bench, peers: Sequence[Peer]) -> Table:
    """Fifty at once: until the last one runs, and the memory of all while all run."""
    command = _waiter(bench)
    rows = []
    for name, argv in _everybody(bench, peers, command):
        taken, memory, failed = [], [], 0
        for _ in range(ROUNDS):
            started = time.perf_counter()
            running = _launch([argv] * FIFTY, bench.folder)
            failed += _wait_up(running, bench.folder)
            up = time.perf_counter() - started
            memory.append(_memory(running) / MIB)
            released = time.perf_counter()
            _end(running)
            taken.append(up + time.perf_counter() - released)
        if failed and name == "paddock":
            raise SystemExit(f"bench: {failed} of our own runs did not start")
        each = statistics.median(memory) / (FIFTY - failed / ROUNDS)
        bad = f"{failed} of {FIFTY * ROUNDS}" if failed else "none"
        rows.append((name, f"{statistics.median(taken):.1f} s", f"{statistics.median(memory):.0f} MiB", f"{each:.1f} MiB", bad))
    note = "Started together in one folder; the time is that of all starts and all ends. Memory: proportional set sizes while all run, less the commands."
    return Table("Fifty at once", ("", "time", "memory", "for each", "failed"), tuple(rows), note)


def idle(bench: Bench, peers: Sequence[Peer]) -> Table:
    """One run whose command waits."""
    command = _waiter(bench)
    rows = []
    for name, argv in _everybody(bench, peers, command):
        memory, processes = [], []
        for _ in range(ROUNDS):
            running = _launch([argv], bench.folder)
            if _wait_up(running, bench.folder):
                raise SystemExit(f"bench: a waiting command ended early: {argv!r}")
            memory.append(_memory(running) / MIB)
            processes.append(len(descendants(child.pid for child in running)) - 1)
            _end(running)
        rows.append((name, f"{statistics.median(memory):.1f} MiB", str(int(statistics.median(processes)))))
    return Table("Memory of one idle run", ("", "memory", "processes"), tuple(rows), "Proportional set size of all its processes but the command.")


def requests(bench: Bench, peers: Sequence[Peer]) -> tuple[list[Figure], Table]:
    """Small requests over connections that stay open, by 1 and by 8 clients; in a network namespace, because a peer refuses the machine's own addresses."""
    srt = next(peer for peer in peers if peer.name == "srt")
    program = srt.words([""])[0]
    script = Path(__file__).with_name("requests.py")
    own = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--net", "--map-root-user"]
    argv = [*own, sys.executable, str(script), str(bench.command), program, str(bench.base)]
    rates = json.loads(bench.output(argv))
    figures = []
    for count in ("1", "8"):
        ratio = rates["paddock"][count] / rates["srt"][count]
        measured = f"{rates['paddock'][count]:,.0f} against {rates['srt'][count]:,.0f} a second: {ratio:.1f} times"
        figures.append(Figure(f"Requests by {count} connection{'s' if count != '1' else ''}, against srt", measured, "at least 5 times", ratio >= 5))
    rows = tuple((name, f"{rate['1']:,.0f}", f"{rate['8']:,.0f}") for name, rate in rates.items())
    note = "Requests a second for a page of three bytes, asked for by curl over connections that stay open; client, gate and server share the processors."
    return figures, Table("Requests", ("", "1 connection", "8 connections"), rows, note)


def _tree(base: Path, count: int) -> Path:
    folder = base / f"tree-{count}"
    for first in range(0, count, PER_FOLDER):
        below = folder / f"{first // (PER_FOLDER * PER_FOLDER):03}" / f"{first // PER_FOLDER:05}"
        below.mkdir(parents=True)
        for number in range(first, min(first + PER_FOLDER, count)):
            (below / f"{number:06}.txt").touch()
    return folder


def growth(bench: Bench, peers: Sequence[Peer]) -> tuple[Figure, Table]:
    """One ``true`` in projects of more and more files; ours once more with a read rule that has to look for its files."""
    settings = bench.base / "deep.json"
    settings.write_text(json.dumps({"sandbox": {"filesystem": {"denyRead": ["**/*.pem"]}}}))
    everybody = [*_everybody(bench, peers, "/bin/true"), ("paddock, `**/*.pem` hidden", bench.paddock("/bin/true", options=["--settings", str(settings)]))]
    medians: list[list[float]] = [[] for _ in everybody]
    for count in TREES:
        taken = bench.in_turns([argv for _, argv in everybody], GROWTH_STARTS, _tree(bench.base, count))
        for column, values in zip(medians, taken, strict=True):
            column.append(statistics.median(values) * 1000)
    spread = max(medians[0]) - min(medians[0])
    measured = f"{', '.join(f'{median:.0f}' for median in medians[0])} ms: {spread:.0f} ms apart"
    figure = Figure(f"`true` in a project of {', '.join(f'{count:,}' for count in TREES)} files", measured, "within 60 ms", spread <= 60)
    rows = tuple((name, *(f"{median:.0f} ms" for median in column)) for (name, _), column in zip(everybody, medians, strict=True))
    note = "Medians of one `true`. The last row has to walk the tree for files to hide; the walk is bounded, and what it leaves out is reported."
    return figure, Table("Growth with the tree", ("", *(f"{count:,} files" for count in TREES)), rows, note)
