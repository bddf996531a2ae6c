"""What git runs or believes is kept; everything else in a git directory stays ordinary."""

from __future__ import annotations

import pytest

from paddock.model.plan import Access, Kind
from tests.planner.fakes import APP, HOME, Link, Tree, by_path, effective, filesystem, layout, tree

KEPT = ["hooks/pre-commit", "config", "config.worktree", "commondir"]
ORDINARY = ["HEAD", "index", "refs/heads/main", "objects/ab/cd", "logs/HEAD", "COMMIT_EDITMSG", "info/exclude", "packed-refs"]


def repository(files: Tree, git: str, *, config: str = "[core]\n\tbare = false\n") -> Tree:
    for name in ("hooks/pre-commit.sample", "refs/heads/main", "objects/ab/cd", "index"):
        files.add(f"{git}/{name}", "")
    files.add(f"{git}/HEAD", "ref: refs/heads/main\n").add(f"{git}/config", config)
    return files


def accesses(files: Tree, **policy: object) -> dict[str, Access]:
    places = layout(filesystem(**policy), files).places()  # type: ignore[arg-type]  # lists of paths
    return {path: effective(places, path) for path in files.entries}


@pytest.mark.parametrize("folder", [APP, f"{APP}/a/b/c", f"{APP}/node_modules/x", f"{APP}/vendor/lib"])
def test_a_repository(folder: str) -> None:
    files = repository(tree({}), f"{folder}/.git")
    for name in KEPT[2:]:
        files.add(f"{folder}/.git/{name}", "")
    places = layout(filesystem(), files).places()
    for name in KEPT:
        assert effective(places, f"{folder}/.git/{name}") is Access.READ, name
    for name in ORDINARY:
        assert effective(places, f"{folder}/.git/{name}") is Access.WRITE, name
    assert by_path(places)[f"{folder}/.git"].pin


def test_submodules_inside_the_git_directory() -> None:
    files = repository(tree({}), f"{APP}/.git")
    repository(files, f"{APP}/.git/modules/sub")
    repository(files, f"{APP}/.git/modules/deep/name")
    repository(files, f"{APP}/.git/modules/sub/modules/inner")
    files.add(f"{APP}/.git/modules/half/hooks", None)
    places = layout(filesystem(), files).places()
    for name in ("sub", "deep/name", "sub/modules/inner"):
        assert effective(places, f"{APP}/.git/modules/{name}/hooks/x") is Access.READ
        assert effective(places, f"{APP}/.git/modules/{name}/config") is Access.READ
        assert effective(places, f"{APP}/.git/modules/{name}/index") is Access.WRITE
    assert effective(places, f"{APP}/.git/modules/half/hooks/x") is Access.READ


def test_a_git_directory_that_is_a_link() -> None:
    files = repository(tree({f"{APP}/.git": Link("realgit")}), f"{APP}/realgit")
    found = by_path(layout(filesystem(), files).places())
    assert (found[f"{APP}/.git"].kind, found[f"{APP}/.git"].access) == (Kind.SYMLINK, Access.READ)
    assert found[f"{APP}/realgit/hooks"].access is Access.READ
    assert found[f"{APP}/realgit"].pin


def test_hooks_that_are_a_link() -> None:
    files = tree({f"{APP}/.git/HEAD": "", f"{APP}/.git/hooks": Link("../tracked"), f"{APP}/tracked/pre-commit": ""})
    found = by_path(layout(filesystem(), files).places())
    assert (found[f"{APP}/.git/hooks"].kind, found[f"{APP}/.git/hooks"].access) == (Kind.SYMLINK, Access.READ)
    assert found[f"{APP}/tracked"].access is Access.READ


@pytest.mark.parametrize(
    ("config", "files"),
    [
        ("[core]\n\thooksPath = tools/hooks\n", {}),
        ("[core]\n\thookspath = ./tools/hooks/\n", {}),
        (f"[core]\n\thooksPath = {APP}/tools/hooks\n", {}),
        ("[include]\n\tpath = ../more.conf\n", {f"{APP}/more.conf": "[core]\n\thooksPath = tools/hooks"}),
        ('[includeIf "gitdir:/x"]\n\tpath = ../more.conf\n', {f"{APP}/more.conf": "[core]\n\thooksPath = tools/hooks"}),
    ],
)
def test_hooks_that_the_configuration_moved(config: str, files: dict[str, str]) -> None:
    host = repository(tree({f"{APP}/tools/hooks/pre-commit": "", f"{APP}/tools/other": "", **files}), f"{APP}/.git", config=config)
    found = accesses(host)
    assert found[f"{APP}/tools/hooks/pre-commit"] is Access.READ
    assert found[f"{APP}/tools/other"] is Access.WRITE
    assert all(found[path] is Access.READ for path in files)


def test_hooks_that_the_users_configuration_moved() -> None:
    files = repository(tree({f"{HOME}/.gitconfig": "[core]\nhooksPath=.hooks", f"{APP}/.hooks/x": ""}), f"{APP}/.git")
    assert accesses(files)[f"{APP}/.hooks/x"] is Access.READ


@pytest.mark.parametrize("value", ["/", "../../..", HOME, "."])
def test_a_planted_hooks_path_cannot_close_the_whole_project(value: str) -> None:
    files = repository(tree({f"{APP}/src/x": ""}), f"{APP}/.git", config=f"[core]\n\thooksPath = {value}\n")
    assert accesses(files)[f"{APP}/src/x"] is Access.WRITE


# -- linked worktrees and submodules: the git directory lies outside

MAIN = f"{HOME}/main"


