"""From rules and layout to what the guard is told."""

from __future__ import annotations

from paddock.model.guard import GuardRules, Hidden, Judge
from paddock.model.policy import FilesystemPolicy
from paddock.planner.guarding import guard_rules
from paddock.planner.view import View
from tests.planner.fakes import APP, HOME, Tree, filesystem, layout, rules, tree


def rules_of(wanted: FilesystemPolicy, files: Tree) -> GuardRules:
    laid = layout(wanted, files)
    return guard_rules(wanted, laid, laid.places(), View(files))


def makes(given: GuardRules, path: str) -> bool:
    """Whether ``path`` may be made."""
    folder, _, name = path.rpartition("/")
    return Judge(given).judge(folder, name) is None


def reads(given: GuardRules, path: str) -> bool:
    """Whether ``path`` may be opened."""
    folder, _, name = path.rpartition("/")
    return Hidden(given).judge(folder, name) is None


def test_what_is_absent_and_denied_may_not_be_made() -> None:
    given = rules_of(filesystem(deny_write=[f"{APP}/later", f"{APP}/**/*.pem"], deny_read=[f"{APP}/.env.local"]), tree({f"{APP}/x": ""}))
    assert given.roots == (APP,)
    for path in ("later", "later/x", "a/b.pem", ".env.local", ".mcp.json", "sub/.vscode"):
        assert not makes(given, f"{APP}/{path}"), path
    for path in ("other", "a/later", "b.pe", ".env"):
        assert makes(given, f"{APP}/{path}"), path


def test_only_what_is_denied_for_reading_may_not_be_read() -> None:
    given = rules_of(filesystem(deny_write=[f"{APP}/later"], deny_read=[f"{APP}/.env.local", f"{APP}/**/.env", "/srv/**/key"]), tree({"/srv": None}))
    for path in (f"{APP}/.env.local", f"{APP}/.env", f"{APP}/a/b/.env", "/srv/x/key"):
        assert not reads(given, path), path
    for path in (f"{APP}/later", f"{APP}/.envrc", "/srv/keys", f"{HOME}/.env"):
        assert reads(given, path), path


def test_what_a_rule_shows_again_stays_open() -> None:
    wanted = filesystem(deny_read=[f"{APP}/**/.env*", f"{APP}/keys"], allow_read=[f"{APP}/.env.example", f"{APP}/keys/public", f"{APP}/**/.env.test"])
    given = rules_of(wanted, tree({}))
    for path in (".env.example", "keys/public/x", "a/.env.test"):
        assert reads(given, f"{APP}/{path}"), path
    for path in (".env", "a/.env.example", "keys/x", "keys"):
        assert not reads(given, f"{APP}/{path}"), path


def test_rules_that_nobody_wrote_leave_reading_to_the_kernel() -> None:
    from paddock.model.settings import Scope

    wanted = filesystem(deny_write=[f"{APP}/later"])
    assert not rules_of(wanted, tree({})).hidden
    builtin = FilesystemPolicy(rules([f"{HOME}/.ssh"], scope=Scope.BUILTIN), wanted.allow_read, wanted.allow_write, wanted.deny_write)
    assert not rules_of(builtin, tree({})).hidden


def test_repositories_are_known_by_their_real_folders() -> None:
    inner = {"HEAD": "ref: x", "objects": None, "refs": None, "config": "[core]\n\thooksPath = later/hooks\n"}
    files = tree({f"{APP}/.git/{name}": content for name, content in inner.items()})
    given = rules_of(filesystem(), files)
    assert f"{APP}/.git" in given.git_folders
    assert not makes(given, f"{APP}/later/hooks")
    assert makes(given, f"{APP}/later/other")


def test_lifting_reaches_the_guard() -> None:
    given = rules_of(filesystem(unprotect=[f"{APP}/**/.envrc", f"{APP}/.vscode"]), tree({}))
    assert makes(given, f"{APP}/a/.envrc")
    assert makes(given, f"{APP}/.vscode")
    assert not makes(given, f"{APP}/a/.vscode")
