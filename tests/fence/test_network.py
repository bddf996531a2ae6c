"""The fence's own network: loopback, capture, the doors."""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paddock.fence.launcher.ruleset import ruleset
from paddock.fence.namespaces import Fence, start
from paddock.fence.ports import Listener
from paddock.model.plan import PrivateFile
from tests.fence.running import PYTHON, RULE, Sink, make_plan, python

SO_ORIGINAL_DST = 80
ORIGINAL_LEVEL = {4: socket.IPPROTO_IP, 6: socket.IPPROTO_IPV6}


@contextmanager
def standing(project: Path, script: str, *, stdout: int = 1, **changes: object) -> Iterator[Fence]:
    """A fence in which ``script`` runs, with nothing behind its doors but the test."""
    plan = make_plan(project, (PYTHON, "-I", "-S", "-c", "import os, socket, sys\n" + script), **changes)
    null = os.open(os.devnull, os.O_RDWR)
    fence = start(plan, Sink(), stdio=(null, stdout, 2))
    try:
        fence.spawn()
        yield fence
    finally:
        fence.close()
        for listener in fence.listeners:
            os.close(listener.fd)
        os.close(null)


def door(fence: Fence, role: str, family: int) -> socket.socket:
    (found,) = [x for x in fence.listeners if (x.role, x.family) == (role, family)]
    return socket.socket(fileno=os.dup(found.fd))


def wait(fence: Fence, fd: int) -> None:
    """Until ``fd`` is readable, answering what the fence asks in the meantime."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if fence.observer is not None:
        poll.register(fence.observer.fileno(), select.POLLIN)
    while True:
        for ready, _ in poll.poll(10_000) or pytest.fail("nothing came"):
            if ready == fd:
                return
            assert fence.observer is not None
            fence.observer.handle()


def original(connection: socket.socket, family: int) -> tuple[str, int]:
    raw = connection.getsockopt(ORIGINAL_LEVEL[family], SO_ORIGINAL_DST, 28)
    (port,) = struct.unpack_from("!H", raw, 2)
    return (socket.inet_ntop(socket.AF_INET, raw[4:8]) if family == 4 else socket.inet_ntop(socket.AF_INET6, raw[8:24])), port


@pytest.mark.parametrize(("family", "address"), [(4, "93.184.216.34"), (6, "2606:2800:220:1::1"), (4, "198.18.3.4"), (4, "10.0.0.1"), (4, "169.254.169.254")])
def test_every_connection_comes_to_the_gate_and_tells_where_it_was_going(project: Path, family: int, address: str) -> None:
    with standing(project, f"s = socket.create_connection(('{address}', 443)); s.sendall(b'hello'); s.recv(1)") as fence:
        gate = door(fence, "capture", family)
        wait(fence, gate.fileno())
        connection, _ = gate.accept()
        with gate, connection:
            assert original(connection, family) == (address, 443)
            assert connection.recv(5) == b"hello"


@pytest.mark.parametrize(("family", "loopback"), [(4, "127.0.0.1"), (6, "::1"), (4, "127.8.9.10")])
def test_listed_host_ports_on_loopback_come_to_the_gate(project: Path, family: int, loopback: str) -> None:
    with standing(
        project, f"s = socket.create_connection(('{loopback}', 5432)); s.sendall(b'hello'); print(s.recv(5).decode())", host_ports=(5432, 80)
    ) as fence:
        gate = door(fence, "capture", family)
        wait(fence, gate.fileno())
        connection, _ = gate.accept()
        with gate, connection:
            assert original(connection, family) == (loopback, 5432)
            assert connection.recv(5) == b"hello"


@pytest.mark.parametrize(("family", "server"), [(4, "8.8.8.8"), (6, "2001:4860:4860::8888"), (4, "127.0.0.53")])
def test_dns_questions_come_to_the_resolver_whoever_they_ask_and_answers_go_back(project: Path, family: int, server: str) -> None:
    kind = "socket.AF_INET6" if family == 6 else "socket.AF_INET"
    script = (
        f"s = socket.socket({kind}, socket.SOCK_DGRAM); s.connect(('{server}', 53)); s.send(b'question'); open('answer', 'wb').write(s.recv(99)); os._exit(7)"
    )
    with standing(project, script) as fence:
        resolver = door(fence, "dns-udp", family)
        wait(fence, resolver.fileno())
        with resolver:
            question, peer = resolver.recvfrom(100)
            assert question == b"question"
            resolver.sendto(b"answer", peer)
        wait(fence, fence.control_fd)
        assert fence.handle_control() == 7
    assert (project / "answer").read_bytes() == b"answer"


@pytest.mark.parametrize(("family", "server"), [(4, "1.1.1.1"), (6, "2606:4700::1111")])
def test_dns_over_tcp_comes_to_the_resolver_too(project: Path, family: int, server: str) -> None:
    with standing(project, f"s = socket.create_connection(('{server}', 53)); s.sendall(b'question'); s.recv(1)") as fence:
        resolver = door(fence, "dns-tcp", family)
        wait(fence, resolver.fileno())
        connection, _ = resolver.accept()
        with resolver, connection:
            assert connection.recv(8) == b"question"


def test_other_udp_goes_nowhere_and_fails_at_once(project: Path) -> None:
    script = """
