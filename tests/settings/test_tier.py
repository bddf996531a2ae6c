"""The choice among administrators' sources, and what counts from the others."""

from __future__ import annotations

import json
import plistlib
from collections.abc import Mapping
from typing import Any

import pytest

from paddock.errors import SettingsError
from paddock.model.settings import Scope
from paddock.settings.document import parse
from paddock.settings.layer import Family, Layer
from paddock.settings.ospolicy import PROFILES
from paddock.settings.overrides import REFERENCE
from paddock.settings.tier import AdminSource, Rank, Selection, hand_down, select
from paddock.settings.validate import read_layer
from tests.settings.world import World, values

DOMAINS = "sandbox.network.allowedDomains"
LOCK = {"sandbox": {"network": {"allowManagedDomainsOnly": True}}}


def layer(content: Mapping[str, Any], name: str = "x") -> Layer:
    read, problems = read_layer(parse(name, json.dumps(content)), Scope.MANAGED, Family.CLAUDE)
    assert problems == []
    return read


def source(rank: Rank, *contents: Mapping[str, Any], windows: bool = False) -> AdminSource:
    return AdminSource(rank, rank.value, tuple(layer(content, rank.value) for content in contents), windows)


def scalars(selection: Selection) -> dict[str, object]:
    out: dict[str, object] = {}
    for found in selection.layers:
        for name, entry in found.scalars.items():
            out.setdefault(name, entry.value)
    return out


def listed(selection: Selection, name: str) -> list[object]:
    return [entry.value for found in selection.layers for entry in found.lists.get(name, ())]


def variables(selection: Selection) -> dict[str, object]:
    out: dict[str, object] = {}
    for found in selection.layers:
        for name, entry in found.maps.get("env", {}).items():
            out.setdefault(name, entry.value)
    return out


def chosen(selection: Selection) -> Rank | None:
    return selection.source.rank if selection.source else None


def test_the_first_with_a_policy_key_is_in_force_and_the_rest_is_void_and_said() -> None:
    file = source(Rank.FILE, {"model": "f", "cleanupPeriodDays": 7})
    selection = select([file, source(Rank.REMOTE, {}), source(Rank.POLICY, {"model": "m"})])
    assert chosen(selection) is Rank.POLICY
    assert scalars(selection) == {"model": "m"}
    assert {entry.origin.key for entry, _ in selection.void} == {"model", "cleanupPeriodDays"}
    assert {reason for _, reason in selection.void} == {"mdm is in force, and administrators' sources do not add up"}


def test_a_key_of_another_reader_is_a_policy_key_too() -> None:
    assert chosen(select([source(Rank.REMOTE, {"somebodyElses": 1}), source(Rank.FILE, {"model": "f"})])) is Rank.REMOTE
    assert chosen(select([source(Rank.REMOTE, {"$schema": "x"}), source(Rank.FILE, {"model": "f"})])) is Rank.FILE
    assert chosen(select([source(Rank.REMOTE, {}), source(Rank.FILE, {})])) is None


@pytest.mark.parametrize(("rank", "on"), [(Rank.REMOTE, True), (Rank.POLICY, True), (Rank.FILE, True), (Rank.USER_POLICY, False)], ids=str)
def test_a_lock_counts_from_every_source_but_the_users_branch(rank: Rank, on: bool) -> None:
    locked = source(rank, {**LOCK, "sandbox": {"network": {"allowManagedDomainsOnly": True, "allowedDomains": ["locked"]}}})
    other = source(Rank.REMOTE, {"model": "r"}) if rank is not Rank.REMOTE else source(Rank.FILE, {"model": "f"})
    selection = select([locked, other])
    assert (scalars(selection).get("sandbox.network.allowManagedDomainsOnly") is True) == on
    assert (listed(selection, DOMAINS) == ["locked"]) == on


def test_while_no_lock_is_on_the_other_sources_lists_are_void() -> None:
    selection = select([source(Rank.REMOTE, {"model": "r"}), source(Rank.FILE, {"sandbox": {"network": {"allowedDomains": ["a"]}}})])
    assert listed(selection, DOMAINS) == []


