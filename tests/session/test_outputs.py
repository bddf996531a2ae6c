"""Output folders of a read-only project are made, where they were named and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paddock.errors import PolicyError
from paddock.model.policy import PathRule
from paddock.model.settings import Origin, Scope
from paddock.session.outputs import make_outputs

RULE = PathRule("./dist", Origin(Scope.USER, "settings.json", 3, 5, "sandbox.filesystem.allowWrite", "./dist"))


def make(project: Path, *names: str) -> bool:
    return make_outputs(str(project), [(str(project / name), RULE) for name in names])


def test_what_is_missing_is_made_once(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    assert make(tmp_path, "dist", "a/b/c") is True
    assert (tmp_path / "a" / "b" / "c").is_dir()
    assert make(tmp_path, "dist", "a/b/c") is False
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("there", ["file", "link", "chain"])
def test_something_else_in_the_way_is_an_error_with_the_entry(tmp_path: Path, there: str) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    if there == "file":
        (project / "a").write_text("")
    else:
        (project / "a").symlink_to(outside)
    with pytest.raises(PolicyError, match="cannot be made") as caught:
        make(project, "a" if there == "link" else "a/dist")
    assert "settings.json:3" in caught.value.hint
    assert list(outside.iterdir()) == []
