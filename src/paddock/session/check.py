"""``paddock check`` and the hooks: what the rules say about one use of a tool, in this folder, with the settings that count here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from paddock.errors import UsageError
from paddock.host.links import steps
from paddock.model.record import record
from paddock.model.settings import Settings
from paddock.model.text import shorten_path
from paddock.permissions.decide import ESCAPE, decide
from paddock.permissions.ruleset import RuleSet
from paddock.permissions.tools import SHELLS
from paddock.permissions.world import Call, Fencing, Reading, Reason, Verdict, World
from paddock.session.prepare import Request, load_settings
from paddock.settings.overrides import COMPLETE_LINES, DENY_READS_THROUGH, EVERY, EVERY_PART
from paddock.settings.paths import resolve_entry

__all__ = ["CANNOT_DECIDE", "ESCAPE", "EXIT_CODES", "MODES", "SHELLS", "Asker", "Call", "Checker", "Verdict", "call_from", "reading", "rows", "to_document"]

MODES = ("default", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions")
EXIT_CODES: Mapping[str, int] = {"allow": 0, "ask": 10, "deny": 11}
CANNOT_DECIDE = 12
SCHEMA = 1
_NO_BYPASS = "permissions.disableBypassPermissionsMode"


@record
class Asker:
    """Who asks: the mode that the agent is in (empty: the settings say it), whether there is a person, where the agent stands (empty: the folder itself)."""

    mode: str = ""
    interactive: bool = True
    stands_in: str = ""


class Checker:
    """The rules of one folder; any number of questions. Raises what loading the settings raises, and ``PolicyError`` for a deny rule that is none."""

    def __init__(self, request: Request, asker: Asker | None = None) -> None:
        self.settings = load_settings(request)
        self.rules = RuleSet.of(self.settings)
        self.world = _world(self.settings, asker or Asker())

    def ask(self, call: Call, hook: str = "") -> Verdict:
        """The decision about one call. ``hook``: what the settings' own hooks said."""
        try:
            return decide(call, self.rules, self.world, hook)
        except OSError as error:
            # Links in a circle, or a folder that may not be looked into: where the path leads cannot be told, so no rule can allow it.
            reason = Reason(f"where {error.filename} leads cannot be told: {error.strerror}")
            return Verdict("deny", (reason,), None)
        except ValueError:
            return Verdict("deny", (Reason("a path of the call holds a NUL, which no file name can"),), None)


def reading(active: frozenset[str]) -> Reading:
    """How command lines are read under a set of strictness overrides."""
    through = DENY_READS_THROUGH in active
    return Reading(folders=through, inner=through, complete=COMPLETE_LINES in active, every_part=EVERY_PART in active)


def _world(settings: Settings, asker: Asker) -> World:
    return World(
        cwd=asker.stands_in or settings.context.cwd,
        home=settings.context.home,
        mode=_mode(settings, asker.mode),
        # Where an agent stands is its own word: standing in a folder makes it no working folder.
        roots=(settings.context.cwd,),
        additional=_additional(settings),
        interactive=asker.interactive,
        fencing=_fencing(settings),
        reading=reading(EVERY),
        steps=steps,
    )


def _mode(settings: Settings, asked: str) -> str:
    """``auto`` counts as ``default``: the same call has to get the same answer tomorrow. A mode that is switched off does too."""
    mode = asked or str(settings.scalar("permissions.defaultMode", "default"))
    if mode == "manual":
        mode = "default"
    if mode not in MODES and mode != "delegate":
        raise UsageError(f"unknown mode {mode!r}", hint=f"one of: {', '.join(MODES)}")
    if mode == "bypassPermissions" and settings.scalar(_NO_BYPASS) == "disable":
        return "default"
    return mode if mode in MODES and mode != "auto" else "default"


def _additional(settings: Settings) -> tuple[str, ...]:
    found = [resolve_entry(entry, settings.context) for entry in settings.list("permissions.additionalDirectories")]
    return tuple(rule.path for rule in found if not rule.is_glob)


def _fencing(settings: Settings) -> Fencing:
    """Shell commands run inside, whatever ``enabled`` says."""
    return Fencing(
        enabled=True,
        auto_allow=settings.scalar("sandbox.autoAllowBashIfSandboxed", True) is True,
        may_leave=settings.scalar("sandbox.allowUnsandboxedCommands", True) is True,
        excluded=tuple(str(entry.value) for entry in settings.list("sandbox.excludedCommands")),
    )


def call_from(document: object) -> Call:
    """A call as agents write it: ``{"tool_name": …, "tool_input": {…}}``, or ``tool`` and ``input``. Raises ``UsageError`` for anything else."""
    if not isinstance(document, dict):
        raise UsageError("a call is an object with tool_name and tool_input")
    tool = document.get("tool_name", document.get("tool"))
    given = document.get("tool_input", document.get("input", {}))
    if not isinstance(tool, str) or not tool:
        raise UsageError("a call needs tool_name, a text", hint='{"tool_name": "Bash", "tool_input": {"command": "make"}}')
    if not isinstance(given, dict):
        raise UsageError("tool_input has to be an object", hint='{"tool_name": "Bash", "tool_input": {"command": "make"}}')
    return Call(tool, given)


def to_document(call: Call, verdict: Verdict) -> dict[str, object]:
    """A decision for programs."""
    return {
        "schema": SCHEMA,
        "tool": call.tool,
        "decision": verdict.decision,
        "fenced": verdict.fenced,
        "reasons": [_reason(reason) for reason in verdict.reasons],
    }


def _reason(reason: Reason) -> dict[str, object]:
    out: dict[str, object] = {"text": reason.text}
    if reason.hit is not None:
        origin = reason.hit.origin
        out["rule"] = {"text": reason.hit.text, "list": reason.hit.list_name, "scope": origin.scope.value, "file": origin.file, "line": origin.line}
    if reason.remedy:
        out["remedy"] = reason.remedy
    return out


def rows(verdict: Verdict, settings: Settings) -> Iterable[tuple[str, str]]:
    """A decision for people: a label and a text in each row."""
    context = settings.context
    for reason in verdict.reasons:
        yield "because", reason.text
        if reason.hit is not None:
            origin = reason.hit.origin
            place = shorten_path(origin.file, home=context.home, cwd=context.cwd)
            yield "  by", f"{reason.hit.text} in permissions.{reason.hit.list_name} ({origin.scope.value}, {place}{f':{origin.line}' if origin.line else ''})"
        if reason.remedy and verdict.decision != "allow":
            yield "  to change", reason.remedy
    if verdict.fenced is not None:
        yield "runs", "inside the fence" if verdict.fenced else "OUTSIDE the fence"
