from __future__ import annotations

from pathlib import Path

import pytest

from paddock.errors import PolicyError, UsageError
from paddock.model.record import replace
from paddock.session.mcp import for_server
from paddock.session.prepare import Request, load_settings
from tests.session.seat import Seat, take_seat
from tests.settings.world import values

HOSTS = "sandbox.network.allowedDomains"
POLICY = {"sandbox": {"network": {"allowedDomains": ["tickets.example"]}}}


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    return take_seat(tmp_path, monkeypatch)


def asked(seat: Seat, *argv: str) -> Request:
    return replace(seat.request(), argv=argv or ("tickets", "serve"))


def test_the_policy_of_a_name_counts_for_this_name(seat: Seat) -> None:
    seat.world.write("user", {"paddock": {"mcp": {"servers": {"tickets": POLICY}}}}, "paddock")
    assert values(load_settings(for_server(asked(seat), "tickets")), HOSTS) == ["tickets.example"]
    assert values(load_settings(for_server(asked(seat), "other")), HOSTS) == []


def test_a_policy_of_the_project_waits_for_trust(seat: Seat) -> None:
    seat.world.write("project", {"paddock": {"mcp": {"servers": {"tickets": POLICY}}}}, "paddock")
    assert values(load_settings(for_server(asked(seat), "tickets")), HOSTS) == []
    assert values(load_settings(for_server(replace(asked(seat), trust_project=True), "tickets")), HOSTS) == ["tickets.example"]


def test_an_administrators_lock_holds_for_a_servers_policy_too(seat: Seat) -> None:
    seat.world.write("user", {"paddock": {"mcp": {"servers": {"tickets": POLICY}}}}, "paddock")
    seat.world.write("managed", {"sandbox": {"network": {"allowManagedDomainsOnly": True}}})
    assert values(load_settings(for_server(asked(seat), "tickets")), HOSTS) == []


@pytest.mark.parametrize("policy", [{"permissions": {"allow": ["Bash"]}}, {"allowedMcpServers": []}])
def test_what_is_no_policy_of_a_fence_is_refused(seat: Seat, policy: dict[str, object]) -> None:
    path = seat.world.write("user", {"paddock": {"mcp": {"servers": {"tickets": policy}}}}, "paddock")
    with pytest.raises(PolicyError, match=f"{path}:"):
        for_server(asked(seat), "tickets")


@pytest.mark.parametrize(
    ("lists", "starts"),
    [
        ({}, True),
        ({"allowedMcpServers": []}, False),
        ({"allowedMcpServers": [{"serverName": "tickets"}]}, True),
        ({"allowedMcpServers": [{"serverName": "other"}]}, False),
        ({"allowedMcpServers": [{"serverName": "tickets"}, {"serverCommand": ["tickets"]}]}, False),
        ({"allowedMcpServers": [{"serverCommand": ["tickets", "serve"]}]}, True),
        ({"deniedMcpServers": [{"serverName": "tickets"}]}, False),
        ({"allowedMcpServers": [{"serverName": "tickets"}], "deniedMcpServers": [{"serverCommand": ["tickets", "serve"]}]}, False),
    ],
)
def test_the_lists_of_servers(seat: Seat, lists: dict[str, object], starts: bool) -> None:
    seat.world.write("user", lists)
    if starts:
        for_server(asked(seat), "tickets")
        return
    with pytest.raises(PolicyError, match="the MCP server 'tickets' may not be loaded"):
        for_server(asked(seat), "tickets")


def test_only_the_administrators_list_counts_under_the_lock(seat: Seat) -> None:
    seat.world.write("user", {"allowedMcpServers": [{"serverName": "tickets"}]})
    seat.world.write("managed", {"allowManagedMcpServersOnly": True, "allowedMcpServers": [{"serverName": "other"}]})
    with pytest.raises(PolicyError):
        for_server(asked(seat), "tickets")
    for_server(asked(seat), "other")


def test_no_command(seat: Seat) -> None:
    with pytest.raises(UsageError, match="no server to run"):
        for_server(seat.request(), "tickets")
