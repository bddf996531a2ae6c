from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from paddock.model.settings import Scope
from paddock.settings.builtin import DENY_READ, KEEP, REMOVE
from paddock.settings.paths import resolve_entry
from tests.settings.world import World

SECRETIVE = """
    GITHUB_TOKEN GH_TOKEN NPM_TOKEN AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_PROFILE ANTHROPIC_API_KEY OPENAI_API_KEY STRIPE_APIKEY DB_PASSWORD
    PGPASSWORD MYSQL_PWD DB_PASS VAULT_TOKEN CLIENT_SECRET GOOGLE_APPLICATION_CREDENTIALS SSH_AUTH_SOCK SSH_AGENT_PID GPG_AGENT_INFO
    DBUS_SESSION_BUS_ADDRESS XAUTHORITY DISPLAY WAYLAND_DISPLAY XDG_RUNTIME_DIR DOCKER_HOST KUBECONFIG HTTPS_PROXY https_proxy all_proxy SENTRY_DSN
    DATABASE_URL CI_DATABASE_URL AZURE_DEVOPS_EXT_PAT npm_config__auth npm_config_//host/:_authToken SECRET_KEY_BASE TMUX VSCODE_IPC_HOOK_CLI
    VSCODE_GIT_ASKPASS_MAIN
""".split()  # noqa: SIM905 -- one name a line would be two pages
ORDINARY = """
    PATH HOME USER LOGNAME SHELL TERM LANG LC_ALL TZ TMPDIR PWD OLDPWD EDITOR PAGER SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE
    CURL_CA_BUNDLE GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME VIRTUAL_ENV PYTHONPATH NODE_ENV NODE_OPTIONS JAVA_HOME GOPATH CARGO_HOME RUSTFLAGS
    CI COLORTERM AWS_REGION AWS_DEFAULT_REGION TOKENIZERS_PARALLELISM NO_PROXY no_proxy KEYBOARD_LAYOUT KEYMAP MONKEY PASSENGER_ROOT npm_config_registry
    SHLVL XDG_CONFIG_HOME PIP_INDEX_URL CMAKE_PREFIX_PATH MAKEFLAGS COMPASS AUTHOR SOURCE_DATE_EPOCH
""".split()  # noqa: SIM905 -- one name a line would be two pages


def denied(world: World) -> set[str]:
    settings = world.load()
    return {resolve_entry(entry, settings.context).path for entry in settings.list("sandbox.filesystem.denyRead")}


def removed(name: str) -> bool:
    """As the policy says it: patterns without case, exact names kept."""
    return name not in {kept for kept, _ in KEEP} and any(fnmatchcase(name.upper(), pattern.upper()) for pattern, _ in REMOVE)


def test_every_entry_is_written_once_with_a_reason() -> None:
    for table in (DENY_READ, REMOVE, KEEP):
        names = [name for name, _ in table]
        assert len(names) == len(set(names))
        assert all(why for _, why in table)
    assert all(path.startswith(("~/", "/etc/", "/var/")) and not path.endswith("/") for path, _ in DENY_READ)


def test_entries_are_ordinary_and_quote_their_reason(world: World) -> None:
    settings = world.load()
    entry = next(e for e in settings.list("sandbox.filesystem.denyRead") if e.value == "~/.ssh")
    assert (entry.origin.scope, entry.origin.file, entry.origin.line) == (Scope.BUILTIN, "builtin", 0)
    assert entry.origin.key == "sandbox.filesystem.denyRead"
    assert entry.origin.text == "~/.ssh (ssh keys and hosts)"
    assert settings.scalars["paddock.limits.processes"].value == 1280


def test_paddocks_own_folders_are_hidden(world: World) -> None:
    context = world.load().context
    assert {context.paddock_config_home, context.state_home} <= denied(world)


def test_moved_places_are_hidden_too(world: World) -> None:
    before = denied(world)
    world.environ |= {
        "XDG_CONFIG_HOME": "/srv/conf",
        "XDG_DATA_HOME": "/srv/data/",
        "KUBECONFIG": "/srv/k/one:/srv/k/two:relative",
        "HISTFILE": "/dev/null",
        "GNUPGHOME": "/",
        "DOCKER_CONFIG": "/srv/odd[1]",
    }
    added = denied(world) - before
    assert {"/srv/conf/gh", "/srv/conf/google-chrome", "/srv/data/keyrings", "/srv/k/one", "/srv/k/two"} <= added
    assert "/srv/odd\\[1]" in added
    assert not {"/", "/dev/null"} & added


def test_where_xdg_names_the_usual_places_nothing_is_listed_twice(world: World) -> None:
    before = denied(world)
    world.environ |= {"XDG_CONFIG_HOME": f"{world.home}/.config", "XDG_DATA_HOME": f"{world.home}/.local/share"}
    assert denied(world) == before


@pytest.mark.parametrize(
    "name",
    SECRETIVE,
)
def test_secret_looking_variables_go(name: str) -> None:
    assert removed(name)


@pytest.mark.parametrize(
    "name",
    ORDINARY,
)
def test_ordinary_variables_stay(name: str) -> None:
    assert not removed(name)
