"""Who could change a file: owners, modes, lists, folders above, links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paddock.host.writers import group_members, user_name, writers_of
from tests.conftest import applies, must


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder that only its owner can write."""
    folder = tmp_path / "box"
    folder.mkdir()
    folder.chmod(0o755)
    return folder


def make(path: Path, mode: int = 0o644) -> Path:
    path.write_text("x")
    path.chmod(mode)
    return path


def below(found: dict[int, str], box: Path) -> dict[int, str]:
    """Only what the test made: the folders above belong to this machine."""
    return {number: path for number, path in found.items() if path.startswith(str(box))}


def test_the_owner_can_and_nobody_else(box: Path) -> None:
    found = writers_of([str(make(box / "a"))])
    assert os.geteuid() in found.users
    assert not below(found.groups, box)
    assert not found.everyone.startswith(str(box))


def test_root_owns_the_folders_above(box: Path) -> None:
    assert 0 in writers_of([str(make(box / "a"))]).users


def test_the_files_own_mode(box: Path) -> None:
    group = writers_of([str(make(box / "a", 0o664))])
    assert below(group.groups, box) == {(box / "a").stat().st_gid: str(box / "a")}
    assert writers_of([str(make(box / "b", 0o646))]).everyone == str(box / "b")


def test_a_folder_above_counts_and_a_sticky_one_does_not(box: Path) -> None:
    file = make(box / "in")
    box.chmod(0o777)
    assert writers_of([str(file)]).everyone == str(box)
    box.chmod(0o1777)
    assert not writers_of([str(file)]).everyone
    assert writers_of([str(box)]).everyone == str(box)  # the folder itself: anybody may add to it


def test_links_are_followed_and_both_ways_count(box: Path) -> None:
    far = box / "far"
    far.mkdir(mode=0o755)
    make(far / "end", 0o646)
    (box / "way").symlink_to("far/end")
    assert writers_of([str(box / "way")]).everyone == str(far / "end")
    (far / "end").chmod(0o644)
    far.chmod(0o777)
    assert writers_of([str(box / "way")]).everyone == str(far)
    far.chmod(0o755)
    assert not writers_of([str(box / "way")]).everyone


def test_a_loop_of_links_ends(box: Path) -> None:
    (box / "loop").symlink_to("loop")
    assert os.geteuid() in writers_of([str(box / "loop")]).users


def test_a_missing_file_is_whose_folder_it_would_be_in(box: Path) -> None:
    box.chmod(0o777)
    assert writers_of([str(box / "no" / "such")]).everyone == str(box)


def test_everything_in_a_tree_counts_except_other_peoples_packages(box: Path) -> None:
    (box / "deep").mkdir(mode=0o755)
    make(box / "deep" / "open", 0o646)
    assert not writers_of([str(box)]).everyone
    assert writers_of([], [str(box)]).everyone == str(box / "deep" / "open")
    (box / "deep").rename(box / "site-packages")
    assert not writers_of([], [str(box)]).everyone


def test_another_owner_is_named(box: Path) -> None:
    applies(os.geteuid() == 0, "only root can give files away")
    file = make(box / "given")
    os.chown(file, 54321, 54321)
    assert writers_of([str(file)]).users[54321] == str(file)


def acl(*entries: tuple[int, int, int]) -> bytes:
    return b"\x02\0\0\0" + b"".join(tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + number.to_bytes(4, "little") for tag, bits, number in entries)


NOBODY = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "users", "groups"),
    [
        (acl((1, 6, NOBODY), (2, 6, 7), (4, 4, NOBODY), (16, 6, NOBODY), (32, 4, NOBODY)), {7}, set()),
        (acl((1, 6, NOBODY), (4, 4, NOBODY), (8, 6, 9), (16, 6, NOBODY), (32, 4, NOBODY)), set(), {9}),
        (acl((1, 6, NOBODY), (2, 4, 7), (4, 6, NOBODY), (16, 6, NOBODY), (32, 4, NOBODY)), set(), {-1}),
    ],
)
def test_lists_as_the_kernel_gives_them(monkeypatch: pytest.MonkeyPatch, box: Path, data: bytes, users: set[int], groups: set[int]) -> None:
    file = make(box / "listed", 0o664)
    real = os.getxattr
    monkeypatch.setattr(os, "getxattr", lambda path, *rest, **more: data if path == str(file) else real(path, *rest, **more))
    found = writers_of([str(file)])
    own = file.stat().st_gid
    assert {n for n in below(found.users, box) if n != os.geteuid()} == users
    assert set(below(found.groups, box)) == {own if n == -1 else n for n in groups}


def test_the_kernels_own_lists_are_read(box: Path) -> None:
    file = make(box / "listed")
    try:
        os.setxattr(file, "system.posix_acl_access", acl((1, 6, NOBODY), (2, 6, 54321), (4, 4, NOBODY), (8, 4, 54322), (16, 6, NOBODY), (32, 4, NOBODY)))
    except OSError as error:
        must(condition=False, reason=f"this file system has no access control lists: {error}")
    found = writers_of([str(file)])
    assert found.users[54321] == str(file)
    assert not below(found.groups, box)


def test_members_and_names() -> None:
    assert 0 in group_members(0)
    assert group_members(54321) == frozenset()
    assert (user_name(0), user_name(54321)) == ("root", "")
