"""Plain sockets: both address families, servers that speak first, WebSockets, and what has no way out at all (UDP, TXT records)."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import must
from tests.programs.servers import accepting
from tests.programs.world import World

PYTHON = os.path.realpath(sys.executable)
# Connects, says something, prints the answer.
TALK = """\
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20) as it:
    it.sendall(b"hello\\n")
    it.shutdown(socket.SHUT_WR)
    print(it.makefile().read(), end="")
"""
# Reads a greeting before it says a word, as clients of SMTP, FTP and databases do.
LISTEN_FIRST = """\
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20) as it:
    lines = it.makefile("rw")
    greeting = lines.readline()
    if not greeting:
        sys.exit("closed without a greeting")
    print(greeting, end="")
    lines.write("QUIT\\n")
    lines.flush()
    print(lines.readline(), end="")
"""


def echo(peer: socket.socket) -> None:
    peer.sendall(b"you said " + peer.makefile("rb").readline())


@pytest.mark.parametrize(("family", "name"), [("v4", "four.servers.example"), ("v6", "six.servers.example")])
def test_python_sockets_by_name(world: World, project: Path, family: str, name: str) -> None:
    address = world.host(name, v4=family == "v4", v6=family == "v6")
    with accepting(world.listen(address, 7000), echo):
        words = [PYTHON, "-c", TALK, name, "7000"]
        assert world.run(*words, cwd=project, allow=[f"{name}:7000"]).good().out == "you said hello\n"
        twin = world.run(*words, cwd=project, allow=[f"{name}:7001"])
    assert twin.code == 1
    assert "Connection" in twin.err, twin.err
    assert twin.refused(f"{name}:7000")["area"] == "network"


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_python_sockets_by_address(world: World, project: Path, family: str) -> None:
    address = world.host(f"literal-{family}.servers.example", v4=family == "v4", v6=family == "v6")
    shown = f"[{address}]:7000" if family == "v6" else f"{address}:7000"
    with accepting(world.listen(address, 7000), echo):
        words = [PYTHON, "-c", TALK, address, "7000"]
        assert world.run(*words, cwd=project, allow=[shown]).good().out == "you said hello\n"
        twin = world.run(*words, cwd=project)
    assert twin.code == 1
    assert twin.refused(shown)["area"] == "network"


def test_a_server_that_speaks_first(world: World, project: Path) -> None:
    name = "mail.servers.example"
    said: list[bytes] = []

    def smtp(peer: socket.socket) -> None:
        peer.sendall(b"220 mail.servers.example ready\r\n")
        said.append(peer.makefile("rb").readline())
        peer.sendall(b"221 bye\r\n")

    with accepting(world.listen(world.host(name), 25), smtp):
        words = [PYTHON, "-c", LISTEN_FIRST, name, "25"]
        ran = world.run(*words, cwd=project, allow=[f"{name}:25"])
        assert ran.good().out.split("\n")[:2] == ["220 mail.servers.example ready", "221 bye"]
        twin = world.run(*words, cwd=project)
    assert twin.code == 1
    assert twin.out == ""
    assert twin.refused(f"{name}:25")["area"] == "network"
    assert said == [b"QUIT\n"]


# RFC 6455 by hand: the upgrade, then bytes that are no HTTP at all, among them words that would be another request's.
WEBSOCKET = """\
import base64, socket, sys
key = base64.b64encode(b"sixteen bytes ok").decode()
with socket.create_connection((sys.argv[1], 80), timeout=20) as it:
    it.sendall((f"GET /chat HTTP/1.1\\r\\nHost: {sys.argv[1]}\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                f"Sec-WebSocket-Key: {key}\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n").encode())
    lines = it.makefile("rb")
    print(lines.readline().decode().strip())
    while lines.readline() not in (b"\\r\\n", b""):
        pass
    it.sendall(sys.argv[2].encode())
    print(lines.read().decode(errors="replace"))
"""
OTHER_HOST = "GET / HTTP/1.1\r\nHost: elsewhere.servers.example\r\n\r\n"


@pytest.mark.parametrize("upgrades", [True, False])
def test_a_connection_is_opaque_after_a_true_upgrade_only(world: World, project: Path, *, upgrades: bool) -> None:
    name = "socket.servers.example" if upgrades else "no-socket.servers.example"
    got: list[bytes] = []

    def chat(peer: socket.socket) -> None:
        lines = peer.makefile("rb")
        head = [line.strip() for line in iter(lines.readline, b"\r\n")]
        key = next(line.partition(b": ")[2] for line in head if line.startswith(b"Sec-WebSocket-Key"))
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest())
        if upgrades:
            peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        else:
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        got.append(lines.read1(4096))
        peer.sendall(b"as it came")

    with accepting(world.listen(world.host(name), 80), chat):
        ran = world.run(PYTHON, "-c", WEBSOCKET, name, OTHER_HOST, cwd=project, allow=[name])
    if upgrades:
        assert ran.good().out == "HTTP/1.1 101 Switching Protocols\nas it came\n"
        assert got == [OTHER_HOST.encode()], "after the upgrade nobody reads along"
    else:
        # An answer has gone out, so the refusal of the second request cannot be another one: the connection is reset.
        assert ran.out == "HTTP/1.1 200 OK\n"
        assert "ConnectionResetError" in ran.err
        assert "elsewhere.servers.example" in ran.refused(f"{name}:80")["reason"]
        assert got == [b""], "the other host's request stayed here"


UDP = """\
import socket, sys
with socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM) as it:
    it.settimeout(20)
    try:
        it.connect((sys.argv[1], 7000))
        it.send(b"datagram")
        print(it.recv(100))
    except OSError as error:
        print(error.errno, error.strerror)
"""


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_udp_is_refused_at_once(world: World, project: Path, family: str) -> None:
    address = world.host(f"udp-{family}.servers.example", v4=family == "v4", v6=family == "v6")
    with world.listen(address, 7000, "udp") as server:

        def answer() -> None:
            text, peer = server.recvfrom(100)
            server.sendto(b"got " + text, peer)

        thread = threading.Thread(target=answer)
        thread.start()
        listed = f"[{address}]:7000" if family == "v6" else f"{address}:7000"
        fenced = world.run(PYTHON, "-c", UDP, address, cwd=project, allow=[listed])
        assert fenced.out == "111 Connection refused\n", "even for a listed address: only TCP has a way out"
        assert world.unfenced(PYTHON, "-c", UDP, address, cwd=project).out == "b'got datagram'\n"
        thread.join()


# Asks the resolver of /etc/resolv.conf for one record type of a name and prints how many answers came.
LOOKUP = """\
import sys
sys.path.append(sys.argv[1])
import dns.resolver
try:
    for record in dns.resolver.Resolver().resolve(sys.argv[2], sys.argv[3]):
        print(record.to_text())
except dns.resolver.NoAnswer:
    print("no answer")
except dns.resolver.NXDOMAIN:
    print("no such name")
"""


def test_a_txt_lookup_is_refused(world: World, project: Path) -> None:
    import dns

    libraries = str(Path(dns.__file__).parents[1])
    name = "c2VjcmV0.records.servers.example"
    must(Path("/etc/resolv.conf").exists(), "no /etc/resolv.conf")
    twin = world.run(PYTHON, "-I", "-c", LOOKUP, libraries, "records.servers.example", "A", cwd=project, allow=["records.servers.example"])
    assert twin.good().out.startswith("198.1"), "the twin: an address of a listed name is answered"
    ran = world.run(PYTHON, "-I", "-c", LOOKUP, libraries, name, "TXT", cwd=project, allow=["records.servers.example"])
    assert ran.out == "no answer\n", ran.err
    refused = ran.refused(f"TXT {name.lower()}")
    assert (refused["area"], refused["act"]) == ("dns", "lookup")
