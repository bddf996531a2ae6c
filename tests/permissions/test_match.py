from __future__ import annotations

import pytest

from paddock.model.settings import Context, Entry, Origin, Scope, Settings
from paddock.permissions.match import PathMatcher, judge_path
from paddock.permissions.protected import DIRECTORIES, FILES, is_protected
from paddock.permissions.rule import STRICT, Strictness, feed, notices

CONTEXT = Context("/p", "/p", "", "/h", "/h/.claude", "/h/.config/paddock", "/h/.state", "/h/.cache")


def origin(scope: Scope = Scope.PROJECT) -> Origin:
    return Origin(scope, "/p/.claude/settings.json", 1)


def matcher(text: str, list_name: str = "deny") -> PathMatcher:
    found = PathMatcher.of(text, list_name, origin(), CONTEXT)
    assert found is not None
    return found


def told(**lists: list[str]) -> list[str]:
    entries = {f"permissions.{name}": tuple(Entry(text, origin()) for text in texts) for name, texts in lists.items()}
    return [notice.text for notice in notices(Settings(CONTEXT, entries, {}, {}, (), (), ()))]


@pytest.mark.parametrize(
    ("rule", "list_name", "path", "tool", "matches"),
    [
        ("Read(.env)", "deny", "/p/a/.env", "Read", True),
        ("Read(.env)", "deny", "/h/.env", "Read", False),
        ("Read(.ENV)", "deny", "/p/.env", "Read", True),
        ("Read(.ENV)", "allow", "/p/.env", "Read", False),
        ("Edit(.ENV)", "deny", "/p/.env", "Edit", False),
        ("Read(//S/**)", "deny", "/s/x", "Grep", True),
        ("Read(//s/**)", "deny", "/s/x", "Edit", True),
        ("Read(//s/**)", "deny", "/s/x", "Write", True),
        ("Read(//s/**)", "deny", "/s/x", "NotebookEdit", False),
        ("Read(//s/**)", "allow", "/s/x", "Edit", False),
        ("Edit(//s/**)", "deny", "/s/x", "NotebookEdit", True),
        ("Edit(//s/**)", "deny", "/s/x", "Read", False),
        ("Edit(//s/*.py)", "allow", "/s/a.py", "Write", True),
        ("Edit(//s/*.py)", "allow", "/s/t/a.py", "Write", False),
        ("Edit(//s)", "allow", "/s2", "Edit", False),
    ],
)
def test_a_rule_speaks_about_a_path(rule: str, list_name: str, path: str, tool: str, matches: bool) -> None:
    assert matcher(rule, list_name).matches(path, tool) is matches


@pytest.mark.parametrize("rule", ["Write(//s/**)", "Bash(ls)", "Read", "Read(~other/x)", "Read(", "mcp__a"])
def test_other_rules_speak_about_no_path(rule: str) -> None:
    assert PathMatcher.of(rule, "deny", origin(), CONTEXT) is None


def test_deny_and_ask_need_one_step_and_allow_needs_all() -> None:
    rules = {
        "allow": [matcher("Read(//a/**)", "allow"), matcher("Read(//c/**)", "allow")],
        "ask": [matcher("Read(//a/ask)", "ask")],
        "deny": [matcher("Read(//b)")],
    }
    assert judge_path(["/a/x"], "Read", rules) == "allow"
    assert judge_path(["/a/x", "/c/y"], "Read", rules) == "allow"
    assert judge_path(["/a/x", "/d/y"], "Read", rules) == "ask"
    assert judge_path(["/a/ask", "/c/y"], "Read", rules) == "ask"
    assert judge_path(["/a/x", "/b/hop", "/c/y"], "Read", rules) == "deny"
    assert judge_path(["/a/ask", "/b"], "Read", rules) == "deny"
    assert judge_path(["/a/x"], "Read", {}) == "ask"


def test_an_allow_rule_inside_a_deny_rule_is_told_about() -> None:
    (text,) = told(allow=["Edit(//s/keep/sub/**)", "Edit(//s/other)"], deny=["Edit(//s/keep/**)"])
    assert text.startswith("Edit(//s/keep/sub/**) opens nothing: a deny rule covers it")
    assert told(allow=["Edit(//s/keep/sub/**)"], deny=["Edit(//s/kept/**)", "Read(//t)"]) == []


def test_an_allow_rule_about_a_protected_path_is_told_about() -> None:
    (text,) = told(allow=["Edit(/.vscode/settings.json)"])
    assert "the path is protected" in text
    assert told(allow=["Edit(/src/settings.json)"]) == []


def test_too_many_pairs_are_not_compared() -> None:
    many = [f"Edit(//s/{number})" for number in range(200)]
    assert told(allow=many, deny=["Edit(//s)"])[0].endswith("deny wins whatever is more specific")
    assert told(allow=many, deny=[f"Edit(//t/{number})" for number in range(200)]) == []


def test_patterns_for_writing_by_strictness() -> None:
    reference = Strictness(refuse=False, write_patterns=False)

    def fed(rule: str, list_name: str, strictness: Strictness) -> list[tuple[str, str]]:
        return [(found.target, found.value) for found in feed(rule, list_name, origin(), CONTEXT, strictness)]

    assert fed("Edit(**/.env)", "deny", STRICT) == [("denyWrite", "/p/**/.env")]
    assert fed("Edit(**/.env)", "deny", reference) == []
    assert fed("Edit(**/.env)", "allow", STRICT) == fed("Edit(**/.env)", "allow", reference) == []
    assert fed("Read(//*/key)", "deny", STRICT) == [("denyRead", "/*/key")]
    assert fed("Read(//*/key)", "deny", reference) == []
    assert fed("Read(//s/*/key)", "deny", reference) == [("denyRead", "/s/*/key")]
    assert fed("Edit(**/.env)", "deny", Strictness(refuse=False, write_patterns=False, platform="macos")) == [("denyWrite", "/p/**/.env")]
    assert told(allow=["Edit(**/*.ts)"]) == ["'Edit(**/*.ts)' is a pattern, which the fence does not carry out: name the folder itself"]


def test_protected_paths() -> None:
    assert all(is_protected(f"/p/deep/{name}") for name in FILES)
    assert all(is_protected(f"/p/{name}") and is_protected(f"/p/deep/{name}/inside/x") for name in DIRECTORIES)
    assert is_protected("/h/.config/git/config")
    for path in ("/p/.claude/worktrees/a/x", "/p/src/main.py", "/p/.env", "/p/.github/workflows/ci.yml", "/p/npmrc", "/p/.gitignore", "/h/.config/other"):
        assert not is_protected(path)
    assert is_protected("/p/.claude/worktrees/a/.git/config"), "a worktree has protected names of its own"
