from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from paddock.errors import SettingsError
from paddock.model.settings import SCOPES, Context, Entry, Origin, Scope
from paddock.settings.layer import Family, Layer
from paddock.settings.merge import merge
from tests.settings.world import World, values

CONTEXT = Context("/p", "/p", "", "/h", "/h/.claude", "/h/.config/paddock", "/h/.state", "/h/.cache")
RANKED = [scope for scope in SCOPES if scope is not Scope.BUILTIN]


def limits(number: int) -> dict[str, object]:
    return {"paddock": {"limits": {"openFiles": number}}}


def test_a_scalar_is_the_strongest_scopes_and_falls_through(world: World) -> None:
    world.write("user", {"model": "u", "cleanupPeriodDays": 1})
    world.write("project", {"model": "p", "cleanupPeriodDays": 2})
    assert (world.load().scalar("model"), world.load().scalar("cleanupPeriodDays")) == ("p", 2)
    world.write("local", {"cleanupPeriodDays": 3})
    assert (world.load().scalar("model"), world.load().scalar("cleanupPeriodDays")) == ("p", 3)
    cli = ('{"cleanupPeriodDays": 4}',)
    assert world.load(settings=cli).scalar("cleanupPeriodDays") == 4
    world.write("managed", {"cleanupPeriodDays": 5})
    winner = world.load(settings=cli).scalars["cleanupPeriodDays"]
    assert (winner.value, winner.origin.scope, winner.origin.line) == (5, Scope.MANAGED, 2)


def test_lists_are_unions_strongest_first_and_an_empty_list_removes_nothing(world: World) -> None:
    world.write("user", {"permissions": {"deny": ["Bash(a)", "Bash(b)"]}})
    world.write("project", {"permissions": {"deny": ["Bash(c)", "Bash(b)"]}})
    world.write("local", {"permissions": {"deny": []}})
    deny = world.load().list("permissions.deny")
    assert [(e.value, e.origin.scope) for e in deny] == [("Bash(c)", Scope.PROJECT), ("Bash(b)", Scope.PROJECT), ("Bash(a)", Scope.USER)]


def test_the_same_relative_words_in_two_files_are_two_places(world: World) -> None:
    content = {"sandbox": {"filesystem": {"denyRead": ["./x", "/abs", "~/h"]}}, "permissions": {"deny": ["Read(/x)", "Read(x)"]}}
    world.write("user", content)
    world.write("project", content)
    settings = world.load()
    assert values(settings, "sandbox.filesystem.denyRead") == ["./x", "/abs", "~/h", "./x"]
    assert values(settings, "permissions.deny") == ["Read(/x)", "Read(x)", "Read(/x)"]


def test_maps_are_merged_by_name(world: World) -> None:
    world.write("user", {"env": {"A": "u", "B": "u"}})
    world.write("local", {"env": {"A": "l"}})
    env = world.load(trust=True).map("env")
    assert {name: (entry.value, entry.origin.scope) for name, entry in env.items()} == {"A": ("l", Scope.LOCAL), "B": ("u", Scope.USER)}


def test_lists_inside_an_object_are_unions_too(world: World) -> None:
    one, two = {"hooks": [{"command": "h1"}]}, {"hooks": [{"command": "h2"}]}
    world.write("user", {"hooks": {"PreToolUse": [one]}})
    world.write("project", {"hooks": {"PreToolUse": [two, one], "Stop": [one]}})
    settings = world.load()
    assert values(settings, "hooks.PreToolUse") == [two, one]
    assert values(settings, "hooks.Stop") == [one]


def test_a_managed_list_of_models_stands_alone(world: World) -> None:
    world.write("user", {"availableModels": ["u"]})
    world.write("project", {"availableModels": ["p"]})
    assert values(world.load(), "availableModels") == ["p", "u"]
    world.write("managed", {"availableModels": ["m"]})
    assert values(world.load(), "availableModels") == ["m"]


def only(*names: str) -> dict[str, object]:
    return {"paddock": {"programs": {"only": list(names)}}}


def test_the_only_programs_are_those_of_every_file(world: World) -> None:
    key = "paddock.programs.only"
    assert key not in world.load().lists, "nobody has a list: every program may be started"
    world.write("user", only("git", "make", "sh"))
    assert values(world.load(), key) == ["git", "make", "sh"]
    world.write("project", only("sh", "git", "npm"))
    settings = world.load()
    assert values(settings, key) == ["sh", "git"]
    assert settings.list(key)[0].origin.scope is Scope.PROJECT
    assert [entry.value for entry in settings.beaten[key]] == ["npm", "make"]
    world.write("managed", only("git"))
    assert values(world.load(), key) == ["git"]
    world.write("managed", only("/usr/bin/git"))
    assert values(world.load(), key) == [], "the same words only"
    assert key in world.load().lists, "nothing in common is a list too"


