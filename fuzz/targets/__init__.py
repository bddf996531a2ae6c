"""What is fuzzed, by name."""

from __future__ import annotations

from fuzz.engine import Target
from fuzz.targets import files, network, process, shell

__all__ = ["TARGETS"]

TARGETS: dict[str, Target] = {target.name: target for target in (*network.TARGETS, *process.TARGETS, *files.TARGETS, *shell.TARGETS)}
