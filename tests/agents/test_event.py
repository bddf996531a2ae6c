from __future__ import annotations

import json

import pytest

from paddock.agents.event import LONGEST, parse
from paddock.errors import UsageError

CALL = {"tool_name": "Bash", "tool_input": {"command": "x"}, "tool_use_id": "t"}
WHOLE = {"session_id": "s", "cwd": "/p", "permission_mode": "plan", "hook_event_name": "PreToolUse", **CALL}


def test_a_whole_event() -> None:
    event = parse(json.dumps(WHOLE).encode())
    assert (event.name, event.tool, event.given, event.mode, event.cwd, event.tool_use) == ("PreToolUse", "Bash", {"command": "x"}, "plan", "/p", "t")


def test_what_an_event_need_not_hold() -> None:
    event = parse(b'{"hook_event_name": "Stop", "cwd": "/p"}')
    assert (event.tool, event.given, event.tool_use) == ("", {}, "")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tool_input": "x"}, "tool_input"),
        ({"tool_input": ["x"]}, "tool_input"),
        ({"tool_name": 5}, "tool_name"),
        ({"tool_name": ""}, "tool_name"),
        ({"hook_event_name": None}, "hook_event_name"),
        ({"cwd": "relative"}, "cwd"),
        ({"cwd": "/a\0b"}, "cwd"),
        ({"cwd": 5}, "cwd"),
        ({"tool_use_id": {}}, "tool_use_id"),
        ({"permission_mode": []}, "permission_mode"),
    ],
)
def test_a_malformed_event_names_the_field(change: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse(json.dumps(WHOLE | change).encode())


@pytest.mark.parametrize("data", [b"", b"x", b"[1]", b'"x"', b"{", b"[" * 100_000, b"\xff\xfe", b" " * (LONGEST + 1)])
def test_what_is_no_event(data: bytes) -> None:
    with pytest.raises(UsageError):
        parse(data)
