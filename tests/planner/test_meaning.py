"""Entries become rules, each with its own origin."""

from __future__ import annotations

import pytest

from paddock.errors import InternalError
from paddock.model.policy import PathRule
from paddock.model.record import replace
from paddock.model.settings import Entry, Origin, Scope, Settings
from paddock.planner.meaning import policy_from
from tests.planner.fakes import APP, HOME, SETTINGS


def entry(value: object, key: str, scope: Scope = Scope.PROJECT, line: int = 1) -> Entry:
    return Entry(value, Origin(scope, f"{APP}/.claude/settings.json", line, 1, key, str(value)))


def settings(lists: dict[str, list[object]] | None = None, scalars: dict[str, object] | None = None, maps: dict[str, dict[str, str]] | None = None) -> Settings:
    return replace(
        SETTINGS,
        lists={key: tuple(entry(value, key, line=number) for number, value in enumerate(values, 1)) for key, values in (lists or {}).items()},
        scalars={key: entry(value, key) for key, value in (scalars or {}).items()},
        maps={key: {name: entry(value, key) for name, value in values.items()} for key, values in (maps or {}).items()},
    )


def paths_of(rules: tuple[PathRule, ...]) -> list[str]:
    return [rule.path for rule in rules]


def test_nothing_said_means_the_project_is_writable() -> None:
    policy = policy_from(SETTINGS)
    assert paths_of(policy.filesystem.allow_write) == [APP]
    assert policy.network.allowed == ()
    assert policy.backend == "auto"


def test_a_read_only_project() -> None:
    files = policy_from(settings({"sandbox.filesystem.allowWrite": ["out"]}, {"paddock.filesystem.project": "read-only"})).filesystem
    assert files.project_read_only
    assert paths_of(files.allow_write) == [f"{APP}/out"]


def test_the_four_lists_and_where_they_stand() -> None:
    names = ("denyRead", "allowRead", "allowWrite", "denyWrite")
    files = policy_from(settings({f"sandbox.filesystem.{name}": ["~/x", f"./{name}/**"] for name in names})).filesystem
    assert paths_of(files.deny_read) == [f"{HOME}/x", f"{APP}/denyRead"]
    assert paths_of(files.allow_read) == [f"{HOME}/x", f"{APP}/allowRead"]
    assert paths_of(files.allow_write) == [APP, f"{HOME}/x", f"{APP}/allowWrite"]
    assert paths_of(files.deny_write) == [f"{HOME}/x", f"{APP}/denyWrite"]
    assert files.deny_read[1].origin.line == 2


def test_permission_rules_feed_the_fence() -> None:
    policy = policy_from(
        settings(
            {
                "permissions.allow": ["Edit(//srv/out/**)", "Read(//srv/**)", "WebFetch(domain:a.example)", "Bash(ls *)"],
                "permissions.deny": ["Edit(//srv/keep/**)", "Read(~/.ssh/**)", "Read(.env)", "WebFetch(domain:b.example)"],
                "permissions.ask": ["Edit(//srv/ask)"],
                "permissions.additionalDirectories": ["../more"],
            }
        )
    )
    assert paths_of(policy.filesystem.allow_write) == [APP, f"{HOME}/more", "/srv/out"]
    assert paths_of(policy.filesystem.deny_write) == ["/srv/keep"]
    assert paths_of(policy.filesystem.deny_read) == [f"{HOME}/.ssh", f"{APP}/**/.env"]
    assert policy.filesystem.deny_read[1].is_glob
    assert [rule.pattern for rule in policy.network.allowed] == ["a.example"]
    assert [rule.pattern for rule in policy.network.denied] == ["b.example"]


@pytest.mark.parametrize("mode", ["deny", "mask"])
def test_credentials_are_closed_in_either_mode(mode: str) -> None:
    policy = policy_from(
        settings({"sandbox.credentials.files": [{"path": "~/.netrc", "mode": mode}], "sandbox.credentials.envVars": [{"name": "T", "mode": mode}]})
    )
    assert paths_of(policy.filesystem.deny_read) == [f"{HOME}/.netrc"]
    assert [rule.name for rule in policy.environment.deny] == ["T"]


