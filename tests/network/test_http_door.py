from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from collections.abc import Iterator

import pytest

from paddock.network import http_door
from paddock.network.ports import HTTP
from paddock.network.wire.tls import ALERT_ACCESS_DENIED
from tests.network.support import TIMEOUT, Rig, Server, answer, echo, policy, read_all, read_exactly, running, web
from tests.network.wire import hellos

NAMES = {"allowed.test": ["127.0.0.1"], "second.test": ["127.0.0.1"], "priv.wild.test": ["10.255.255.1"], "mds.wild.test": ["169.254.169.254"]}


@pytest.fixture
def website() -> Iterator[Server]:
    made = Server(web)
    yield made
    made.close()


@pytest.fixture
def rig(website: Server) -> Iterator[Rig]:
    with running(policy(f"allowed.test:{website.port}", f"second.test:{website.port}", f"127.0.0.1:{website.port}", "*.wild.test"), NAMES) as made:
        yield made


def ask(rig: Rig, data: bytes) -> bytes:
    """Everything that the door answers to ``data`` until it hangs up."""
    with rig.connect(HTTP) as client:
        client.sendall(data)
        return read_all(client)


def get(authority: str, path: str = "/", extra: str = "", *, method: str = "GET", version: str = "1.1") -> bytes:
    return f"{method} http://{authority}{path} HTTP/{version}\r\nHost: {authority}\r\n{extra}\r\n".encode("latin-1")


def connect(target: bytes) -> bytes:
    return b"CONNECT " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n"


def test_requests_to_several_hosts_share_a_connection(rig: Rig, website: Server) -> None:
    with rig.connect(HTTP) as client:
        for name in ("allowed.test", "second.test", "127.0.0.1"):
            client.sendall(get(f"{name}:{website.port}", f"/{name}?q=1"))
            assert answer(client).endswith(f"served GET /{name}?q=1 HTTP/1.1".encode())
        client.sendall(get(f"denied.test:{website.port}"))
        assert read_all(client).startswith(b"HTTP/1.1 403 ")
    assert website.connections == 3


def test_hop_by_hop_fields_stay_here(rig: Rig, website: Server) -> None:
    extra = (
        "Connection: X-Mine\r\nX-Mine: 1\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nUpgrade: h2c\r\nTE: trailers\r\nX-Kept: 2\r\n"
    )
    with rig.connect(HTTP) as client:
        client.sendall(get(f"allowed.test:{website.port}", extra=extra))
        assert b"200 OK" in answer(client)
    lines = website.received[0].decode().split("\r\n")
    assert lines == ["GET / HTTP/1.1", f"Host: allowed.test:{website.port}", "X-Kept: 2", "Connection: close"]


def test_bodies_arrive(rig: Rig, website: Server) -> None:
    with rig.connect(HTTP) as client:
        client.sendall(get(f"allowed.test:{website.port}", extra="Content-Length: 200000\r\n", method="POST") + b"a" * 200_000)
        assert answer(client).endswith(b"served POST / HTTP/1.1")
        client.sendall(get(f"allowed.test:{website.port}", "/next"))
        assert answer(client).endswith(b"served GET /next HTTP/1.1")
    assert website.received[1] == b"a" * 200_000


@pytest.mark.parametrize(
    ("answer", "seen", "lives"),
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nKeep-Alive: x\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc",
            True,
        ),
        pytest.param(b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 204 No\r\nConnection: keep-alive\r\n\r\n", True),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
            True,
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", False),
        pytest.param(
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
            True,
        ),
    ],
)
def test_answers_of_every_framing(answer: bytes, seen: bytes, lives: bool) -> None:
    def talk(_: Server, client: socket.socket) -> None:
        client.recv(999)
        client.sendall(answer)

    server = Server(talk)
    with running(policy(f"allowed.test:{server.port}", f"127.0.0.1:{server.port}"), NAMES) as rig, rig.connect(HTTP) as client:
        client.sendall(get(f"allowed.test:{server.port}"))
        assert read_exactly(client, len(seen)) == seen
        if lives:
            client.sendall(get(f"allowed.test:{server.port}"))
            assert read_exactly(client, len(seen)) == seen
        else:
            assert client.recv(1) == b""
    server.close()


