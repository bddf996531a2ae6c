"""What becomes of wrong values, by scope: errors for a run, the documented repairs for the reference and for keys that concern only an agent's tools."""

from __future__ import annotations

import pytest

from paddock.errors import SettingsError
from paddock.model.settings import Settings
from paddock.settings.overrides import BROKEN_FILES, EVERY, MANAGED_BROKEN, REFERENCE
from paddock.settings.table import TABLE, Class
from tests.settings.world import World, values

LENIENT = EVERY - {MANAGED_BROKEN}


def warnings(settings: Settings) -> list[str]:
    return [notice.text for notice in settings.notices if notice.level == "warning"]


@pytest.mark.parametrize("key", [key.name for key in TABLE if key.broken])
def test_a_broken_key_that_fails_closed_has_its_strict_value_for_a_run_too(world: World, key: str) -> None:
    (row,) = (row for row in TABLE if row.name == key)
    assert row.cls is Class.TOOL_LAYER, "for every other class a run is refused"
    world.write("managed", {key: 7, "model": "m"})
    settings = world.load()
    assert settings.scalar("model") == "m"
    found = settings.scalar(key) if key in settings.scalars else values(settings, key)
    assert found == row.broken[0]
    assert key in settings.scalars or key in settings.lists, "an empty list is not no list"
    (said,) = warnings(settings)
    assert said.startswith(f"{key}: expected ")
    world.write("user", {key: 7})
    with pytest.raises(SettingsError, match=f"{key}: expected "):
        world.load()


def test_a_broken_value_that_fails_open_is_dropped_and_said(world: World) -> None:
    world.write("managed", {"deniedMcpServers": "oops", "requiredMinimumVersion": "not-a-version", "model": 5, "permissions": {"deny": ["Read(./.env)"]}})
    settings = world.load()
    assert "deniedMcpServers" not in settings.lists
    assert settings.scalar("requiredMinimumVersion") is None
    assert settings.scalar("model") is None
    assert values(settings, "permissions.deny") == ["Read(./.env)"]
    assert len(warnings(settings)) == 3


@pytest.mark.parametrize("good", ["1.2", "2.1.240", "2.1.240-beta.1", "1.2.3+x"])
def test_versions(world: World, good: str) -> None:
    world.write("managed", {"requiredMinimumVersion": good})
    assert world.load().scalar("requiredMinimumVersion") == good


def test_good_entries_of_a_list_stay(world: World) -> None:
    world.write("managed", {"allowedMcpServers": [{"serverName": "a"}, {"serverName": "b", "serverUrl": "c"}, "d", {}]})
    settings = world.load()
    assert values(settings, "allowedMcpServers") == [{"serverName": "a"}]
    assert len(warnings(settings)) == 3


@pytest.mark.parametrize(
    ("entry", "kept"),
    [
        ({"path": "~/x", "mode": "mask", "extract": "no group"}, {"path": "~/x", "mode": "deny"}),
        ({"path": "~/x", "mode": "mask", "extract": "("}, {"path": "~/x", "mode": "deny"}),
        ({"path": "~/x", "mode": "deny", "typo": 1}, {"path": "~/x", "mode": "deny"}),
        ({"path": "~/x", "mode": "hide"}, None),
        ({"path": "", "mode": "deny"}, None),
        ({"mode": "deny"}, None),
        ({"path": "~/x"}, None),
    ],
)
def test_a_damaged_credential_is_denied_or_stripped_in_the_reference(world: World, entry: object, kept: object) -> None:
    good = {"path": "~/good", "mode": "deny"}
    world.write("managed", {"sandbox": {"credentials": {"files": [entry, good]}}})
    found = values(world.load(overrides=LENIENT), "sandbox.credentials.files")
    assert found == ([kept, good] if kept else [good])
    with pytest.raises(SettingsError):
        world.load()


def test_a_map_keeps_its_good_members_in_the_reference(world: World) -> None:
    world.write("managed", {"env": {"A": "1", "B": 2}})
    assert {name: entry.value for name, entry in world.load(overrides=LENIENT).map("env").items()} == {"A": "1"}
    with pytest.raises(SettingsError, match="env: expected a string"):
        world.load()


def test_a_relative_path_of_a_managed_file_is_dropped_in_the_reference(world: World) -> None:
    world.write("managed", {"sandbox": {"filesystem": {"denyRead": ["./x", "/y"]}}})
    settings = world.load(overrides=LENIENT)
    assert values(settings, "sandbox.filesystem.denyRead") == ["/y"]
    assert "a relative path has no meaning in a managed file" in warnings(settings)[0]


def test_a_section_that_is_none(world: World) -> None:
    world.write("managed", {"sandbox": [], "model": "m"})
    assert world.load(overrides=LENIENT).scalar("model") == "m"
    world.write("user", {"sandbox": [], "cleanupPeriodDays": 5})
    assert world.load(overrides=REFERENCE).scalar("cleanupPeriodDays") is None, "a user's file is dropped whole"
    assert world.load(overrides=REFERENCE).scalar("model") == "m"


def test_a_file_below_managed_is_dropped_whole_or_by_entry_in_the_reference(world: World) -> None:
    path = world.write("user", {"model": "u", "cleanupPeriodDays": 0})
    settings = world.load(overrides=REFERENCE)
    assert settings.scalar("model") is None
    (source,) = (source for source in settings.sources if source.file == str(path))
    assert (source.state, "cleanupPeriodDays" in source.detail) == ("ignored", True)
    world.write("user", {"model": "u", "permissions": {"deny": ["Bash(x)", 5]}})
    settings = world.load(overrides=REFERENCE)
    assert settings.scalar("model") == "u"
    assert values(settings, "permissions.deny") == ["Bash(x)"]
    with pytest.raises(SettingsError):
        world.load(overrides=frozenset({BROKEN_FILES}))


def test_what_was_just_typed_is_never_skipped(world: World) -> None:
    for text in ("{not json", '{"cleanupPeriodDays": 0}', '{"permissions": {"deny": [5]}}'):
        with pytest.raises(SettingsError):
            world.load(overrides=REFERENCE, settings=(text,))