def test_variables() -> None:
    policy = policy_from(
        settings(
            {"paddock.environment.keep": ["A"], "paddock.environment.remove": ["*B"]},
            maps={"env": {"X": "1", "Y": "1"}, "paddock.environment.set": {"Y": "2"}},
        )
    ).environment
    assert [rule.name for rule in policy.keep] == ["A"]
    assert [rule.name for rule in policy.remove] == ["*B"]
    assert [(name, value) for name, value, _ in policy.set] == [("X", "1"), ("Y", "2")]


def test_the_network() -> None:
    policy = policy_from(
        settings(
            {
                "sandbox.network.allowedDomains": ["a.example:443"],
                "sandbox.network.deniedDomains": ["b.example"],
                "paddock.network.publish": [3000, 80],
                "paddock.network.upstreamCa": ["ca.pem"],
                "paddock.network.dns": ["_x.example"],
                "paddock.network.tools": ["npm"],
            },
            {"sandbox.network.allowLocalBinding": True, "paddock.network.proxyEnv": True},
        )
    )
    assert [rule.pattern for rule in policy.network.allowed] == ["a.example:443"]
    assert policy.network.publish == (80, 3000)
    assert policy.network.upstream_ca == (f"{APP}/ca.pem",)
    assert policy.network.local_binding
    assert policy.network.proxy_env
    assert [rule.pattern for rule in policy.network.dns_names] == ["_x.example"]
    assert [name for name, _ in policy.tools] == ["npm"]


def test_limits() -> None:
    limits = policy_from(settings(scalars={f"paddock.limits.{name}": 7 for name in ("memoryMb", "diskMb", "processes", "cpuSeconds", "openFiles")})).limits
    assert (limits.memory_mb, limits.disk_mb, limits.processes, limits.cpu_seconds, limits.open_files, limits.timeout_seconds) == (7, 7, 7, 7, 7, None)
    assert policy_from(settings(scalars={"paddock.limits.timeoutSeconds": 1.5})).limits.timeout_seconds == 1.5


@pytest.mark.parametrize(
    ("written", "path", "everywhere"),
    [
        (".vscode", f"{APP}/**/.vscode", True),
        (".vscode/", f"{APP}/**/.vscode", True),
        ("./.npmrc", f"{APP}/**/.npmrc", True),
        (".git/config", f"{APP}/.git/config", False),
        ("~/.config/git", f"{HOME}/.config/git", False),
        ("/srv/x/.idea", "/srv/x/.idea", False),
    ],
)
def test_lifted_names_and_paths(written: str, path: str, *, everywhere: bool) -> None:
    (rule,) = policy_from(settings({"paddock.filesystem.unprotect": [written]})).filesystem.unprotect
    assert (rule.path, rule.is_glob) == (path, everywhere)


@pytest.mark.parametrize(("key", "value"), [("sandbox.network.allowedDomains", 3), ("paddock.network.publish", "3000"), ("sandbox.credentials.envVars", "T")])
def test_what_validation_let_through_by_mistake_is_our_fault(key: str, value: object) -> None:
    with pytest.raises(InternalError):
        policy_from(settings({key: [value]}))


def test_programs_that_rules_deny() -> None:
    rules: dict[str, list[object]] = {"permissions.deny": ["Bash(curl *)", "Bash(git push *)", "Read(./x)"], "permissions.allow": ["Bash(curl *)"]}
    denied = policy_from(settings(rules)).programs.denied
    assert [(rule.name, rule.origin.line) for rule in denied] == [("curl", 1)]
    assert policy_from(settings(rules, {"paddock.programs.fromRules": False})).programs.denied == ()


def test_the_only_programs() -> None:
    assert policy_from(SETTINGS).programs.only is None
    found = policy_from(settings({"paddock.programs.only": ["git", "/usr/bin/make"]})).programs
    assert [rule.name for rule in found.only or ()] == ["git", "/usr/bin/make"]
    assert found.only_by is not None
    assert (found.only_by.key, found.only_by.line) == ("paddock.programs.only", 1)
    nothing = policy_from(settings({"paddock.programs.only": []})).programs
    assert nothing.only == ()