for family, address in ((2, '93.184.216.34'), (10, '2606:2800:220:1::1')):
    s = socket.socket(family, socket.SOCK_DGRAM); s.connect((address, 443)); s.send(b'x'); s.settimeout(5)
    attempt(s.recv, 1)
"""
    assert python(project, script).out.split() == ["ECONNREFUSED", "ECONNREFUSED"]


def test_programs_inside_reach_each_other_on_any_loopback_port(project: Path) -> None:
    script = """
for address, family in (('127.0.0.1', 2), ('::1', 10)):
    for port in (8080, 3128, 5353):
        server = socket.socket(family); server.bind((address, port)); server.listen()
        client = socket.create_connection((address, port)); peer, _ = server.accept()
        client.sendall(b'x'); print(peer.recv(1).decode(), end='')
"""
    assert python(project, script).out == "x" * 6


def test_the_hosts_loopback_is_not_the_fences(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert python(project, f"attempt(socket.create_connection, ('127.0.0.1', {port}), 5)").out.strip() == "ECONNREFUSED"


def test_the_hosts_abstract_sockets_are_out_of_reach(project: Path) -> None:
    name = f"\0paddock-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        script = f"""
attempt(socket.socket(socket.AF_UNIX).connect, {name!r})
s = socket.socket(socket.AF_UNIX); s.bind({name!r}); s.listen()
attempt(socket.socket(1).connect, {name!r})
"""
        assert python(project, script).out.split() == ["ECONNREFUSED", "ok"]


def test_names_resolve_with_addrconfig_because_there_is_a_global_address_of_each_family(project: Path) -> None:
    hosts = PrivateFile("/etc/hosts", b"127.0.0.1 both\n::1 both\n", 0o644, RULE)
    script = "print(sorted({a[0].name for a in socket.getaddrinfo('both', 80, flags=socket.AI_ADDRCONFIG)}))"
    assert python(project, script, private_files=(hosts,)).out.strip() == "['AF_INET', 'AF_INET6']"


def test_the_doors_are_there_when_asked_for(project: Path) -> None:
    def roles(listeners: tuple[Listener, ...]) -> set[tuple[str, int]]:
        return {(x.role, x.family) for x in listeners}

    always = {(role, family) for role in ("capture", "dns-udp", "dns-tcp") for family in (4, 6)}
    with standing(project, "") as fence:
        assert roles(fence.listeners) == always
    with standing(project, "s = socket.create_connection(('198.19.255.253', 3128)); s.sendall(b'GET'); s.recv(1)", doors=True) as fence:
        assert roles(fence.listeners) == always | {(role, family) for role in ("http", "socks") for family in (4, 6)}
        proxy = door(fence, "http", 4)
        wait(fence, proxy.fileno())
        connection, _ = proxy.accept()
        with proxy, connection:
            assert connection.recv(3) == b"GET"


def test_nobody_inside_can_take_a_door_or_change_the_rules(project: Path) -> None:
    script = """
attempt(socket.socket().bind, ('198.19.255.253', 1))
attempt(socket.socket().bind, ('198.19.255.253', 2))
attempt(socket.socket(16, 3 | socket.SOCK_CLOEXEC, 12).send, b'')
"""
    found = python(project, script).out.split()
    assert found[0] in {"EACCES", "EADDRINUSE"}
    assert found[1] in {"EACCES", "EADDRINUSE"}
    assert len(found) == 2  # the netfilter socket was not given, so the script ended there


def test_dial_reaches_what_listens_inside_and_inside_listeners_names_it(project: Path) -> None:
    script = """
servers = []
for family, address in ((2, '127.0.0.1'), (10, '::')):
    s = socket.socket(family); s.bind((address, 8000 + family)); s.listen(); servers.append(s)
other = socket.socket(); other.bind(('198.19.255.1', 9000)); other.listen()
os.write(1, b'ready')
for s in servers:
    c, _ = s.accept(); c.sendall(b'hello'); c.close()
import time; time.sleep(60)
"""
    ready, stdout = os.pipe()
    with os.fdopen(ready, "rb") as told, standing(project, script, stdout=stdout) as fence:
        os.close(stdout)
        wait(fence, told.fileno())
        assert fence.inside_listeners() == [8002, 8010]
        for port in (8002, 8010):
            with socket.socket(fileno=fence.dial(port)) as connection:
                assert connection.recv(5) == b"hello"
        with pytest.raises(ConnectionRefusedError):
            fence.dial(9999)


def test_the_ruleset_without_ipv6_speaks_of_no_ipv6() -> None:
    text = ruleset((80,), ipv6=False)
    assert "ip6" not in text
    assert "ipv6" not in text
    assert "elements = { 80 };" in text
    assert "elements" not in ruleset(())


def test_datagrams_leave_nothing_in_the_connection_table(project: Path) -> None:
    script = """
def entries(): return int(open('/proc/sys/net/netfilter/nf_conntrack_count').read())
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(1000):
    try: s.sendto(b'x', (f'10.1.{number // 250}.{number % 250 + 1}', 443))
    except ConnectionRefusedError: pass
print(entries() < 20)
asked = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(30)]
for one in asked: one.sendto(b'x', ('8.8.8.8', 53))
print(entries() >= 30)
"""
    assert python(project, script).out.split() == ["True", "True"]  # the questions are in it: their answers have to find back