def test_an_empty_list_of_programs_is_a_list(world: World) -> None:
    world.write("user", only("git"))
    world.write("project", only())
    assert world.load().lists["paddock.programs.only"] == ()


@pytest.mark.parametrize("name", ["./x", "bin/x", "", " ", "..", "a\nb"])
def test_what_is_no_program(world: World, name: str) -> None:
    world.write("user", only(name))
    with pytest.raises(SettingsError):
        world.load()


def test_a_project_hands_its_rules_about_programs_back_only_when_trusted(world: World) -> None:
    key = "paddock.programs.fromRules"
    world.write("project", {"paddock": {"programs": {"fromRules": False}}})
    assert world.load().scalar(key) is None
    assert world.load(trust=True).scalar(key) is False
    world.write("user", {"paddock": {"programs": {"fromRules": True}}})
    assert world.load(trust=True).scalar(key) is True, "a project may make it stricter, not looser"
    world.write("managed", {"paddock": {"programs": {"fromRules": False}}})
    assert world.load().scalar(key) is False


def test_one_way_keys_hold_from_below(world: World) -> None:
    world.write("managed", {"disableClaudeAiConnectors": False, "useAutoModeDuringPlan": True, "crossSessionInbound": "accept"})
    world.write("project", {"disableClaudeAiConnectors": True, "crossSessionInbound": "hold"})
    world.write("user", {"useAutoModeDuringPlan": False, "crossSessionInbound": "refuse"})
    settings = world.load()
    assert settings.scalar("disableClaudeAiConnectors") is True
    assert settings.scalar("useAutoModeDuringPlan") is False
    assert settings.scalar("crossSessionInbound") == "hold", "only project and local may be stricter than managed here"


def test_an_ordinary_boolean_follows_precedence_even_when_that_loosens(world: World) -> None:
    world.write("user", {"disableAllHooks": True})
    world.write("project", {"disableAllHooks": False})
    assert world.load().scalar("disableAllHooks") is False


def test_strict_allowlist_stays_on_from_any_honoured_source(world: World) -> None:
    world.write("managed", {"sandbox": {"network": {"strictAllowlist": False}}})
    world.write("project", {"sandbox": {"network": {"strictAllowlist": True}}})
    assert world.load().scalar("sandbox.network.strictAllowlist") is False
    world.write("user", {"sandbox": {"network": {"strictAllowlist": True}}})
    assert world.load().scalar("sandbox.network.strictAllowlist") is True


def test_a_project_file_may_lower_a_limit_and_not_raise_it(world: World) -> None:
    world.write("user", limits(100))
    world.write("project", limits(50))
    assert world.load().scalar("paddock.limits.openFiles") == 50
    world.write("project", limits(200))
    settings = world.load(trust=True)
    assert settings.scalar("paddock.limits.openFiles") == 100
    ((entry, reason),) = settings.void
    assert (entry.value, entry.origin.scope) == (200, Scope.PROJECT)
    assert "stricter, not looser" in reason
    world.write("local", limits(200))
    assert world.load().scalar("paddock.limits.openFiles") == 200, "the user's own file may"
    assert world.load(settings=('{"paddock": {"limits": {"openFiles": 300}}}',)).scalar("paddock.limits.openFiles") == 300


def test_the_builtin_limit_counts_like_any_other(world: World) -> None:
    world.write("project", {"paddock": {"limits": {"processes": 100_000}}})
    assert world.load(trust=True).scalar("paddock.limits.processes") == 1280
    world.write("user", {"paddock": {"limits": {"processes": 5000}}})
    assert world.load(trust=True).scalar("paddock.limits.processes") == 5000


def test_a_project_cannot_make_a_read_only_project_writable(world: World) -> None:
    world.write("user", {"paddock": {"filesystem": {"project": "read-only"}}})
    world.write("project", {"paddock": {"filesystem": {"project": "read-write"}}})
    assert world.load(trust=True).scalar("paddock.filesystem.project") == "read-only"


@pytest.mark.parametrize("scope", ["local", "project", "user"])
def test_our_file_wins_in_a_scope_unless_that_loosens(world: World, scope: str) -> None:
    world.write(scope, {"model": "theirs", "sandbox": {"failIfUnavailable": False}})
    world.write(scope, {"model": "ours", "sandbox": {"failIfUnavailable": True}}, "paddock")
    assert world.load().scalar("model") == "ours"
    assert world.load().scalar("sandbox.failIfUnavailable") is True
    theirs = world.write(scope, {"sandbox": {"failIfUnavailable": True}})
    ours = world.write(scope, {"sandbox": {"failIfUnavailable": False}}, "paddock")
    with pytest.raises(SettingsError) as caught:
        world.load()
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == (str(ours), 3)
    assert f"{theirs}:3" in problem.message


