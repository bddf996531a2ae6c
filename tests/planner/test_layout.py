"""Reads, writes, links, absent paths: from rules to places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.errors import PolicyError
from paddock.model import paths
from paddock.model.plan import Access, Kind
from paddock.planner.layout import Ground, lay_out
from paddock.planner.view import View
from tests.planner.fakes import APP, HOME, Link, Tree, by_path, effective, filesystem, layout, tree

# Overlaps of rules for reading: (deny, allow, path, readable). Spec 3.1: the most specific one wins, allow wins a tie.
READS = [
    ([], [], f"{HOME}/.aws/credentials", True),
    ([f"{HOME}/.ssh"], [], f"{HOME}/.ssh/id_x", False),
    ([HOME], [f"{HOME}/projects"], f"{HOME}/projects/a", True),
    ([HOME], [f"{HOME}/projects"], f"{HOME}/.bashrc", False),
    ([f"{HOME}/.env"], [HOME], f"{HOME}/.env", False),
    ([f"{HOME}/.env"], [HOME], f"{HOME}/notes", True),
    ([f"{HOME}/**/.env"], [HOME], f"{HOME}/a/b/.env", False),
    ([HOME], [APP], f"{APP}/src/a", True),
    ([HOME, f"{APP}/secrets"], [APP], f"{APP}/secrets/k", False),
    (["/srv/x"], ["/srv/x"], "/srv/x/f", True),
    ([f"{HOME}/a"], [f"{HOME}/a/b"], f"{HOME}/a/b/c", True),
    ([f"{HOME}/a", f"{HOME}/a/b/c"], [f"{HOME}/a/b"], f"{HOME}/a/b/c/d", False),
    ([f"{HOME}/.ssh"], [], f"{HOME}/.sshx/id", True),
    # The working folder is a write root: it re-opens what is denied above it, not what is denied below it.
    ([HOME], [], f"{APP}/src/a", True),
    ([f"{APP}/private"], [], f"{APP}/private/x", False),
]
WRITES = [
    (["/srv/build"], [], "/srv/build/o", True),
    (["/srv"], ["/srv/keep"], "/srv/keep/f", False),
    (["/srv"], ["/srv/keep"], "/srv/other/f", True),
    (["/srv/keep/sub"], ["/srv/keep"], "/srv/keep/sub/f", False),
    ([], [f"{APP}/locked"], f"{APP}/locked/f", False),
    ([], [f"{APP}/locked"], f"{APP}/lockedx/f", True),
    ([APP], [], f"{APP}/.bashrc", False),
    ([APP], [], f"{APP}/.mcp.json", False),
    ([APP], [], f"{APP}/.claude/settings.json", False),
    ([HOME], [], f"{HOME}/.claude.json", False),
    ([HOME], [], f"{HOME}/notes.txt", True),
]


@pytest.mark.parametrize(("deny", "allow", "path", "readable"), READS)
def test_overlapping_reads(deny: list[str], allow: list[str], path: str, *, readable: bool) -> None:
    found = layout(filesystem(deny_read=deny, allow_read=allow), tree({path: "x"})).places()
    assert (effective(found, path) is not Access.HIDDEN) is readable


@pytest.mark.parametrize(("allow", "deny", "path", "writable"), WRITES)
def test_overlapping_writes(allow: list[str], deny: list[str], path: str, *, writable: bool) -> None:
    found = layout(filesystem(allow_write=[APP, *allow], deny_write=deny), tree({path: "x"})).places()
    assert (effective(found, path) is Access.WRITE) is writable


COMPONENTS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=4).map(lambda parts: "/srv" + "".join(f"/{part}" for part in parts))
PATH_SETS = st.lists(COMPONENTS, max_size=6)


@given(deny_read=PATH_SETS, allow_read=PATH_SETS, allow_write=PATH_SETS, deny_write=PATH_SETS, asked=COMPONENTS)
def test_the_sweep_agrees_with_the_words_of_the_specification(
    deny_read: list[str], allow_read: list[str], allow_write: list[str], deny_write: list[str], asked: str
) -> None:
    files = Tree()
    for path in ("/home/dev", APP, asked, *deny_read, *allow_read, *allow_write, *deny_write):
        files.add(path, None)
    policy = filesystem(deny_read=deny_read, allow_read=allow_read, allow_write=allow_write, deny_write=deny_write)
    laid = lay_out(policy, Ground(APP, HOME, APP), View(files))

    def deepest(rules: list[str]) -> int:
        return max((paths.depth(rule) for rule in rules if paths.is_beneath(asked, rule)), default=-1)

    readable = max(deepest(allow_read), deepest(allow_write)) >= deepest(deny_read)
    writable = readable and deepest(allow_write) >= 0 and deepest(deny_write) < 0
    expected = Access.HIDDEN if not readable else Access.WRITE if writable else Access.READ
    places = laid.places()
    assert effective(places, asked) is expected
    assert laid.access(asked) is expected


@given(allow_write=PATH_SETS, deny_write=PATH_SETS, deny_read=PATH_SETS)
def test_whatever_is_restricted_cannot_be_renamed_away(allow_write: list[str], deny_write: list[str], deny_read: list[str]) -> None:
    files = Tree().add(APP, None)
    for path in (*allow_write, *deny_write, *deny_read):
        files.add(path, None)
    places = layout(filesystem(allow_write=allow_write, deny_write=deny_write, deny_read=deny_read), files).places()
    mounted = by_path(places)
    for place in places:
        if place.access is Access.WRITE:
            continue
        for folder in paths.ancestors(place.path):
            if folder != "/" and effective(places, paths.ancestors(folder)[0]) is Access.WRITE:
                assert folder in mounted, f"{folder} can be renamed, and {place.path} is in it"


@given(deny_write=PATH_SETS, allow_write=PATH_SETS)
def test_places_come_parents_first_and_once(deny_write: list[str], allow_write: list[str]) -> None:
    files = Tree().add(APP, None)
    for path in (*allow_write, *deny_write):
        files.add(path, None)
    places = layout(filesystem(allow_write=allow_write, deny_write=deny_write), files).places()
    assert [paths.depth(place.path) for place in places] == sorted(paths.depth(place.path) for place in places)
    assert len(by_path(places)) == len(places)


def test_a_rule_that_changes_nothing_costs_no_place() -> None:
    found = layout(filesystem(deny_write=["/etc"], allow_read=["/usr"], deny_read=["/srv", "/srv/a"]), tree({"/srv/a/b": ""})).places()
    assert [place.path for place in found] == ["/srv", APP]


def test_a_hidden_folder_with_something_shown_in_it_is_a_skeleton() -> None:
    found = by_path(layout(filesystem(deny_read=[HOME]), tree({})).places())
    assert found[HOME].skeleton
    assert found[APP].access is Access.WRITE


def test_a_hidden_folder_with_nothing_shown_in_it_is_none() -> None:
    assert not by_path(layout(filesystem(deny_read=["/srv"]), tree({})).places())["/srv"].skeleton


def test_secrets_in_a_skeleton_are_refused_by_name() -> None:
    files = tree({f"{HOME}/.ssh/id": "", f"{HOME}/.bashrc": "", f"{HOME}/notes": ""})
    found = by_path(layout(filesystem(deny_read=[HOME], builtin=[f"{HOME}/.ssh", f"{HOME}/.aws"]), files).places())
    assert found[f"{HOME}/.ssh"].access is Access.HIDDEN
    assert found[f"{HOME}/.bashrc"].access is Access.HIDDEN
    assert found[f"{HOME}/.bashrc"].why == found[HOME].why
    assert f"{HOME}/.aws" not in found
    assert f"{HOME}/notes" not in found


# -- links


def test_a_denied_link_hides_what_it_leads_to() -> None:
    found = layout(filesystem(deny_read=[f"{HOME}/keys"]), tree({f"{HOME}/keys": Link("../../srv/keys"), "/srv/keys/k": ""})).places()
    assert effective(found, "/srv/keys/k") is Access.HIDDEN


def test_a_link_to_a_path_that_may_not_be_written_is_kept_too() -> None:
    files = tree({f"{APP}/conf": Link("real"), f"{APP}/real/x": ""})
    found = by_path(layout(filesystem(deny_write=[f"{APP}/conf/x"]), files).places())
    assert (found[f"{APP}/conf"].access, found[f"{APP}/conf"].kind) == (Access.READ, Kind.SYMLINK)
    assert found[f"{APP}/real/x"].access is Access.READ
    assert found[f"{APP}/real"].pin


def test_a_loop_of_links_is_an_absent_path() -> None:
    files = tree({f"{APP}/a": Link("b"), f"{APP}/b": Link("a")})
    laid = layout(filesystem(deny_read=[f"{APP}/a/x"]), files)
    assert any(path.startswith(APP) for path, _, _ in laid.absent)


def test_writing_through_an_allowed_link_goes_where_it_leads() -> None:
    found = layout(filesystem(allow_write=[f"{HOME}/out"]), tree({f"{HOME}/out": Link("/srv/out"), "/srv/out": None})).places()
    assert effective(found, "/srv/out/x") is Access.WRITE


# -- absent paths


def test_an_absent_denied_path_in_a_write_root_is_kept_for_the_guard() -> None:
    laid = layout(filesystem(deny_write=[f"{APP}/later", "/srv/later"], deny_read=[f"{APP}/.env.local"]), tree({}))
    assert {path for path, _, _ in laid.absent if path.startswith((APP, "/srv"))} == {f"{APP}/later", f"{APP}/.env.local"}
    assert not laid.uncovered


def test_an_absent_path_where_nothing_can_be_made_is_not() -> None:
    laid = layout(filesystem(deny_write=["/srv/later"], deny_read=["/opt", "/opt/x"]), tree({"/opt": None}))
    assert not [item for item in laid.uncovered if item.subject in ("/srv/later", "/opt/x")]


def test_an_absent_writable_path_is_a_notice() -> None:
    laid = layout(filesystem(allow_write=[APP, "/srv/none"]), tree({}))
    assert any("/srv/none" in notice.text for notice in laid.notices)


# -- folders of the fence's own


def test_the_hosts_tmp_is_never_shown_and_a_folder_in_it_can_be() -> None:
    files = tree({"/tmp/base/a": "", "/tmp/other/b": ""})
    found = by_path(layout(filesystem(allow_write=["/tmp", "/tmp/base"], allow_read=["/tmp"]), files).places())
    assert "/tmp" not in found
    assert found["/tmp/base"].access is Access.WRITE
    assert layout(filesystem(), files).access("/tmp/other/b") is Access.HIDDEN


@pytest.mark.parametrize("top", ["/tmp", "/var/tmp", "/dev/shm", "/run/user/1000"])
def test_a_working_folder_in_a_private_folder_is_writable(top: str) -> None:
    found = layout(filesystem(allow_write=[f"{top}/p"]), tree({f"{top}/p/.git/config": "", f"{top}/p/.git/HEAD": ""}), cwd=f"{top}/p").places()
    assert effective(found, f"{top}/p/x") is Access.WRITE
    assert effective(found, f"{top}/p/.git/config") is Access.READ


def test_what_lies_around_a_project_in_tmp_is_shown_unless_a_rule_hides_it() -> None:
    files = tree({"/tmp/base/a/x": "", "/tmp/base/b": "", "/tmp/other/c": ""})
    policy = filesystem(allow_write=["/tmp/base/a"])
    found = layout(policy, files, cwd="/tmp/base/a")
    assert effective(found.places(), "/tmp/base/b") is Access.READ
    assert found.access("/tmp/other/c") is Access.HIDDEN
    closed = layout(filesystem(allow_write=["/tmp/base/a"], deny_read=["/tmp/base"]), files, cwd="/tmp/base/a")
    assert closed.access("/tmp/base/b") is Access.HIDDEN
    assert closed.access("/tmp/base/a/x") is Access.WRITE


@pytest.mark.parametrize("device", ["/dev/null", "/dev/tty", "/proc/self"])
def test_rules_about_devices_change_nothing(device: str) -> None:
    files = tree({device: ""})
    assert not [place for place in layout(filesystem(allow_write=[APP, device], deny_read=[device]), files).places() if place.path == device]


# -- the working folder


@pytest.mark.parametrize("cwd", [HOME, "/home", "/"])
def test_a_working_folder_that_holds_home_is_refused(cwd: str) -> None:
    with pytest.raises(PolicyError) as caught:
        layout(filesystem(allow_write=[cwd]), tree({}), cwd=cwd)
    assert "--allow-home" in caught.value.hint


def test_and_allowed_when_asked_for() -> None:
    files = tree({f"{HOME}/.ssh/id": ""})
    found = layout(filesystem(allow_write=[HOME], builtin=[f"{HOME}/.ssh"]), files, cwd=HOME, allow_home=True).places()
    assert effective(found, f"{HOME}/notes") is Access.WRITE
    assert effective(found, f"{HOME}/.ssh/id") is Access.HIDDEN


# -- Paddock's own


def test_paddocks_own_folders_cannot_be_written_whatever_is_allowed() -> None:
    files = tree({f"{APP}/venv/lib/paddock/x.py": "", f"{HOME}/.config/paddock/settings.json": ""})
    policy = filesystem(allow_write=[APP, f"{APP}/venv", f"{HOME}/.config/paddock"])
    found = layout(policy, files, own=(f"{APP}/venv",), state=(f"{HOME}/.config/paddock",)).places()
    assert effective(found, f"{APP}/venv/lib/paddock/x.py") is Access.READ
    assert effective(found, f"{HOME}/.config/paddock/settings.json") is not Access.WRITE


def test_an_installation_that_cannot_be_kept_is_refused() -> None:
    files = tree({f"{APP}/paddock.pyz": ""})
    with pytest.raises(PolicyError, match="runs from") as caught:
        layout(filesystem(), files, own=(f"{APP}/paddock.pyz/paddock",))
    assert "outside the project" in caught.value.hint
    layout(filesystem(allow_write=[]), files, own=(f"{APP}/paddock.pyz/paddock",))


# -- programs on PATH


def test_programs_on_path_stay_readable_in_a_hidden_home() -> None:
    files = tree({f"{HOME}/.nvm/v20/bin/node": "", f"{HOME}/.nvm/v20/lib/x": "", f"{HOME}/.nvm/alias": ""})
    found = layout(filesystem(deny_read=[HOME]), files, reopened=(f"{HOME}/.nvm/v20",)).places()
    assert effective(found, f"{HOME}/.nvm/v20/lib/x") is Access.READ
    assert effective(found, f"{HOME}/.nvm/alias") is Access.HIDDEN


def test_a_rule_that_names_such_a_folder_stands() -> None:
    files = tree({f"{HOME}/.nvm/v20/bin/node": ""})
    found = layout(filesystem(deny_read=[HOME, f"{HOME}/.nvm"]), files, reopened=(f"{HOME}/.nvm/v20",)).places()
    assert effective(found, f"{HOME}/.nvm/v20/bin/node") is Access.HIDDEN


# -- cost


def test_a_thousand_rules_ask_once_per_name() -> None:
    files = tree({f"/srv/d{number}/x": "" for number in range(1000)})
    files.asked.clear()
    layout(filesystem(deny_read=[f"/srv/d{number}/x" for number in range(1000)]), files)
    assert len(files.asked) == len(set(files.asked))
