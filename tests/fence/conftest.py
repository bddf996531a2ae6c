"""What the tests of the fence share."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from paddock.errors import PaddockError
from tests.conftest import must
from tests.fence.running import make_plan, run


@cache
def why_not() -> str:
    """Empty when a fence can be built here; otherwise the first step that failed."""
    try:
        run(make_plan(Path(os.path.realpath("/tmp")), ("true",)))
    except PaddockError as error:
        return f"{error}; {error.hint}"
    return ""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder to work in, where fences can be built."""
    must(not why_not(), f"no fence can be built here: {why_not()}")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the project, with a file in it."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "file").write_text("outside\n")
    return folder
