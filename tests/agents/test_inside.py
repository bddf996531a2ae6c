from __future__ import annotations

from pathlib import Path

import pytest

from paddock.agents.guide import alias, coverage
from paddock.agents.inside import INSIDE, inside, make_places, refuse_void, settings_for, with_agent
from paddock.errors import PolicyError, UsageError
from paddock.model.settings import Scope
from paddock.session.prepare import load_settings
from tests.session.seat import Seat, take_seat
from tests.settings.world import values

HOSTS = "sandbox.network.allowedDomains"
LOCKED = {"sandbox": {"network": {"allowManagedDomainsOnly": True, "allowedDomains": ["example.com"]}}}


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    return take_seat(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", INSIDE)
def test_what_is_granted_is_read_as_settings_of_the_command_line(seat: Seat, name: str) -> None:
    settings = load_settings(with_agent(seat.request(), inside(name)))
    mine = [entry for entries in settings.lists.values() for entry in entries if entry.origin.file == f"--agent {name}"]
    assert {entry.origin.scope for entry in mine} <= {Scope.CLI}
    assert bool(mine) == (name != "generic")
    assert not settings.void
    refuse_void(settings, inside(name))


def test_a_key_is_kept_where_it_is_set_and_its_host_goes_with_it() -> None:
    def granted(environ: dict[str, str]) -> tuple[object, object]:
        found = settings_for(inside("opencode"), environ)
        return found["paddock"], found["sandbox"]["network"]["allowedDomains"]  # type: ignore[index]  # a document

    assert granted({"HOME": "/home/a"}) == ({"environment": {"keep": []}}, ["opencode.ai", "models.opencode.ai"])
    kept, hosts = granted({"HOME": "/home/a", "GROQ_API_KEY": "k", "AWS_SECRET_ACCESS_KEY": "k"})
    assert kept == {"environment": {"keep": ["GROQ_API_KEY"]}}
    assert hosts == ["opencode.ai", "models.opencode.ai", "api.groq.com"]


@pytest.mark.parametrize(
    ("address", "entry"),
    [
        ("https://proxy.example/v1", "proxy.example:443"),
        ("http://proxy.example:8080", "proxy.example:8080"),
        ("http://127.0.0.1:9", "localhost:9"),
        ("http://[::1]:9", "localhost:9"),
        ("https://192.0.2.1", "192.0.2.1:443"),
        ("https://[2001:db8::1]/", "[2001:db8::1]:443"),
    ],
)
def test_another_endpoint_is_reached(seat: Seat, address: str, entry: str) -> None:
    seat.environ["OPENAI_BASE_URL"] = address
    assert entry in values(load_settings(with_agent(seat.request(), inside("codex"))), HOSTS)


@pytest.mark.parametrize("address", ["proxy.example", "ftp://proxy.example", "https://", "https://proxy.example:port", "http://[::1"])
def test_what_is_no_address_is_said(seat: Seat, address: str) -> None:
    seat.environ["OPENAI_BASE_URL"] = address
    with pytest.raises(UsageError, match="OPENAI_BASE_URL"):
        with_agent(seat.request(), inside("codex"))


def test_a_state_that_was_moved_is_meant_and_what_it_obeys_is_guarded(seat: Seat) -> None:
    seat.environ["CODEX_HOME"] = "/srv/codex"
    settings = load_settings(with_agent(seat.request(), inside("codex")))
    assert values(settings, "sandbox.filesystem.allowWrite") == ["/srv/codex"]
    assert "/srv/codex/config.toml" in values(settings, "sandbox.filesystem.denyWrite")


def test_an_administrators_lock_refuses_the_agent(seat: Seat) -> None:
    seat.world.write("managed", LOCKED)
    settings = load_settings(with_agent(seat.request(), inside("codex")))
    with pytest.raises(PolicyError, match=r"Codex CLI needs api\.openai\.com.*allowManagedDomainsOnly"):
        refuse_void(settings, inside("codex"))


def test_a_lock_whose_list_names_all_that_is_needed_does_not(seat: Seat) -> None:
    seat.world.write("managed", {"sandbox": {"network": {"allowManagedDomainsOnly": True, "allowedDomains": list(inside("codex").hosts)}}})
    refuse_void(load_settings(with_agent(seat.request(), inside("codex"))), inside("codex"))


def test_missing_places_are_made_for_their_owner_and_existing_ones_stay(seat: Seat) -> None:
    home = seat.world.home
    (home / ".claude.json").write_text('{"mine": 1}')
    make_places(inside("claude-code"), seat.environ)
    assert (home / ".claude.json").read_text() == '{"mine": 1}'
    assert oct((home / ".claude").stat().st_mode & 0o777) == "0o700"
    (home / ".claude.json").unlink()
    make_places(inside("claude-code"), seat.environ)
    assert (home / ".claude.json").read_text() == "{}\n"
    (home / ".codex").write_text("no folder")
    with pytest.raises(UsageError, match=r"\.codex"):
        make_places(inside("codex"), seat.environ)


def test_a_wrong_name() -> None:
    with pytest.raises(UsageError) as caught:
        inside("codx")
    assert caught.value.hint == "did you mean codex?"


def test_the_line_for_a_shell_survives_odd_places() -> None:
    line = alias(inside("codex"), "/opt/my paddock/bin/paddock")
    assert line == "alias codex=''\"'\"'/opt/my paddock/bin/paddock'\"'\"' run --agent codex -- codex --sandbox danger-full-access'"


@pytest.mark.parametrize("name", INSIDE)
def test_only_agents_that_were_driven_are_called_tested(name: str) -> None:
    driven = name in ("claude-code", "codex", "gemini-cli", "opencode")
    assert (coverage(inside(name))[0].known == "tested with the real agent") == driven


@pytest.mark.parametrize("where", ["/", "home", "home/..", "link"])
def test_a_state_that_would_open_the_home_is_refused(seat: Seat, tmp_path: Path, where: str) -> None:
    (tmp_path / "link").symlink_to(seat.world.home)
    seat.environ["CODEX_HOME"] = where if where == "/" else str(tmp_path / where)
    with pytest.raises(UsageError, match="CODEX_HOME"):
        with_agent(seat.request(), inside("codex"))
    seat.environ["CODEX_HOME"] = str(seat.world.home / "elsewhere")
    with_agent(seat.request(), inside("codex"))


def test_a_file_that_moves_with_its_folder_is_not_made(seat: Seat) -> None:
    seat.environ["CLAUDE_CONFIG_DIR"] = str(seat.world.home / "own")
    make_places(inside("claude-code"), seat.environ)
    assert not (seat.world.home / ".claude.json").exists()
    settings = load_settings(with_agent(seat.request(), inside("claude-code")))
    assert values(settings, "sandbox.filesystem.allowWrite") == [str(seat.world.home / "own")]
