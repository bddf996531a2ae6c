"""The stage of the acceptance tests."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from scripts.stage import Stage, online
from tests.conftest import DEVELOPER_ENVIRONMENT, must


@pytest.fixture(scope="session")
def registries() -> bool:
    """Whether the registries that npm and pip are configured for answer from here."""
    return online(DEVELOPER_ENVIRONMENT)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A throw-away home with planted secrets and the installed command."""
    command = Path(sys.executable).with_name("paddock")
    must(command.exists(), "Paddock is not installed beside this interpreter: use ./dev test")
    for program in ("node", "npm", "git"):
        must(shutil.which(program, path=DEVELOPER_ENVIRONMENT.get("PATH")), f"{program} is not installed")
    return Stage(tmp_path, command, DEVELOPER_ENVIRONMENT)
