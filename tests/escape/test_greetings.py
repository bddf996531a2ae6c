"""Attacks on the check of TLS server names, through every door, with a real TLS server behind it: what it understands is what counts.

The names of the two hosts have the same length, so that one can stand in the other's place in a greeting that a real client made.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from paddock.network.wire.tls import ALERT_ACCESS_DENIED
from tests.conftest import must
from tests.escape.doors import TUNNELS, Door
from tests.network.support import TIMEOUT, Server, policy, read_all, running
from tests.network.wire import hellos

RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a ServerHello that is a HelloRetryRequest (RFC 8446 4.1.3)."""
ALLOWED, DENIED = b"allowed.test", b"refused.test"
CHANGE, WARNING, EMPTY = hellos.record(b"\x01", 20), hellos.record(b"\x01\x5a", 21), b"\x16\x03\x03\0\0"


class TlsServer:
    """A real server that insists on a group which clients do not guess, and keeps the names that it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.names: list[str | None] = []
        key, certificate = folder / "key.pem", folder / "cert.pem"
        words = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            str(key),
            "-out",
            str(certificate),
            "-days",
            "2",
            "-subj",
            "/CN=allowed.test",
        ]
        subprocess.run(words, check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.set_ecdh_curve("secp384r1")
        self.context.sni_callback = lambda _sock, name, _context: self.names.append(name)
        self.server = Server(self._talk)

    def _talk(self, server: Server, client: socket.socket) -> None:
        with self.context.wrap_socket(client, server_side=True) as talk:
            while data := talk.recv(999):
                server.received.append(data)
                talk.sendall(data.upper())


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    made = None
    with contextlib.suppress(FileNotFoundError, subprocess.CalledProcessError):
        made = TlsServer(tmp_path_factory.mktemp("tls"))
    must(made, "openssl cannot make a certificate here")
    assert made is not None
    yield made
    made.server.close()


@pytest.fixture(params=TUNNELS)
def door(tls: TlsServer, request: pytest.FixtureRequest) -> Iterator[Door]:
    tls.names.clear()
    tls.server.received.clear()
    with running(policy(f"allowed.test:{tls.server.port}", "127.0.0.1"), {"allowed.test": ["127.0.0.1"]}) as rig:
        yield Door(rig, tls.server, request.param)


class Client:
    """A real client whose octets pass through the test's hands."""

    def __init__(self, name: bytes) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name.decode())

    def next(self, received: bytes = b"") -> bytes:
        """What it sends after it got ``received``."""
        self.incoming.write(received)
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()


def one_record(sock: socket.socket) -> bytes:
    head = b""
    while len(head) < 5:
        head += sock.recv(5 - len(head))
    body = b""
    while len(body) < int.from_bytes(head[3:5], "big"):
        body += sock.recv(int.from_bytes(head[3:5], "big") - len(body))
    return head + body


def asked_again(door: Door, sock: socket.socket, client: Client) -> bytes:
    """Send the first greeting; the second one, which the server asked for, as a client makes it."""
    sock.settimeout(TIMEOUT)
    sock.sendall(client.next())
    retry = one_record(sock)
    assert retry[11:43] == RETRY_RANDOM, "this server was meant to ask for a second greeting"
    sock.setblocking(True)
    second = client.next(retry)
    at = second.index(b"\x16\x03")  # behind a change of cipher, which some clients send first
    assert ALLOWED in second[at:]
    return second[at:]


def test_a_second_greeting_for_the_same_name_arrives(door: Door, tls: TlsServer) -> None:
    with door.open() as sock:
        client = Client(ALLOWED)
        second = asked_again(door, sock, client)
        sock.sendall(CHANGE + second)
        received = b""
        while not client.tls.version():
            received += sock.recv(1)
            sock.sendall(client.next(received[-1:]))
        client.tls.write(b"hello")
        sock.sendall(client.outgoing.read())
        answer = b""
        while answer != b"HELLO":
            client.incoming.write(sock.recv(1))
            with contextlib.suppress(ssl.SSLWantReadError):
                answer += client.tls.read(99)
    assert tls.names == ["allowed.test", "allowed.test"]


