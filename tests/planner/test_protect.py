"""Protected names: found at any depth, kept read-only, lifted one by one, and never so many that builds break."""

from __future__ import annotations

import pytest

from paddock.model.plan import Access, Kind
from paddock.planner import protect
from paddock.planner.names import ANYWHERE, KEPT_WRITABLE, NESTED
from paddock.planner.scan import MAX_DEPENDENCY_FOLDERS, MAX_FILES, MAX_FOLDERS, MAX_NAMES
from tests.planner.fakes import APP, HOME, Link, by_path, effective, filesystem, layout, rule, tree


@pytest.mark.parametrize("name", sorted(ANYWHERE))
def test_every_name_is_kept_at_the_top_and_deep_below(name: str) -> None:
    files = tree({f"{APP}/{name}": "x", f"{APP}/a/b/c/{name}": "x", f"{APP}/a/b/c/plain": "x"})
    found = layout(filesystem(), files).places()
    assert effective(found, f"{APP}/{name}") is Access.READ
    assert effective(found, f"{APP}/a/b/c/{name}") is Access.READ
    assert effective(found, f"{APP}/a/b/c/plain") is Access.WRITE


@pytest.mark.parametrize("name", [f"{folder}/{inner}" for folder, names in NESTED.items() for inner in names])
def test_names_inside_ordinary_folders(name: str) -> None:
    files = tree({f"{APP}/x/{name}": "x"})
    found = layout(filesystem(), files).places()
    assert effective(found, f"{APP}/x/{name}") is Access.READ
    assert effective(found, f"{APP}/x/{name.partition('/')[0]}/other") is Access.WRITE


@pytest.mark.parametrize("name", [".aider.conf.yml", ".roorules", ".roorules-code"])
def test_beginnings_of_names(name: str) -> None:
    assert effective(layout(filesystem(), tree({f"{APP}/{name}": "x"})).places(), f"{APP}/{name}") is Access.READ


@pytest.mark.parametrize("name", ["src/main.py", ".env", "package.json", ".gitignore", ".gitattributes", ".editorconfig", "claude.md", ".rootfile", "Makefile"])
def test_ordinary_files_stay_ordinary(name: str) -> None:
    found = layout(filesystem(), tree({f"{APP}/{name}": "x"})).places()
    assert effective(found, f"{APP}/{name}") is Access.WRITE


def test_worktrees_of_an_agent_stay_ordinary_inside_its_protected_folder() -> None:
    files = tree({f"{APP}/.claude/settings.json": "{}", f"{APP}/.claude/worktrees/a/x": "", f"{APP}/.claude/worktrees/a/.mcp.json": ""})
    found = layout(filesystem(), files).places()
    assert effective(found, f"{APP}/.claude/new.json") is Access.READ
    assert effective(found, f"{APP}/.claude/worktrees/a/x") is Access.WRITE
    assert effective(found, f"{APP}/.claude/worktrees/a/.mcp.json") is Access.READ
    assert KEPT_WRITABLE[".claude"] == ("worktrees",)


def test_folders_on_the_way_are_pinned() -> None:
    found = by_path(layout(filesystem(), tree({f"{APP}/a/b/.mcp.json": ""})).places())
    assert found[f"{APP}/a"].pin
    assert found[f"{APP}/a/b"].pin
    assert found[f"{APP}/a"].access is Access.WRITE


def test_a_name_that_is_a_link_is_kept_with_its_target() -> None:
    files = tree({f"{APP}/AGENTS.md": Link("docs/agents.md"), f"{APP}/docs/agents.md": "x"})
    found = by_path(layout(filesystem(), files).places())
    assert (found[f"{APP}/AGENTS.md"].kind, found[f"{APP}/AGENTS.md"].access) == (Kind.SYMLINK, Access.READ)
    assert found[f"{APP}/docs/agents.md"].access is Access.READ


def test_ignore_files_are_not_asked() -> None:
    files = tree({f"{APP}/.gitignore": "gen/", f"{APP}/gen/.mcp.json": "{}"})
    assert effective(layout(filesystem(), files).places(), f"{APP}/gen/.mcp.json") is Access.READ


@pytest.mark.parametrize("folder", ["node_modules", ".venv", "vendor", "target"])
def test_packages_may_bring_these_names_and_repositories_in_them_are_kept(folder: str) -> None:
    files = tree({f"{APP}/{folder}/p/.npmrc": "", f"{APP}/{folder}/p/.vscode/x": "", f"{APP}/{folder}/q/.git/hooks": None, f"{APP}/{folder}/q/.git/HEAD": ""})
    found = layout(filesystem(), files).places()
    assert effective(found, f"{APP}/{folder}/p/.npmrc") is Access.WRITE
    assert effective(found, f"{APP}/{folder}/p/.vscode/x") is Access.WRITE
    assert effective(found, f"{APP}/{folder}/q/.git/hooks/x") is Access.READ


