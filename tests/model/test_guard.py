"""The judgement of names, as a pure function."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.model.guard import Denial, GuardRules, Judge
from paddock.model.record import replace
from paddock.model.settings import Origin, Scope
from paddock.model.unprotect import PROTECTED, SEALED
from paddock.planner import names

RULE = Origin(Scope.USER, "/settings.json", 3, 1, "sandbox.filesystem.denyWrite", "later")
APP = "/home/dev/app"
TABLES: Mapping[str, object] = {
    "anywhere": names.ANYWHERE,
    "prefixes": names.PREFIXES,
    "nested": names.NESTED,
    "kept": names.KEPT_WRITABLE,
    "settings_files": names.SETTINGS_FILES,
    "dependency_folders": names.DEPENDENCY_FOLDERS,
    "own_folder": names.OWN_FOLDER,
}
RULES = replace(GuardRules(roots=(APP,)), **TABLES)


def key(folder: str, name: str, *, folds: bool = False, **changes: object) -> str:
    """The key of the rule that refuses, or nothing."""
    refusal = Judge(replace(RULES, **changes)).judge(folder, name, lambda: folds)
    return "" if refusal is None else refusal.rule.key


@pytest.mark.parametrize(
    ("folder", "name", "expected"),
    [
        (APP, ".envrc", PROTECTED),
        (APP, "plain", ""),
        (f"{APP}/a/b", ".vscode", PROTECTED),
        (f"{APP}/.vscode", "tasks.json", PROTECTED),
        (f"{APP}/.vscode/x/y", "z", PROTECTED),
        ("/home/dev", ".envrc", ""),
        ("/home/dev/app2", ".envrc", ""),
        ("/", ".envrc", ""),
        (f"{APP}/.github", "workflows", PROTECTED),
        (f"{APP}/.github/workflows/x", "y", PROTECTED),
        (f"{APP}/.github", "ISSUE_TEMPLATE", ""),
        (f"{APP}/workflows", "x", ""),
        (f"{APP}/node_modules/x", ".envrc", ""),
        (f"{APP}/node_modules/x/.github", "workflows", ""),
        (f"{APP}/node_modules/x", ".paddock", SEALED),
        (APP, ".paddock", SEALED),
        (f"{APP}/.claude", "worktrees", ""),
        (f"{APP}/.claude/worktrees/a", "plain", ""),
        (f"{APP}/.claude/worktrees/a", ".envrc", PROTECTED),
        (f"{APP}/.claude/worktrees/a/.claude", "x", PROTECTED),
        (APP, ".aider.conf.yml", PROTECTED),
        (APP, ".ENVRC", ""),
    ],
)
def test_names(folder: str, name: str, expected: str) -> None:
    if name == "worktrees":
        assert key(f"{folder}/worktrees", "x") == expected
    else:
        assert key(folder, name) == expected


@pytest.mark.parametrize(
    "name",
    [".ENVRC", "agents.MD", ".Vscode", ".envrc.", ".envrc ", ".en\u200bvrc", ".\u017fcreenrc", ".PADDOCK", ".GIT", ".git.", "GIT~1", ".GitHub", "ENVRC~2"],
)
def test_a_folder_that_folds_case_is_judged_so(name: str) -> None:
    assert key(APP, name, folds=True)
    assert key(APP, name) == ""


def test_lifting() -> None:
    assert key(APP, ".envrc", lifted_names=frozenset((".envrc",))) == ""
    assert key(f"{APP}/a", ".envrc", lifted_paths=frozenset((f"{APP}/.envrc",))) == PROTECTED
    assert key(f"{APP}/.claude", "x", lifted_paths=frozenset((f"{APP}/.claude",))) == ""
    assert key(f"{APP}/.claude", "settings.json", lifted_paths=frozenset((f"{APP}/.claude",))) == SEALED
    assert key(APP, ".paddock", lifted_names=frozenset((".paddock",))) == SEALED
    assert key(f"{APP}/.vscode/x", "y", lifted_paths=frozenset((f"{APP}/.vscode/x",))) == ""


def test_denied_paths_and_patterns() -> None:
    denied = (Denial(f"{APP}/later", RULE), Denial(f"{APP}/**/*.key", RULE, "", True), Denial(f"{APP}/a/*/x", RULE, "", True))
    for folder, name in (
        (APP, "later"),
        (f"{APP}/later", "x"),
        (APP, "a.key"),
        (f"{APP}/b/c", "d.key"),
        (f"{APP}/d.key", "x"),
        (f"{APP}/a/b", "x"),
        (f"{APP}/a/b/x", "y"),
    ):
        assert key(folder, name, denied=denied) == RULE.key, (folder, name)
    for folder, name in ((f"{APP}/b", "later"), (APP, "key"), (f"{APP}/a", "x"), (f"{APP}/b/b", "x"), ("/home/dev", "a.key")):
        assert key(folder, name, denied=denied) == "", (folder, name)


PARTS = st.sampled_from(
    [".envrc", ".vscode", ".github", "workflows", ".claude", "worktrees", "settings.json", "node_modules", "src", "a", ".paddock", ".config", "git"]
)


@given(st.lists(PARTS, max_size=5), PARTS, st.lists(PARTS, max_size=3))
def test_nothing_below_what_is_refused_is_allowed_but_what_is_kept(way: list[str], name: str, below: list[str]) -> None:
    folder = "/".join((APP, *way))
    judge = Judge(RULES)
    if judge.judge(folder, name) is not None and "worktrees" not in (name, *below):
        assert judge.judge("/".join((folder, name, *below)), "x") is not None


@given(st.lists(PARTS, max_size=4), st.lists(PARTS, max_size=4), st.lists(PARTS, min_size=1, max_size=3))
def test_moving_a_folder_is_either_looked_at_or_changes_no_verdict(source: list[str], target: list[str], inner: list[str]) -> None:
    judge = Judge(replace(RULES, denied=(Denial(f"{APP}/src/denied", RULE), Denial(f"{APP}/**/denied.key", RULE, "", True))))
    old, folder = "/".join((APP, *source, "old")), "/".join((APP, *target))
    for name in ("new", ".github", "src", "node_modules"):
        if judge.differs(old, folder, name) or judge.judge(folder, name) is not None:
            continue
        way = (*inner, "denied", "denied.key", *inner)
        for at in range(len(way)):
            before = judge.judge("/".join((old, *way[:at])), way[at])
            if before is None and judge.judge("/".join((folder, name, *way[:at])), way[at]) is not None:
                raise AssertionError((old, folder, name, way[: at + 1]))
            if before is not None:
                break