def hidden(second: bytes, how: str) -> bytes:
    """The second greeting, in a form that a forgiving server reads and a hasty gate does not."""
    body = second[5:]
    return {
        "at once": second,
        "behind a change of cipher": CHANGE + second,
        "behind a warning": CHANGE + WARNING + second,
        "behind an empty record": CHANGE + EMPTY + second,
        "in pieces": CHANGE + hellos.records(body, 50),
        "its type alone": CHANGE + hellos.record(body[:1]) + hellos.record(body[1:]),
        "with an empty record within": CHANGE + hellos.record(body[:60]) + EMPTY + hellos.record(body[60:]),
        "with a warning within": CHANGE + hellos.record(body[:60]) + WARNING + hellos.record(body[60:]),
        "another record version": CHANGE + bytes((22, 3, 9)) + second[3:],
    }[how]


HIDDEN = [
    "at once",
    "behind a change of cipher",
    "behind a warning",
    "behind an empty record",
    "in pieces",
    "its type alone",
    "with an empty record within",
    "with a warning within",
    "another record version",
]


@pytest.mark.parametrize("how", HIDDEN)
def test_a_second_greeting_for_another_name_never_arrives(door: Door, tls: TlsServer, how: str) -> None:
    with door.open() as sock:
        second = asked_again(door, sock, Client(ALLOWED))
        with contextlib.suppress(OSError):
            sock.sendall(hidden(second.replace(ALLOWED, DENIED), how))
            sock.shutdown(socket.SHUT_WR)
            read_all(sock)
        door.refused()
    assert "refused.test" not in tls.names


def test_a_whole_conversation_in_one_byte_segments(door: Door, tls: TlsServer) -> None:
    with door.open() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(ALLOWED)
        data = client.next()
        while not client.tls.version() or data:
            for octet in data:
                sock.sendall(bytes((octet,)))
            if client.tls.version():
                break
            data = client.next(sock.recv(65_536))
        client.tls.write(b"hello")
        sock.sendall(client.outgoing.read())
        answer = b""
        while answer != b"HELLO":
            client.incoming.write(sock.recv(1))
            with contextlib.suppress(ssl.SSLWantReadError):
                answer += client.tls.read(99)
    assert tls.server.received == [b"hello"]
    assert door.rig.sink.of("violation") == []


FIRST = {
    "another name": hellos.real("refused.test"),
    "another name in records": hellos.records(hellos.real("refused.test")[5:], 33),
    "no name": hellos.real(None),
    "an old greeting, which has none": b"\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10" + bytes(21 + 16),
    "an encrypted name": hellos.hello(hellos.server_name(ALLOWED), hellos.extension(0xFE0D, b"x")),
    "an encrypted name of a draft": hellos.hello(hellos.server_name(ALLOWED), hellos.extension(0xFFCE, b"x")),
    "two greetings in a record": hellos.record(hellos.message(hellos.server_name(ALLOWED)) + hellos.message(hellos.server_name(DENIED))),
    "behind a PROXY line": b"PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n" + hellos.real("refused.test") + b"\r\n\r\n",
    "behind a PROXY header": b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0" + hellos.real("refused.test"),
    "without an end": hellos.records(b"\x01\0\xff\xf0" + bytes(70_000), 16_000),
    "in the smallest records": hellos.records(b"\x01\0\xff\xf0" + bytes(14_000), 1),
}


@pytest.mark.parametrize("what", FIRST)
@pytest.mark.parametrize("step", [11, 1 << 20], ids=["in pieces", "at once"])
def test_a_first_greeting_that_is_not_for_this_host_never_arrives(door: Door, tls: TlsServer, what: str, step: int) -> None:
    with door.open() as sock:
        answered = b""
        with contextlib.suppress(OSError):
            for at in range(0, len(FIRST[what]), step):
                sock.sendall(FIRST[what][at : at + step])
            sock.shutdown(socket.SHUT_WR)
            answered = read_all(sock)
        assert answered in (ALERT_ACCESS_DENIED, b"") or answered.startswith(b"HTTP/1.1 400 ")
    door.refused()
    assert tls.names == []