def test_packages_beside_each_other_are_all_asked_and_the_rest_is_said() -> None:
    files = tree({f"{APP}/node_modules/p{number:04}/lib/x": "" for number in range(1500)})
    files.add(f"{APP}/node_modules/p1400/.git/hooks/x", "")
    files.listed.clear()
    laid = layout(filesystem(), files)
    assert effective(laid.places(), f"{APP}/node_modules/p1400/.git/hooks/x") is Access.READ
    assert len(files.listed) < MAX_DEPENDENCY_FOLDERS + 20
    assert any("not searched" in item.reason for item in laid.uncovered)


def test_every_write_root_is_searched_and_so_are_folders_above_the_working_folder() -> None:
    files = tree({"/srv/two/.mcp.json": "", f"{HOME}/mono/.mcp.json": "", f"{HOME}/mono/pkg/x": ""})
    policy = filesystem(allow_write=["/srv/two", f"{HOME}/mono", f"{HOME}/mono/pkg"])
    found = layout(policy, files, cwd=f"{HOME}/mono/pkg").places()
    assert effective(found, "/srv/two/.mcp.json") is Access.READ
    assert effective(found, f"{HOME}/mono/.mcp.json") is Access.READ


def test_allowing_a_write_does_not_lift_a_name() -> None:
    files = tree({f"{APP}/.vscode/tasks.json": ""})
    found = layout(filesystem(allow_write=[APP, f"{APP}/.vscode", f"{APP}/.vscode/tasks.json"]), files).places()
    assert effective(found, f"{APP}/.vscode/tasks.json") is Access.READ


def test_unprotect_lifts_one_name_everywhere() -> None:
    files = tree({f"{APP}/.vscode/x": "", f"{APP}/a/.vscode/x": "", f"{APP}/.idea/x": ""})
    found = layout(filesystem(unprotect=[f"{APP}/**/.vscode"]), files).places()
    assert effective(found, f"{APP}/.vscode/x") is Access.WRITE
    assert effective(found, f"{APP}/a/.vscode/x") is Access.WRITE
    assert effective(found, f"{APP}/.idea/x") is Access.READ


def test_unprotect_lifts_one_path_only() -> None:
    files = tree({f"{APP}/.git/HEAD": "", f"{APP}/.git/config": "", f"{APP}/.git/hooks/x": "", f"{APP}/sub/.git/config": ""})
    found = layout(filesystem(unprotect=[f"{APP}/.git/config"]), files).places()
    assert effective(found, f"{APP}/.git/config") is Access.WRITE
    assert effective(found, f"{APP}/.git/hooks/x") is Access.READ
    assert effective(found, f"{APP}/sub/.git/config") is Access.READ


def test_what_policy_is_read_from_cannot_be_lifted() -> None:
    files = tree({f"{APP}/.paddock/settings.json": "{}", f"{APP}/.claude/settings.json": "{}", f"{APP}/.claude/commands/x": ""})
    found = layout(filesystem(unprotect=[f"{APP}/**/.paddock", f"{APP}/**/.claude"]), files).places()
    assert effective(found, f"{APP}/.paddock/settings.json") is Access.READ
    assert effective(found, f"{APP}/.claude/settings.json") is Access.READ
    assert effective(found, f"{APP}/.claude/commands/x") is Access.WRITE


def test_names_that_do_not_exist_are_no_gap() -> None:
    assert not layout(filesystem(), tree({f"{APP}/.mcp.json": ""})).uncovered


def test_a_read_only_project_has_no_such_names() -> None:
    laid = layout(filesystem(allow_write=[], read_only=True), tree({f"{APP}/.mcp.json": ""}))
    assert not laid.uncovered
    assert not laid.places()


def test_a_tree_beyond_the_bound_is_said() -> None:
    files = tree({f"{APP}/d{number:05}/x": "" for number in range(MAX_FOLDERS + 50)})
    files.listed.clear()
    laid = layout(filesystem(), files)
    assert len(files.listed) <= MAX_FOLDERS + 5
    assert any("not searched" in item.reason for item in laid.uncovered)


