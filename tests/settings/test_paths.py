from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.errors import PolicyError
from paddock.model.paths import normalise
from paddock.model.settings import Context, Entry, Origin, Scope
from paddock.settings.paths import resolve_entry

CONTEXT = Context(
    cwd="/home/dev/app/pkg",
    project_root="/home/dev/app",
    git_root="/home/dev/app",
    home="/home/dev",
    config_home="/home/dev/.claude",
    paddock_config_home="/home/dev/.config/paddock",
    state_home="/home/dev/.local/state/paddock",
    cache_home="/home/dev/.cache/paddock",
)
FILES = {
    Scope.PROJECT: "/home/dev/app/.claude/settings.json",
    Scope.LOCAL: "/home/dev/app/.claude/settings.local.json",
    Scope.USER: "/home/dev/.claude/settings.json",
    Scope.CLI: "--deny-read",
    Scope.MANAGED: "/etc/claude-code/managed-settings.json",
    Scope.BUILTIN: "builtin",
}


def resolved(written: object, scope: Scope = Scope.PROJECT, *, file: str = "", context: Context = CONTEXT) -> tuple[str, bool]:
    rule = resolve_entry(Entry(written, Origin(scope, file or FILES[scope], 3, 1, "sandbox.filesystem.denyRead", str(written))), context)
    return rule.path, rule.is_glob


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/srv/build", "/srv/build"),
        ("//srv/build", "/srv/build"),
        ("/", "/"),
        ("/**", "/"),
        ("~", "/home/dev"),
        ("~/", "/home/dev"),
        ("~/**", "/home/dev"),
        ("~/.aws/", "/home/dev/.aws"),
        ("~/build/**", "/home/dev/build"),
        ("~/build/**/", "/home/dev/build"),
        ("~/build/**/**", "/home/dev/build"),
        (".", "/home/dev/app"),
        ("./", "/home/dev/app"),
        ("**", "/home/dev/app"),
        ("**/.", "/home/dev/app"),
        ("a/**/./**", "/home/dev/app/a"),
        ("/srv/./**/.", "/srv"),
        ("out", "/home/dev/app/out"),
        ("./out//x/.", "/home/dev/app/out/x"),
        ("../sibling", "/home/dev/sibling"),
        ("/srv/a/../b", "/srv/b"),
        ("a~b", "/home/dev/app/a~b"),
    ],
)
def test_prefixes_and_tails(written: str, path: str) -> None:
    assert resolved(written) == (path, False)


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("**/.env", "/home/dev/app/**/.env"),
        ("./.env.*", "/home/dev/app/.env.*"),
        ("~/p/*/out/**", "/home/dev/p/*/out"),
        ("/srv/k?", "/srv/k?"),
        ("/srv/[ab]", "/srv/[ab]"),
    ],
)
def test_globs_stay(written: str, path: str) -> None:
    assert resolved(written) == (path, True)


@pytest.mark.parametrize(
    ("scope", "file", "base"),
    [
        (Scope.PROJECT, "", "/home/dev/app"),
        (Scope.LOCAL, "", "/home/dev/app/pkg"),
        (Scope.CLI, "", "/home/dev/app/pkg"),
        (Scope.CLI, "/srv/conf/team.json", "/home/dev/app/pkg"),
        (Scope.USER, "", "/home/dev/.claude"),
        (Scope.USER, "/home/dev/.config/paddock/settings.json", "/home/dev/.config/paddock"),
    ],
)
def test_each_source_has_its_base(scope: Scope, file: str, base: str) -> None:
    assert resolved("./out", scope, file=file) == (f"{base}/out", False)
    assert resolved(".", scope, file=file) == (base, False)


def test_a_managed_file_has_no_base() -> None:
    assert resolved("~/x", Scope.MANAGED) == ("/home/dev/x", False)
    with pytest.raises(PolicyError, match="no meaning in a managed file"):
        resolved("x", Scope.MANAGED)


def test_another_users_home_is_refused() -> None:
    with pytest.raises(PolicyError, match="another user's home"):
        resolved("~other/x")


def test_an_entry_of_a_credential_list_names_its_path() -> None:
    assert resolved({"path": "~/.netrc", "mode": "deny"}) == ("/home/dev/.netrc", False)


def test_wildcards_in_the_name_of_the_working_folder_are_letters() -> None:
    odd = Context("/srv/app[1]", "/srv/app[1]", "", "/home/dev", "/home/dev/.claude", "/c", "/s", "/k")
    assert resolved("out", context=odd) == ("/srv/app[1]/out", False)
    assert resolved("*.pem", context=odd) == ("/srv/app\\[1]/*.pem", True)


@given(st.text(alphabet="ab./~*", min_size=1))
def test_every_result_is_absolute_and_normal(written: str) -> None:
    try:
        path, _ = resolved(written)
    except PolicyError:
        assert written.startswith("~")
        return
    assert path == normalise(path)
    assert path == "/" or not path.endswith("/**")
