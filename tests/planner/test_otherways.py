"""What is hidden at one path is hidden at every other path of the same files."""

from __future__ import annotations

import pytest

from paddock.model.around import PLACE
from paddock.model.plan import Access
from paddock.planner.otherways import TABLE
from tests.planner.fakes import APP, Tree, by_path, effective, filesystem, layout, tree

ROOT = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
LINE = "2 1 {device} {root} {point} rw,relatime shared:1 - ext4 /dev/sda1 rw\n"


def host(root: str, point: str, *same: tuple[str, str], device: str = "8:1") -> Tree:
    """A host on which ``root`` of the root's file system is mounted at ``point`` as well; ``same`` are pairs of paths of one file."""
    files = tree({path: b"" for pair in same for path in pair})
    files.add(TABLE, ROOT + LINE.format(device=device, root=root, point=point))
    for number, pair in enumerate(same):
        files.names_of |= dict.fromkeys(pair, number)
    return files


KEY = "/home/dev/keys/id"


@pytest.mark.parametrize(
    ("root", "point", "other"),
    [
        ("/home", "/data", "/data/dev/keys/id"),
        ("/", "/mnt/whole", f"/mnt/whole{KEY}"),
        (KEY, "/srv/id", "/srv/id"),
        ("/home/dev/keys", "/srv/with\\040space", "/srv/with space/id"),
    ],
)
def test_another_way_is_hidden(root: str, point: str, other: str) -> None:
    files = host(root, point, (KEY, other))
    places = layout(filesystem(deny_read=[KEY]), files).places()
    assert by_path(places)[other].access is Access.HIDDEN
    assert by_path(places)[other].why == by_path(places)[KEY].why
    assert effective(places, f"{other}-not") is not Access.HIDDEN


def test_what_is_mounted_elsewhere_from_below_a_hidden_folder_is_hidden() -> None:
    files = host("/home/dev/keys/sub", "/srv/sub", ("/home/dev/keys/sub/id", "/srv/sub/id"))
    files.names_of |= {"/home/dev/keys/sub": 77, "/srv/sub": 77}
    places = layout(filesystem(deny_read=["/home/dev/keys"]), files).places()
    assert effective(places, "/srv/sub/id") is Access.HIDDEN


def test_what_is_shown_again_stays_open_at_both() -> None:
    files = host("/home/dev/keys/sub", "/srv/sub", ("/home/dev/keys/sub/id", "/srv/sub/id"))
    files.names_of |= {"/home/dev/keys/sub": 77, "/srv/sub": 77}
    places = layout(filesystem(deny_read=["/home/dev/keys"], allow_read=["/home/dev/keys/sub"]), files).places()
    assert effective(places, "/home/dev/keys/sub/id") is Access.READ
    assert effective(places, "/srv/sub/id") is Access.READ


def test_another_file_system_or_another_file_is_left_alone() -> None:
    for files in (host("/home", "/data", (KEY, "/data/dev/keys/id"), device="8:2"), host("/home", "/data", (KEY, KEY), ("/data/dev/keys/id", "/data/x"))):
        places = layout(filesystem(deny_read=[KEY]), files).places()
        assert effective(places, KEY) is Access.HIDDEN
        assert effective(places, "/data/dev/keys/id") is not Access.HIDDEN


def test_the_masks_of_a_fence_around_are_no_other_ways() -> None:
    files = host("/home", "/data", (KEY, "/data/dev/keys/id"))
    mask = "8:9"
    table = "".join(LINE.format(device=mask, root=root, point=point) for root, point in (("/file", KEY), ("/file", "/etc/x"), ("/fence", PLACE)))
    files.add("/etc/x", "").add(TABLE, ROOT + table)
    files.names_of["/etc/x"] = files.names_of[KEY]
    assert effective(layout(filesystem(deny_read=[KEY]), files).places(), "/etc/x") is not Access.HIDDEN


def test_the_working_folder_is_not_hidden_and_that_is_told() -> None:
    files = host("/srv/all", APP, ("/srv/all", APP), ("/srv/all/x", f"{APP}/x"))
    out = layout(filesystem(deny_read=["/srv/all"]), files)
    assert effective(out.places(), f"{APP}/x") is Access.WRITE
    assert [item.subject for item in out.uncovered] == [APP]
