from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from paddock.model.settings import Scope
from paddock.settings import truststore
from paddock.settings.overrides import EVERY, FILES_ALWAYS, NEVER_OUTSIDE, REPORTS
from paddock.settings.trust import REASON, canonical
from tests.settings.world import World, values


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, timeout=30)


def waiting(world: World) -> list[tuple[str, object]]:
    return [(entry.origin.key, entry.value) for entry in world.load().trust_needed]


def filesystem(**lists: list[str]) -> dict[str, object]:
    return {"sandbox": {"filesystem": lists}}


GIVEN = EVERY - {NEVER_OUTSIDE, FILES_ALWAYS, REPORTS}
"""What a run does not give anyway would be void here for another reason."""

WIDENING: list[tuple[object, str]] = [
    ({"sandbox": {"network": {"allowedDomains": ["a.example"]}}}, "sandbox.network.allowedDomains"),
    ({"sandbox": {"network": {"allowLocalBinding": True}}}, "sandbox.network.allowLocalBinding"),
    ({"sandbox": {"network": {"allowAllUnixSockets": True}}}, "sandbox.network.allowAllUnixSockets"),
    ({"sandbox": {"excludedCommands": ["docker *"]}}, "sandbox.excludedCommands"),
    ({"sandbox": {"ignoreViolations": {"*": ["x"]}}}, "sandbox.ignoreViolations.*"),
    (filesystem(allowWrite=["/srv"]), "sandbox.filesystem.allowWrite"),
    (filesystem(allowWrite=["../sibling"]), "sandbox.filesystem.allowWrite"),
    (filesystem(allowRead=["~/.ssh"]), "sandbox.filesystem.allowRead"),
    (filesystem(allowRead=["/srv/**/key"]), "sandbox.filesystem.allowRead"),
    ({"permissions": {"allow": ["WebFetch(domain:a.example)"]}}, "permissions.allow"),
    ({"permissions": {"additionalDirectories": ["../docs"]}}, "permissions.additionalDirectories"),
    ({"permissions": {"defaultMode": "bypassPermissions"}}, "permissions.defaultMode"),
    ({"env": {"A": "1"}}, "env"),
    ({"paddock": {"environment": {"keep": ["GITHUB_TOKEN"]}}}, "paddock.environment.keep"),
    ({"paddock": {"environment": {"set": {"A": "1"}}}}, "paddock.environment.set"),
    ({"paddock": {"network": {"tools": ["npm"]}}}, "paddock.network.tools"),
    ({"paddock": {"network": {"publish": [80]}}}, "paddock.network.publish"),
    ({"paddock": {"network": {"upstreamCa": ["ca.pem"]}}}, "paddock.network.upstreamCa"),
    ({"paddock": {"network": {"dns": ["_x.example"]}}}, "paddock.network.dns"),
    ({"paddock": {"filesystem": {"unprotect": [".git/hooks"]}}}, "paddock.filesystem.unprotect"),
    ({"paddock": {"backend": "landlock"}}, "paddock.backend"),
]


@pytest.mark.parametrize(("content", "key"), WIDENING, ids=[key for _, key in WIDENING])
def test_a_widening_entry_of_a_project_waits_and_counts_once_accepted(world: World, content: object, key: str) -> None:
    world.write("project", content)
    settings = world.load(overrides=GIVEN)
    (entry,) = settings.trust_needed
    assert entry.origin.key == key
    assert settings.void == ((entry, REASON),)
    assert key not in settings.scalars
    assert values(settings, key) == []
    assert not settings.map(key)
    assert [s.state for s in settings.sources if s.scope is Scope.PROJECT] == ["absent", "untrusted"]
    trusted = world.load(trust=True, overrides=GIVEN)
    assert trusted.trust_needed == ()
    assert trusted.void == ()
    assert key in trusted.scalars or values(trusted, key) or trusted.map(key)


