"""Every strictness override both ways: what the reference does without it, what a run does with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paddock.errors import PaddockError, PolicyError, SettingsError
from paddock.model.plan import Access
from paddock.model.settings import Entry, Origin, Scope, Settings
from paddock.permissions.decide import decide
from paddock.permissions.rule import Strictness, feed
from paddock.permissions.ruleset import RuleSet
from paddock.permissions.world import Call, Fencing, Verdict
from paddock.permissions.world import World as AgentWorld
from paddock.planner.layout import Ground, lay_out
from paddock.planner.view import View
from paddock.session.check import reading
from paddock.settings import overrides as o
from paddock.settings.start import asks_about_hosts, start
from tests.planner import fakes
from tests.settings.world import World, values

Both = Callable[[World, frozenset[str]], object]


def sandbox(**more: object) -> dict[str, object]:
    return {"sandbox": more}


def outcome(world: World, active: frozenset[str]) -> object:
    """Loaded, or the first thing that is wrong."""
    try:
        settings = world.load(overrides=active, trust=True)
    except SettingsError as error:
        return error.problems[0].message
    return [notice.text for notice in settings.notices if notice.level == "warning"]


def run_fences(world: World, active: frozenset[str]) -> object:
    world.write("user", sandbox(enabled=False, failIfUnavailable=False))
    settings = world.load(overrides=active)
    return start(settings, "linux", available=True, overrides=active).sandboxed, start(settings, "linux", available=False, overrides=active).starts


def never_outside(world: World, active: frozenset[str]) -> object:
    world.write("user", sandbox(excludedCommands=["docker *"]))
    return values(world.load(overrides=active), "sandbox.excludedCommands")


def files_always(world: World, active: frozenset[str]) -> object:
    world.write("user", sandbox(filesystem={"disabled": True}, network={"allowAllUnixSockets": True}, enableWeakerNestedSandbox=True))
    settings = world.load(overrides=active)
    keys = ("sandbox.filesystem.disabled", "sandbox.network.allowAllUnixSockets", "sandbox.enableWeakerNestedSandbox")
    return [settings.scalar(key) for key in keys]


def hidden_secrets(world: World, active: frozenset[str]) -> object:
    settings = world.load(overrides=active)
    hidden = {entry.value for entry in settings.list("sandbox.filesystem.denyRead")}
    removed = {entry.value for entry in settings.list("paddock.environment.remove")}
    return "~/.ssh" in hidden, "SSH_AUTH_SOCK" in removed, "OTEL_*" in removed


def unlisted_hosts(world: World, active: frozenset[str]) -> object:
    return asks_about_hosts(world.load(overrides=active), active)


def auto_mode(world: World, active: frozenset[str]) -> object:
    world.write("user", {"permissions": {"defaultMode": "auto"}})
    return world.load(overrides=active).scalar("permissions.defaultMode")


def trust(world: World, active: frozenset[str]) -> object:
    world.write("project", {**sandbox(network={"allowedDomains": ["a.example"]}), "permissions": {"allow": ["Bash(ls)"], "deny": ["Bash(x)"]}})
    settings = world.load(overrides=active)
    return [values(settings, key) for key in ("sandbox.network.allowedDomains", "permissions.allow", "permissions.deny")]


def unknown_keys(world: World, active: frozenset[str]) -> object:
    world.write("user", sandbox(netwrk={"allowedDomains": []}))
    return outcome(world, active)


def broken_files(world: World, active: frozenset[str]) -> object:
    world.write("user", '{"permissions": {"deny": ["Bash(x)"]},}')
    return outcome(world, active)


def broken_rules(_: World, active: frozenset[str]) -> object:
    strictness = Strictness(refuse=o.BROKEN_RULES in active)
    try:
        return feed("Read(~other/x)", "deny", Origin(Scope.USER, "f", 3), fakes.CONTEXT, strictness)
    except PolicyError as error:
        return str(error)


def managed_broken(world: World, active: frozenset[str]) -> object:
    world.write("managed", sandbox(enabled="yes"))
    return outcome(world, active)


def managed_owners(world: World, active: frozenset[str]) -> object:
    world.write("managed", {"model": "m"}).chmod(0o666)
    return outcome(world, active)


def write_patterns(world: World, active: frozenset[str]) -> object:
    world.write("user", sandbox(filesystem={"denyWrite": ["/srv/**/*.lock"], "denyRead": ["/srv/*/key"], "allowWrite": ["/srv/*.log"]}))
    settings = world.load(overrides=active)
    return [values(settings, f"sandbox.filesystem.{name}") for name in ("denyWrite", "denyRead", "allowWrite")]


def reports(world: World, active: frozenset[str]) -> object:
    world.write("user", sandbox(ignoreViolations={"*": ["x"]}))
    return values(world.load(overrides=active), "sandbox.ignoreViolations.*")


def home_folder(_: World, active: frozenset[str]) -> object:
    ground = Ground(fakes.HOME, fakes.HOME, fakes.HOME, allow_home=o.HOME_FOLDER not in active)
    try:
        return lay_out(fakes.filesystem(allow_write=[fakes.HOME]), ground, View(fakes.tree({}))).tree.standing(f"{fakes.HOME}/x").access()
    except PaddockError as error:
        return str(error).partition(":")[0]


def own_files(_: World, active: frozenset[str]) -> object:
    own = (f"{fakes.APP}/venv",) if o.OWN_FILES in active else ()
    layout = fakes.layout(fakes.filesystem(), fakes.tree({f"{fakes.APP}/venv/lib/x.py": b""}), own=own)
    layout.places()
    return layout.access(f"{fakes.APP}/venv/lib/x.py")


def judged(active: frozenset[str], command: str, fencing: Fencing = Fencing(), **lists: list[str]) -> Verdict:  # noqa: B008 -- an immutable tuple
    entries = {name: [Entry(text, Origin(Scope.USER, "f", 1)) for text in texts] for name, texts in lists.items()}
    context = fakes.CONTEXT
    asked = AgentWorld(context.cwd, context.home, fencing=fencing, reading=reading(active))
    return decide(Call("Bash", {"command": command}), RuleSet(entries, context), asked)


def deny_reads_through(_: World, active: frozenset[str]) -> object:
    return [judged(active, command, allow=["Bash"], deny=["Bash(rm *)"]).decision for command in ("/bin/rm x", "sh -c 'rm x'", "rm x")]


def complete_lines(_: World, active: frozenset[str]) -> object:
    return judged(active, 'echo "x', allow=["Bash(echo *)"]).decision


def every_part(_: World, active: frozenset[str]) -> object:
    fencing = Fencing(enabled=True, excluded=("git *",))
    return [judged(active, command, fencing).fenced for command in ("cat secret; git status", "git status")]


UNKNOWN = "unknown setting sandbox.netwrk"
COMMA = "a comma before the closing bracket"
OTHER = "f:3: '~other/x' names another user's home"
CASES: dict[str, tuple[Both, object, object]] = {
    o.RUN_FENCES: (run_fences, (False, True), (True, False)),
    o.NEVER_OUTSIDE: (never_outside, ["docker *"], []),
    o.FILES_ALWAYS: (files_always, [True, True, True], [None, None, None]),
    o.HIDDEN_SECRETS: (hidden_secrets, (False, False, True), (True, True, True)),
    o.UNLISTED_HOSTS: (unlisted_hosts, True, False),
    o.AUTO_MODE: (auto_mode, "auto", "default"),
    o.TRUST: (trust, [["a.example"], [], ["Bash(x)"]], [[], [], ["Bash(x)"]]),
    o.UNKNOWN_KEYS: (unknown_keys, [], UNKNOWN),
    o.BROKEN_FILES: (broken_files, [f"{COMMA}: the file is not used"], COMMA),
    o.BROKEN_RULES: (broken_rules, (), OTHER),
    o.MANAGED_BROKEN: (
        managed_broken,
        ["sandbox.enabled: expected true or false, found a string: not used"],
        "sandbox.enabled: expected true or false, found a string",
    ),
    o.MANAGED_OWNERS: (managed_owners, [], "it can be written by group or others (mode 0666)"),
    o.WRITE_PATTERNS: (write_patterns, [[], ["/srv/*/key"], []], [["/srv/**/*.lock"], ["/srv/*/key"], []]),
    o.REPORTS: (reports, ["x"], []),
    o.HOME_FOLDER: (home_folder, Access.WRITE, "the working folder /home/dev is the home folder"),
    o.OWN_FILES: (own_files, Access.WRITE, Access.READ),
    o.DENY_READS_THROUGH: (deny_reads_through, ["allow", "allow", "deny"], ["deny", "deny", "deny"]),
    o.COMPLETE_LINES: (complete_lines, "allow", "ask"),
    o.EVERY_PART: (every_part, [False, False], [True, False]),
}


def test_every_override_is_tested_and_differs() -> None:
    assert set(CASES) == o.EVERY
    assert len(o.OVERRIDES) == len(o.EVERY)
    assert all(reference != paddock for _, reference, paddock in CASES.values())


@pytest.mark.parametrize("name", [override.id for override in o.OVERRIDES])
def test_without_it_the_reference_holds(world: World, name: str) -> None:
    both, reference, _ = CASES[name]
    assert both(world, o.EVERY - {name}) == reference
    assert both(world, o.REFERENCE) == reference


@pytest.mark.parametrize("name", [override.id for override in o.OVERRIDES])
def test_with_it_paddock_is_stricter(world: World, name: str) -> None:
    both, _, paddock = CASES[name]
    assert both(world, frozenset({name})) == paddock
    assert both(world, o.EVERY) == paddock


def test_the_words_fit_a_table() -> None:
    for override in o.OVERRIDES:
        assert override.title[0].isupper(), override.id
        for text in (override.reference, override.paddock, override.reason):
            assert text == text.strip(), override.id
            assert not text.endswith("."), override.id
            assert "\n" not in text, override.id


def test_what_is_not_given_is_said_with_its_place(world: World) -> None:
    path = world.write("user", sandbox(enabled=False, network={"strictAllowlist": False}))
    said = {notice.text.partition(" ")[0]: notice for notice in world.load().notices}
    assert set(said) == {"sandbox.enabled", "sandbox.network.strictAllowlist"}
    assert {str(notice.origin) for notice in said.values()} == {f"user {path}:3", f"user {path}:5"}
    assert world.load(overrides=o.REFERENCE).notices == ()


def test_the_default_of_a_request_is_everything(world: World) -> None:
    from paddock.settings.load import LoadRequest

    assert LoadRequest("/", {}).overrides == o.EVERY
    settings = world.load()
    assert isinstance(settings, Settings)
    assert isinstance(settings.scalars["paddock.limits.processes"], Entry)
