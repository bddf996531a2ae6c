"""Sockets of the host that have a path are hidden, unless a rule names one."""

from __future__ import annotations

from paddock.model.plan import Access
from paddock.planner.sockets import TABLE, bound
from paddock.planner.view import View
from tests.planner.fakes import SOCKET_TABLE_HEAD, Tree, by_path, filesystem, layout, tree

LINE = "0000000000000000: 00000002 00000000 00010000 0001 01 {inode:>5} {path}\n"


def host(*sockets: str) -> Tree:
    files = tree(dict.fromkeys(sockets, b""))
    files.add(TABLE, SOCKET_TABLE_HEAD + "".join(LINE.format(inode=n, path=path) for n, path in enumerate(sockets)))
    files.sockets = set(sockets)
    return files


def test_a_socket_outside_and_one_in_the_project_are_hidden() -> None:
    places = by_path(layout(filesystem(), host("/srv/db/it s.sock", "/home/dev/app/run.sock")).places())
    assert places["/srv/db/it s.sock"].access is Access.HIDDEN
    assert places["/home/dev/app/run.sock"].access is Access.HIDDEN


def test_a_rule_that_names_the_socket_shows_it() -> None:
    places = by_path(layout(filesystem(allow_read=["/srv/db/a.sock"]), host("/srv/db/a.sock", "/srv/db/b.sock")).places())
    assert "/srv/db/a.sock" not in places
    assert places["/srv/db/b.sock"].access is Access.HIDDEN


def test_a_rule_that_names_the_folder_does_not() -> None:
    places = by_path(layout(filesystem(allow_read=["/srv/db"]), host("/srv/db/a.sock")).places())
    assert places["/srv/db/a.sock"].access is Access.HIDDEN


def test_a_file_where_a_socket_used_to_be_is_left_alone() -> None:
    files = host("/srv/db/a.sock")
    files.sockets.clear()
    assert "/srv/db/a.sock" not in by_path(layout(filesystem(), files).places())


def test_abstract_and_relative_names_are_no_paths() -> None:
    files = tree({})
    files.add(TABLE, SOCKET_TABLE_HEAD + LINE.format(inode=1, path="@/tmp/abstract") + LINE.format(inode=2, path="relative.sock"))
    assert bound(View(files)) == []


def test_a_table_that_cannot_be_read_is_said() -> None:
    files = tree({})
    del files.entries[TABLE]
    assert any(item.subject == TABLE for item in layout(filesystem(), files).uncovered)
