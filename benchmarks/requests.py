"""Runs in a network namespace of its own: requests a second through each program, over connections that stay open. Prints JSON.

Usage: requests.py PADDOCK SRT FOLDER
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measure import Bench
from benchmarks.peers import srt_settings
from benchmarks.server import serving

# Reserved for documentation (RFC 5737), so it is nobody's; only this namespace has it.
ADDRESS = "203.0.113.7"
COUNT = {1: 1000, 8: 2000}
ROUNDS = 3
# One output for all: opening it for each answer would measure files.
# %N is GNU date's; the difference leaves out how long the fence and curl take to start.
LOAD = """#!/bin/sh
# load.sh CONNECTIONS COUNT URL
parallel=
[ "$1" = 1 ] || parallel="--parallel --parallel-immediate --parallel-max $1"
curl -sS --fail $parallel "$3/first?[1-$1]" > /dev/null || exit 1
began=$(date +%s%N)
curl -sS --fail $parallel "$3/small?[1-$2]" > /dev/null || exit 1
ended=$(date +%s%N)
echo $((ended - began))
"""


def main() -> None:
    """Measure."""
    command, srt, base = (Path(word) for word in sys.argv[1:4])
    for words in (["link", "set", "lo", "up"], ["address", "add", f"{ADDRESS}/32", "dev", "lo"]):
        subprocess.run(["ip", *words], check=True, timeout=30)
    folder = base / "requests"
    folder.mkdir()
    script = folder / "load.sh"
    script.write_text(LOAD)
    bench = Bench(command, base, folder)
    rates: dict[str, dict[int, float]] = {}
    with serving(folder, 1, ADDRESS) as port:
        url = f"http://{ADDRESS}:{port}"
        settings = srt_settings(folder / "srt.json", [ADDRESS])
        for connections, count in COUNT.items():
            words = ["sh", str(script), str(connections), str(count), url]
            everybody = {
                "paddock": bench.paddock(*words, options=["--allow-domain", f"{ADDRESS}:{port}"]),
                "srt": [str(srt), "--settings", str(settings), "-c", " ".join(words)],
                "no sandbox": words,
            }
            taken: dict[str, list[float]] = {name: [] for name in everybody}
            for _ in range(ROUNDS):
                for name, argv in everybody.items():
                    taken[name].append(int(bench.output(argv).split()[-1]) / 1e9)
            for name, values in taken.items():
                rates.setdefault(name, {})[connections] = count / statistics.median(values)
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