def test_an_old_client_gets_chunks_unframed() -> None:
    def talk(_: Server, client: socket.socket) -> None:
        client.recv(999)
        client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")

    server = Server(talk)
    with running(policy(f"127.0.0.1:{server.port}")) as rig:
        assert ask(rig, get(f"127.0.0.1:{server.port}", version="1.0")) == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcdef"
    server.close()


def test_a_large_answer_arrives_whole() -> None:
    body = bytes(range(256)) * 20_000

    def talk(_: Server, client: socket.socket) -> None:
        client.recv(999)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    server = Server(talk)
    with running(policy(f"127.0.0.1:{server.port}")) as rig:
        answer = ask(rig, get(f"127.0.0.1:{server.port}", extra="Connection: close\r\n"))
    assert answer.partition(b"\r\n\r\n")[2] == body
    server.close()


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"])
def test_a_server_without_an_answer_is_a_bad_gateway(answer: bytes) -> None:
    def talk(_: Server, client: socket.socket) -> None:
        client.recv(999)
        client.sendall(answer)

    server = Server(talk)
    with running(policy(f"127.0.0.1:{server.port}")) as rig:
        assert ask(rig, get(f"127.0.0.1:{server.port}")).startswith(b"HTTP/1.1 502 ")
        assert rig.sink.of("violation") == []
    server.close()


def test_an_early_refusal_reaches_the_client_before_its_body_is_sent() -> None:
    def talk(_: Server, client: socket.socket) -> None:
        client.recv(999)
        client.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    server = Server(talk)
    with running(policy(f"127.0.0.1:{server.port}")) as rig, rig.connect(HTTP) as client:
        client.sendall(get(f"127.0.0.1:{server.port}", extra="Content-Length: 1000000\r\nExpect: 100-continue\r\n", method="POST"))
        assert answer(client).startswith(b"HTTP/1.1 413 Too Large")
    server.close()


UNLISTED = (
    "127.0.0.1 0177.0.0.1 [::ffff:127.0.0.1] 0.0.0.0 2130706433 [::1] localhost x.localhost denied.test. DENIED.TEST evilallowed.test xn--llowed-5nf.test "
    "wild.test allowed.test.denied.test"
)
NO_HOSTS = (
    "%64enied.test",
    "allowed.test%00.denied.test",
    "a\0.wild.test",
    "a b.wild.test",
    "[fe80::1%25lo]",
    "user@a.wild.test",
    "a..wild.test",
    "*.wild.test",
)


@pytest.mark.parametrize("host", UNLISTED.split())
@pytest.mark.parametrize("way", ["request", "tunnel"])
def test_no_spelling_reaches_an_unlisted_host(rig: Rig, host: str, way: str) -> None:
    data = get(f"{host}:9") if way == "request" else connect(f"{host}:9".encode())
    assert ask(rig, data).startswith(b"HTTP/1.1 403 ")
    assert rig.names.asked == []
    assert len(rig.sink.of("violation")) == 1


@pytest.mark.parametrize("host", NO_HOSTS)
@pytest.mark.parametrize("way", ["request", "tunnel"])
def test_what_is_no_host_is_refused(rig: Rig, host: str, way: str) -> None:
    data = get(f"{host}:9") if way == "request" else connect(f"{host}:9".encode())
    assert ask(rig, data).startswith(b"HTTP/1.1 400 ")
    assert rig.names.asked == []