def test_while_a_lock_is_on_its_list_is_joined_over_all_sources() -> None:
    rules = {
        "permissions": {"allow": ["WebFetch(domain:f)", "Bash(ls)"]},
        "sandbox": {"network": {"allowedDomains": ["f"]}, "filesystem": {"allowRead": ["/f"]}},
    }
    selection = select([source(Rank.REMOTE, {"sandbox": {"network": {"allowManagedDomainsOnly": True, "allowedDomains": ["r"]}}}), source(Rank.FILE, rules)])
    assert listed(selection, DOMAINS) == ["r", "f"]
    assert listed(selection, "permissions.allow") == ["WebFetch(domain:f)"]
    assert listed(selection, "sandbox.filesystem.allowRead") == []


def test_a_weaker_source_turns_a_switch_on_that_the_selected_one_turned_off() -> None:
    off = {"sandbox": {"network": {"allowManagedDomainsOnly": False, "strictAllowlist": False}}}
    selection = select([source(Rank.REMOTE, off), source(Rank.FILE, {"sandbox": {"network": {"allowManagedDomainsOnly": True, "strictAllowlist": True}}})])
    assert scalars(selection) == {"sandbox.network.allowManagedDomainsOnly": True, "sandbox.network.strictAllowlist": True}
    assert any("is stricter" in reason for _, reason in selection.void)
    # The other way round there is nothing to undo.
    assert scalars(select([source(Rank.REMOTE, LOCK), source(Rank.FILE, off)]))["sandbox.network.allowManagedDomainsOnly"] is True


def test_within_one_source_a_later_drop_in_turns_its_own_lock_off_again() -> None:
    drop_in, base = {"sandbox": {"network": {"allowManagedDomainsOnly": False}}}, LOCK
    selection = select([source(Rank.REMOTE, {"model": "r"}), source(Rank.FILE, drop_in, base)])
    assert "sandbox.network.allowManagedDomainsOnly" not in scalars(selection)


def test_single_values_that_count_from_everywhere_go_by_rank() -> None:
    first, second = {"sandbox": {"bwrapPath": "/r"}}, {"sandbox": {"bwrapPath": "/f", "socatPath": "/s"}, "useAutoModeDuringPlan": True}
    found = scalars(select([source(Rank.REMOTE, first), source(Rank.FILE, second)]))
    assert found == {"sandbox.bwrapPath": "/r", "sandbox.socatPath": "/s"}, "only the value false of useAutoModeDuringPlan counts from everywhere"
    assert scalars(select([source(Rank.REMOTE, first), source(Rank.FILE, {"useAutoModeDuringPlan": False})]))["useAutoModeDuringPlan"] is False


def test_variables_count_one_by_one_and_the_exporters_as_one() -> None:
    first = {"env": {"A": "r", "OTEL_EXPORTER_OTLP_ENDPOINT": "e"}}
    second = {"env": {"A": "m", "B": "m", "OTEL_EXPORTER_OTLP_HEADERS": "h", "OTEL_LOGS_EXPORTER": "otlp", "OTEL_LOG_X": "1"}}
    third = {"env": {"C": "f"}}
    selection = select([source(Rank.REMOTE, first), source(Rank.POLICY, second), source(Rank.FILE, third)])
    assert variables(selection) == {"A": "r", "B": "m", "C": "f", "OTEL_EXPORTER_OTLP_ENDPOINT": "e"}
    selection = select([source(Rank.REMOTE, {"model": "r"}), source(Rank.POLICY, second), source(Rank.FILE, first)])
    assert variables(selection)["OTEL_EXPORTER_OTLP_HEADERS"] == "h"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in variables(selection)


def test_wsl_joins_the_windows_side_only_when_its_administrator_says_so() -> None:
    join = {"wslInheritsWindowsSettings": True}
    own = source(Rank.FILE, {"model": "linux"})

    def pick(*windows: AdminSource) -> object:
        return scalars(select([own, *windows])).get("model")

    assert pick(source(Rank.FILE, {"model": "windows"}, windows=True)) == "linux"
    assert pick(source(Rank.FILE, {"model": "windows", **join}, windows=True)) == "windows"
    assert pick(source(Rank.POLICY, join, windows=True)) == "linux", "that key alone is no policy"
    assert pick(source(Rank.POLICY, join, windows=True), source(Rank.FILE, {"model": "windows"}, windows=True)) == "windows"
    user = source(Rank.USER_POLICY, {"model": "user", **join}, windows=True)
    assert pick(user) == "linux", "what its user can write joins nothing"
    assert pick(source(Rank.POLICY, join, windows=True), user) == "user"
    assert pick(source(Rank.POLICY, join, windows=True), source(Rank.USER_POLICY, {"model": "user"}, windows=True)) == "linux"


