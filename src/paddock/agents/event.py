"""What an agent tells a hook: one JSON object on standard input. Spec 7.4.

Read strictly: an event that is not understood is an error, and the caller blocks the tool. Nothing in it is trusted, least of all the text of a command.
"""

from __future__ import annotations

from collections.abc import Mapping

from paddock.errors import UsageError
from paddock.model.record import record

__all__ = ["LONGEST", "Event", "parse"]

LONGEST = 8 << 20
"""Bytes of an event: a file that is written whole is part of it."""


@record
class Event:
    """``name`` is the event's, ``tool`` and ``given`` are the call (empty for events about none). ``cwd`` is where the agent stands; ``mode`` its mode."""

    name: str
    session: str
    cwd: str
    mode: str
    tool: str
    given: Mapping[str, object]
    tool_use: str


def parse(data: bytes) -> Event:
    """Read one event. Raises ``UsageError`` naming the field that is missing or of another kind."""
    from json import loads

    if len(data) > LONGEST:
        raise UsageError(f"the event is longer than {LONGEST} bytes")
    try:
        found = loads(data)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the event is not JSON: {error}", hint="paddock hook is called by an agent, with an event on standard input") from error
    if not isinstance(found, dict):
        raise UsageError("the event is not an object", hint="paddock hook is called by an agent, with an event on standard input")
    given = found.get("tool_input", {})
    if not isinstance(given, dict):
        raise UsageError("tool_input of the event is not an object")
    name = _text(found, "hook_event_name", needed=True)
    about_tool = "tool_name" in found
    cwd = _text(found, "cwd", needed=True)
    if not cwd.startswith("/") or "\0" in cwd:
        raise UsageError(f"cwd of the event is not an absolute path: {cwd!r}")
    return Event(
        name,
        _text(found, "session_id"),
        cwd,
        _text(found, "permission_mode"),
        _text(found, "tool_name", needed=about_tool),
        given,
        _text(found, "tool_use_id"),
    )


def _text(found: Mapping[str, object], name: str, *, needed: bool = False) -> str:
    value = found.get(name, "")
    if not isinstance(value, str) or (needed and not value):
        raise UsageError(f"{name} of the event is {'missing' if name not in found else 'no text'}")
    return value