def test_a_tree_of_many_names_is_searched_up_to_a_bound() -> None:
    """The bound is on names too: one folder of thousands of files costs as much as many folders."""
    names = {f"{APP}/d{number:02}/f{inner:04}": "" for number in range(12) for inner in range(MAX_NAMES // 10)}
    files = tree({**names, f"{APP}/d00/.mcp.json": "", f"{APP}/d11/.mcp.json": ""})
    laid = layout(filesystem(), files)
    found = {place.path for place in laid.places()}
    assert f"{APP}/d00/.mcp.json" in found
    assert f"{APP}/d11/.mcp.json" not in found
    assert any("not searched for protected names" in item.reason for item in laid.uncovered)


def test_more_names_than_the_budget_are_said_and_the_first_are_kept() -> None:
    files = tree({f"{APP}/d{number:05}/.npmrc": "" for number in range(protect.MAX_NODES)})
    laid = layout(filesystem(), files)
    places = laid.places()
    assert len(places) <= protect.MAX_NODES + 5
    assert effective(places, f"{APP}/d00000/.npmrc") is Access.READ
    assert any("budget" in item.reason for item in laid.uncovered)


def test_ordinary_folders_come_before_those_that_tools_fill() -> None:
    files = tree({f"{APP}/node_modules/p{number:05}/x": "" for number in range(MAX_FOLDERS)})
    files.add(f"{APP}/z/y/.mcp.json", "")
    assert effective(layout(filesystem(), files).places(), f"{APP}/z/y/.mcp.json") is Access.READ


def test_a_file_with_another_name_outside_is_kept() -> None:
    files = tree({f"{APP}/h": "", f"{APP}/a": "", f"{APP}/d/b": "", f"{APP}/plain": "", f"{APP}/node_modules/x": ""})
    files.names_of.update({f"{APP}/h": 1, f"{APP}/a": 2, f"{APP}/d/b": 2, f"{APP}/node_modules/x": 3})
    found = layout(filesystem(), files).places()
    assert effective(found, f"{APP}/h") is Access.READ
    assert effective(found, f"{APP}/a") is Access.WRITE, "both of its names are in the project"
    assert effective(found, f"{APP}/plain") is Access.WRITE
    assert effective(found, f"{APP}/node_modules/x") is Access.WRITE


def test_files_that_are_not_asked_for_other_names_are_said() -> None:
    files = tree({f"{APP}/f{number:05}": "" for number in range(MAX_FILES)})
    assert not any("another name" in item.reason for item in layout(filesystem(), files).uncovered)
    for name in ("x", "y"):
        files.add(f"{APP}/zz/{name}")
    files.names_of[f"{APP}/zz/x"] = 1
    laid = layout(filesystem(), files)
    (said,) = [item for item in laid.uncovered if "another name" in item.reason]
    assert said.reason.startswith("2 files ")
    assert effective(laid.places(), f"{APP}/zz/x") is Access.WRITE


def test_a_rule_keeps_its_own_reason() -> None:
    policy = filesystem(deny_write=[f"{APP}/.npmrc"])
    found = by_path(layout(policy, tree({f"{APP}/.npmrc": ""})).places())
    assert found[f"{APP}/.npmrc"].why == rule(f"{APP}/.npmrc", "denyWrite").origin


def test_a_head_in_the_working_folder_keeps_it_from_becoming_a_repository() -> None:
    files = tree({f"{APP}/HEAD": "text", f"{APP}/sub/HEAD": "text"})
    found = layout(filesystem(), files).places()
    assert effective(found, f"{APP}/HEAD") is Access.READ
    assert effective(found, f"{APP}/sub/HEAD") is Access.WRITE, "elsewhere it is a file like any other"
    assert effective(layout(filesystem(unprotect=[f"{APP}/HEAD"]), files).places(), f"{APP}/HEAD") is Access.WRITE
    assert effective(layout(filesystem(), tree({f"{APP}/HEAD/x": ""})).places(), f"{APP}/HEAD/x") is Access.WRITE, "a folder is no HEAD"


def test_unprotect_lifts_one_file_in_a_protected_folder() -> None:
    files = tree({f"{APP}/.vscode/settings.json": "", f"{APP}/.vscode/tasks.json": "", f"{APP}/.claude/settings.json": "", f"{APP}/.claude/commands/x": ""})
    found = layout(filesystem(unprotect=[f"{APP}/.vscode/settings.json", f"{APP}/.claude/settings.json", f"{APP}/.claude/commands"]), files).places()
    assert effective(found, f"{APP}/.vscode/settings.json") is Access.WRITE
    assert effective(found, f"{APP}/.vscode/tasks.json") is Access.READ
    assert effective(found, f"{APP}/.claude/commands/x") is Access.WRITE
    assert effective(found, f"{APP}/.claude/settings.json") is Access.READ, "policy is read from it"


@pytest.mark.parametrize("path", [".vscode", ".vscode/out", "sub/.husky"])
def test_naming_a_place_to_write_lifts_no_name_of_a_read_only_project(path: str) -> None:
    files = tree({f"{APP}/{path}/x": "", f"{APP}/dist/x": ""})
    policy = filesystem(allow_write=[f"{APP}/{path}", f"{APP}/dist"], read_only=True)
    found = layout(policy, files).places()
    assert effective(found, f"{APP}/{path}/x") is Access.READ
    assert effective(found, f"{APP}/dist/x") is Access.WRITE
    lifted = layout(filesystem(allow_write=[f"{APP}/{path}"], unprotect=[f"{APP}/{path}"], read_only=True), files).places()
    assert effective(lifted, f"{APP}/{path}/x") is Access.WRITE
