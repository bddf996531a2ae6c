from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from paddock.errors import SettingsError, UsageError
from paddock.model.settings import Scope
from paddock.settings.load import context_for
from paddock.settings.sources import selected_scopes
from tests.conftest import applies
from tests.settings.world import World, values


def deny(*rules: str) -> object:
    return {"permissions": {"deny": [f"Bash({rule})" for rule in rules]}}


def rules(world: World, **how: object) -> set[object]:
    return {str(value)[5:-1] for value in values(world.load(**how), "permissions.deny")}  # type: ignore[arg-type]  # passed through


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, timeout=30)


def everything(world: World) -> None:
    for scope in ("managed", "local", "project", "user"):
        for family in ("claude", "paddock"):
            world.write(scope, deny(f"{scope}-{family}"), family)


def test_both_families_of_every_scope_are_read(world: World) -> None:
    everything(world)
    assert rules(world) == {f"{scope}-{family}" for scope in ("managed", "local", "project", "user") for family in ("claude", "paddock")}
    assert {s.state for s in world.load().sources} == {"read"}


@pytest.mark.parametrize(
    ("words", "scopes"),
    [(("cli",), set()), (("user",), {"user"}), (("user,project",), {"user", "project"}), (("local", "cli"), {"local"}), (("",), set())],
)
def test_setting_sources_choose_and_managed_and_the_command_line_always_count(world: World, words: tuple[str, ...], scopes: set[str]) -> None:
    everything(world)
    found = rules(world, sources=words, settings=('{"permissions": {"deny": ["Bash(line)"]}}',))
    assert found == {"line", *(f"{scope}-{family}" for scope in (*scopes, "managed") for family in ("claude", "paddock"))}
    ignored = {s.scope.value for s in world.load(sources=words).sources if s.state == "ignored"}
    assert ignored == {"user", "project", "local"} - scopes


def test_a_word_that_is_no_scope_is_the_callers_mistake() -> None:
    with pytest.raises(UsageError, match="'users' is not a scope"):
        selected_scopes(("users",))
    assert Scope.MANAGED in selected_scopes(("cli",))


def test_settings_of_the_command_line_are_files_or_text_and_the_last_wins(world: World) -> None:
    one = world.put(world.base / "one.json", {"model": "one", **dict(deny("one"))})  # type: ignore[call-overload]  # deny() gives a dict
    settings = world.load(settings=(str(one), ' {"model": "two"}'))
    assert settings.scalar("model") == "two"
    assert values(settings, "permissions.deny") == ["Bash(one)"]
    world.put(world.project / "rel.json", {"model": "three"})
    assert world.load(settings=("rel.json",)).scalar("model") == "three"
    assert world.load(settings=("rel.json",)).scalars["model"].origin.file == str(world.project / "rel.json")


def test_a_missing_settings_file_of_the_command_line_is_an_error(world: World) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        world.load(settings=("missing.json",))


def test_an_option_goes_before_a_file_of_the_command_line(world: World) -> None:
    settings = world.load(settings=('{"paddock": {"limits": {"timeoutSeconds": 5}}}',), options=(("paddock.limits.timeoutSeconds", 9, "--timeout"),))
    assert settings.scalar("paddock.limits.timeoutSeconds") == 9
    assert str(settings.scalars["paddock.limits.timeoutSeconds"].origin) == "cli --timeout"


def test_project_files_come_from_the_start_folder_only(world: World) -> None:
    world.write("project", deny("above"))
    below = world.folder("home/app/pkg")
    assert rules(world) == {"above"}
    assert rules(world, cwd=below) == set()


def test_in_home_the_users_file_is_not_read_twice(world: World) -> None:
    world.write("user", {"sandbox": {"network": {"allowedDomains": ["a"]}}})
    settings = world.load(cwd=world.home)
    assert [e.origin.scope for e in settings.list("sandbox.network.allowedDomains")] == [Scope.USER]
    assert settings.trust_needed == ()


