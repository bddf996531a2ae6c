from __future__ import annotations

import socket
import threading

import pytest

from paddock.model.hosts import Host, parse_host
from paddock.network import resolve
from paddock.network.resolve import HostResolver, is_own_address


def test_the_hosts_file_is_honoured() -> None:
    assert parse_host("127.0.0.1") in HostResolver().addresses("localhost")


def test_a_name_that_does_not_exist_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert HostResolver().addresses("nowhere.test") == ()


def test_answers_are_shared_and_kept_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    go = threading.Event()

    def once(name: str) -> tuple[Host, ...]:
        asked.append(name)
        go.wait(20)
        return (parse_host("10.0.0.1"),)

    monkeypatch.setattr(resolve, "_getaddrinfo", once)
    resolver = HostResolver()
    found: list[tuple[Host, ...]] = []
    waiting = [threading.Thread(target=lambda: found.append(resolver.addresses("a.test"))) for _ in range(5)]
    for thread in waiting:
        thread.start()
    go.set()
    for thread in waiting:
        thread.join()
    assert found == [(parse_host("10.0.0.1"),)] * 5
    assert resolver.addresses("a.test") == (parse_host("10.0.0.1"),)
    assert asked == ["a.test"]
    resolver.addresses("b.test")
    assert asked == ["a.test", "b.test"]


def test_a_dead_resolver_is_a_timeout_and_gathers_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def hang(_: str) -> tuple[Host, ...]:
        go.wait(20)
        return ()

    monkeypatch.setattr(resolve, "_getaddrinfo", hang)
    monkeypatch.setattr(resolve, "TIMEOUT", 0.0)
    resolver = HostResolver()
    for i in range(resolve.IN_FLIGHT):
        with pytest.raises(TimeoutError, match="more than"):
            resolver.addresses(f"n{i}.test")
    with pytest.raises(TimeoutError, match="too many"):
        resolver.addresses("one-more.test")
    go.set()


@pytest.mark.parametrize(("address", "own"), [("127.0.0.1", True), ("127.0.0.2", False), ("192.0.2.1", False), ("2001:db8::1", False)])
def test_own_addresses_are_recognised(address: str, own: bool) -> None:
    assert is_own_address(parse_host(address)) is own


def test_an_address_of_an_interface_is_own() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("not applicable: this machine has no route to anywhere")
        mine = probe.getsockname()[0]
    assert is_own_address(parse_host(mine))
