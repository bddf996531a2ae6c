"""Facts, found without starting anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paddock.host import facts


def test_this_machine() -> None:
    found = facts.gather()
    assert found.kernel >= (5, 4)
    assert (found.uid, found.gid) == (os.getuid(), os.getgid())
    assert found.hostname == os.uname().nodename
    assert found.landlock_abi >= 0


@pytest.mark.parametrize(
    ("release", "version"),
    [("6.18.44-fc-v669", (6, 18)), ("5.15.0-100-generic", (5, 15)), ("6.1", (6, 1)), ("7", (7, 0)), ("6.12rc3", (6, 12)), ("x.y", (0, 0)), ("", (0, 0))],
)
def test_kernel_releases(release: str, version: tuple[int, int]) -> None:
    assert facts._version(release) == version


def test_a_sysctl_that_is_not_there(tmp_path: Path) -> None:
    assert facts._number(f"{tmp_path}/none") is None
    (tmp_path / "zero").write_text("0\n")
    assert facts._number(f"{tmp_path}/zero") == 0