def test_a_host_program_counts_without_an_administrator_and_is_dropped_beside_one() -> None:
    parent = {"permissions": {"deny": ["Bash"], "allow": ["Read"]}, "model": "p"}
    alone = hand_down(Selection(None, [], []), layer(parent))
    assert scalars(alone) == {"model": "p"}
    assert listed(alone, "permissions.deny") == ["Bash"]
    beside = hand_down(select([source(Rank.FILE, {"model": "f"})]), layer(parent))
    assert listed(beside, "permissions.deny") == []
    assert len(beside.void) == 3


def test_asked_to_merge_only_what_restricts_is_taken() -> None:
    parent = {
        "permissions": {"deny": ["Bash"], "allow": ["Edit(/x)", "WebFetch(domain:p)"], "defaultMode": "dontAsk"},
        "sandbox": {"filesystem": {"denyRead": ["/d"], "allowWrite": ["/w"], "allowRead": ["/r"]}, "network": {"allowedDomains": ["p"]}, "enabled": False},
        "model": "p",
        "env": {"A": "1"},
        "allowManagedHooksOnly": True,
    }
    asked = {"parentSettingsBehavior": "merge"}
    merged = hand_down(select([source(Rank.FILE, asked)]), layer(parent))
    assert scalars(merged) == {"parentSettingsBehavior": "merge", "permissions.defaultMode": "dontAsk", "allowManagedHooksOnly": True}
    assert listed(merged, "permissions.deny") == ["Bash"]
    assert listed(merged, "permissions.allow") == ["Edit(/x)", "WebFetch(domain:p)"]
    assert listed(merged, DOMAINS) == ["p"]
    assert listed(merged, "sandbox.filesystem.allowWrite") == ["/w"]
    assert variables(merged) == {}
    locked = hand_down(select([source(Rank.FILE, {**asked, **LOCK, "allowManagedPermissionRulesOnly": True})]), layer(parent))
    assert listed(locked, DOMAINS) == []
    assert listed(locked, "permissions.allow") == []
    assert listed(locked, "sandbox.filesystem.allowRead") == ["/r"]
    assert listed(locked, "sandbox.filesystem.denyRead") == ["/d"]


# -- the same through files


def test_settings_of_a_host_program_pass_through_a_load(world: World) -> None:
    parent = json.dumps({"permissions": {"deny": ["Bash(p)"]}, "model": "p"})
    assert world.load(parent=parent).scalar("model") == "p"
    world.write("managed", {"model": "m"})
    assert values(world.load(parent=parent), "permissions.deny") == []
    world.write("managed", {"model": "m", "parentSettingsBehavior": "merge"})
    settings = world.load(parent=parent)
    assert (values(settings, "permissions.deny"), settings.scalar("model")) == (["Bash(p)"], "m")
    file = world.put(world.base / "host.json", {"permissions": {"deny": ["Bash(file)"]}})
    assert values(world.load(parent=str(file)), "permissions.deny") == ["Bash(file)"]
    with pytest.raises(SettingsError, match="no such file"):
        world.load(parent="missing.json")


@pytest.mark.parametrize(
    ("platform", "folder"),
    [("linux", "etc"), ("wsl", "etc"), ("macos", "Library/Application Support"), ("windows", "Program Files")],
)
def test_the_folders_of_every_platform(world: World, platform: str, folder: str) -> None:
    names = ("paddock", "claude-code") if folder == "etc" else ("Paddock", "ClaudeCode")
    for name in names:
        world.put(world.system / folder / name / "managed-settings.json", {"permissions": {"deny": [f"Bash({name})"]}})
        world.put(world.system / folder / name / "managed-settings.d/1.json", {"permissions": {"deny": [f"Bash({name} drop-in)"]}})
    world.platform = platform
    found = {f"Bash({name}{end})" for name in names for end in ("", " drop-in")}
    assert set(values(world.load(registry=lambda *_: None), "permissions.deny")) == found
    world.platform = "linux" if folder != "etc" else "macos"
    assert values(world.load(), "permissions.deny") == [], "the twin: another platform looks elsewhere"


