from __future__ import annotations

import pytest

from paddock.settings.overrides import REFERENCE
from tests.settings.world import World, values


@pytest.mark.parametrize(
    ("scope", "content", "key"),
    [
        ("user", {"allowManagedPermissionRulesOnly": True}, "allowManagedPermissionRulesOnly"),
        ("user", {"sandbox": {"network": {"allowManagedDomainsOnly": True}}}, "sandbox.network.allowManagedDomainsOnly"),
        ("user", {"sandbox": {"bwrapPath": "/opt/bwrap"}}, "sandbox.bwrapPath"),
        ("project", {"sandbox": {"filesystem": {"disabled": True}}}, "sandbox.filesystem.disabled"),
        ("local", {"sandbox": {"network": {"tlsTerminate": {}}}}, "sandbox.network.tlsTerminate"),
        ("project", {"sandbox": {"ripgrep": {"command": "./rg"}}}, "sandbox.ripgrep"),
    ],
)
def test_a_misplaced_key_is_void_with_the_reason_and_one_notice(world: World, scope: str, content: object, key: str) -> None:
    path = world.write(scope, content)
    settings = world.load(trust=True)
    assert key not in settings.scalars
    ((entry, reason),) = settings.void
    assert entry.origin.key == key
    assert reason.startswith(f"{key} counts only from ")
    assert [n.text for n in settings.notices] == [f"{key} in {path} does not count: {reason}"]


def test_where_such_a_key_belongs_it_counts(world: World) -> None:
    world.write("managed", {"sandbox": {"bwrapPath": "/opt/bwrap"}})
    world.write("user", {"sandbox": {"filesystem": {"disabled": True}}})
    settings = world.load(overrides=REFERENCE)
    assert settings.scalar("sandbox.bwrapPath") == "/opt/bwrap"
    assert settings.scalar("sandbox.filesystem.disabled") is True
    assert settings.void == ()


def test_managed_domains_only(world: World) -> None:
    world.write(
        "user", {"sandbox": {"network": {"allowedDomains": ["u"], "deniedDomains": ["bad"]}}, "permissions": {"allow": ["WebFetch(domain:u)", "Bash(ls)"]}}
    )
    world.write("project", {"paddock": {"network": {"tools": ["npm"], "dns": ["srv"]}}})
    managed = {"network": {"allowManagedDomainsOnly": True, "allowedDomains": ["m"]}}
    world.write("managed", {"sandbox": {"network": {"allowedDomains": ["m"]}}})
    settings = world.load(trust=True)
    assert values(settings, "sandbox.network.allowedDomains") == ["m", "u"]
    assert values(settings, "permissions.allow") == ["WebFetch(domain:u)", "Bash(ls)"]
    assert values(settings, "paddock.network.tools") == ["npm"]
    world.write("managed", {"sandbox": managed, "permissions": {"allow": ["WebFetch(domain:m2)"]}})
    settings = world.load(trust=True)
    assert values(settings, "sandbox.network.allowedDomains") == ["m"]
    assert values(settings, "sandbox.network.deniedDomains") == ["bad"]
    assert values(settings, "permissions.allow") == ["WebFetch(domain:m2)", "Bash(ls)"]
    assert values(settings, "paddock.network.tools") == []
    assert values(settings, "paddock.network.dns") == []
    assert {reason for _, reason in settings.void} == {"the administrator set sandbox.network.allowManagedDomainsOnly"}


def test_managed_read_paths_only(world: World) -> None:
    world.write("user", {"sandbox": {"filesystem": {"allowRead": ["~/u"], "denyRead": ["~/d"]}}})
    world.write("managed", {"sandbox": {"filesystem": {"allowManagedReadPathsOnly": True, "allowRead": ["/srv/m"]}}})
    settings = world.load()
    assert values(settings, "sandbox.filesystem.allowRead") == ["/srv/m"]
    assert values(settings, "sandbox.filesystem.denyRead") == ["~/d"]


