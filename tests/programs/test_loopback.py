"""This machine's own loopback: servers inside that somebody outside wants, services outside that somebody inside wants."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.programs.world import PADDOCK, World

PYTHON = os.path.realpath(sys.executable)
# Serves one page on every port that is asked for (0: one of the kernel's choice), opened in that order, and says which.
SERVER = """\
import http.server, sys, threading
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "11")
        self.end_headers()
        self.wfile.write(b"high water\\n")
    def log_message(self, *words): pass
servers = [http.server.HTTPServer(("127.0.0.1", int(port)), Page) for port in sys.argv[1:]]
for server in servers:
    threading.Thread(target=server.serve_forever).start()
print("PORT", servers[0].server_port, flush=True)
"""
ASK = """\
import sys, urllib.request
print(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=20).read().decode(), end="")
"""


class Running:
    """A command that goes on while the test does something else."""

    def __init__(self, words: list[str]) -> None:
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def line(self, part: str) -> str:
        """The next line that holds ``part``."""
        seen = ""
        while line := self.lines.get(timeout=60):
            if part in line:
                return line
            seen += line
        raise AssertionError(f"ended without saying {part!r}:\n{seen}")

    def stop(self) -> int:
        """Interrupt it as a terminal does. Returns its exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        code = self.process.wait(60)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@contextmanager
def running(words: list[str]) -> Iterator[Running]:
    made = Running(words)
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize("how", ["allowLocalBinding", "publish"])
def test_a_dev_server_inside(world: World, project: Path, how: str) -> None:
    # Ports of this machine's own loopback, so fixed ones are free. The second one opens after the first.
    everything = ["--settings", '{"sandbox": {"network": {"allowLocalBinding": true}}}']
    options = everything if how == "allowLocalBinding" else ["--publish", "5174"]
    words = world.enter(*PADDOCK, "run", *options, "--", PYTHON, "-c", SERVER, "5173", "5174", cwd=project)
    first, second = ([PYTHON, "-c", ASK, f"http://127.0.0.1:{port}/"] for port in (5173, 5174))
    with running(words) as server:
        server.line(":5174")  # when the later one is told, the earlier one has been looked at too
        assert world.unfenced(*second, cwd=project).good().out == "high water\n"
        other = world.unfenced(*first, cwd=project)
        if how == "allowLocalBinding":
            assert other.good().out == "high water\n"
        else:
            assert "Connection refused" in other.err, "a port that nobody asked for stays inside"
    assert "Connection refused" in world.unfenced(*second, cwd=project).err, "the way in ends with the run"


def test_a_service_of_the_host(world: World, project: Path) -> None:
    with running(world.enter(PYTHON, "-c", SERVER, "0", cwd=project)) as service:
        port = service.line("PORT").split()[1]
        ask = [PYTHON, "-c", ASK, f"http://localhost:{port}/"]
        assert world.unfenced(*ask, cwd=project).good().out == "high water\n"
        for entry in (f"localhost:{port}", f"127.0.0.1:{port}"):
            assert world.run(*ask, cwd=project, allow=[entry]).good().out == "high water\n"
        twin = world.run(*ask, cwd=project)
        other = world.run(*ask, cwd=project, allow=["localhost:1"])
    for refused in (twin, other):
        assert refused.code == 1
        assert "Connection refused" in refused.err, "inside, its own loopback answers: nobody listens there"