def test_the_old_windows_folder_is_not_read(world: World) -> None:
    world.put(world.system / "ProgramData/ClaudeCode/managed-settings.json", {"model": "old"})
    world.platform = "windows"
    assert world.load(registry=lambda *_: None).scalar("model") is None


def test_profiles_of_macos(world: World) -> None:
    world.platform = "macos"
    world.environ["USER"] = "dev"
    world.put(world.system / "Library/Application Support/ClaudeCode/managed-settings.json", {"model": "file", "permissions": {"deny": ["Bash(file)"]}})
    assert world.load().scalar("model") == "file"
    profiles = [world.put(world.system / place.format(user="dev"), "") for place in PROFILES]
    for path, model in zip(profiles, ("user", "everybody"), strict=True):
        path.write_bytes(plistlib.dumps({"model": model, "permissions": {"deny": [f"Bash({model})"]}}, fmt=plistlib.FMT_BINARY))
    settings = world.load()
    assert (settings.scalar("model"), values(settings, "permissions.deny")) == ("user", ["Bash(user)"])
    states = {source.file.rpartition("/")[2]: source.state for source in settings.sources if source.scope is Scope.MANAGED and source.state != "absent"}
    assert states["managed-settings.json"] == "ignored"
    profiles[0].write_bytes(b"not a property list")
    with pytest.raises(SettingsError, match="is not a property list"):
        world.load()
    assert world.load(overrides=REFERENCE).scalar("model") == "file"


def test_the_registry_of_windows(world: World) -> None:
    world.platform = "windows"
    values_ = {"HKCU": json.dumps({"model": "user", **LOCK})}

    def registry(hive: str, key: str, name: str) -> str | None:
        assert (key, name) == (r"SOFTWARE\Policies\ClaudeCode", "Settings")
        return values_.get(hive)

    assert world.load(registry=registry).scalar("model") == "user"
    world.put(world.system / "Program Files/ClaudeCode/managed-settings.json", {"model": "file"})
    settings = world.load(registry=registry)
    assert settings.scalar("model") == "file"
    assert settings.scalar("sandbox.network.allowManagedDomainsOnly") is None, "what its user can write is never looked at for locks"
    values_["HKLM"] = json.dumps({"model": "machine"})
    assert world.load(registry=registry).scalar("model") == "machine"
    values_["HKLM"] = "{not json"
    with pytest.raises(SettingsError, match="expected a name in double quotes"):
        world.load(registry=registry)


def test_the_windows_side_of_a_wsl_machine(world: World) -> None:
    world.platform = "wsl"
    path = world.put(world.system / "mnt/c/Program Files/ClaudeCode/managed-settings.json", {"model": "windows", "wslInheritsWindowsSettings": True})
    world.write("managed", {"model": "linux"})
    chain = [path, *list(path.parents)[:3]]

    def modes(file: int, folder: int) -> None:
        for part in chain:
            part.chmod(file if part == path else folder)

    try:
        modes(0o444, 0o555)
        assert world.load().scalar("model") == "windows"
        modes(0o644, 0o555)
        with pytest.raises(SettingsError, match="can be written from Windows without an administrator"):
            world.load()
    finally:
        modes(0o644, 0o755)


def test_our_own_folder_counts_beside_the_source_in_force(world: World) -> None:
    world.write("managed", {"model": "ours", "permissions": {"deny": ["Bash(ours)"]}}, "paddock")
    world.write("managed", {"model": "theirs", "permissions": {"deny": ["Bash(theirs)"]}})
    settings = world.load(parent='{"permissions": {"deny": ["Bash(parent)"]}}')
    assert values(settings, "permissions.deny") == ["Bash(ours)", "Bash(theirs)"]