def test_between_two_managed_files_the_stricter_value_holds(world: World) -> None:
    for ours, theirs in ((True, False), (False, True)):
        world.write("managed", {"sandbox": {"failIfUnavailable": ours}}, "paddock")
        world.write("managed", {"sandbox": {"failIfUnavailable": theirs}})
        assert world.load().scalar("sandbox.failIfUnavailable") is True


def layer_of(scope: Scope, items: list[str], enabled: bool | None) -> Layer:
    layer = Layer(scope, Family.CLAUDE, f"/{scope.value}.json")
    key = "sandbox.filesystem.denyRead"
    layer.lists[key] = [Entry(item, Origin(scope, layer.file, at + 1, 1, key, item)) for at, item in enumerate(items)]
    if enabled is not None:
        layer.scalars["sandbox.enabled"] = Entry(enabled, Origin(scope, layer.file, 99, 1, "sandbox.enabled", str(enabled)))
    return layer


ITEMS = st.lists(st.sampled_from(["/a", "/b", "~/c", "/d/*"]), max_size=4)
STACKS = st.tuples(*[st.tuples(ITEMS, st.none() | st.booleans()) for _ in RANKED])


@given(STACKS)
def test_merging_drops_no_restriction_and_is_idempotent(stack: tuple[tuple[list[str], bool | None], ...]) -> None:
    layers = [layer_of(scope, items, enabled) for scope, (items, enabled) in zip(RANKED, stack, strict=True)]
    once = merge(layers, CONTEXT)
    key = "sandbox.filesystem.denyRead"
    assert {e.value for e in once.lists[key]} == {item for items, _ in stack for item in items}
    assert len({e.value for e in once.lists[key]}) == len(once.lists[key])
    twice = merge([*layers, *layers], CONTEXT)
    assert (twice.lists, twice.scalars, twice.maps) == (once.lists, once.scalars, once.maps)
    wanted = next((enabled for _, enabled in stack if enabled is not None), None)
    got = once.scalars.get("sandbox.enabled")
    assert (got.value if got else None) == wanted


@given(a=ITEMS, b=ITEMS)
def test_the_set_of_a_union_does_not_depend_on_the_order(a: list[str], b: list[str]) -> None:
    one, two = layer_of(Scope.LOCAL, a, None), layer_of(Scope.USER, b, None)
    key = "sandbox.filesystem.denyRead"
    assert {e.value for e in merge([one, two], CONTEXT).lists[key]} == {e.value for e in merge([two, one], CONTEXT).lists[key]}


RULES = st.lists(st.sampled_from(["Read(./.env)", "Read(/x)", "Bash(rm *)"]), max_size=3)


@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(project=RULES, user=RULES, deny=ITEMS)
def test_an_untrusted_project_loses_no_restriction(tmp_path: Path, project: list[str], user: list[str], deny: list[str]) -> None:
    world = World(tmp_path)
    world.write("project", {"permissions": {"deny": project, "allow": ["WebFetch(domain:a.example)"]}, "sandbox": {"filesystem": {"denyRead": deny}}})
    world.write("user", {"permissions": {"deny": user}})
    settings = world.load()
    assert set(values(settings, "permissions.deny")) == {*project, *user}
    assert set(values(settings, "sandbox.filesystem.denyRead")) == set(deny)
    assert settings.list("permissions.allow") == ()


def test_what_lost_is_remembered_strongest_first(world: World) -> None:
    world.write("managed", {"cleanupPeriodDays": 5, "env": {"A": "m"}})
    world.write("local", {"cleanupPeriodDays": 4})
    world.write("user", {"cleanupPeriodDays": 3, "env": {"A": "u", "B": "u"}, "model": "alone"})
    beaten = world.load().beaten
    assert [(e.value, e.origin.scope) for e in beaten["cleanupPeriodDays"]] == [(4, Scope.LOCAL), (3, Scope.USER)]
    assert [(e.value, e.origin.scope) for e in beaten["env.A"]] == [("u", Scope.USER)]
    assert not {"model", "env.B"} & beaten.keys()


def test_a_value_that_may_not_count_is_void_and_not_beaten(world: World) -> None:
    world.write("user", {"paddock": {"limits": {"openFiles": 10}}})
    world.write("project", {"paddock": {"limits": {"openFiles": 20}}})
    settings = world.load()
    voided = [entry for entry, _ in settings.void if entry.origin.key == "paddock.limits.openFiles"]
    assert [e.value for e in voided] == [20]
    assert all(e.value != 20 for e in settings.beaten.get("paddock.limits.openFiles", ()))
