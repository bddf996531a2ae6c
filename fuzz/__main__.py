"""``./dev fuzz [TARGET...] [--seconds N] [--seed N] [--list]``: exit 0 when nothing failed, 1 when something did, 2 for a wrong call."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from fuzz.engine import Failure, Target, inputs, memory_mib, minimise, seeds_of
from fuzz.targets import TARGETS

HERE = Path(__file__).resolve().parent
SEEDS = HERE / "seeds"
CRASHES = HERE / "crashes"
MEMORY_MIB = 256.0
"""Growth of this process during one target, above which something keeps what it was fed."""
REPORT_SECONDS = 5.0


def fuzz(target: Target, seconds: float, number: int) -> list[Failure]:
    """Search for ``seconds``; failures with different causes, made small."""
    found: dict[str, Failure] = {}
    began = told = time.monotonic()
    memory, count = memory_mib(), 0
    for failure, _ in inputs(target, seeds_of(SEEDS, target), number):
        count += 1
        if failure is not None and failure.signature not in found:
            found[failure.signature] = minimise(target, failure)
            save(target, found[failure.signature])
        now = time.monotonic()
        if now - told > REPORT_SECONDS:
            told = now
            say(f"  {target.name:14} {count:9,} inputs  {count / (now - began):8,.0f} a second  {len(found)} failures")
        if now - began > seconds:
            break
    grown = memory_mib() - memory
    if grown > MEMORY_MIB:
        found["memory"] = Failure(b"", "memory", f"the process grew by {grown:.0f} MiB")
    say(f"{target.name:16} {count:9,} inputs in {time.monotonic() - began:6.1f} s, {grown:4.0f} MiB more, {len(found)} failures")
    for failure in found.values():
        say(f"  {failure.detail}\n    {failure.signature}: {len(failure.data)} octets: {failure.data[:120]!r}")
    return list(found.values())


def save(target: Target, failure: Failure) -> None:
    """Keep a failing input until it has become a seed. The folder is not tracked."""
    folder = CRASHES / target.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / failure.name).write_bytes(failure.data)
    say(f"  saved fuzz/crashes/{target.name}/{failure.name}; mend the cause, then move it to fuzz/seeds/{target.name}/ under a name that says what it is")


def say(line: str) -> None:
    """Progress is for people."""
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Every target that is named, or all of them."""
    parser = argparse.ArgumentParser(prog="./dev fuzz", description="Feed hostile input to everything that reads it.")
    parser.add_argument("target", nargs="*", help="targets (all by default)")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="N", help="for each target (default 20)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another search with the same seeds (default 0)")
    parser.add_argument("--list", action="store_true", help="name the targets and end")
    options = parser.parse_args()
    if options.list:
        print("\n".join(TARGETS))
        return 0
    unknown = [name for name in options.target if name not in TARGETS]
    if unknown:
        parser.error(f"no such target: {', '.join(unknown)} (there are {', '.join(TARGETS)})")
    failures = [failure for name in options.target or TARGETS for failure in fuzz(TARGETS[name], options.seconds, options.seed)]
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
