"""Links are followed as the kernel follows them, and no name is asked for twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.host.files import HostFiles
from paddock.model.plan import Kind
from paddock.planner.view import View
from tests.planner.fakes import Link, Tree


def view(entries: dict[str, str | Link | None]) -> tuple[View, Tree]:
    files = Tree()
    for path, content in entries.items():
        files.add(path, content)
    return View(files), files


def test_a_chain_of_links_gives_every_hop() -> None:
    look, _ = view({"/a": Link("/b/c"), "/b": Link("d"), "/d/c": Link("../e"), "/e": "x"})
    assert look.resolve("/a") == ("/e", Kind.FILE, ("/a", "/b", "/d/c"))


def test_the_part_that_does_not_exist_is_kept() -> None:
    look, _ = view({"/a": Link("b"), "/b": None})
    assert look.resolve("/a/x/y") == ("/b/x/y", None, ("/a",))


def test_a_dangling_link_leads_to_where_its_target_would_be() -> None:
    look, _ = view({"/a/l": Link("../b/c")})
    assert look.resolve("/a/l") == ("/b/c", None, ("/a/l",))


def test_two_dots_are_taken_after_the_links_before_them() -> None:
    look, _ = view({"/x/y/z": None, "/l": Link("/x/y"), "/m": Link("/l/../f"), "/x/f": "right", "/f": "wrong"})
    assert look.resolve("/m").path == "/x/f"


@pytest.mark.parametrize("text", ["a", "./a", "/a"])
def test_a_loop_ends(text: str) -> None:
    look, _ = view({"/a": Link(text)})
    assert look.resolve("/a").kind is None


def test_no_name_is_asked_for_twice() -> None:
    look, files = view({f"/d/e/f{number}": "" for number in range(50)})
    for number in range(50):
        look.resolve(f"/d/e/f{number}")
    assert len(files.asked) == 52


NAMES = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.tuples(NAMES, NAMES, st.sampled_from(["", "a", "../b", "b/../c", "/c", "..", "."])), max_size=6), NAMES, NAMES)
def test_agrees_with_the_system(tmp_path_factory: pytest.TempPathFactory, links: list[tuple[str, str, str]], first: str, second: str) -> None:
    root = os.path.realpath(tmp_path_factory.mktemp("view"))
    for folder, name, text in links:
        place = Path(root, folder)
        place.mkdir(exist_ok=True)
        target = text if not text.startswith("/") else root + text
        if target and not os.path.lexists(place / name):
            (place / name).symlink_to(target)
    path = f"{root}/{first}/{second}"
    found = View(HostFiles()).resolve(path)
    try:
        expected = os.path.realpath(path, strict=True)
    except OSError:
        assert found.kind is None
    else:
        assert found.path == expected
        assert found.kind is not None


def test_what_can_be_made() -> None:
    look, files = view({"/open/a": None, "/closed/b": None})
    files.closed.add("/closed")
    assert look.can_make("/open/x/y")
    assert not look.can_make("/closed/x/y")
    assert look.can_make("/closed/b/x")


def test_links_that_lead_to_links_do_not_double_with_every_step() -> None:
    look, files = view({f"/l{number}": Link(f"l{number + 1}/../l{number + 1}") for number in range(60)})
    look.resolve("/l0")
    assert len(files.asked) < 500
