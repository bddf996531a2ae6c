"""Paddock as a program that a fenced command can start: this very code, in an interpreter that is isolated like the installed command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.project.source import ROOT

_SITES = [entry for entry in sys.path if entry.endswith("site-packages")]
_START = f"import sys; sys.path[:0] = [{str(ROOT / 'src')!r}]; sys.path += {_SITES!r}; from paddock.cli.main import main; sys.exit(main(sys.argv[1:]))"
# -B: the inner one must not try to write beside modules that are newer than their compiled form.
COMMAND = [os.path.realpath(sys.executable), "-I", "-S", "-B", "-c", _START]


def paddock(folder: Path, *words: str, **more: object) -> subprocess.CompletedProcess[str]:
    """``paddock WORDS`` in ``folder``."""
    return subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=120, **more)  # type: ignore[call-overload,no-any-return]  # as subprocess.run


def script(text: str) -> list[str]:
    """A shell script that can say ``"$@"`` for ``paddock``."""
    return ["/bin/sh", "-c", text, "sh", *COMMAND]


def nested(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The script in a fence."""
    return paddock(folder, "run", "--quiet", *options, "--", *script(text))