def test_allowed_spellings_reach_the_listed_host(rig: Rig, website: Server) -> None:
    for host in ("ALLOWED.test", "allowed.test.", "127.1", "0x7f000001", "[::ffff:127.0.0.1]"):
        with rig.connect(HTTP) as client:
            client.sendall(get(f"{host}:{website.port}"))
            assert answer(client).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET /x HTTP/1.1\r\nHost: allowed.test\r\n\r\n", id="origin form"),
        pytest.param(get("allowed.test").replace(b"http://", b"https://"), id="https"),
        pytest.param(get("allowed.test").replace(b"http://", b"ftp://"), id="ftp"),
        pytest.param(b"GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", id="file"),
        pytest.param(get("allowed.test").replace(b"Host: allowed.test", b"Host: denied.test"), id="another Host"),
        pytest.param(get("allowed.test:80").replace(b"Host: allowed.test:80", b"Host: allowed.test:81"), id="another port"),
        pytest.param(get("allowed.test", "/a b"), id="blank in target"),
        pytest.param(connect(b"allowed.test"), id="no port"),
        pytest.param(connect(b"allowed.test:0"), id="port 0"),
        pytest.param(connect(b"http://allowed.test:80"), id="CONNECT to a URL"),
        pytest.param(connect(b"::1:80"), id="no brackets"),
        pytest.param(connect(b"allowed.test:80").replace(b"Host: x", b"Host: x\r\nContent-Length: 5"), id="CONNECT with a body"),
        pytest.param(get("allowed.test", extra="Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", method="POST"), id="two framings"),
        pytest.param(b"\x16\x03\x01\x00\x05hello", id="TLS"),
        pytest.param(b"\x05\x01\x00\r\n\r\n", id="SOCKS"),
    ],
)
def test_what_is_no_proxy_request_is_answered_with_400(rig: Rig, website: Server, data: bytes) -> None:
    assert ask(rig, data).startswith(b"HTTP/1.1 400 ")
    assert website.received == []
    assert rig.names.asked == []


def test_a_pipelined_request_is_decided_on_its_own(rig: Rig, website: Server) -> None:
    for second in (get(f"denied.test:{website.port}", "/2"), b"GET /2 HTTP/1.1\r\nHost: denied.test\r\n\r\n"):
        answer = ask(rig, get(f"allowed.test:{website.port}", "/1") + second)
        assert b"served GET /1 HTTP/1.1" in answer
        assert b"HTTP/1.1 40" in answer
    assert b"/2" not in b"".join(website.received)


def test_a_body_cannot_smuggle_a_request(rig: Rig, website: Server) -> None:
    inner = get("denied.test", "/inner")
    head = get(f"allowed.test:{website.port}", extra=f"Content-Length: {len(inner) + 5}\r\nTransfer-Encoding: chunked\r\n", method="POST")
    assert ask(rig, head + b"0\r\n\r\n" + inner).startswith(b"HTTP/1.1 400 ")
    assert website.received == []


def test_a_broken_body_is_not_completed(rig: Rig, website: Server) -> None:
    head = get(f"allowed.test:{website.port}", extra="Transfer-Encoding: chunked\r\n", method="POST")
    ask(rig, head + b"zz\r\n")
    with rig.connect(HTTP) as client:
        client.sendall(get(f"allowed.test:{website.port}"))
        assert answer(client).startswith(b"HTTP/1.1 200 ")


def test_a_huge_head_is_refused_and_others_are_served(rig: Rig, website: Server) -> None:
    assert ask(rig, get(f"allowed.test:{website.port}", extra="X: " + "a" * 100_000 + "\r\n")).startswith(b"HTTP/1.1 431 ")
    with rig.connect(HTTP) as client:
        client.sendall(get(f"allowed.test:{website.port}"))
        assert answer(client).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(("name", "resolved"), [("priv.wild.test", True), ("mds.wild.test", True), ("nowhere.wild.test", True), ("unlisted.test", False)])
def test_tunnels_to_bad_places_are_refused(rig: Rig, name: str, resolved: bool) -> None:
    assert ask(rig, connect(name.encode() + b":80")).startswith(b"HTTP/1.1 403 ")
    assert rig.names.asked == ([name] if resolved else [])


def test_an_exact_name_that_does_not_resolve_is_a_bad_gateway() -> None:
    with running(policy("gone.test")) as rig:
        assert ask(rig, connect(b"gone.test:80")).startswith(b"HTTP/1.1 502 ")


def test_a_head_request_is_refused_without_a_body(rig: Rig) -> None:
    assert ask(rig, get("denied.test", method="HEAD")).endswith(b"\r\n\r\n")


def test_a_tunnel_carries_what_is_asked_for(rig: Rig, website: Server) -> None:
    with rig.connect(HTTP) as client:
        client.sendall(connect(b"allowed.test:%d" % website.port) + b"GET /early HTTP/1.0\r\n\r\n")
        assert read_exactly(client, 39) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        assert answer(client).endswith(b"served GET /early HTTP/1.0")


