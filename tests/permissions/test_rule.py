from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.errors import PolicyError
from paddock.model.globs import covers
from paddock.model.paths import is_beneath, normalise
from paddock.model.settings import Context, Entry, Origin, Scope, Settings
from paddock.permissions.rule import feed, notices, parse, path_pattern

CONTEXT = Context(
    cwd="/home/dev/app",
    project_root="/home/dev/app",
    git_root="",
    home="/home/dev",
    config_home="/home/dev/.claude",
    paddock_config_home="/home/dev/.config/paddock",
    state_home="/s",
    cache_home="/c",
)
PROJECT = Origin(Scope.PROJECT, "/home/dev/app/.claude/settings.json", 7, 3, "permissions.deny", "rule")


def fed(rule: str, list_name: str, origin: Origin = PROJECT) -> list[tuple[str, str, bool]]:
    return [(item.target, item.value, item.is_glob) for item in feed(rule, list_name, origin, CONTEXT)]


@pytest.mark.parametrize(
    ("text", "tool", "specifier"),
    [
        ("Bash", "Bash", None),
        ("Bash(*)", "Bash", None),
        ("Bash(rm *)", "Bash", "rm *"),
        ("Bash(echo (a) b)", "Bash", "echo (a) b"),
        ("mcp__srv__tool", "mcp__srv__tool", None),
        ("*", "*", None),
        ("Stop Task", "Stop Task", None),
        ("Read(./.env)", "Read", "./.env"),
    ],
)
def test_the_grammar(text: str, tool: str, specifier: str | None) -> None:
    rule = parse(text)
    assert (rule.text, rule.tool, rule.specifier) == (text, tool, specifier)


@pytest.mark.parametrize("text", ["", "  ", "Bash(", "Bash(x", "Bash)", "(x)", "Bash()", "Bash( )", "Bash(x) y", "Ba\x1bsh"])
def test_what_is_no_rule(text: str) -> None:
    with pytest.raises(PolicyError):
        parse(text)


@pytest.mark.parametrize(
    ("rule", "list_name", "expected"),
    [
        ("Edit(//srv/out/**)", "allow", [("allowWrite", "/srv/out", False)]),
        ("Edit(//srv/out/**)", "deny", [("denyWrite", "/srv/out", False)]),
        ("Read(~/.ssh/**)", "deny", [("denyRead", "/home/dev/.ssh", False)]),
        ("Read(./.env)", "deny", [("denyRead", "/home/dev/app/.env", False)]),
        ("Read(.env)", "deny", [("denyRead", "/home/dev/app/**/.env", True)]),
        ("Read(**/.env)", "deny", [("denyRead", "/home/dev/app/**/.env", True)]),
        ("Read(./.env.*)", "deny", [("denyRead", "/home/dev/app/.env.*", True)]),
        ("Read(secrets/**)", "deny", [("denyRead", "/home/dev/app/**/secrets", True)]),
        ("Read(./secrets/**)", "deny", [("denyRead", "/home/dev/app/**/secrets", True)]),
        ("Read(docs/)", "deny", [("denyRead", "/home/dev/app/**/docs", True)]),
        ("Edit(src/**)", "allow", [("allowWrite", "/home/dev/app/src", False)]),
        ("Edit(src/lib/**)", "deny", [("denyWrite", "/home/dev/app/src/lib", False)]),
        ("Edit(/src/**)", "deny", [("denyWrite", "/home/dev/app/src", False)]),
        ("Edit(**)", "allow", [("allowWrite", "/home/dev/app", False)]),
        ("Read(//**)", "deny", [("denyRead", "/", False)]),
        ("Read(~)", "deny", [("denyRead", "/home/dev", False)]),
        (r"Read(\[a\])", "deny", [("denyRead", r"/home/dev/app/**/\[a\]", True)]),
        (r"Read(./\[a\])", "deny", [("denyRead", "/home/dev/app/[a]", False)]),
        ("WebFetch(domain:a.example)", "allow", [("allowedDomains", "a.example", False)]),
        ("WebFetch(domain: a.example )", "deny", [("deniedDomains", "a.example", False)]),
        ("Read(//srv/**)", "allow", []),
        ("Edit(//srv/**)", "ask", []),
        ("WebFetch(domain:a.example)", "ask", []),
        ("Bash(curl *)", "deny", []),
        ("Write(docs/**)", "deny", []),
        ("Edit", "allow", []),
        ("Edit(*)", "allow", []),
        ("Read", "deny", []),
        ("WebFetch", "allow", []),
    ],
)
def test_the_feed(rule: str, list_name: str, expected: list[tuple[str, str, bool]]) -> None:
    assert fed(rule, list_name) == expected


