from __future__ import annotations

import errno
from pathlib import Path

import pytest

from paddock.host.links import MOST_LINKS, steps


def test_a_path_without_links_is_itself(tmp_path: Path) -> None:
    base = tmp_path.resolve()
    assert steps(f"{base}/a/b") == (f"{base}/a/b",)
    assert steps("/") == ("/",)


def test_every_hop_is_there_and_the_end(tmp_path: Path) -> None:
    base = tmp_path.resolve()
    (base / "end").mkdir()
    (base / "one").symlink_to("two")
    (base / "two").symlink_to(base / "end")
    assert steps(f"{base}/one/x") == (f"{base}/one/x", f"{base}/two/x", f"{base}/end/x")


def test_a_link_that_leads_up(tmp_path: Path) -> None:
    base = tmp_path.resolve()
    (base / "a").mkdir()
    (base / "a" / "up").symlink_to("../b")
    assert steps(f"{base}/a/up/c") == (f"{base}/a/up/c", f"{base}/b/c")


def test_too_many_links_are_an_error(tmp_path: Path) -> None:
    base = tmp_path.resolve()
    for number in range(MOST_LINKS + 1):
        (base / f"l{number}").symlink_to(f"l{number + 1}")
    assert steps(f"{base}/l1")[-1] == f"{base}/l{MOST_LINKS + 1}"
    with pytest.raises(OSError, match="symbolic links") as caught:
        steps(f"{base}/l0")
    assert caught.value.errno == errno.ELOOP
