from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from paddock.agents.configuration import Change, Keeper
from paddock.agents.install_mcp import McpServers
from paddock.errors import SettingsError, UsageError

PROGRAM = "/opt/paddock/bin/paddock"
FILES: dict[str, Any] = {
    "a program": {"mcpServers": {"desk": {"command": "npx", "args": ["-y", "desk"]}}},
    "no arguments": {"mcpServers": {"desk": {"type": "stdio", "command": "desk"}}},
    "words of ours among its own": {"mcpServers": {"desk": {"command": "sh", "args": ["mcp", "wrap", "--", "--name", "x"]}}},
    "of single projects": {"projects": {"/a": {"mcpServers": {"desk": {"command": "desk", "env": {"DESK_TOKEN": "t"}}}}, "/b": {}}, "other": [1]},
    "remote": {"mcpServers": {"far": {"type": "http", "url": "https://far.example/mcp"}}},
    "none": {"numStartups": 3},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mcp.json"


def put(change: Change) -> Any:
    assert change.after is not None
    Path(change.path).write_bytes(change.after)
    return json.loads(change.after)


@pytest.mark.parametrize("name", FILES)
def test_there_and_back_by_its_meaning(path: Path, name: str) -> None:
    path.write_text(json.dumps(FILES[name]))
    target = McpServers()
    once = put(target.install(str(path), PROGRAM))
    assert put(target.install(str(path), PROGRAM)) == once
    assert put(target.remove(str(path))) == FILES[name]


def test_what_a_wrapped_server_looks_like(path: Path) -> None:
    path.write_text(json.dumps(FILES["of single projects"]))
    server = put(McpServers().install(str(path), PROGRAM))["projects"]["/a"]["mcpServers"]["desk"]
    assert server == {"command": PROGRAM, "env": {"DESK_TOKEN": "t"}, "args": ["mcp", "wrap", "--name", "desk", "--keep-env", "DESK_TOKEN", "--", "desk"]}


@pytest.mark.parametrize("name", ["remote", "none"])
def test_a_file_without_programs_keeps_every_byte(path: Path, name: str) -> None:
    path.write_text(json.dumps(FILES[name]) + "\n\n")
    assert not McpServers().install(str(path), PROGRAM).needed
    assert not McpServers().remove(str(path)).needed


def test_undoing_puts_the_very_bytes_back(path: Path, tmp_path: Path) -> None:
    before = b'{"mcpServers":{"desk":{"command":"desk"}} }\n\n'
    path.write_bytes(before)
    keeper = Keeper(str(tmp_path / "kept"))
    keeper.make(McpServers().install(str(path), PROGRAM))
    assert keeper.original(str(path)) == (True, before)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"mcpServers": {"desk": {"command": "x", "env": {"LD_PRELOAD": "./x.so"}}}}',
        '{"mcpServers": {"desk": {"command": "./paddock", "args": ["mcp", "wrap", "--name", "desk", "--", "x"], "env": {"BASH_ENV": "./x"}}}}',
        '{"mcpServers": {"desk": {"command": "x", "args": "y"}}}',
        '{"mcpServers": {"desk": {"command": "x", "env": []}}}',
    ],
)
def test_what_is_not_understood_is_left_as_it_is(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises((SettingsError, UsageError)):
        McpServers().install(str(path), PROGRAM)
    assert path.read_text() == text


def test_there_is_no_file(path: Path) -> None:
    assert not McpServers().install(str(path), PROGRAM).needed
    assert not McpServers().remove(str(path)).needed


def test_options_that_somebody_added_stay(path: Path) -> None:
    server = {"command": "/old/bin/paddock", "args": ["mcp", "wrap", "--name", "desk", "--tool", "npm", "--", "npx", "desk"]}
    path.write_text(json.dumps({"mcpServers": {"desk": server}}))
    assert put(McpServers().install(str(path), PROGRAM)) == {"mcpServers": {"desk": server | {"command": PROGRAM}}}
    assert any("--tool npm" in note for note in McpServers().notes(str(path)))
    assert put(McpServers().remove(str(path))) == {"mcpServers": {"desk": {"command": "npx", "args": ["desk"]}}}


def test_options_of_our_own_are_not_told(path: Path) -> None:
    path.write_text(json.dumps(FILES["of single projects"]))
    put(McpServers().install(str(path), PROGRAM))
    assert len(McpServers().notes(str(path))) == 1
