"""Measures Paddock beside its peers, in one run on one machine, and writes ``docs/benchmarks.md``. Fails when a peer is missing or a goal is missed.

Everything is a ratio or a difference between things measured in turns, because absolute times say more about the machine than about the programs.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import alone, beside, peers
from benchmarks.measure import Bench, Figure, Table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"


def page(figures: Sequence[Figure], tables: Sequence[Table], others: Sequence[peers.Peer]) -> str:
    """The page."""
    import paddock

    user = "root" if os.getuid() == 0 else "an unprivileged user"
    machine = f"Python {platform.python_version()}, Linux {platform.release()}, {os.cpu_count()} processors, as {user}, {datetime.now(UTC):%Y-%m-%d}"
    against = ", ".join(f"{peer.package} {peer.version}" for peer in others)
    rows = "\n".join(f"| {f.what} | {f.measured} | {f.goal} | {'yes' if f.good else '**no**'} |" for f in figures)
    return f"""# Benchmarks

Written by `./dev bench`, which installs the peers at their newest releases and measures everybody in turns on one machine. Medians, with the range in brackets.

Paddock {paddock.__version__}; {against}; {machine}.

| what | measured | goal | met |
| --- | --- | --- | --- |
{rows}

- *Download*: 2 GiB by curl from a server on the same machine, listed as `localhost:PORT`. All of it shares the
  machine's processors, so the ratio is what to read.
- *Half-open*: each connection sends the first three bytes of a TLS greeting and then nothing; the request is plain HTTP on a connection of its own.
- *Rules*: `denyRead` entries that name existing files.

{chr(10).join(_markdown(table) for table in tables)}
The peers do not all enforce the same: codex and zerobox are measured without any reachable network and so without a proxy; srt and Paddock always have theirs.
"""


def _markdown(table: Table) -> str:
    rows = "\n".join(f"| {' | '.join(row)} |" for row in table.rows)
    return f"## {table.title}\n\n{table.note}\n\n| {' | '.join(table.columns)} |\n|{' --- |' * len(table.columns)}\n{rows}\n"


def main() -> int:
    """Measure everything and write the page. Returns 1 when a goal is missed."""
    with tempfile.TemporaryDirectory(prefix="paddock-bench-", dir=Path.home()) as name:
        base = Path(name)
        folder = base / "project"
        folder.mkdir()
        print("installing the peers ...", flush=True)
        others = peers.install(base)
        bench = Bench(Path(sys.executable).with_name("paddock"), base, folder)
        figures: list[Figure] = []
        tables: list[Table] = []

        def keep(*found: Figure | Table) -> None:
            for item in found:
                if isinstance(item, Table):
                    tables.append(item)
                    print(_markdown(item), flush=True)
                else:
                    figures.append(item)
                    print(f"{'ok   ' if item.good else 'MISSED'} {item.what}: {item.measured} ({item.goal})", flush=True)

        keep(*beside.starts(bench, others))
        for measure in (alone.download, alone.half_open, alone.rules):
            keep(measure(bench))
        more, table = beside.requests(bench, others)
        keep(*more, table)
        keep(*beside.growth(bench, others))
        keep(beside.idle(bench, others))
        keep(beside.fifty(bench, others))
        PAGE.write_text(page(figures, tables, others), encoding="utf-8")
    return 0 if all(figure.good for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
