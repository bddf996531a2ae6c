from __future__ import annotations

import socket

import pytest

from paddock.model.hosts import Host, parse_host
from paddock.network.decide import Decider
from paddock.network.dial import Dialler, Refusal, Resolver, connect_any
from tests.network.support import Names, Server, echo, policy


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def opened(names: Resolver, host: str, port: int, *allowed: str, own: tuple[str, ...] = ()) -> socket.socket | Refusal:
    decider = Decider(policy(*allowed))
    name = parse_host(host)
    match = decider.judge(name, port, "capture")[1]
    assert match is not None
    return Dialler(names, lambda a: a.text in own).open(decider, name, port, match)


def test_the_first_address_that_answers_is_used() -> None:
    server = Server(echo)
    with connect_any([parse_host("127.0.0.9"), parse_host("127.0.0.1")], server.port) as sock:
        assert sock.getpeername()[0] == "127.0.0.1"
        assert sock.getblocking()
    server.close()


def test_an_address_family_without_route_is_passed_over() -> None:
    server = Server(echo)
    with connect_any([parse_host("2001:db8::1"), parse_host("127.0.0.1")], server.port) as sock:
        assert sock.getpeername()[0] == "127.0.0.1"
    server.close()


def test_nobody_listening_is_an_error() -> None:
    with pytest.raises(ConnectionRefusedError):
        connect_any([parse_host("127.0.0.1")], free_port())


def test_no_address_is_an_error() -> None:
    with pytest.raises(OSError, match="No route"):
        connect_any([], 80)


def test_a_refused_connection_is_a_bad_gateway() -> None:
    port = free_port()
    found = opened(Names(), "127.0.0.1", port, "127.0.0.1")
    assert isinstance(found, Refusal)
    assert (found.status, found.by_policy) == (502, False)
    assert "Connection refused" in found.decision.reason


def test_an_entry_for_localhost_means_both_families() -> None:
    server = Server(echo)  # on 127.0.0.1 only
    found = opened(Names(), "::1", server.port, f"localhost:{server.port}")
    assert isinstance(found, socket.socket), found
    with found:
        assert found.getpeername()[0] == "127.0.0.1"
    literal = opened(Names(), "::1", server.port, f"[::1]:{server.port}")
    assert isinstance(literal, Refusal), "an entry for one address means that one"
    assert literal.status == 502
    server.close()


def test_a_listed_loopback_literal_is_what_its_twin_reaches() -> None:
    server = Server(echo)  # on 127.0.0.1 only
    found = opened(Names(), "::1", server.port, f"127.0.0.1:{server.port}")
    assert isinstance(found, socket.socket), found
    with found:
        assert found.getpeername()[0] == "127.0.0.1"
    turned = opened(Names(), "127.0.0.1", server.port, f"[::1]:{server.port}")
    assert isinstance(turned, Refusal), "only the listed one is dialled, although the one that was asked for would have answered"
    server.close()


@pytest.mark.parametrize("listed", ["127.0.0.2:80", "*.test:80", "127.0.0.1:81"])
def test_a_loopback_address_without_a_listed_twin_is_refused(listed: str) -> None:
    decision, match = Decider(policy(listed)).judge(parse_host("::1"), 80, "capture")
    assert match is None
    assert not decision.allowed


class Slow:
    def addresses(self, name: str) -> tuple[Host, ...]:
        raise TimeoutError("looking up took too long")


def test_a_slow_lookup_is_a_gateway_timeout_save_below_a_wildcard() -> None:
    exact, wild = opened(Slow(), "a.test", 80, "a.test"), opened(Slow(), "a.test", 80, "*.test")
    assert isinstance(exact, Refusal)
    assert isinstance(wild, Refusal)
    assert (exact.status, wild.status) == (504, 403)


def test_own_addresses_are_not_dialled() -> None:
    found = opened(Names({"a.test": ["203.0.113.7"]}), "a.test", 80, "a.test", own=("203.0.113.7",))
    assert isinstance(found, Refusal)
    assert "an address of this machine" in found.decision.reason


def test_star_has_no_budget_of_names() -> None:
    names = Names()
    decider = Decider(policy("*"))
    dialler = Dialler(names, lambda _: False)
    for i in range(300):
        name = parse_host(f"n{i}.test")
        match = decider.judge(name, 80, "capture")[1]
        assert match is not None
        assert isinstance(dialler.open(decider, name, 80, match), Refusal)
    assert len(names.asked) == 300
