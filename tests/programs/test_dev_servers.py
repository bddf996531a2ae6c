"""Real dev servers, in both directions: inside for somebody outside (``publish``, ``allowLocalBinding``), outside for somebody inside (``localhost:PORT``)."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.programs.conftest import need
from tests.programs.test_loopback import running
from tests.programs.world import PADDOCK, World

PYTHON = os.path.realpath(sys.executable)
HERE = Path(__file__).parent
CLIENT = (HERE / "dev_client.py").read_text()
EVERYTHING = ["kept_alive", "upgraded", "large", "half_closed", "together"]
BINDING = ("--settings", json.dumps({"sandbox": {"network": {"allowLocalBinding": True}}}))
ADDRESSES = ["127.0.0.1", "::1", "0.0.0.0", "::"]
ASK = "import sys, urllib.request as u; print(u.build_opener(u.ProxyHandler({})).open(sys.argv[1], timeout=20).read().decode())"


@pytest.fixture
def page(project: Path) -> Path:
    need("node")
    (project / "server.js").write_text((HERE / "dev_server.js").read_text())
    (project / "page.txt").write_text("a page")
    return project


def client(host: str, port: int) -> list[str]:
    return [PYTHON, "-c", CLIENT, host, str(port)]


def ask(host: str, port: int) -> list[str]:
    return [PYTHON, "-c", ASK, f"http://{host}:{port}/page.txt"]


def plain_server(address: str, port: int) -> list[str]:
    return [PYTHON, "-u", "-m", "http.server", "--bind", address, str(port)]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_node_server_inside(world: World, page: Path, address: str) -> None:
    words = world.enter(*PADDOCK, "run", "--publish", "5201", "--publish", "5202", "--", "node", "server.js", address, "5201", cwd=page)
    with running(words) as server:
        server.line(":5202")
        assert world.unfenced(*client("127.0.0.1", 5201), cwd=page).good().out.split() == EVERYTHING
        assert world.unfenced(*client("::1", 5201), cwd=page).good().out.split() == EVERYTHING


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_plain_server_inside(world: World, page: Path, address: str) -> None:
    with running(world.enter(*PADDOCK, "run", *BINDING, "--", *plain_server(address, 5203), cwd=page)) as server:
        server.line("inside 5203 is http://127.0.0.1:5203")
        for host in ("127.0.0.1", "[::1]", "localhost"):
            assert world.unfenced(*ask(host, 5203), cwd=page).good().out == "a page\n"
    assert "Connection refused" in world.unfenced(*ask("127.0.0.1", 5203), cwd=page).err


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_service_of_the_host_that_listens_anywhere(world: World, page: Path, address: str) -> None:
    need("node")
    with running(world.enter("node", "server.js", address, "5204", cwd=page)) as service:
        service.line("READY")
        allow = ["localhost:5204", "localhost:5205"]
        assert world.run(*client("localhost", 5204), cwd=page, allow=allow).good().out.split() == EVERYTHING
        refused = world.run(*client("localhost", 5204), cwd=page, allow=["localhost:1"])
        assert refused.out == ""
        assert "Connection refused" in refused.err


RESTARTED = """\
import http.server, os, threading, time
for turn in range(3):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 5206), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever).start()
    print("TURN", turn, flush=True)
    while not os.path.exists(f"next{turn}"):
        time.sleep(0.05)
    server.shutdown()
    server.server_close()
"""
PATIENT = """\
import sys, time, urllib.request
for _ in range(400):
    try:
        print(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=20).read().decode())
        break
    except OSError:  # not yet
        time.sleep(0.05)
"""


@pytest.mark.parametrize("options", [["--publish", "5206"], [*BINDING]], ids=["publish", "allowLocalBinding"])
def test_a_server_that_is_started_again(world: World, page: Path, options: list[str]) -> None:
    with running(world.enter(*PADDOCK, "run", *options, "--", PYTHON, "-c", RESTARTED, cwd=page)) as server:
        server.line("inside 5206 is http://127.0.0.1:5206")
        for turn in range(3):
            if turn:
                server.line(f"TURN {turn}")
            assert world.unfenced(PYTHON, "-c", PATIENT, "http://127.0.0.1:5206/page.txt", cwd=page).good().out == "a page\n"
            (page / f"next{turn}").touch()
        assert server.process.wait(60) == 0


def test_two_runs_that_want_one_port(world: World, page: Path) -> None:
    words = world.enter(*PADDOCK, "run", "--publish", "5207", "--", *plain_server("127.0.0.1", 5207), cwd=page)
    with running(words) as first:
        first.line("inside 5207 is http://127.0.0.1:5207\n")
        with running(words) as second:
            told = second.line("inside 5207 is ")
            assert "(5207 is taken on this machine)" in told
            other = int(told.split("127.0.0.1:")[1].split()[0])
            for port in (5207, other):
                assert world.unfenced(*ask("127.0.0.1", port), cwd=page).good().out == "a page\n"
        assert world.unfenced(*ask("127.0.0.1", 5207), cwd=page).good().out == "a page\n", "the first is unharmed"
        assert "Connection refused" in world.unfenced(*ask("127.0.0.1", other), cwd=page).err


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1"])
def test_a_port_that_a_service_of_the_host_has(world: World, page: Path, address: str) -> None:
    elsewhere = page.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "page.txt").write_text("the host's")
    with running(world.enter(*plain_server(address, 5208), cwd=elsewhere)) as service:
        service.line("Serving")
        with running(world.enter(*PADDOCK, "run", *BINDING, "--", *plain_server("127.0.0.1", 5208), cwd=page)) as server:
            told = server.line("inside 5208 is ")
            assert ("([::1]:5208 is something else)" if address == "::1" else "(5208 is taken on this machine)") in told
            port = int(told.split("127.0.0.1:")[1].split()[0])
            assert world.unfenced(*ask("127.0.0.1", port), cwd=page).good().out == "a page\n"
            assert world.unfenced(*ask("[::1]" if address == "::1" else "127.0.0.1", 5208), cwd=page).good().out == "the host's\n"


BACK = """\
import errno, socket
server = socket.create_server(("127.0.0.1", 5209))
print("READY", flush=True)
client, peer = server.accept()
print("PEER", peer[0], flush=True)
for where in (peer, (peer[0], 5210)):
    with socket.socket() as back:
        print("BACK", errno.errorcode[back.connect_ex(where)], flush=True)
client.recv(99)
client.sendall(b"answer")
"""


def test_a_connection_from_the_host_is_no_way_to_the_host(world: World, page: Path) -> None:
    """The inside sees its own loopback as the other end, and nothing of the host listens there."""
    with running(world.enter(*plain_server("0.0.0.0", 5210), cwd=page)) as service:
        service.line("Serving")
        with running(world.enter(*PADDOCK, "run", "--publish", "5209", "--", PYTHON, "-c", BACK, cwd=page)) as server:
            server.line("inside 5209 is")
            call = "import socket; c = socket.create_connection(('127.0.0.1', 5209)); c.sendall(b'x'); print(c.recv(99).decode())"
            assert world.unfenced(PYTHON, "-c", call, cwd=page).good().out == "answer\n"
            assert server.line("PEER").split()[1] == "127.0.0.1"
            assert [server.line("BACK").split()[1] for _ in range(2)] == ["ECONNREFUSED", "ECONNREFUSED"]
