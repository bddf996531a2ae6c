"""The profiles as data: each is a settings file that a run would take, and none names a host that a package comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paddock.cli.options import COMMON
from paddock.errors import UsageError
from paddock.model.settings import Scope
from paddock.session.profiles import closes, given
from paddock.session.validate import validate
from paddock.settings.document import parse
from paddock.settings.layer import Family
from paddock.settings.profiles import PROFILES, Profile, profile_named
from paddock.settings.table import KEYS
from paddock.settings.validate import COMMENT, read_layer
from tests.settings.world import World

EACH = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
MANAGED_ONLY = frozenset({Scope.MANAGED})


def test_they_are_called_what_they_are_filed_under() -> None:
    assert [profile.name for profile in PROFILES.values()] == list(PROFILES)
    assert set(PROFILES) == {"web", "python", "rust", "go", "java", "untrusted", "containers", "team", "enterprise"}
    assert {profile.kind for profile in PROFILES.values()} == {"language", "addition", "alone", "managed"}


@EACH
def test_a_run_takes_it_without_a_word(profile: Profile, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(profile.settings))
    scope = Scope.MANAGED if profile.kind == "managed" else Scope.PROJECT
    assert validate([str(file)], str(tmp_path), {"HOME": str(tmp_path)}, scope) == []


@EACH
def test_only_an_administrators_profile_says_what_only_administrators_may(profile: Profile) -> None:
    layer, _ = read_layer(parse("profile", json.dumps(profile.settings)), Scope.MANAGED, Family.PADDOCK)
    only = [key.name for key, _ in layer.entries() if key.scopes == MANAGED_ONLY]
    assert bool(only) == (profile.kind == "managed")


@EACH
def test_tools_are_named_and_no_host_is_allowed(profile: Profile) -> None:
    layer, _ = read_layer(parse("profile", json.dumps(profile.settings)), Scope.CLI, Family.PADDOCK)
    assert "sandbox.network.allowedDomains" not in layer.lists
    assert bool(layer.lists.get("paddock.network.tools")) == (profile.kind == "language")


def test_the_help_text_names_those_that_a_run_takes() -> None:
    option = next(option for option in COMMON if option.name == "--profile")
    assert option.help.rpartition(": ")[2].split(", ") == [name for name, profile in PROFILES.items() if profile.kind != "managed"]


def test_every_tool_preset_that_fetches_packages_is_in_a_language() -> None:
    shape = KEYS["paddock.network.tools"].shape
    named = {tool for profile in PROFILES.values() for tool in profile.settings.get("paddock", {}).get("network", {}).get("tools", [])}  # type: ignore[attr-defined]  # data of this shape, as checked above
    assert named == {"npm", "pip", "cargo", "go", "maven", "gradle"}
    assert shape.item is not None
    assert all(tool in shape.item.wanted for tool in named)


def test_comments_are_text() -> None:
    def look(value: object) -> None:
        if isinstance(value, dict):
            assert isinstance(value.get(COMMENT, ""), (str, list))
            for inner in value.values():
                look(inner)

    for profile in PROFILES.values():
        look(profile.settings)


def test_an_unknown_name_and_one_for_administrators() -> None:
    with pytest.raises(UsageError, match="no profile 'pyton'") as raised:
        profile_named("pyton")
    assert raised.value.hint == "did you mean 'python'?"
    with pytest.raises(UsageError, match="administrator") as refused:
        given(["web", "enterprise"])
    assert "paddock init --profile enterprise" in refused.value.hint


# -- as a source of settings


def test_it_counts_without_trust_and_says_where_it_comes_from(world: World) -> None:
    (tool,) = world.load(given=given(["web"])).list("paddock.network.tools")
    assert (tool.value, tool.origin.scope, tool.origin.file, tool.origin.line) == ("npm", Scope.CLI, "--profile web", 0)
    world.write("project", PROFILES["web"].settings)
    assert not world.load().list("paddock.network.tools"), "the same from a project waits"


def test_it_is_weaker_than_files_and_options_of_the_command_line(world: World) -> None:
    profile = given(["team"])
    limit = "paddock.limits.timeoutSeconds"
    assert world.load(given=profile).scalar(limit) == 7200
    assert world.load(given=profile, settings=('{"paddock": {"limits": {"timeoutSeconds": 9}}}',)).scalar(limit) == 9
    assert world.load(given=profile, options=((limit, 8, "--timeout"),)).scalar(limit) == 8


def test_the_one_named_last_wins(world: World) -> None:
    key = "sandbox.allowUnsandboxedCommands"
    assert world.load(given=given(["team", "containers"])).scalar(key) is True
    assert world.load(given=given(["containers", "team"])).scalar(key) is False


def test_denials_and_locks_hold_against_it(world: World) -> None:
    world.write("user", {"sandbox": {"network": {"deniedDomains": ["x.example"]}}})
    assert "x.example" in [entry.value for entry in world.load(given=given(["web"])).list("sandbox.network.deniedDomains")]
    assert world.load(given=given(["web"])).scalar("sandbox.network.allowLocalBinding") is True
    world.write("managed", {"sandbox": {"network": {"allowManagedDomainsOnly": True, "allowLocalBinding": False}}}, "paddock")
    locked = world.load(given=given(["web"]))
    assert not locked.list("paddock.network.tools")
    assert locked.scalar("sandbox.network.allowLocalBinding") is False


def test_untrusted_only_reads_the_folder_it_is_given(world: World) -> None:
    assert world.load(given=given(["untrusted"])).scalar("paddock.filesystem.project") == "read-only"
    assert world.load(given=given(["python"])).scalar("paddock.filesystem.project", "read-write") == "read-write"


def test_under_untrusted_files_only_close(world: World) -> None:
    opened = {
        "sandbox": {"network": {"allowedDomains": ["a.example"]}, "filesystem": {"allowRead": ["~/tools"], "denyRead": ["./notes"]}},
        "paddock": {"environment": {"keep": ["API_TOKEN"], "remove": ["COMPANY_*"]}, "filesystem": {"unprotect": [".envrc"]}},
    }
    world.write("user", opened, "paddock")
    world.write("project", {"sandbox": {"filesystem": {"allowWrite": ["./out"], "denyWrite": ["./in"]}}})
    options = (("paddock.environment.keep", "GIVEN", "--keep-env"),)
    lists = ("sandbox.network.allowedDomains", "sandbox.filesystem.allowRead", "paddock.environment.keep", "paddock.filesystem.unprotect")

    def values(closed: bool) -> list[str]:
        loaded = world.load(given=given(["untrusted"]), closed=closed, options=options, trust=True)
        keys = (*lists, "sandbox.filesystem.allowWrite", "sandbox.filesystem.denyRead", "sandbox.filesystem.denyWrite", "paddock.environment.remove")
        return [str(entry.value) for key in keys for entry in loaded.list(key)]

    widening = {"a.example", "~/tools", "API_TOKEN", ".envrc", "./out"}
    assert widening <= set(values(False))
    assert not widening & set(values(True))
    assert {".", "GIVEN", "PATH", "~/", "./notes", "COMPANY_*", "./in"} <= set(values(True))
    assert closes(["web", "untrusted"])
    assert not closes(["web", "team"])


def test_under_untrusted_an_administrator_may_still_open(world: World) -> None:
    world.write("managed", {"paddock": {"environment": {"keep": ["SITE_PROXY"]}}}, "paddock")
    assert "SITE_PROXY" in [entry.value for entry in world.load(given=given(["untrusted"]), closed=True).list("paddock.environment.keep")]


def test_the_managed_profile_holds(world: World) -> None:
    world.write("managed", PROFILES["enterprise"].settings, "paddock")
    world.write("user", {"paddock": {"filesystem": {"unprotect": [".envrc"]}}, "permissions": {"defaultMode": "bypassPermissions"}}, "paddock")
    loaded = world.load(options=(("sandbox.network.allowedDomains", "169.254.169.254", "--allow-domain"),))
    assert not loaded.list("paddock.filesystem.unprotect")
    assert loaded.scalar("permissions.disableBypassPermissionsMode") == "disable"
    assert "169.254.169.254" in [entry.value for entry in loaded.list("sandbox.network.deniedDomains")]