@pytest.mark.parametrize(("content", "key"), WIDENING, ids=[key for _, key in WIDENING])
def test_the_same_entry_of_the_user_counts_at_once(world: World, content: object, key: str) -> None:
    world.write("user", content)
    settings = world.load(overrides=GIVEN)
    assert settings.trust_needed == ()
    assert key in settings.scalars or values(settings, key) or settings.map(key)


@pytest.mark.parametrize(
    "content",
    [
        filesystem(allowWrite=[".", "./build", "out/**"]),
        filesystem(allowRead=[".", "./sub/"], denyRead=["~/", "./.env"], denyWrite=["./lock"]),
        {"permissions": {"deny": ["Read(./.env)"], "ask": ["Bash(git push *)"], "additionalDirectories": ["./docs"], "defaultMode": "plan"}},
        {"sandbox": {"enabled": True, "network": {"deniedDomains": ["a"], "allowLocalBinding": False}}},
        {"sandbox": {"credentials": {"files": [{"path": "~/.aws", "mode": "deny"}], "envVars": [{"name": "T", "mode": "deny"}]}}},
        {"paddock": {"environment": {"remove": ["A*"]}, "limits": {"openFiles": 20}, "filesystem": {"project": "read-only"}, "network": {"proxyEnv": True}}},
    ],
)
def test_what_narrows_or_stays_in_the_project_needs_nobody(world: World, content: object) -> None:
    world.write("project", content)
    settings = world.load()
    assert settings.trust_needed == ()
    assert settings.trust_digest == ""
    assert settings.void == ()


def test_a_link_that_leads_out_of_the_project_is_outside(world: World) -> None:
    (world.project / "in").symlink_to(world.folder("home/app/real"))
    (world.project / "out").symlink_to(world.home)
    world.write("project", filesystem(allowWrite=["./in", "./out", "./out/deeper"], allowRead=["out/*.txt"]))
    assert [value for _, value in waiting(world)] == ["./out", "./out/deeper", "out/*.txt"]


def test_reopening_what_somebody_else_closed_inside_the_project_waits(world: World) -> None:
    world.write("project", filesystem(allowRead=[".", "./secrets", "./secrets/a", "./src"], allowWrite=["./secrets"]))
    assert waiting(world) == []
    world.write("user", filesystem(denyRead=[str(world.project / "secrets")]))
    assert [value for _, value in waiting(world)] == ["./secrets", "./secrets/a", "./secrets"]
    world.write("user", filesystem(denyRead=["~/**/secrets"]))
    assert [value for _, value in waiting(world)] == ["./secrets", "./secrets/a", "./secrets"]
    world.write("user", {"sandbox": {"credentials": {"files": [{"path": str(world.project), "mode": "deny"}]}}})
    assert len(waiting(world)) == 5


def test_writing_in_a_project_that_somebody_else_made_read_only_waits(world: World) -> None:
    world.write("project", filesystem(allowWrite=["./build"]))
    assert waiting(world) == []
    world.write("user", {"paddock": {"filesystem": {"project": "read-only"}}})
    assert [value for _, value in waiting(world)] == ["./build"]


def test_acceptance_holds_for_exactly_one_set(world: World) -> None:
    def domains(*hosts: str) -> object:
        return {"sandbox": {"network": {"allowedDomains": list(hosts)}}}

    world.write("project", domains("a", "b"))
    first = world.load()
    place = truststore.record_trust(first.context.state_home, first.context.project_root, first.trust_digest, first.trust_needed)
    assert Path(place).stat().st_mode & 0o777 == 0o600
    assert values(world.load(), "sandbox.network.allowedDomains") == ["a", "b"]
    world.write("project", domains("b", "a"), "paddock")
    world.write("project", {})
    assert len(values(world.load(), "sandbox.network.allowedDomains")) == 2, "order and file do not matter"
    world.write("project", domains("a", "b", "c"), "paddock")
    changed = world.load()
    assert len(changed.trust_needed) == 3, "a changed set waits as a whole"
    accepted = truststore.accepted_entries(changed.context.state_home, changed.context.project_root)
    assert accepted == (("sandbox.network.allowedDomains", "a"), ("sandbox.network.allowedDomains", "b"))
    world.write("project", domains("a"), "paddock")
    assert len(world.load().trust_needed) == 1, "a smaller set is another set"
    assert truststore.forget_trust(first.context.state_home, first.context.project_root)
    assert not truststore.forget_trust(first.context.state_home, first.context.project_root)


