"""Paddock on a scripted terminal, from this very tree."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import must
from tests.fence.conftest import why_not
from tests.session.screen import Screen

__all__ = ["QUIET", "Desk", "desk"]

QUIET = ("run", "--quiet", "--setting-sources", "cli", "--")
_START = "import sys; sys.path[:0] = {path!r}; from paddock.cli.main import main; sys.exit(main(sys.argv[1:]))"


class Desk:
    """A project, and ``paddock`` as a program that shells can call by its path."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        self.paddock = str(folder / "paddock")
        tree = str(Path(__file__).resolve().parents[2] / "src")
        path = [tree, *(entry for entry in sys.path if entry.endswith("site-packages"))]
        words = (sys.executable, "-I", "-S", "-c", _START.format(path=path))
        Path(self.paddock).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        Path(self.paddock).chmod(0o755)

    def screen(self, argv: Sequence[str], **more: str) -> Screen:
        """``argv`` on a terminal of its own, in the project."""
        return Screen(argv, cwd=self.project, env={"PS1": "> ", "LESSHISTFILE": "-", "PYTHON_BASIC_REPL": "1", "PYTHON_HISTORY": os.devnull, **more})

    def fenced(self, argv: Sequence[str]) -> list[str]:
        """``argv`` behind ``paddock run``."""
        return [self.paddock, *QUIET, *argv]


@pytest.fixture
def desk(isolated_environment: Path) -> Desk:
    """A place to work at, where fences can be built."""
    must(not why_not(), f"no fence can be built here: {why_not()}")
    return Desk(isolated_environment)