def worktree(pointer: str = f"{APP}/.git") -> Tree:
    files = repository(tree({f"{MAIN}/src/a": ""}), f"{MAIN}/.git")
    files.add(f"{APP}/.git", f"gitdir: {MAIN}/.git/worktrees/w\n")
    files.add(f"{MAIN}/.git/worktrees/w/gitdir", f"{pointer}\n").add(f"{MAIN}/.git/worktrees/w/commondir", "../..\n").add(f"{MAIN}/.git/worktrees/w/HEAD", "")
    return files.add(f"{MAIN}/.git/worktrees/other/gitdir", "/elsewhere/.git\n")


def test_a_linked_worktree_can_commit_and_nothing_more() -> None:
    found = accesses(worktree())
    assert found[f"{MAIN}/.git/objects/ab/cd"] is Access.WRITE
    assert found[f"{MAIN}/.git/refs/heads/main"] is Access.WRITE
    assert found[f"{MAIN}/.git/worktrees/w/HEAD"] is Access.WRITE
    for kept in (f"{APP}/.git", f"{MAIN}/.git/hooks", f"{MAIN}/.git/config", f"{MAIN}/src/a"):
        assert found[kept] is Access.READ, kept
    for kept in ("w/gitdir", "w/commondir", "other/gitdir"):
        assert found[f"{MAIN}/.git/worktrees/{kept}"] is Access.READ, kept


def test_a_worktree_in_a_hidden_home_can_commit_too() -> None:
    assert accesses(worktree(), deny_read=[HOME], allow_read=[APP])[f"{MAIN}/.git/objects/ab/cd"] is Access.WRITE


def test_a_rule_against_writing_there_wins() -> None:
    assert accesses(worktree(), deny_write=[MAIN])[f"{MAIN}/.git/objects/ab/cd"] is Access.READ


def test_a_read_only_project_opens_no_git_directory() -> None:
    assert accesses(worktree(), allow_write=[], read_only=True)[f"{MAIN}/.git/objects/ab/cd"] is Access.READ


@pytest.mark.parametrize("pointer", ["/elsewhere/.git", APP, f"{APP}/other/.git", ""])
def test_a_planted_pointer_to_somebody_elses_repository_opens_nothing(pointer: str) -> None:
    files = worktree(pointer)
    laid = layout(filesystem(), files)
    assert effective(laid.places(), f"{MAIN}/.git/objects/ab/cd") is Access.READ
    assert any("does not name this folder" in notice.text for notice in laid.notices)


def test_a_pointer_straight_to_a_git_directory_opens_nothing() -> None:
    files = repository(tree({f"{APP}/.git": f"gitdir: {MAIN}/.git\n"}), f"{MAIN}/.git")
    assert accesses(files)[f"{MAIN}/.git/objects/ab/cd"] is Access.READ


def test_a_worktree_deeper_in_the_project_opens_nothing_outside() -> None:
    files = worktree(f"{APP}/deep/.git")
    del files.entries[f"{APP}/.git"]
    files.add(f"{APP}/deep/.git", f"gitdir: {MAIN}/.git/worktrees/w\n")
    found = accesses(files)
    assert found[f"{MAIN}/.git/objects/ab/cd"] is Access.READ
    assert found[f"{APP}/deep/.git"] is Access.READ


def submodule(back: str) -> Tree:
    git = f"{HOME}/super/.git/modules/app"
    files = repository(tree({f"{HOME}/super/app/src": ""}), git, config=f"[core]\n\tworktree = {back}\n")
    return files.add(f"{HOME}/super/app/.git", "gitdir: ../.git/modules/app\n")


@pytest.mark.parametrize(("back", "writable"), [("../../../app", True), (f"{HOME}/super/app", True), ("../../../other", False), ("", False)])
def test_a_submodule_can_commit_when_its_git_directory_says_so(back: str, *, writable: bool) -> None:
    places = layout(filesystem(allow_write=[f"{HOME}/super/app"]), submodule(back), cwd=f"{HOME}/super/app").places()
    git = f"{HOME}/super/.git/modules/app"
    assert (effective(places, f"{git}/objects/ab/cd") is Access.WRITE) is writable
    assert effective(places, f"{git}/config") is Access.READ
    assert effective(places, f"{git}/hooks/x") is Access.READ


def test_a_worktree_whose_repository_is_in_a_write_root_needs_no_confirmation() -> None:
    files = worktree("/elsewhere/.git")
    found = accesses(files, allow_write=[APP, MAIN])
    assert found[f"{MAIN}/.git/objects/ab/cd"] is Access.WRITE
    assert found[f"{MAIN}/.git/hooks"] is Access.READ


def test_the_repository_above_the_working_folder_is_named() -> None:
    files = repository(tree({f"{HOME}/mono/pkg/x": ""}), f"{HOME}/mono/.git")
    laid = layout(filesystem(allow_write=[f"{HOME}/mono/pkg"]), files, cwd=f"{HOME}/mono/pkg")
    assert any("above the working folder" in notice.text for notice in laid.notices)
    assert effective(laid.places(), f"{HOME}/mono/.git/index") is Access.READ


def test_a_folder_with_the_look_of_a_git_directory() -> None:
    files = repository(tree({f"{APP}/b/src": ""}), f"{APP}/b")
    found = accesses(files)
    assert found[f"{APP}/b/config"] is Access.READ
    assert found[f"{APP}/b/HEAD"] is Access.READ
    assert found[f"{APP}/b/hooks"] is Access.READ
    assert found[f"{APP}/b/objects/ab/cd"] is Access.WRITE


def test_an_ordinary_folder_with_a_config_is_none() -> None:
    assert accesses(tree({f"{APP}/config": "", f"{APP}/hooks/x": ""}))[f"{APP}/config"] is Access.WRITE