def test_the_same_set_in_another_project_is_not_accepted(world: World) -> None:
    world.write("project", {"env": {"A": "1"}})
    first = world.load()
    truststore.record_trust(first.context.state_home, first.context.project_root, first.trust_digest, first.trust_needed)
    other = world.folder("home/other")
    world.put(other / ".claude/settings.json", {"env": {"A": "1"}})
    second = world.load(cwd=other)
    assert len(second.trust_needed) == 1
    assert second.trust_digest != first.trust_digest


@pytest.mark.parametrize("damage", ["truncate", "writable", "link"])
def test_a_damaged_record_accepts_nothing(world: World, damage: str) -> None:
    world.write("project", {"env": {"A": "1"}})
    first = world.load()
    place = Path(truststore.record_trust(first.context.state_home, first.context.project_root, first.trust_digest, first.trust_needed))
    assert world.load().trust_needed == ()
    if damage == "truncate":
        place.write_text(place.read_text()[:-20])
    elif damage == "writable":
        place.chmod(0o666)
    else:
        place.unlink()
        os.mkfifo(place)
    assert len(world.load().trust_needed) == 1


def test_recording_leaves_no_draft_behind(world: World) -> None:
    world.write("project", {"env": {"A": "1"}})
    first = world.load()
    places = [truststore.record_trust(first.context.state_home, first.context.project_root, first.trust_digest, first.trust_needed) for _ in range(2)]
    assert [str(path) for path in Path(places[0]).parent.iterdir()] == [places[0]] == [places[1]]


def test_the_value_of_a_variable_changes_the_digest_and_is_not_recorded(world: World) -> None:
    world.write("project", {"env": {"A": "planted-secret"}})
    first = world.load()
    place = Path(truststore.record_trust(first.context.state_home, first.context.project_root, first.trust_digest, first.trust_needed))
    assert "planted" not in place.read_text()
    world.write("project", {"env": {"A": "other"}})
    assert len(world.load().trust_needed) == 1


def test_canonical_spellings_do_not_collide() -> None:
    values_: list[object] = ["1", 1, True, None, ["1"], [1], ["1", "1"], ["11"], {"a": "b"}, {"a": ["b"]}, ["a", "b"], "1:1", ["1:1"], [], {}, ""]
    assert len({canonical(value) for value in values_}) == len(values_)
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})


def test_an_untracked_local_file_waits_too_because_a_command_could_have_made_it(world: World) -> None:
    git(world.project, "init", "-q")
    world.write("local", {"env": {"A": "1"}, "permissions": {"deny": ["Bash(x)"]}})
    settings = world.load()
    assert [entry.origin.key for entry in settings.trust_needed] == ["env"]
    assert values(settings, "permissions.deny") == ["Bash(x)"]
    assert set(world.load(trust=True).map("env")) == {"A"}


def test_in_the_reference_it_is_the_users_own(world: World) -> None:
    git(world.project, "init", "-q")
    world.write("local", {"permissions": {"allow": ["Bash(x)"]}})
    assert world.load(overrides=frozenset()).trust_needed == ()
    git(world.project, "add", "-f", ".claude/settings.local.json")
    assert [entry.origin.key for entry in world.load(overrides=frozenset()).trust_needed] == ["permissions.allow"]