def test_the_local_file_lives_at_the_git_root_and_the_older_place_counts_too(world: World) -> None:
    git(world.project, "init")
    below = world.folder("home/app/pkg")
    world.put(world.project / ".claude/settings.local.json", {"model": "root", **dict(deny("root"))})  # type: ignore[call-overload]  # as above
    world.put(below / ".claude/settings.local.json", {"model": "start", **dict(deny("start"))})  # type: ignore[call-overload]  # as above
    settings = world.load(cwd=below)
    assert settings.scalar("model") == "root"
    assert values(settings, "permissions.deny") == ["Bash(root)", "Bash(start)"]


def test_in_a_linked_worktree_the_main_checkout_counts(world: World) -> None:
    git(world.project, "init")
    git(world.project, "commit", "--allow-empty", "-m", "x")
    git(world.project, "worktree", "add", str(world.home / "tree"))
    world.put(world.project / ".claude/settings.local.json", deny("main"))
    assert rules(world, cwd=world.home / "tree") == {"main"}
    assert context_for(str(world.home / "tree"), world.environ).git_root == str(world.project)


def test_a_gitfile_that_its_worktree_does_not_name_back_is_not_believed(world: World) -> None:
    git(world.project, "init")
    git(world.project, "commit", "--allow-empty", "-m", "x")
    git(world.project, "worktree", "add", str(world.home / "tree"))
    forged = world.folder("home/forged")
    (forged / ".git").write_text((world.home / "tree" / ".git").read_text())
    world.put(world.project / ".claude/settings.local.json", deny("main"))
    assert context_for(str(forged), world.environ).git_root == ""
    assert rules(world, cwd=forged) == set()


def test_when_home_is_the_repository_the_start_folder_counts(world: World) -> None:
    git(world.home, "init")
    world.put(world.home / ".claude/settings.local.json", deny("home"))
    world.put(world.project / ".claude/settings.local.json", deny("start"))
    assert rules(world) == {"start"}


@pytest.mark.parametrize("part", [".", ".git", ".claude"])
def test_when_the_root_is_somebody_elses_the_start_folder_counts(world: World, part: str) -> None:
    applies(os.geteuid() == 0, "only root can give a folder away")
    git(world.project, "init")
    below = world.folder("home/app/pkg")
    world.put(world.project / ".claude/settings.local.json", deny("root"))
    world.put(below / ".claude/settings.local.json", deny("start"))
    assert rules(world, cwd=below) == {"root", "start"}
    os.chown(world.project / part, 12345, -1)
    assert rules(world, cwd=below) == {"start"}


def test_a_submodule_is_a_repository_of_its_own(world: World) -> None:
    inner = world.folder("home/inner")
    git(inner, "init")
    git(inner, "commit", "--allow-empty", "-m", "x")
    git(world.project, "init")
    git(world.project, "-c", "protocol.file.allow=always", "submodule", "add", str(inner), "sub")
    assert context_for(str(world.project / "sub"), world.environ).git_root == str(world.project / "sub")


def test_places_come_from_the_environment_and_relative_ones_are_ignored(world: World) -> None:
    moved = world.folder("moved")
    environ = {**world.environ, "XDG_CONFIG_HOME": str(moved), "XDG_STATE_HOME": "relative", "CLAUDE_CONFIG_DIR": str(moved / "c")}
    context = context_for(str(world.project), environ)
    assert context.paddock_config_home == str(moved / "paddock")
    assert context.state_home == str(world.home / ".local/state/paddock")
    assert context.config_home == str(moved / "c")
    world.put(moved / "paddock/settings.json", deny("moved"))
    world.environ = environ
    assert rules(world) == {"moved"}


def test_home_may_be_absent_from_disk_and_from_the_environment(world: World) -> None:
    assert context_for(str(world.project), {"HOME": "/nowhere/at/all"}).home == "/nowhere/at/all"
    import pwd

    assert context_for(str(world.project), {}).home == os.path.realpath(pwd.getpwuid(os.geteuid()).pw_dir)


def test_a_working_folder_that_is_gone_is_the_callers_mistake(world: World) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        context_for(str(world.base / "gone"), world.environ)
