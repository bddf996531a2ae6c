"""Claude Code's hooks: an event in, an answer out. https://code.claude.com/docs/en/hooks; spec 7.5.

A rewrite alone is no boundary: another hook may drop it, and the client's own rules are matched on the rewritten text. So the answer before a call decides, and
the one after a call looks whether the run that it asked for took place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from paddock.agents.event import Event
from paddock.agents.fencing import fenced
from paddock.errors import UsageError
from paddock.model.text import escape
from paddock.session.check import ESCAPE, SHELLS, Asker, Call, Checker, Verdict
from paddock.session.prepare import Request

__all__ = ["after", "answer", "before", "project_of"]

BEFORE = "PreToolUse"
AFTER = ("PostToolUse", "PostToolUseFailure")
_DECISIONS = {"allow": "allow", "ask": "ask", "deny": "deny"}


def project_of(event: Event, environ: Mapping[str, str]) -> str:
    """The folder that the agent was started in: its settings count, wherever the agent stands by now."""
    folder = environ.get("CLAUDE_PROJECT_DIR", "")
    return os.path.realpath(folder) if folder.startswith("/") and os.path.isdir(folder) else os.path.realpath(event.cwd)


def answer(event: Event, environ: Mapping[str, str], program: str, was_fenced: Callable[[str], bool]) -> dict[str, object]:
    """The answer to any event; an empty object for one that there is nothing to say about."""
    if event.name == BEFORE and event.tool:
        return before(event, environ, program)
    if event.name in AFTER and event.tool in SHELLS:
        return after(event, was_fenced)
    return {}


def before(event: Event, environ: Mapping[str, str], program: str) -> dict[str, object]:
    """Decide about a call, and rewrite a shell command that will run. Raises what the settings raise."""
    project = project_of(event, environ)
    checker = Checker(Request((), project, environ), Asker(event.mode, stands_in=os.path.realpath(event.cwd)))
    verdict = checker.ask(Call(event.tool, event.given))
    specific: dict[str, object] = {
        "hookEventName": BEFORE,
        "permissionDecision": _DECISIONS.get(verdict.decision, "ask"),
        "permissionDecisionReason": _reason(verdict),
    }
    if event.tool in SHELLS and verdict.fenced and verdict.decision != "deny":
        command = event.given.get("command")
        if not isinstance(command, str):
            raise UsageError(f"the input of {event.tool} holds no command")
        inside = fenced(command, program=program, project=project, cwd=os.path.realpath(event.cwd), tool_use=event.tool_use)
        kept = {name: value for name, value in event.given.items() if name != ESCAPE}
        specific["updatedInput"] = {**kept, "command": inside}
    return {"hookSpecificOutput": specific}


def _reason(verdict: Verdict) -> str:
    parts = []
    for reason in verdict.reasons:
        text = reason.text
        if reason.hit is not None:
            origin = reason.hit.origin
            text += f" ({origin.scope.value} settings, {origin.file}{f':{origin.line}' if origin.line else ''})"
        parts.append(text)
        if reason.remedy and verdict.decision != "allow":
            parts.append(f"to change this: {reason.remedy}")
    # A command or a file name may hold anything; what it says must not change how the rest reads, to a person or to a model.
    return "Paddock: " + escape("; ".join(parts))


def after(event: Event, was_fenced: Callable[[str], bool]) -> dict[str, object]:
    """Tell when a shell command ran without the fence that was asked for: the call is over, so telling is all that is left."""
    if event.tool_use and was_fenced(event.tool_use):
        return {}
    allowed = event.given.get(ESCAPE) is True
    why = "it asked to, and was allowed to" if allowed else "something took the rewritten command away: another hook, or a hook that did not answer in time"
    text = f"Paddock: this command ran OUTSIDE the fence: {why}"
    if allowed:
        return {"systemMessage": text}
    return {"systemMessage": text, "decision": "block", "reason": text}