def test_a_local_file_that_git_tracks_came_with_the_project(world: World) -> None:
    git(world.project, "init", "-q")
    world.write("local", {"env": {"A": "1"}, "permissions": {"deny": ["Bash(x)"]}})
    git(world.project, "add", "-f", ".claude/settings.local.json")
    settings = world.load()
    assert [entry.origin.key for entry in settings.trust_needed] == ["env"]
    assert values(settings, "permissions.deny") == ["Bash(x)"]


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_local_file_behind_a_link_came_with_the_project(world: World, what: str) -> None:
    path = world.write("local", {"env": {"A": "1"}})
    linked = path.parent if what == "folder" else path
    linked.rename(world.project / "moved")
    linked.symlink_to(world.project / "moved")
    assert [entry.origin.key for entry in world.load().trust_needed] == ["env"]


@pytest.fixture
def worktree(world: World) -> Path:
    """A linked worktree of the project, with the project's settings in it."""
    git(world.project, "init", "-q")
    git(world.project, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "--allow-empty", "-m", "x")
    git(world.project, "worktree", "add", "-q", str(world.home / "tree"))
    return world.home / "tree"


def accept(world: World, cwd: Path | None = None) -> None:
    found = world.load(cwd=cwd)
    truststore.record_trust(found.context.state_home, found.context.project_root, found.trust_digest, found.trust_needed)


def test_what_the_main_checkout_accepted_holds_in_its_worktrees(world: World, worktree: Path) -> None:
    content = {"sandbox": {"network": {"allowedDomains": ["a.example"]}}, "permissions": {"allow": ["Edit(//srv/out/**)"]}}
    world.write("project", content)
    world.put(worktree / ".claude/settings.json", content)
    below = world.put(worktree / "pkg/.claude/settings.json", content).parents[1]
    assert len(world.load(cwd=worktree).trust_needed) == 2
    accept(world)
    assert world.load().trust_needed == ()
    assert world.load(cwd=worktree).trust_needed == ()
    assert len(world.load(cwd=below).trust_needed) == 2, "another folder of the repository is another project"
    world.put(worktree / ".claude/settings.json", {"sandbox": {"network": {"allowedDomains": ["b.example"]}}})
    assert len(world.load(cwd=worktree).trust_needed) == 1, "another set is another set"
    world.put(worktree / ".claude/settings.json", content)
    assert truststore.forget_trust(world.load().context.state_home, str(worktree))
    assert len(world.load(cwd=worktree).trust_needed) == 2, "taken back in the worktree, it holds there no longer"


def test_what_a_worktree_accepted_holds_nowhere_else(world: World, worktree: Path) -> None:
    content = {"env": {"A": "1"}}
    world.write("project", content)
    world.put(worktree / ".claude/settings.json", content)
    accept(world, worktree)
    assert world.load(cwd=worktree).trust_needed == ()
    assert len(world.load().trust_needed) == 1


@pytest.mark.parametrize("content", [filesystem(allowWrite=["../out"]), {"permissions": {"allow": ["Edit(../out/**)"]}}, filesystem(allowRead=["./link"])])
def test_an_entry_that_means_another_place_in_every_worktree_waits_in_each(world: World, worktree: Path, content: object) -> None:
    for folder in (world.project, worktree):
        (folder / "link").symlink_to("..")
        world.put(folder / ".claude/settings.json", content)
    accept(world)
    assert world.load().trust_needed == ()
    assert len(world.load(cwd=worktree).trust_needed) == 1


def test_a_folder_that_only_claims_to_be_a_worktree_is_none(world: World, worktree: Path) -> None:
    content = {"env": {"A": "1"}}
    world.write("project", content)
    forged = world.put(world.home / "forged/.claude/settings.json", content).parents[1]
    (forged / ".git").write_text((worktree / ".git").read_text())
    accept(world)
    assert len(world.load(cwd=forged).trust_needed) == 1


def test_a_nested_repository_is_a_project_of_its_own(world: World) -> None:
    git(world.project, "init", "-q")
    content = {"env": {"A": "1"}}
    world.write("project", content)
    inner = world.put(world.project / "inner/.claude/settings.json", content).parents[1]
    git(inner, "init", "-q")
    accept(world)
    assert len(world.load(cwd=inner).trust_needed) == 1
