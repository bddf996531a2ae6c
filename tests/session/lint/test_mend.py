"""What ``--fix`` does to files: exactly what it says, to the files that are meant, and never anything wider."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from paddock.errors import InternalError, SettingsError, UnsupportedError
from paddock.session.lint import mend as mending
from paddock.session.lint.finding import Finding
from paddock.session.lint.mend import Mended, mend, write
from paddock.session.lint.reading import Question, lint
from paddock.settings.managed import Roots
from paddock.settings.rewrite import Action
from tests.settings.world import World

DOUBLE = {"permissions": {"deny": ["Bash(curl *)", "Bash(curl *)"]}}
LOCKED = {"sandbox": {"network": {"allowManagedDomainsOnly": True, "allowedDomains": ["api.example.com"]}}}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def question(world: World, *files: str, scope: str = "") -> Question:
    return Question(str(world.project), {**world.environ, "PATH": "/usr/bin:/bin"}, files, scope, Roots(str(world.system), "linux"))


def fix(world: World, *files: str, scope: str = "") -> Mended:
    done = mend(question(world, *files, scope=scope))
    write(done.changes)
    return done


def test_nothing_but_the_entry_changes_in_the_file(world: World) -> None:
    text = '{ "theirs" : [1,2 ,\t3],\r\n  "permissions": {\n\t"deny" : [ "Bash(curl *)" ,"Bash(curl *)",   "Read(./\\u0061)" ] }, "é": "\\u00e9" }\n\n'
    path = world.write("project", "{}")
    path.write_bytes(text.encode())
    fix(world)
    assert path.read_bytes().decode() == text.replace('"Bash(curl *)",   "Read', '"Read')


def test_mode_and_owner_stay(world: World) -> None:
    path = world.write("project", DOUBLE)
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12345, 12346)
    before = path.stat()
    assert len(fix(world).fixed) == 1
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino, "written whole, under the old name"
    assert sorted(os.listdir(path.parent)) == [path.name]


def test_what_a_fix_uncovers_is_fixed_too(world: World) -> None:
    path = world.write("project", {"permissions": {"deny": ["bash(rm *)", "Bash(rm *)"]}})
    assert [item.id for item in fix(world).fixed] == ["tool-case", "entry-duplicate"]
    assert json.loads(path.read_text()) == {"permissions": {"deny": ["Bash(rm *)"]}}


@pytest.mark.parametrize("name", ["allow", "deny", "ask"])
@pytest.mark.parametrize("rule", ["bash(rm *)", "Write(docs/**)", "Read(/etc/passwd)", "mcp__*", "Raed(x)", "Bash(a && b)"])
def test_no_allow_rule_comes_to_life(world: World, name: str, rule: str) -> None:
    path = world.write("project", {"permissions": {name: [rule]}})
    fix(world)
    after = json.loads(path.read_text())["permissions"][name]
    assert after == [rule] if name == "allow" else all(one for one in after)
    assert name == "allow" or len(after) >= 1


def test_a_copy_that_a_fix_makes_is_no_failure(world: World) -> None:
    path = world.write("project", {"permissions": {"deny": ["Write(a/**)", "Edit(a/**)", "Edit(a/**)"]}})
    fix(world)
    assert json.loads(path.read_text()) == {"permissions": {"deny": ["Edit(a/**)"]}}


def test_a_file_that_was_changed_meanwhile_is_left_alone(world: World) -> None:
    first, second = world.write("project", DOUBLE), world.write("user", DOUBLE)
    done = mend(question(world))
    assert len(done.changes) == 2
    second.write_text("{}")
    with pytest.raises(UnsupportedError, match="changed meanwhile"):
        write(done.changes)
    assert json.loads(first.read_text()) == DOUBLE, "all are looked at before one is written"


def test_managed_files_are_for_root(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.write("managed", DOUBLE, "paddock")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    done = fix(world)
    assert (done.fixed, done.changes) == ((), ())
    assert done.held == ((str(path), "managed settings are changed by root only"),)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert [item.id for item in fix(world).fixed] == ["entry-duplicate"]


def test_a_project_cannot_lead_to_the_administrators_file(world: World) -> None:
    """Its keys count for nothing in a project, and taking them out would take the locks away."""
    managed = world.write("managed", LOCKED, "paddock")
    own = world.project / ".claude"
    own.mkdir()
    (own / "settings.json").symlink_to(managed)
    assert "scope-ignored" in [item.id for item in lint(question(world))]
    done = fix(world)
    assert not done.changes
    assert "link" in done.held[0][1]
    assert json.loads(managed.read_text()) == LOCKED


def test_a_project_cannot_lead_out_of_itself(world: World) -> None:
    outside = world.folder("elsewhere") / "settings.json"
    outside.write_text(json.dumps(DOUBLE))
    (world.folder("home/app/.claude") / "settings.json").symlink_to(outside)
    assert not fix(world).changes
    inside = world.project / "policy.json"
    inside.write_text(json.dumps(DOUBLE))
    (world.project / ".claude/settings.json").unlink()
    (world.project / ".claude/settings.json").symlink_to(inside)
    assert len(fix(world).fixed) == 1
    assert (world.project / ".claude/settings.json").is_symlink(), "a linked file stays a link"


def test_two_names_of_one_file_are_changed_once(world: World) -> None:
    path = world.write("project", DOUBLE)
    (path.parent / "settings.local.json").symlink_to(path)
    done = fix(world)
    assert len(done.changes) <= 1
    assert any("same file" in reason or "link" in reason for _, reason in done.held)


def test_a_draft_keeps_what_counts_elsewhere(world: World) -> None:
    draft = world.project / "draft.json"
    draft.write_text(json.dumps(LOCKED))
    assert "scope-ignored" in [item.id for item in lint(question(world, "draft.json"))]
    assert not fix(world, "draft.json").changes
    assert [item.id for item in fix(world, "draft.json", scope="project").fixed] == ["scope-ignored"]
    assert json.loads(draft.read_text()) == {"sandbox": {"network": {"allowedDomains": ["api.example.com"]}}}


def test_settings_that_do_not_load_are_no_matter_for_fixes(world: World) -> None:
    path = world.write("project", '{"permissions": {"deny": ["Bash(curl *)", "Bash(curl *)"]}, "sandbox": {"mode": 1}}')
    before = path.read_bytes()
    with pytest.raises(SettingsError):
        mend(question(world))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("key", "text", "action"),
    [
        ("permissions.allow", "Read(./x)", Action("replace", "Read(//x)")),
        ("permissions.allow", "Read(./x)", Action("beside", "Read(//x)")),
        ("sandbox.filesystem.allowWrite", "./x", Action("replace", "/")),
        ("permissions.defaultMode", "default", Action("replace", "bypassPermissions")),
    ],
)
def test_a_fix_that_would_widen_is_refused_whoever_made_it(world: World, monkeypatch: pytest.MonkeyPatch, key: str, text: str, action: Action) -> None:
    content: dict[str, Any] = {"permissions": {"allow": ["Read(./x)"], "defaultMode": "default"}, "sandbox": {"filesystem": {"allowWrite": ["./x"]}}}
    path = world.write("project", content)
    line, column = next((number, row.index(f'"{text}"') + 1) for number, row in enumerate(path.read_text().splitlines(), 1) if f'"{text}"' in row)
    wrong = Finding("made-up", "warning", str(path), line, column, key, text, "because", "so", action)
    monkeypatch.setattr(mending, "lint", lambda _: [wrong])
    with pytest.raises(InternalError, match="would widen"):
        mend(question(world))


def test_a_fix_that_does_not_help_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.write("project", {"permissions": {"deny": ["Bash(a)", "Bash(b)"]}})
    line = next(number for number, row in enumerate(path.read_text().splitlines(), 1) if "Bash(a)" in row)
    wrong = Finding("made-up", "warning", str(path), line, 7, "permissions.deny", "Bash(a)", "because", "so", Action("replace", "Bash(c)"))
    monkeypatch.setattr(mending, "lint", lambda _: [wrong])
    with pytest.raises(InternalError, match="still found"):
        mend(question(world))


RULES = ("Bash(curl *)", "Bash(curl -s *)", "bash(rm *)", "Write(a/**)", "Edit(a/**)", "Edit(a/b)", "Read(/etc/x)", "Read(//etc/x)", "Bash(command:x)", "Bash")
MORE = ("mcp__a", "mcp__a__b", "WebFetch(domain:*.example.com)", "WebFetch(domain:a.example.com)", "Glob(b/**)", "Agent(x)", "Agent(model:y)", "Skill(z)")
LIST = st.lists(st.sampled_from(RULES + MORE), max_size=5)
HOSTS = st.lists(st.sampled_from(["a.example.com", "*.example.com", "example.com:443"]), max_size=3)
PATHS = st.lists(st.sampled_from(["./out", "./out/a", "/srv/x", "~/y"]), max_size=3)
FILES = st.fixed_dictionaries(
    {
        "permissions": st.fixed_dictionaries({"allow": LIST, "ask": LIST, "deny": LIST, "defaultMode": st.sampled_from(["default", "bypassPermissions"])}),
        "sandbox": st.fixed_dictionaries(
            {
                "filesystem": st.fixed_dictionaries({"allowWrite": PATHS, "denyWrite": PATHS, "denyRead": PATHS}),
                "network": st.fixed_dictionaries({"allowedDomains": HOSTS, "deniedDomains": HOSTS, "allowManagedDomainsOnly": st.booleans()}),
            }
        ),
    }
)


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(FILES, FILES, st.sampled_from([None, 1, "\t"]))
def test_the_merged_settings_differ_in_the_fixed_entries_only(project: object, user: object, indent: int | str | None) -> None:
    with tempfile.TemporaryDirectory() as base:
        world = World(Path(base))
        for scope, content in (("project", project), ("user", user)):
            world.write(scope, json.dumps(content, indent=indent))
        before = merged(world)
        done = fix(world)
        after = merged(world)
    named = {key for item in done.fixed for key in [item.key]}
    for key in before.keys() | after.keys():
        gone, new = before.get(key, Counter()) - after.get(key, Counter()), after.get(key, Counter()) - before.get(key, Counter())
        if key not in named:
            assert not gone
            assert not new
        assert set(gone) <= {repr(item.text) for item in done.fixed if item.key == key}
        assert set(new) <= {repr(item.action.text) for item in done.fixed if item.key == key and item.action is not None}
    if done.changes:
        assert not [item for item in done.left if item.action is not None]


def merged(world: World) -> dict[str, Counter[str]]:
    loaded = world.load(trust=True)
    out = {key: Counter(repr(entry.value) for entry in entries if entry.origin.file != "builtin") for key, entries in loaded.lists.items()}
    return {**out, **{key: Counter([repr(entry.value)]) for key, entry in loaded.scalars.items() if entry.origin.file != "builtin"}}