@pytest.mark.parametrize(
    ("rule", "list_name", "path", "matches"),
    [
        ("Read(.env)", "deny", "/home/dev/app/.env", True),
        ("Read(.env)", "deny", "/home/dev/app/pkg/deep/.env", True),
        ("Read(.env)", "deny", "/home/dev/.env", False),
        ("Read(~/Documents/*.pdf)", "allow", "/home/dev/Documents/a.pdf", True),
        ("Read(~/Documents/*.pdf)", "allow", "/home/dev/Documents/x/a.pdf", False),
        ("Edit(/src/**/*.ts)", "allow", "/home/dev/app/src/b.ts", True),
        ("Edit(/src/**/*.ts)", "allow", "/home/dev/app/src/a/b.ts", True),
        ("Edit(src/**)", "allow", "/home/dev/app/vendor/src/a", False),
        ("Edit(src/**)", "deny", "/home/dev/app/vendor/src/a", True),
        ("Edit(**/src/**)", "allow", "/home/dev/app/vendor/src/a", True),
        ("Edit(src/lib/**)", "deny", "/home/dev/app/vendor/src/lib/a", False),
        ("Read(docs/)", "deny", "/home/dev/app/docs/a", True),
        ("Read(/home/dev/secrets/**)", "deny", "/home/dev/secrets/a", False),
        ("Read(//home/dev/secrets/**)", "deny", "/home/dev/secrets/a", True),
        (r"Read(\[a\])", "deny", "/home/dev/app/[a]", True),
        (r"Read(\[a\])", "deny", "/home/dev/app/a", False),
    ],
)
def test_what_a_pattern_covers(rule: str, list_name: str, path: str, matches: bool) -> None:
    pattern, glob = path_pattern(parse(rule).specifier or "", list_name, PROJECT, CONTEXT)
    assert (covers(pattern, path) if glob else is_beneath(path, pattern)) is matches


@pytest.mark.parametrize(
    ("scope", "file", "anchor"),
    [
        (Scope.PROJECT, "/home/dev/app/.claude/settings.json", "/home/dev/app"),
        (Scope.USER, "/home/dev/.claude/settings.json", "/home/dev/.claude"),
        (Scope.USER, "/home/dev/.config/paddock/settings.json", "/home/dev/.config/paddock"),
        (Scope.LOCAL, "/home/dev/app/.claude/settings.local.json", "/home/dev/app"),
        (Scope.CLI, "/srv/conf/team.json", "/srv/conf"),
        (Scope.CLI, "--settings", "/home/dev/app"),
    ],
)
def test_one_slash_starts_at_the_source(scope: Scope, file: str, anchor: str) -> None:
    assert fed("Read(/x/y)", "deny", Origin(scope, file, 1)) == [("denyRead", f"{anchor}/x/y", False)]
    assert fed("Read(x/y)", "deny", Origin(scope, file, 1)) == [("denyRead", "/home/dev/app/x/y", False)]


@pytest.mark.parametrize("rule", ["Read(", "Read()", "Read(~other/x)", "WebFetch(https://a.example)", "WebFetch(domain:)", "WebFetch(domain:a b)"])
def test_a_deny_rule_that_cannot_be_understood_stops_the_run_and_an_allow_rule_adds_nothing(rule: str) -> None:
    with pytest.raises(PolicyError, match=r"^/home/dev/app/\.claude/settings\.json:7: "):
        feed(rule, "deny", PROJECT, CONTEXT)
    assert feed(rule, "allow", PROJECT, CONTEXT) == ()


def test_one_slash_has_no_meaning_in_a_managed_file() -> None:
    managed = Origin(Scope.MANAGED, "/etc/paddock/managed-settings.json", 2)
    with pytest.raises(PolicyError) as caught:
        feed("Read(/x)", "deny", managed, CONTEXT)
    assert caught.value.hint == "write //x for an absolute path"
    assert fed("Read(//x)", "deny", managed) == [("denyRead", "/x", False)]


def test_a_working_folder_with_wildcards_in_its_name_is_that_folder() -> None:
    odd = Context("/srv/a[1]", "/srv/a[1]", "", "/h", "/h/.claude", "/c", "/s", "/k")
    (item,) = feed("Read(.env)", "deny", PROJECT, odd)
    assert item.value == "/srv/a\\[1]/**/.env"
    assert covers(item.value, "/srv/a[1]/x/.env")
    (item,) = feed("Read(./x/y)", "deny", PROJECT, odd)
    assert (item.value, item.is_glob) == ("/srv/a[1]/x/y", False)


@given(st.text(alphabet="ab./~*[\\", min_size=1), st.sampled_from(["allow", "deny"]))
def test_every_pattern_is_absolute_and_normal(specifier: str, list_name: str) -> None:
    try:
        pattern, _ = path_pattern(specifier, list_name, PROJECT, CONTEXT)
    except PolicyError:
        assert specifier.startswith("~")
        return
    assert pattern == normalise(pattern)


def test_each_rule_that_does_nothing_is_told_once() -> None:
    lists = {
        "permissions.allow": ["Bash(", "Bash(ls *)", "mcp__*", "B*", "mcp__srv__*", "Write(docs/**)", "Edit(docs/**)"],
        "permissions.ask": ["", "Bash(git push *)"],
        "permissions.deny": ["Glob(docs/**)", "Write", "*"],
    }
    entries = {key: tuple(Entry(rule, Origin(Scope.USER, "f", 1, 1, key, rule)) for rule in rules) for key, rules in lists.items()}
    found = notices(Settings(CONTEXT, entries, {}, {}, (), (), ()))
    assert [notice.text.partition(":")[0] for notice in found] == [
        "rule skipped",
        "mcp__* is skipped",
        "B* is skipped",
        "Write(docs/**) is never consulted",
        "rule skipped",
        "Glob(docs/**) is never consulted",
    ]
    assert found[3].text.endswith("write Edit(docs/**)")
