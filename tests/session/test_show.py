"""The policy on paper: where each value came from and what it beat."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock.model.settings import Settings
from paddock.session.show import Row, policy_json, policy_sections
from tests.settings.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def rows(settings: Settings, key: str, *, origins: bool = True) -> list[Row]:
    title, _, found = policy_sections(settings, origins=origins)[0]
    assert title == "in force"
    return [row for row in found if row[0] == key]


def limits(number: int) -> dict[str, object]:
    return {"paddock": {"limits": {"openFiles": number}}}


def test_a_managed_value_wins_and_names_what_it_beat(world: World) -> None:
    managed = world.write("managed", limits(64), "paddock")
    world.write("user", limits(4096), "paddock")
    ((_, value, cls, scope, place, beat),) = rows(world.load(), "paddock.limits.openFiles")
    assert (value, cls, scope, place) == ("64", "enforced", "managed", f"{managed}:4")
    assert beat == "4096 (user ~/.config/paddock/settings.json:4)"


def test_without_a_rival_nothing_is_beaten(world: World) -> None:
    world.write("user", limits(4096), "paddock")
    ((_, value, _, scope, place, beat),) = rows(world.load(), "paddock.limits.openFiles")
    assert (value, scope, place, beat) == ("4096", "user", "~/.config/paddock/settings.json:4", "")


def test_losers_are_told_strongest_first(world: World) -> None:
    for scope, number in (("managed", 1), ("local", 2), ("user", 3)):
        world.write(scope, {"cleanupPeriodDays": number})
    ((*_, beat),) = rows(world.load(), "cleanupPeriodDays")
    assert [part.split()[0] for part in beat.split("; ")] == ["2", "3"]


def test_a_value_that_a_lock_voids_is_listed_with_its_reason(world: World) -> None:
    world.write("managed", {"sandbox": {"network": {"allowManagedDomainsOnly": True, "allowedDomains": ["ours.test"]}}})
    world.write("user", {"sandbox": {"network": {"allowedDomains": ["mine.test"]}}})
    settings = world.load()
    assert [row[1] for row in rows(settings, "sandbox.network.allowedDomains")] == ["ours.test"]
    _, _, void = policy_sections(settings)[1]
    assert [(row[1], "allowManagedDomainsOnly" in row[3]) for row in void] == [("mine.test", True)]


def test_values_of_variables_are_in_no_table_and_no_document(world: World) -> None:
    world.write("managed", {"env": {"A": "s3cret-one"}})
    world.write("user", {"env": {"A": "s3cret-two"}})
    settings = world.load()
    ((_, _, _, _, _, beat),) = rows(settings, "env.A")
    assert "user" in beat
    assert "s3cret" not in repr(policy_sections(settings, origins=True)) + repr(policy_json(settings))


def test_the_document_names_class_and_losers(world: World) -> None:
    world.write("managed", limits(64), "paddock")
    world.write("user", limits(4096), "paddock")
    effective = policy_json(world.load())["effective"]
    assert isinstance(effective, list)
    (found,) = [item for item in effective if item["key"] == "paddock.limits.openFiles"]
    assert (found["value"], found["class"], found["origin"]["scope"]) == (64, "enforced", "managed")
    assert [(item["value"], item["origin"]["scope"], item["origin"]["line"]) for item in found["beat"]] == [(4096, "user", 4)]


def test_the_short_table_has_one_place_and_no_losers(world: World) -> None:
    world.write("user", limits(4096), "paddock")
    assert rows(world.load(), "paddock.limits.openFiles", origins=False) == [
        ("paddock.limits.openFiles", "4096", "enforced", "user ~/.config/paddock/settings.json:4")
    ]
