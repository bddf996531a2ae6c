"""What Paddock itself offers as a beginning gives its own linter nothing to warn of."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock.session.lint.finding import INFO
from paddock.session.lint.reading import Question, lint
from paddock.settings.managed import Roots
from paddock.settings.profiles import PROFILES
from tests.settings.world import World


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_no_reason_to_warn(tmp_path: Path, name: str) -> None:
    world = World(tmp_path)
    profile = PROFILES[name]
    path = world.write("managed" if profile.kind == "managed" else "project", dict(profile.settings), "paddock")
    question = Question(str(world.project), {**world.environ, "PATH": "/usr/bin:/bin"}, (str(path),), roots=Roots(str(world.system), "linux"))
    assert [str(item) for item in lint(question) if item.level != INFO] == []
