"""Hooks of the settings: which are meant by a call, what one's ending says, what several say together. Spec 7. Pure; running them is the session's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

__all__ = ["BLOCKABLE", "TIMED_OUT", "HookResult", "combine", "matcher_matches", "read_result"]

TIMED_OUT: Final = -1
"""Stands for an exit code: the hook did not end in time."""
_BLOCKS: Final = 2
_EXACT: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_- ,|")
_STRENGTH: Final = ("deny", "defer", "ask", "allow")

BLOCKABLE: Final = frozenset(
    {
        *("PreToolUse", "UserPromptSubmit", "UserPromptExpansion", "Stop", "SubagentStop", "TeammateIdle", "TaskCreated", "TaskCompleted", "ConfigChange"),
        *("PostToolBatch", "PreCompact", "Elicitation", "ElicitationResult", "WorktreeCreate"),
    }
)
"""Events that exit code 2 stops."""
_FEEDBACK: Final = frozenset({"PostToolUse", "PostToolUseFailure"})


class HookResult(NamedTuple):
    """``effect``: ``allow``, ``ask``, ``deny``, ``defer``, ``feedback`` (told to the model) or ``none``. ``reason`` is the hook's own text.

    ``failed``: the hook did not end as a hook should, and said nothing that counts. ``updated`` replaces the call's whole input.
    """

    effect: str
    reason: str = ""
    failed: bool = False
    updated: Mapping[str, object] | None = None
    stops: bool = False


def matcher_matches(matcher: str | None, tool: str) -> bool:
    """Whether a matcher means a tool. Plain names are compared whole; everything else is an unanchored regular expression. A broken one means nothing."""
    if matcher in (None, "", "*"):
        return True
    if _EXACT.issuperset(matcher):
        return tool in (name.strip() for name in re.split(r"[,|]", matcher))
    try:
        return re.search(matcher, tool) is not None
    except re.error:
        return False


def read_result(event: str, code: int, stdout: str, stderr: str) -> HookResult:
    """What one hook said by its exit code and output. ``code`` is ``TIMED_OUT`` for one that was ended."""
    if code == TIMED_OUT:
        return HookResult("none", failed=True)
    found, broken = _object(stdout)
    if code == _BLOCKS:
        return _blocked(event, found, stderr)
    if found is None or broken:
        return HookResult("none", failed=broken or code != 0)
    return _spoken(event, found)


def _object(stdout: str) -> tuple[dict[str, object] | None, bool]:
    """The output as an object, and whether it should have been one and is not. Anything that does not begin with a brace is plain text."""
    if not stdout.lstrip().startswith("{"):
        return None, False
    try:
        found = json.loads(stdout)
    except (ValueError, RecursionError):
        return None, True
    return (found, False) if isinstance(found, dict) else (None, True)


def _blocked(event: str, found: dict[str, object] | None, stderr: str) -> HookResult:
    reason = _text((found or {}).get("reason")) or _text(_specific(found or {}).get("permissionDecisionReason")) or stderr.strip()
    if event in BLOCKABLE:
        return HookResult("deny", reason)
    return HookResult("feedback" if event in _FEEDBACK else "none", reason)


def _spoken(event: str, found: dict[str, object]) -> HookResult:
    stops = found.get("continue") is False
    specific = _specific(found)
    if event == "PermissionRequest":
        return _request(specific, stops=stops)
    reason = _text(specific.get("permissionDecisionReason")) or _text(found.get("reason")) or _text(found.get("stopReason"))
    said = specific.get("permissionDecision")
    if event == "PreToolUse" and "hookSpecificOutput" in found:
        named = specific.get("hookEventName") == event
        if not named or (said is not None and said not in _STRENGTH):
            return HookResult("none", failed=True, stops=stops)
    updated = specific.get("updatedInput")
    changes = updated if event == "PreToolUse" and isinstance(updated, dict) else None
    if event == "PreToolUse" and isinstance(said, str):
        return HookResult(said, reason, updated=changes, stops=stops)
    old = {"approve": "allow", "block": "deny"}.get(_text(found.get("decision")), "")
    if old == "deny" and event in _FEEDBACK:
        return HookResult("feedback", reason, stops=stops)
    if event != "PreToolUse" and old == "allow":
        old = ""
    return HookResult("deny" if stops and event == "PreToolUse" else old or "none", reason, updated=changes, stops=stops)


def _request(specific: Mapping[str, object], *, stops: bool) -> HookResult:
    decision = specific.get("decision")
    behaviour = decision.get("behavior") if isinstance(decision, dict) else None
    if behaviour not in ("allow", "deny"):
        return HookResult("none", stops=stops)
    updated = decision.get("updatedInput") if isinstance(decision, dict) else None
    message = decision.get("message") if isinstance(decision, dict) else None
    return HookResult(str(behaviour), _text(message), updated=updated if isinstance(updated, dict) else None, stops=stops)


def _specific(found: Mapping[str, object]) -> Mapping[str, object]:
    specific = found.get("hookSpecificOutput")
    return specific if isinstance(specific, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def combine(effects: Iterable[str]) -> str:
    """What several hooks say together: the strongest of deny, defer, ask, allow; ``none`` when nobody said anything."""
    said = set(effects)
    return next((effect for effect in _STRENGTH if effect in said), "none")
