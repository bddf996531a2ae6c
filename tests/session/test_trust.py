"""Trust for hosts that files of a project's tools name: each counts as it was accepted, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from paddock.errors import PolicyError
from paddock.session.explain import Explainer
from paddock.session.prepare import Request, load_settings, prepare
from paddock.session.show import plan_sections, policy_json
from paddock.session.trust import accept, revoke, waiting
from tests.session.seat import Seat, take_seat

TOOLS = '{"paddock": {"network": {"tools": ["npm", "cargo"]}}}'
RC = "registry=https://one.example/\n"
Ask = Callable[..., Request]


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    seat = take_seat(tmp_path, monkeypatch)
    seat.world.put(seat.world.project / ".npmrc", RC)
    return seat


@pytest.fixture
def project(seat: Seat) -> Path:
    return seat.world.project


@pytest.fixture
def ask(seat: Seat) -> Ask:
    """Requests whose user asks for the presets npm and cargo."""

    def request(*, tools: str = TOOLS, trust_project: bool = False) -> Request:
        return seat.request(settings=(tools,), trust_project=trust_project)

    return request


def hosts(request: Request) -> list[str]:
    return [rule.pattern for rule in prepare(request).plan.network.allowed]


def test_a_host_waits_counts_once_accepted_and_waits_again_when_its_file_changed(project: Path, ask: Ask) -> None:
    assert "one.example:443" not in hosts(ask())
    prepared = prepare(ask())
    assert any("1 widening entry of this project (.npmrc:1 …)" in notice.text for notice in prepared.plan.notices)
    first = waiting(ask())
    assert [(e.value, e.origin.line) for e in first.new] == [("one.example:443", 1)]
    accept(first)
    assert "one.example:443" in hosts(ask())
    assert waiting(ask()).entries == ()

    (project / ".npmrc").write_text(f"{RC}# a word more\n")
    assert "one.example:443" not in hosts(ask())
    second = waiting(ask())
    assert [e.value for e in second.new] == ["one.example:443"]
    assert [text for _, text in second.gone] == [first.new[0].origin.text]
    (project / ".npmrc").write_text(RC)
    assert "one.example:443" in hosts(ask()), "exactly this was accepted"


def test_each_file_stands_for_itself(project: Path, ask: Ask) -> None:
    (project / ".cargo").mkdir()
    config = project / ".cargo" / "config.toml"
    config.write_text('[registries.x]\nindex = "sparse+https://two.example/"\n')
    accept(waiting(ask()))
    config.write_text('[registries.x]\nindex = "sparse+https://three.example/"\n')
    now = hosts(ask())
    assert "one.example:443" in now
    assert not {"two.example:443", "three.example:443"} & set(now)


def test_what_was_accepted_is_what_was_shown(project: Path, ask: Ask) -> None:
    shown = waiting(ask())
    (project / ".npmrc").write_text("registry=https://evil.example/\n")
    accept(shown)
    assert not {"one.example:443", "evil.example:443"} & set(hosts(ask()))


def test_accepting_for_one_run_and_taking_back(ask: Ask) -> None:
    assert "one.example:443" in hosts(ask(trust_project=True))
    assert "one.example:443" not in hosts(ask())
    accept(waiting(ask()))
    assert "one.example:443" in hosts(ask())
    assert revoke(ask())
    assert "one.example:443" not in hosts(ask())
    assert not revoke(ask())


def test_presets_of_the_project_and_their_hosts_are_accepted_at_once(seat: Seat, project: Path, ask: Ask) -> None:
    seat.world.write("project", '{"paddock": {"network": {"tools": ["npm"]}}}', "paddock")
    nobody = ask(tools="{}")
    assert load_settings(nobody).list("paddock.network.tools") == ()
    shown = waiting(nobody)
    assert [e.origin.text.partition(" (")[0] for e in shown.new] == ["npm", "npm: one.example:443"]
    accept(shown)
    assert "one.example:443" in hosts(nobody)
    # One of the two changes: the other stays accepted, and only what is new is asked for.
    (project / ".npmrc").write_text("registry=https://two.example/\n")
    assert [e.value for e in waiting(nobody).new] == ["two.example:443"]
    accept(waiting(nobody))
    assert "two.example:443" in hosts(nobody)


def test_no_preset_no_question(ask: Ask) -> None:
    assert waiting(ask(tools="{}")).entries == ()


def test_a_record_that_others_can_write_accepts_nothing(ask: Ask) -> None:
    record = Path(accept(waiting(ask())))
    assert "one.example:443" in hosts(ask())
    record.chmod(0o666)
    assert "one.example:443" not in hosts(ask())


def test_acceptance_that_cannot_be_recorded_is_an_error(ask: Ask) -> None:
    shown = waiting(ask())
    state = Path(shown.settings.context.state_home)
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text("in the way")
    with pytest.raises(PolicyError, match="cannot be recorded"):
        accept(shown)


def test_the_plan_shows_where_each_host_came_from(seat: Seat, project: Path, ask: Ask) -> None:
    (seat.world.home / ".npmrc").write_text("\n@team:registry=https://team.example/\n")
    accept(waiting(ask()))
    prepared = prepare(ask())
    (rows,) = [rows for title, _, rows in plan_sections(prepared) if title.startswith("network")]
    places = {row[1]: row[2] for row in rows if row[0] == "allow"}
    assert places["one.example:443"] == "project .npmrc:1"
    assert places["team.example:443"] == "user ~/.npmrc:2"
    (project / ".npmrc").write_text("registry=https://new.example/\n")
    needed = policy_json(prepare(ask()).settings)["trust_needed"]
    assert isinstance(needed, list)
    assert [entry["value"] for entry in needed] == ["new.example:443"]


def test_where_an_administrator_decides_about_hosts_nobody_is_asked(seat: Seat, project: Path, ask: Ask) -> None:
    accept(waiting(ask()))
    assert "one.example:443" in hosts(ask())
    seat.world.write("managed", '{"sandbox": {"network": {"allowManagedDomainsOnly": true}}, "paddock": {"network": {"tools": ["npm"]}}}', "paddock")
    assert "one.example:443" not in hosts(ask())
    assert "one.example:443" not in hosts(ask(trust_project=True))
    (project / ".npmrc").write_text("registry=https://two.example/\n")
    assert waiting(ask()).entries == ()
    assert prepare(ask()).settings.trust_needed == ()


def test_an_explanation_names_trust_as_what_would_help(ask: Ask) -> None:
    ((_, decision),) = Explainer(ask()).ask("https://one.example", "host").decisions
    assert not decision.allowed
    assert decision.remedy.startswith("`paddock trust`")
    ((_, other),) = Explainer(ask()).ask("https://two.example", "host").decisions
    assert not other.remedy.startswith("`paddock trust`"), "nothing that waits is about this host"
    accept(waiting(ask()))
    ((_, accepted),) = Explainer(ask()).ask("https://one.example", "host").decisions
    assert accepted.allowed