def test_managed_unprotect_only(world: World) -> None:
    lift = {"paddock": {"filesystem": {"unprotect": [".envrc"]}}}
    world.write("user", lift, "paddock")
    assert values(world.load(), "paddock.filesystem.unprotect") == [".envrc"]
    world.write("managed", {"paddock": {"filesystem": {"allowManagedUnprotectOnly": True, "unprotect": [".vscode"]}}}, "paddock")
    settings = world.load()
    assert values(settings, "paddock.filesystem.unprotect") == [".vscode"]
    assert {reason for _, reason in settings.void} == {"the administrator set paddock.filesystem.allowManagedUnprotectOnly"}
    assert values(world.load(options=(("paddock.filesystem.unprotect", ".envrc", "--unprotect"),)), "paddock.filesystem.unprotect") == [".vscode"]


def test_managed_rules_only_voids_other_denies_and_says_so(world: World) -> None:
    world.write("user", {"permissions": {"deny": ["Read(//a)", "Read(//b)"], "allow": ["Bash(ls)"], "ask": ["Bash(rm *)"]}})
    world.write("managed", {"allowManagedPermissionRulesOnly": True, "permissions": {"deny": ["Read(//m)"]}})
    settings = world.load()
    assert values(settings, "permissions.deny") == ["Read(//m)"]
    assert settings.list("permissions.allow") == ()
    assert settings.list("permissions.ask") == ()
    denied = next(notice.text for notice in settings.notices if notice.text.startswith("permissions.deny "))
    assert denied.endswith(" does not count (2 entries): the administrator set allowManagedPermissionRulesOnly")


def test_the_lock_counts_from_either_family(world: World) -> None:
    world.write("user", {"sandbox": {"network": {"allowedDomains": ["u"]}}})
    world.write("managed", {"sandbox": {"network": {"allowManagedDomainsOnly": True}}}, "paddock")
    world.write("managed", {"sandbox": {"network": {"allowedDomains": ["m"]}}})
    assert values(world.load(), "sandbox.network.allowedDomains") == ["m"]


@pytest.mark.parametrize(
    "managed",
    [
        {"sandbox": {"filesystem": {"denyRead": ["~/.ssh"]}}},
        {"sandbox": {"credentials": {"files": [{"path": "~/.aws", "mode": "deny"}]}}},
    ],
)
def test_a_managed_file_layer_pins_the_switch(world: World, managed: object) -> None:
    world.write("user", {"sandbox": {"filesystem": {"disabled": True}}})
    world.write("managed", managed)
    settings = world.load()
    assert settings.scalar("sandbox.filesystem.disabled") is None
    assert [reason for _, reason in settings.void] == ["managed settings configure the file layer"]


def test_the_scrub_variable_pins_it_against_everybody(world: World) -> None:
    world.write("managed", {"sandbox": {"filesystem": {"disabled": True}}})
    assert world.load(overrides=REFERENCE).scalar("sandbox.filesystem.disabled") is True
    world.environ["CLAUDE_CODE_SUBPROCESS_ENV_SCRUB"] = "1"
    assert world.load(overrides=REFERENCE).scalar("sandbox.filesystem.disabled") is None


def test_a_project_that_wants_automatic_decisions_gets_the_default(world: World) -> None:
    world.write("user", {"permissions": {"defaultMode": "acceptEdits"}})
    assert world.load().scalar("permissions.defaultMode") == "acceptEdits"
    world.write("project", {"permissions": {"defaultMode": "auto"}})
    assert world.load(trust=True).scalar("permissions.defaultMode") is None
    world.write("project", {"permissions": {"defaultMode": "plan"}})
    assert world.load().scalar("permissions.defaultMode") == "plan"


def test_masks(world: World) -> None:
    key = "sandbox.credentials.envVars"

    def write(scope: str, *entries: tuple[str, str]) -> None:
        world.write(scope, {"sandbox": {"credentials": {"envVars": [{"name": n, "mode": m} for n, m in entries]}}})

    write("user", ("T", "mask"), ("U", "mask"))
    write("project", ("T", "deny"), ("V", "mask"))
    settings = world.load()
    assert values(settings, key) == [{"name": "T", "mode": "deny"}, {"name": "U", "mode": "mask"}]
    assert [reason for _, reason in settings.void] == ["a repository cannot ask for a masked secret", "another entry denies it"]
