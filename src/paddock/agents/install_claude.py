"""Paddock's lines in the settings of Claude Code. https://code.claude.com/docs/en/hooks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from shlex import quote
from typing import ClassVar

from paddock.agents.configuration import Change, Document, edit_json, read
from paddock.agents.target import Coverage, Target
from paddock.errors import UsageError

__all__ = ["ClaudeCode"]

EVENTS = {"PreToolUse": "*", "PostToolUse": "Bash|Monitor", "PostToolUseFailure": "Bash|Monitor"}
"""Events, and the tools that each is wanted for."""
MARK = "hook claude-code || exit 2"
"""Every line of ours ends with it, whatever program it calls. Exit code 2 blocks the tool; any other would let it run."""
TIMEOUT_SECONDS = 60
MANAGED = "/etc/claude-code/managed-settings.d/50-paddock.json"


class ClaudeCode(Target):
    """See ``Target``."""

    name: ClassVar[str] = "claude-code"
    title: ClassVar[str] = "Claude Code"
    scopes: ClassVar[tuple[str, ...]] = ("user", "project", "managed")
    coverage: ClassVar[tuple[Coverage, ...]] = (
        Coverage("Bash, Monitor", "decided by the rules, run inside the fence", "tested with the real client"),
        Coverage("Read, Edit, Write, Glob, Grep, notebooks", "decided by the rules; the client itself does the work, unfenced", "tested with the real client"),
        Coverage("WebFetch, WebSearch", "decided by the rules; the client itself does the work, unfenced", ""),
        Coverage("MCP tools", "decided by the rules; servers run unfenced unless they are wrapped", ""),
        Coverage("the client, its plugins and other hooks", "not covered: they run as you", ""),
        Coverage("a hook that is too slow, or taken away", "the client runs the command; a call outside the fence is told after it", ""),
    )

    def path(self, scope: str, *, project: str, environ: Mapping[str, str]) -> str:
        """The file of a scope."""
        if scope == "managed":
            return MANAGED
        if scope == "project":
            return os.path.realpath(f"{project}/.claude/settings.json")
        folder = environ.get("CLAUDE_CONFIG_DIR") or f"{environ.get('HOME', '')}/.claude"
        if not folder.startswith("/"):
            raise UsageError("no home folder: HOME is not set", hint="set HOME, or choose --scope project")
        return os.path.realpath(f"{folder}/settings.json")

    def install(self, path: str, program: str) -> Change:
        """The file with Paddock's hooks, at the front: what others allow after it has been refused makes no difference."""
        before = read(path)
        return Change(path, before, edit_json(path, before, lambda document: _add(document, program)))

    def remove(self, path: str) -> Change:
        """The file without them; what is empty then goes too."""
        before = read(path)
        if before is None:
            return Change(path, None, None)
        after = edit_json(path, before, _take_out)
        return Change(path, before, None if after.strip() == b"{}" else after)

    def notes(self, path: str) -> list[str]:
        """What a person should know about this file."""
        found = read(path)
        notes: list[str] = []

        def look(document: Document) -> None:
            sandbox = document.get("sandbox")
            if isinstance(sandbox, dict) and sandbox.get("enabled") is True:
                notes.append(
                    "the client's own sandbox is on (sandbox.enabled): no fence can be built inside it, so shell commands would be refused. "
                    "Set it to false; Paddock fences them whatever it says"
                )
            if document.get("disableAllHooks") is True:
                notes.append("disableAllHooks is on in this file: the client will not call Paddock")

        if found is not None:
            edit_json(path, found, look)
        return notes


def _add(document: Document, program: str) -> None:
    _take_out(document)
    hooks = document.setdefault("hooks", {})
    if not isinstance(hooks, dict):
        raise UsageError("hooks is not an object in this file", hint="the file is left as it is; mend it and try again")
    handler = {"type": "command", "command": f"{quote(program)} {MARK}", "timeout": TIMEOUT_SECONDS}
    for event, tools in EVENTS.items():
        there = hooks.get(event, [])
        if not isinstance(there, list):
            raise UsageError(f"hooks.{event} is not a list in this file", hint="the file is left as it is; mend it and try again")
        hooks[event] = [{"matcher": tools, "hooks": [handler]}, *there]


def _take_out(document: Document) -> None:
    hooks = document.get("hooks")
    if not isinstance(hooks, dict):
        return
    for event in EVENTS:
        there = hooks.get(event)
        if isinstance(there, list):
            kept = [entry for entry in map(_without_ours, there) if entry is not None]
            if kept:
                hooks[event] = kept
            elif there:
                del hooks[event]
    if not hooks:
        del document["hooks"]


def _without_ours(entry: object) -> object | None:
    """One entry without our handlers; None when nothing else was in it."""
    if not isinstance(entry, dict) or not isinstance(entry.get("hooks"), list):
        return entry
    kept = [handler for handler in entry["hooks"] if not (isinstance(handler, dict) and str(handler.get("command", "")).endswith(MARK))]
    if len(kept) == len(entry["hooks"]):
        return entry
    return {**entry, "hooks": kept} if kept else None
