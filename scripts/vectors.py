"""Runs files of test vectors in the published format against the reference layer: the functions of ``paddock run``, without the strictness overrides.

``./dev vectors FILE...`` prints the id of each vector that fails with what was expected and what came, then what was skipped by kind, and ends with
``N passed, M failed``. A file is a list of objects with ``id``, ``kind``, input fields and ``expected``.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "src")]

from scripts import vectors_paths, vectors_rules, vectors_settings  # noqa: E402 -- runs as a script, so it first has to say where its neighbours are

KINDS: dict[str, Callable[[Mapping[str, Any]], object]] = {**vectors_settings.KINDS, **vectors_paths.KINDS, **vectors_rules.KINDS}
"""What gives the outcome of one vector, by kind."""

LATER: dict[str, str] = {"telemetry_event": "telemetry"}
"""Kinds about things that Paddock does not do yet."""


def matches(expected: object, actual: object) -> bool:
    """The comparison of the format: an object is a subset, ``{"set": …, "length": …}`` ignores order, everything else is equal."""
    if not isinstance(expected, dict):
        return type(expected) is type(actual) and expected == actual
    if "set" in expected and set(expected) <= {"set", "length"}:
        if not isinstance(actual, list):
            return False
        same = {canonical(item) for item in expected["set"]} == {canonical(item) for item in actual}
        return same and len(actual) == expected.get("length", len(actual))
    if not isinstance(actual, dict):
        return False
    # An empty object is no subset check: it says that there is nothing.
    return bool(expected or not actual) and all(name in actual and matches(value, actual[name]) for name, value in expected.items())


def canonical(value: object) -> str:
    """One spelling per JSON value."""
    return json.dumps(value, sort_keys=True)


class Outcome:
    """What came of some files."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed: list[tuple[str, object, object]] = []
        self.skipped: Counter[str] = Counter()

    def run(self, vectors: Sequence[Mapping[str, Any]]) -> None:
        """Judge every vector. What a vector makes a function raise is its outcome."""
        for vector in vectors:
            handler = KINDS.get(vector["kind"])
            if handler is None:
                self.skipped[vector["kind"]] += 1
                continue
            try:
                actual = handler(vector)
            except Exception as error:  # noqa: BLE001 -- one vector must not hide the others
                actual = f"{type(error).__name__}: {error}"
            if matches(vector["expected"], actual):
                self.passed += 1
            else:
                self.failed.append((vector["id"], vector["expected"], actual))

    def lines(self) -> list[str]:
        """The report."""
        out = [f"{name}: expected {json.dumps(expected)}, got {json.dumps(actual, default=str)}" for name, expected, actual in self.failed]
        out += [f"skipped {count} of kind {kind}: {LATER.get(kind, 'an unknown kind')}" for kind, count in sorted(self.skipped.items())]
        return [*out, f"{self.passed} passed, {len(self.failed)} failed"]


def main(files: Sequence[str]) -> int:
    """Run files; 1 when a vector fails."""
    if not files:
        print("usage: ./dev vectors FILE...", file=sys.stderr)
        return 2
    outcome = Outcome()
    for file in files:
        try:
            outcome.run(json.loads(Path(file).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            print(f"vectors: {file}: {error}", file=sys.stderr)
            return 2
    print("\n".join(outcome.lines()))
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
