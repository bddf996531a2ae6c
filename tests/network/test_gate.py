"""Captured connections, end to end over loopback sockets."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from paddock.errors import PolicyError
from paddock.model.hosts import parse_host
from paddock.network.http_door import serve_http
from paddock.network.ports import DNS_TCP, HTTP, SOCKS
from paddock.network.socks_door import serve_socks
from paddock.network.wire.tls import ALERT_ACCESS_DENIED
from tests.network.support import Rig, Server, answer, echo, is_reset, policy, read_all, read_exactly, running, swallow, web
from tests.network.wire import hellos

NAMES = {"allowed.test": ["127.0.0.1"], "other.test": ["127.0.0.1"], "priv.wild.test": ["10.255.255.1"], "mds.wild.test": ["169.254.169.254"]}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(echo)
    yield made
    made.close()


@pytest.fixture
def website() -> Iterator[Server]:
    made = Server(web)
    yield made
    made.close()


def allowing(*servers: Server) -> list[str]:
    return [entry for s in servers for entry in (f"allowed.test:{s.port}", f"127.0.0.1:{s.port}")]


@pytest.fixture
def rig(server: Server, website: Server) -> Iterator[Rig]:
    with running(policy(*allowing(server, website), "*.wild.test", denied=("sub.wild.test",)), NAMES) as made:
        yield made


def get(host: str, target: str = "/", extra: str = "") -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n".encode("latin-1")


def test_a_name_reaches_its_server(rig: Rig, server: Server) -> None:
    with rig.named("allowed.test", server.port) as client:
        client.sendall(b"\x00binary")
        assert read_exactly(client, 7) == b"\x00binary"
    flow = rig.sink.wait("flow", f"allowed.test:{server.port}")
    assert dict(flow.detail) == {"door": "capture", "protocol": "opaque", "sent": 7, "received": 7}
    assert rig.names.asked == ["allowed.test"]


def test_a_listed_address_reaches_its_server(rig: Rig, server: Server) -> None:
    with rig.captured("127.0.0.1", server.port) as client:
        client.sendall(b"hello\n")
        assert read_exactly(client, 6) == b"hello\n"
    assert rig.names.asked == []


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "93.184.216.34", "198.18.0.77", "198.19.255.253", "fd5a:7061:6464::253"])
def test_an_unlisted_address_is_refused(rig: Rig, address: str) -> None:
    assert rig.turned_away(parse_host(address), 22)
    assert [e.detail for e in rig.sink.of("violation")] == [(("door", "capture"),)]


def test_a_connection_without_a_destination_is_refused(rig: Rig) -> None:
    assert rig.turned_away(None)
    assert rig.sink.wait("violation", "(the gate)").reason


def test_a_refused_name_is_never_resolved(rig: Rig) -> None:
    (address,) = rig.look_up("denied.test")
    with rig.captured(address, 80) as client:
        client.sendall(get("denied.test"))
        assert read_all(client).startswith(b"HTTP/1.1 403 ")
    assert rig.names.asked == []
    event = rig.sink.wait("violation", "denied.test:80")
    assert "--allow-domain denied.test:80" in event.remedy


def test_the_deny_list_wins_over_the_wildcard(rig: Rig) -> None:
    with rig.named("sub.wild.test", 80) as client:
        client.sendall(get("sub.wild.test"))
        answer = read_all(client)
    assert b"rule: sub.wild.test (project /project/.claude/settings.json:7)" in answer
    assert rig.names.asked == []


@pytest.mark.parametrize("name", ["priv.wild.test", "mds.wild.test", "nowhere.wild.test"])
def test_a_wildcard_does_not_reach_special_addresses(rig: Rig, name: str) -> None:
    with rig.named(name, 80) as client:
        client.sendall(get(name))
        assert read_all(client).startswith(b"HTTP/1.1 403 ")
    assert rig.names.asked == [name]


def test_refusals_speak_tls(rig: Rig) -> None:
    with rig.named("denied.test", 443) as client:
        client.sendall(hellos.real("denied.test"))
        assert read_all(client) == ALERT_ACCESS_DENIED


def test_a_real_tls_client_understands_the_refusal(rig: Rig) -> None:
    context = ssl.create_default_context()
    with rig.named("denied.test", 443) as client, pytest.raises(ssl.SSLError, match=r"(?i)access.denied"):
        context.wrap_socket(client, server_hostname="denied.test")


def test_other_protocols_are_reset(rig: Rig) -> None:
    with rig.named("denied.test", 5432) as client:
        client.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
        assert is_reset(client)


def test_an_upstream_that_is_down_is_no_violation(rig: Rig, server: Server) -> None:
    server.close()
    with rig.named("allowed.test", server.port) as client:
        client.sendall(get("allowed.test"))
        assert read_all(client).startswith(b"HTTP/1.1 502 ")
    assert rig.sink.of("violation") == []
    assert rig.sink.wait("notice", f"allowed.test:{server.port}").detail[-1] == ("status", 502)


def test_a_server_may_speak_first() -> None:
    def greet(server: Server, client: socket.socket) -> None:
        client.sendall(b"220 ready\r\n")
        echo(server, client)

    server = Server(greet)
    with running(policy(*allowing(server)), NAMES) as rig, rig.named("allowed.test", server.port) as client:
        assert read_exactly(client, 11) == b"220 ready\r\n"
        client.sendall(b"EHLO me\r\n")
        assert read_exactly(client, 9) == b"EHLO me\r\n"
    server.close()


def test_half_close_is_passed_on() -> None:
    def count(server: Server, client: socket.socket) -> None:
        total = 0
        while data := client.recv(65536):
            total += len(data)
        client.sendall(b"%d" % total)

    server = Server(count)
    with running(policy(*allowing(server)), NAMES) as rig, rig.named("allowed.test", server.port) as client:
        for _ in range(30):
            client.sendall(b"\0" * 100_000)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"3000000"
    server.close()


def test_large_transfers_arrive_whole_in_both_directions() -> None:
    block = hashlib.sha256(b"seed").digest() * 4096
    server = Server(echo)
    with running(policy(*allowing(server)), NAMES) as rig, rig.named("allowed.test", server.port) as client:

        def upload() -> None:
            client.sendall(b"\0" + block * 64)
            client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=upload)
        sender.start()
        received = read_all(client)
        sender.join()
        rig.sink.wait("flow", f"allowed.test:{server.port}")
        assert dict(rig.sink.of("flow")[0].detail)["received"] == len(received)
    assert received == b"\0" + block * 64
    server.close()


def test_a_reset_is_passed_on() -> None:
    def abort(_: Server, client: socket.socket) -> None:
        client.recv(10)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    server = Server(abort)
    with running(policy(*allowing(server)), NAMES) as rig, rig.named("allowed.test", server.port) as client:
        client.sendall(b"\0")
        assert is_reset(client)
    server.close()


# --- TLS -----------------------------------------------------------------------------------------------------------------------------------------------------


def test_the_right_server_name_goes_through_untouched(rig: Rig, server: Server) -> None:
    greeting = hellos.real("allowed.test")
    with rig.named("allowed.test", server.port) as client:
        client.sendall(greeting)
        assert read_exactly(client, len(greeting)) == greeting


def test_a_greeting_in_pieces_goes_through(rig: Rig, server: Server) -> None:
    greeting = hellos.records(hellos.message(hellos.server_name(b"Allowed.Test."), padding=20_000), 700)
    with rig.named("allowed.test", server.port) as client:
        for i in range(0, len(greeting), 1000):
            client.sendall(greeting[i : i + 1000])
        after = hellos.record(b"secret", 23)
        client.sendall(after)
        assert read_exactly(client, len(greeting) + len(after)) == greeting + after


@pytest.mark.parametrize(
    "greeting",
    [
        pytest.param(hellos.real("other.test"), id="another name"),
        pytest.param(hellos.records(hellos.message(hellos.server_name(b"other.test")), 20), id="another name in pieces"),
        pytest.param(hellos.real(None), id="no name"),
        pytest.param(hellos.hello(hellos.server_name(b"allowed.test"), hellos.extension(0xFE0D, b"x")), id="encrypted"),
        pytest.param(hellos.hello(hellos.server_name(b"allowed.test\0.evil")), id="NUL"),
        pytest.param(hellos.hello(hellos.server_name(b"127.0.0.1")), id="an address"),
        pytest.param(hellos.hello(hellos.server_name(b"allowed.test"), hellos.server_name(b"other.test")), id="two names"),
        pytest.param(hellos.record(b"\x02\0\0\0"), id="no greeting"),
    ],
)
def test_another_server_name_is_refused(rig: Rig, server: Server, greeting: bytes) -> None:
    with rig.named("allowed.test", server.port) as client:
        client.sendall(greeting)
        assert read_all(client) == ALERT_ACCESS_DENIED
    assert server.received == []
    assert rig.sink.wait("violation", f"allowed.test:{server.port}").detail == (("door", "capture"), ("protocol", "tls"))


def test_a_second_greeting_for_another_server_is_refused() -> None:
    server = Server(echo)
    first, second = hellos.real("allowed.test"), hellos.hello(hellos.server_name(b"other.test"))
    with running(policy(*allowing(server)), NAMES) as rig:
        with rig.named("allowed.test", server.port) as client:
            client.sendall(first)
            assert read_exactly(client, len(first)) == first
            client.sendall(second)
            assert is_reset(client)
        with rig.named("allowed.test", server.port) as client:
            client.sendall(first + first)
            assert read_exactly(client, 2 * len(first)) == first + first
    assert b"".join(server.received) == first * 3
    server.close()


def test_a_connection_to_an_address_may_have_no_server_name_or_an_allowed_one(rig: Rig, server: Server) -> None:
    for greeting in (hellos.real(None), hellos.real("allowed.test")):
        with rig.captured("127.0.0.1", server.port) as client:
            client.sendall(greeting)
            assert read_exactly(client, len(greeting)) == greeting
    with rig.captured("127.0.0.1", server.port) as client:
        client.sendall(hellos.real("denied.test"))
        assert read_all(client) == ALERT_ACCESS_DENIED


# --- plain HTTP ----------------------------------------------------------------------------------------------------------------------------------------------


def test_plain_requests_go_through(rig: Rig, website: Server) -> None:
    with rig.named("allowed.test", website.port) as client:
        for target in ("/1", "/2"):
            client.sendall(get(f"allowed.test:{website.port}", target))
            assert answer(client).endswith(f"served GET {target} HTTP/1.1".encode())
        client.sendall(b"POST /3 HTTP/1.1\r\nhost: ALLOWED.test.\r\nContent-Length: 3\r\n\r\nabc")
        assert answer(client).endswith(b"served POST /3 HTTP/1.1")
    assert b"abc" in website.received


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(get("other.test"), id="another host"),
        pytest.param(get("allowed.test:1"), id="another port"),
        pytest.param(get("127.0.0.1"), id="an address"),
        pytest.param(get("allowed.test@other.test"), id="user info"),
        pytest.param(get("allowed.test", "http://other.test/"), id="absolute target"),
        pytest.param(get("allowed.test", "//other.test/").replace(b"GET //", b"GET http://"), id="absolute target twice"),
        pytest.param(get("allowed.test", "https://allowed.test/"), id="another scheme"),
        pytest.param(get("allowed.test", "other.test:80"), id="authority form"),
        pytest.param(get("other.test").replace(b"GET /", b"CONNECT other.test:443"), id="CONNECT"),
        pytest.param(get("allowed.test", extra="Host: other.test\r\n"), id="two hosts"),
        pytest.param(b"\r\n\r\n" + get("other.test"), id="behind empty lines"),
        pytest.param(b"\x0b " + get("other.test"), id="behind blanks"),
        pytest.param(get("other.test").replace(b"\r\n", b"\n"), id="bare line feeds"),
        pytest.param(get("other.test").lower(), id="lower case"),
        pytest.param(get("allowed.test", extra="Content-Length: 4\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n", id="two framings"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2 in the clear"),
        pytest.param(get("allowed.test", "/\x80"), id="target not ASCII"),
    ],
)
def test_a_request_for_another_host_is_refused(rig: Rig, website: Server, request_bytes: bytes) -> None:
    with rig.named("allowed.test", website.port) as client:
        client.sendall(request_bytes)
        answer = read_all(client)
    assert answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 ", b"HTTP/1.1 505 "))
    assert website.received == []
    assert rig.sink.wait("violation", f"allowed.test:{website.port}").detail == (("door", "capture"), ("protocol", "http"))


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(get("allowed.test"), id="after a request"),
        pytest.param(get("allowed.test", extra="Content-Length: 4\r\n").replace(b"GET", b"POST") + b"body", id="after a counted body"),
        pytest.param(get("allowed.test", extra="Transfer-Encoding: chunked\r\n").replace(b"GET", b"POST") + b"4;x=y\r\nbody\r\n0\r\n\r\n", id="after chunks"),
        pytest.param(get("allowed.test", extra="Connection: close\r\n"), id="after the last request"),
    ],
)
@pytest.mark.parametrize("step", [1, 100_000])
def test_the_second_request_counts_too(rig: Rig, website: Server, first: bytes, step: int) -> None:
    data = first + get("other.test", "/second")
    with rig.named("allowed.test", website.port) as client:
        for i in range(0, len(data), step):
            client.sendall(data[i : i + step])
        read_all(client)
    rig.sink.wait("violation", f"allowed.test:{website.port}")
    assert b"/second" not in b"".join(website.received)


def test_the_same_requests_for_the_right_host_go_through(website: Server) -> None:
    chunks = get("allowed.test", extra="Transfer-Encoding: chunked\r\n").replace(b"GET", b"POST") + b"4;x=y\r\nbody\r\n0\r\n\r\n"
    taken = Server(swallow)
    with running(policy(*allowing(taken)), NAMES) as rig:
        with rig.named("allowed.test", taken.port) as client:
            client.sendall(chunks + get("allowed.test", "/second"))
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b""
        rig.sink.wait("flow", f"allowed.test:{taken.port}")
    assert b"".join(taken.received) == chunks.replace(b"4;x=y", b"4") + get("allowed.test", "/second")
    taken.close()


def test_old_clients_without_a_host_field_are_served(rig: Rig, website: Server) -> None:
    with rig.named("allowed.test", website.port) as client:
        client.sendall(b"GET /old HTTP/1.0\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        assert b"served GET /old HTTP/1.0" in read_all(client)
    # Which of its names such a request is for is not left to the server.
    assert website.received[0] == b"GET /old HTTP/1.0\r\nHost: allowed.test:%d" % website.port
    with rig.captured("127.0.0.1", website.port) as client:
        client.sendall(b"GET /address HTTP/1.0\r\n\r\n")
        assert b"served GET /address HTTP/1.0" in answer(client)
    assert website.received[2] == b"GET /address HTTP/1.0"


def test_host_goes_first(rig: Rig, website: Server) -> None:
    """Some servers end a line at octets that are part of a text: what stands behind them must not come before the Host that was checked."""
    with rig.named("allowed.test", website.port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nX: \xc3\x85Host: other.test\r\nHost: allowed.test\r\n\r\n")
        assert answer(client).endswith(b"served GET / HTTP/1.1")
    assert website.received[0].startswith(b"GET / HTTP/1.1\r\nHost: allowed.test\r\nX: \xc3\x85Host")


def switching(status: bytes) -> Server:
    def talk(server: Server, client: socket.socket) -> None:
        held = b""
        while b"\r\n\r\n" not in held:
            held += client.recv(65536)
        server.received.append(held)
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 " + status + b"\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n")
        echo(server, client)

    return Server(talk)


UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\n"


def test_after_a_true_101_the_connection_is_opaque() -> None:
    server = switching(b"101 Switching Protocols")
    with running(policy(*allowing(server)), NAMES) as rig, rig.named("allowed.test", server.port) as client:
        client.sendall(get("allowed.test", extra=UPGRADE) + b"\x81\x00early")
        seen = b""
        while b"early" not in seen and (data := client.recv(999)):
            seen += data
        client.sendall(get("other.test"))
        assert read_exactly(client, len(get("other.test"))) == get("other.test")
    server.close()


def test_without_a_101_the_next_request_is_still_checked() -> None:
    server = switching(b"200 OK")
    with running(policy(*allowing(server)), NAMES) as rig, rig.named("allowed.test", server.port) as client:
        client.sendall(get("allowed.test", extra=UPGRADE) + get("other.test"))
        read_all(client)
        rig.sink.wait("violation", f"allowed.test:{server.port}")
    assert b"other.test" not in b"".join(server.received)
    server.close()


def test_an_offer_of_http2_is_taken_out(rig: Rig, website: Server) -> None:
    with rig.named("allowed.test", website.port) as client:
        client.sendall(get("allowed.test", extra="Connection: Upgrade, HTTP2-Settings, keep-alive\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n"))
        assert answer(client).endswith(b"served GET / HTTP/1.1")
    assert b"h2c" not in website.received[0]
    assert b"Connection: keep-alive" in website.received[0]


@pytest.mark.parametrize("offer", ["h2c, websocket", "TLS/1.3, http/1.1", "HTTP/2.0", "SPDY/3.1"])
def test_an_offer_that_would_hide_names_is_taken_out_whole(rig: Rig, website: Server, offer: str) -> None:
    with rig.named("allowed.test", website.port) as client:
        client.sendall(get("allowed.test", extra=f"Connection: Upgrade\r\nUpgrade: {offer}\r\n"))
        assert answer(client).endswith(b"served GET / HTTP/1.1")
        client.sendall(get("other.test"))
        read_all(client)
    assert b"pgrade" not in website.received[0]
    rig.sink.wait("violation", f"allowed.test:{website.port}")


def test_an_endless_first_line_is_refused(rig: Rig, website: Server) -> None:
    with rig.named("allowed.test", website.port) as client:
        client.sendall(b"GET /" + b"a" * 70_000)
        assert read_all(client).startswith(b"HTTP/1.1 431 ")
    assert website.received == []


def test_a_first_line_that_never_ends_is_held(rig: Rig, website: Server) -> None:
    with rig.named("allowed.test", website.port) as client:
        client.sendall(b"GET / HT")
        with rig.named("allowed.test", website.port) as other:
            other.sendall(get("allowed.test"))
            assert answer(other).startswith(b"HTTP/1.1 200 ")
        assert website.received == [get("allowed.test").removesuffix(b"\r\n\r\n"), b""]
        client.sendall(b"TP/1.1\r\nHost: other.test\r\n\r\n")
        assert read_all(client).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "data",
    [get("allowed.test")[:-2], get("allowed.test", extra="Content-Length: 9\r\n") + b"part", hellos.real("allowed.test")[:50]],
)
def test_a_client_that_gives_up_is_no_violation(rig: Rig, server: Server, data: bytes) -> None:
    with rig.named("allowed.test", server.port) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        read_all(client)
    rig.sink.wait("flow", f"allowed.test:{server.port}")
    assert rig.sink.of("violation") == []


def test_a_last_word_without_a_line_end_is_delivered(rig: Rig, server: Server) -> None:
    with rig.named("allowed.test", server.port) as client:
        client.sendall(b"one word")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"one word"


# --- many at once --------------------------------------------------------------------------------------------------------------------------------------------


def test_half_open_connections_delay_nobody(rig: Rig, website: Server) -> None:
    rig.look_up("allowed.test")
    waiting = [rig.named("allowed.test", website.port) for _ in range(60)]
    waiting += [rig.connect(HTTP) for _ in range(60)] + [rig.connect(SOCKS) for _ in range(60)] + [rig.connect(DNS_TCP) for _ in range(20)]
    for client in waiting:
        client.sendall(b"\x05" if client.getpeername()[1] == rig.ports[SOCKS] else b"GET /")
    served = [rig.named("allowed.test", website.port), rig.connect(HTTP), rig.connect(SOCKS), rig.connect(DNS_TCP)]
    asked = [get("allowed.test"), b"CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n", b"\x05\x01\x00", b"\x00\x01\x00"]
    for client, data, expected in zip(served, asked, [b"HTTP/1.1 200 ", b"HTTP/1.1 400 ", b"\x05\x00", b""], strict=True):
        client.sendall(data)
        assert client.recv(999).startswith(expected)
    assert rig.gate.stats().open >= 180  # every queue is served in order: those before the four above are held open still
    waiting[0].sendall(get("allowed.test")[len(b"GET /") :])
    assert answer(waiting[0]).startswith(b"HTTP/1.1 200 ")
    for client in waiting + served:
        client.close()


def test_connections_are_limited_and_the_limit_is_told(server: Server) -> None:
    with running(policy(f"127.0.0.1:{server.port}"), connections=3) as rig:
        kept = [rig.captured("127.0.0.1", server.port) for _ in range(3)]
        for client in kept:
            client.sendall(b"\0")
            assert client.recv(1) == b"\0"
        assert rig.turned_away(parse_host("127.0.0.1"), server.port)
        rig.sink.wait("violation", "(too many connections)")
        assert rig.gate.stats().turned_away == 1
        kept[0].close()
        rig.sink.wait("flow", f"127.0.0.1:{server.port}")
        kept[1].sendall(b"\1")
        assert kept[1].recv(1) == b"\1"
        for client in kept:
            client.close()


def test_a_change_of_policy_counts_for_new_connections(rig: Rig, server: Server) -> None:
    with rig.named("allowed.test", server.port) as before:
        before.sendall(b"\0")
        assert before.recv(1) == b"\0"
        rig.gate.update(policy("other.test"))
        before.sendall(b"\1")
        assert before.recv(1) == b"\1"
        (address,) = rig.look_up("allowed.test")
        assert rig.turned_away(parse_host(address), 22)
    assert rig.look_up("other.test") != rig.look_up("allowed.test")


def test_an_entry_without_meaning_stops_the_gate_before_it_starts() -> None:
    with pytest.raises(PolicyError), running(policy("https://allowed.test/")):
        raise AssertionError("must not start")


def test_stopping_cuts_connections(server: Server) -> None:
    with running(policy(f"127.0.0.1:{server.port}")) as rig:
        client = rig.captured("127.0.0.1", server.port)
        client.sendall(b"\0")
        assert client.recv(1) == b"\0"
    assert read_all(client) == b""
    client.close()
    assert [t.name for t in threading.enumerate() if t.name.startswith("paddock-") and t.is_alive() and t.name != "paddock-down"] == []


def test_repeated_refusals_are_told_once_and_counted() -> None:
    with running(policy()) as rig:
        for _ in range(3):
            assert rig.turned_away(parse_host("10.0.0.1"), 22)
    assert [e.subject for e in rig.sink.of("violation")] == ["10.0.0.1:22"]
    assert rig.sink.wait("notice", "10.0.0.1:22").detail == (("count", 3),)


class Leaving(socket.socket):
    """A client that is gone when it is told that its tunnel stands."""

    def sendall(self, data: bytes, flags: int = 0) -> None:  # type: ignore[override]  # the one form that is used
        if data.startswith((b"HTTP/1.1 200 ", b"\x05\x00\x00")):
            raise ConnectionResetError
        super().sendall(data, flags)


@pytest.mark.parametrize("door", [HTTP, SOCKS])
def test_a_client_that_goes_while_its_tunnel_is_opened_leaves_no_connection(rig: Rig, server: Server, door: str) -> None:
    ours, theirs = socket.socketpair()
    client = Leaving(fileno=ours.detach())
    if door == HTTP:
        theirs.sendall(b"CONNECT allowed.test:%d HTTP/1.1\r\nHost: x\r\n\r\n" % server.port)
    else:
        theirs.sendall(b"\x05\x01\x00\x05\x01\x00\x03\x0callowed.test" + server.port.to_bytes(2, "big"))
    with pytest.raises(ConnectionResetError):
        (serve_http if door == HTTP else serve_socks)(rig.gate._desk, client)
    assert len(rig.gate._dialled) == 1
    assert all(sock.fileno() < 0 for sock in rig.gate._dialled)
    theirs.close()
