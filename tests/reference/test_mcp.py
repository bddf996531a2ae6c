"""A real MCP server and the Python client of the protocol, with Paddock between them."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.conftest import must
from tests.reference.conftest import SECRET, Seat
from tests.reference.endpoint import listening
from tests.reference.wires import Messages

must(importlib.util.find_spec("mcp"), "the Python package mcp is not installed: use ./dev test")
SERVER = (sys.executable, str(Path(__file__).with_name("mcp_server.py")))
Wanted = tuple[str, Mapping[str, object]]


async def talk(entry: Mapping[str, object], seat: Seat, errors: Path, wanted: Sequence[Wanted]) -> list[str]:
    """Start a server as its entry in a configuration says, and call its tools. Returns their answers."""
    from mcp import ClientSession, StdioServerParameters, stdio_client
    from mcp.types import TextContent

    given = entry.get("env", {})
    environ = {**seat.environ, **(given if isinstance(given, dict) else {})}
    words = entry.get("args", [])
    parameters = StdioServerParameters(command=str(entry["command"]), args=words if isinstance(words, list) else [], env=environ, cwd=seat.project)
    answers = []
    with errors.open("w") as log:
        async with stdio_client(parameters, errlog=log) as (reader, writer), ClientSession(reader, writer) as session:
            await session.initialize()
            assert {tool.name for tool in (await session.list_tools()).tools} == {"read", "fetch", "variable"}
            for tool, arguments in wanted:
                result = await session.call_tool(tool, dict(arguments))
                answers += [part.text for part in result.content if isinstance(part, TextContent)]
    return answers


@pytest.fixture
def entry(seat: Seat) -> dict[str, object]:
    """The server's entry in the project's file, as Paddock's installer leaves it."""
    mine = {"type": "stdio", "command": SERVER[0], "args": [*SERVER[1:]], "env": {"DESK_TOKEN": "for-the-desk"}}
    path = seat.project / ".mcp.json"
    path.write_text(json.dumps({"mcpServers": {"desk": mine}}))
    seat.good(seat.paddock, "install", "mcp")
    wrapped: dict[str, object] = json.loads(path.read_text())["mcpServers"]["desk"]
    assert wrapped["command"] == seat.paddock
    return wrapped


def test_a_server_works_inside_and_what_is_denied_stays_denied(seat: Seat, entry: dict[str, object], tmp_path: Path) -> None:
    with listening(Messages()) as other:
        policy = {"sandbox": {"network": {"allowedDomains": [f"localhost:{other.port}"]}}}
        seat.settings({"sandbox": {"filesystem": {"denyRead": [str(seat.project / "canary.txt")]}}, "paddock": {"mcp": {"servers": {"desk": policy}}}})
        wanted: list[Wanted] = [
            ("read", {"path": str(seat.project / "notes.txt")}),
            ("read", {"path": str(seat.project / "canary.txt")}),
            ("fetch", {"url": f"{other.url}/"}),
            ("fetch", {"url": "http://collector.example/"}),
            ("variable", {"name": "DESK_TOKEN"}),
        ]
        notes, canary, listed, unlisted, token = asyncio.run(talk(entry, seat, tmp_path / "errors", wanted))
    assert notes == "notes for everybody\n"
    assert canary.startswith("refused: ")
    assert SECRET not in canary
    assert listed == "200"
    assert "403" in unlisted
    assert token == "for-the-desk"
    assert {str(seat.project / "canary.txt"), "collector.example:80"} <= set(seat.refused())
    assert "the desk is open" in (tmp_path / "errors").read_text()


def test_another_server_does_not_get_this_ones_policy(seat: Seat, entry: dict[str, object], tmp_path: Path) -> None:
    with listening(Messages()) as other:
        seat.settings({"paddock": {"mcp": {"servers": {"shelf": {"sandbox": {"network": {"allowedDomains": [f"localhost:{other.port}"]}}}}}}})
        (answer,) = asyncio.run(talk(entry, seat, tmp_path / "errors", [("fetch", {"url": f"{other.url}/"})]))
    assert "Connection refused" in answer


def test_a_server_that_the_lists_refuse_is_not_started(seat: Seat, entry: dict[str, object]) -> None:
    seat.settings({"deniedMcpServers": [{"serverCommand": [*SERVER]}]})
    words = entry["args"]
    assert isinstance(words, list)
    done = seat.call(seat.paddock, *words)
    assert done.returncode == 125
    assert "the MCP server 'desk' may not be loaded: deniedMcpServers names it" in done.stderr
    assert "the desk is open" not in done.stderr
    assert done.stdout == ""


def test_both_streams_are_the_servers_own(seat: Seat) -> None:
    every_byte = bytes(range(256)) * 4096
    argv = [seat.paddock, "mcp", "wrap", "--", "sh", "-c", "echo aside >&2; exec cat"]
    done = subprocess.run(argv, input=every_byte, capture_output=True, check=True, cwd=seat.project, env=seat.environ, timeout=60)
    assert done.stdout == every_byte
    assert done.stderr.startswith(b"aside\n")


@pytest.mark.parametrize("way", ["end of input", "signal", "death"])
def test_the_server_ends_with_its_client(seat: Seat, tmp_path: Path, way: str) -> None:
    # A server that does not read waits in vain; the pipe that it holds says when it is gone.
    script = "cat >/dev/null" if way == "end of input" else "exec sleep 60"
    theirs, ours = os.pipe()
    with open(theirs, "rb") as alive:
        argv = [seat.paddock, "mcp", "wrap", "--pass-fd", str(ours), "--", "sh", "-c", f"echo started; {script}"]
        server = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=seat.project, env=dict(seat.environ), pass_fds=[ours])
        os.close(ours)
        assert server.stdin
        assert server.stdout
        assert server.stdout.readline() == b"started\n"
        if way == "signal":
            server.send_signal(signal.SIGTERM)
        elif way == "death":
            server.kill()
        server.stdin.close()
        assert alive.read() == b""
        server.stdout.close()
        assert server.wait(60) == {"end of input": 0, "signal": 143, "death": -signal.SIGKILL}[way]