@pytest.mark.parametrize(
    ("inside", "answer"),
    [(hellos.real("denied.test"), ALERT_ACCESS_DENIED), (b"GET / HTTP/1.1\r\nHost: denied.test\r\n\r\n", b"HTTP/1.1 403 ")],
)
def test_a_tunnel_carries_nothing_else(inside: bytes, answer: bytes) -> None:
    server = Server(echo)
    with running(policy(f"allowed.test:{server.port}", f"127.0.0.1:{server.port}"), NAMES) as rig, rig.connect(HTTP) as client:
        client.sendall(connect(b"allowed.test:%d" % server.port))
        read_exactly(client, 39)
        client.sendall(inside)
        assert read_all(client).startswith(answer)
        assert server.received == []
        assert rig.sink.wait("violation", f"allowed.test:{server.port}").detail[0] == ("door", "connect")
    server.close()


def test_a_synthetic_address_stands_for_its_name(rig: Rig, website: Server) -> None:
    (address,) = rig.look_up("allowed.test")
    with rig.connect(HTTP) as client:
        client.sendall(connect(f"{address}:{website.port}".encode()))
        assert read_exactly(client, 39).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n")
        assert answer(client).startswith(b"HTTP/1.1 200 ")
    assert ask(rig, connect(b"198.18.9.9:80")).startswith(b"HTTP/1.1 403 ")


def test_a_flood_of_names_below_a_wildcard_is_limited(rig: Rig) -> None:
    for i in range(200):
        assert ask(rig, connect(b"n%d.wild.test:80" % i)).startswith(b"HTTP/1.1 403 ")
    assert len(rig.names.asked) == 200
    answer = ask(rig, connect(b"one-more.wild.test:80"))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"this run has looked up 200 names" in answer
    assert len(rig.names.asked) == 200
    assert b"does not resolve" in ask(rig, connect(b"n7.wild.test:80"))


def test_a_slow_head_has_an_end_an_idle_connection_ends_quietly_and_a_body_takes_its_time(rig: Rig, website: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    expired, expire = os.pipe()

    def until_the_test_says_so(sock: socket.socket, _seconds: float) -> bool:
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        poll.register(expired, select.POLLIN)
        return sock.fileno() in {fd for fd, _ in poll.poll()}

    monkeypatch.setattr(http_door, "readable_within", until_the_test_says_so)
    with rig.connect(HTTP) as patient, rig.connect(HTTP) as idle, rig.connect(HTTP) as slow:
        patient.sendall(get(f"allowed.test:{website.port}", extra="Content-Length: 4\r\n", method="POST") + b"bo")
        idle.sendall(get(f"allowed.test:{website.port}"))
        assert answer(idle).startswith(b"HTTP/1.1 200 ")
        slow.sendall(b"GET http://allowed.test/ HTTP/1.1\r\nX: ")
        os.write(expire, b"!")
        assert read_all(slow).startswith(b"HTTP/1.1 408 ")
        assert idle.recv(1) == b"", "an end, not a reset"
        patient.sendall(b"dy")
        assert answer(patient).startswith(b"HTTP/1.1 200 ")
    assert rig.sink.wait("violation", "(malformed request)").detail == (("door", "http"),)
    os.close(expire)
    os.close(expired)


@pytest.mark.parametrize("how", ["reset", "end"])
def test_a_client_that_goes_within_its_body_does_not_keep_its_server(how: str) -> None:
    ended = threading.Event()

    def silent(_: Server, client: socket.socket) -> None:
        with contextlib.suppress(ConnectionError):
            while client.recv(65_536):
                pass
        ended.set()

    server = Server(silent)
    with running(policy(f"127.0.0.1:{server.port}")) as rig:
        with rig.connect(HTTP) as client:
            client.sendall(get(f"127.0.0.1:{server.port}", extra="Content-Length: 99\r\n", method="POST") + b"part")
            if how == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert ended.wait(TIMEOUT)
        rig.sink.wait("flow", f"127.0.0.1:{server.port}")
        assert rig.sink.of("violation") == []
    server.close()
