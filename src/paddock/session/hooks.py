"""The hooks of the settings, run before a decision as an agent would run them. Spec 7.

They run outside every fence, with the rights of whoever asks: so only those of the administrator, the person and the command line, and the project's when
somebody says that it is trusted. What they say is combined by ``permissions.hooks``.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from json import dumps
from tempfile import TemporaryFile
from typing import IO

from paddock.model.record import record, replace
from paddock.model.settings import Entry, Origin, Scope
from paddock.permissions.decide import decide
from paddock.permissions.hooks import TIMED_OUT, HookResult, combine, matcher_matches, read_result
from paddock.permissions.ruleset import RuleSet
from paddock.permissions.world import Call, Reason, Verdict
from paddock.session.check import Checker

__all__ = ["Hooks"]

EVENT = "PreToolUse"
FAIL_CLOSED = "paddock.hooks.failClosed"
TIMEOUT_SECONDS = 600.0
LARGEST = 1 << 20
"""Bytes of an answer; a longer one is no answer."""
_SHELL = "/bin/sh"
_PROJECT = "${CLAUDE_PROJECT_DIR}"
_REPOSITORY = (Scope.PROJECT, Scope.LOCAL)


@record
class Handler:
    """One command. ``argv`` is empty for a kind of handler that is not run here."""

    kind: str
    argv: tuple[str, ...]
    timeout: float
    origin: Origin


class Hooks:
    """The hooks of one folder. ``trusts_project``: those of its own files run too."""

    def __init__(self, checker: Checker, environ: Mapping[str, str], *, trusts_project: bool) -> None:
        self.checker = checker
        self.trusts_project = trusts_project
        self.fail_closed = checker.settings.scalar(FAIL_CLOSED, False) is True
        root = checker.settings.context.project_root
        self.environ = {name: value for name, value in environ.items() if not name.startswith("OTEL_")} | {"CLAUDE_PROJECT_DIR": root}

    def ask(self, call: Call) -> tuple[Call, Verdict]:
        """The call, as a hook may have changed it, and the decision about it."""
        handlers = list(dict.fromkeys(self._meant(call)))
        if not handlers:
            return call, self.checker.ask(call)
        event = dumps(self._event(call)).encode()
        with ThreadPoolExecutor(len(handlers)) as pool:
            results = list(pool.map(lambda handler: self._run(handler, event), handlers))
        said = combine(["deny" if result.failed and self.fail_closed else result.effect for result in results])
        for result in results:
            if result.updated is not None and said != "deny":
                call = Call(call.tool, result.updated)
        verdict = self.checker.ask(call, "" if said == "none" else said)
        reasons = [found for handler, result in zip(handlers, results, strict=True) if (found := self._reason(handler, result))]
        return call, verdict._replace(reasons=(*verdict.reasons, *reasons))

    def _event(self, call: Call) -> dict[str, object]:
        world = self.checker.world
        about = {"session_id": "", "transcript_path": "", "cwd": world.cwd, "permission_mode": world.mode, "hook_event_name": EVENT}
        return {**about, "tool_name": call.tool, "tool_input": dict(call.input), "tool_use_id": ""}

    # -- which

    def _meant(self, call: Call) -> Iterator[Handler]:
        for entry in self.checker.settings.list(f"hooks.{EVENT}"):
            group = entry.value
            if not isinstance(group, dict) or (entry.origin.scope in _REPOSITORY and not self.trusts_project):
                continue
            matcher = group.get("matcher")
            if not matcher_matches(matcher if isinstance(matcher, str) else None, call.tool):
                continue
            handlers = group.get("hooks")
            for handler in handlers if isinstance(handlers, list) else ():
                if isinstance(handler, dict) and self._is_about(handler.get("if"), call, entry):
                    yield self._handler(handler, entry.origin)

    def _is_about(self, rule: object, call: Call, entry: Entry) -> bool:
        """Whether the rule of a handler speaks about this call. One that is no rule keeps no hook from running."""
        if not isinstance(rule, str):
            return True
        broken: list[tuple[Entry, str]] = []
        rules = RuleSet({"deny": [replace(entry, value=rule)]}, self.checker.settings.context, broken=broken)
        return bool(broken) or decide(call, rules, self.checker.world).decision == "deny"

    def _handler(self, given: Mapping[str, object], origin: Origin) -> Handler:
        kind, command, words, limit = str(given.get("type", "command")), given.get("command"), given.get("args"), given.get("timeout")
        timeout = float(limit) if isinstance(limit, int | float) and 0 < limit <= TIMEOUT_SECONDS else TIMEOUT_SECONDS
        if kind != "command" or not isinstance(command, str) or not command:
            return Handler(kind, (), timeout, origin)
        root = self.environ["CLAUDE_PROJECT_DIR"]
        if isinstance(words, list):
            return Handler(kind, tuple(str(word).replace(_PROJECT, root) for word in (command, *words)), timeout, origin)
        return Handler(kind, (_SHELL, "-c", command), timeout, origin)

    # -- running

    def _run(self, handler: Handler, event: bytes) -> HookResult:
        if not handler.argv:
            return HookResult("none", f"a hook of the kind {handler.kind!r} is not run here", failed=True)
        # Files and no pipes: nobody waits for a process that a hook leaves behind with its streams.
        with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
            given.write(event)
            given.seek(0)
            try:
                hook = subprocess.Popen(handler.argv, stdin=given, stdout=out, stderr=err, cwd=self.checker.world.cwd, env=self.environ, start_new_session=True)
            except OSError as error:
                return HookResult("none", f"it cannot be started: {error.strerror}", failed=True)
            code = _ending(hook, handler.timeout)
            if code == TIMED_OUT:
                return HookResult("none", f"it did not answer within {handler.timeout:g} s", failed=True)
            answer = _text(out)
            result = read_result(EVENT, code, answer or "", _text(err) or "")
            return result if answer is not None else result._replace(failed=True, reason="its answer has no end")

    def _reason(self, handler: Handler, result: HookResult) -> Reason | None:
        if not result.failed and result.effect == "none":
            return None
        origin = handler.origin
        what = "failed" + (", which refuses the call" if self.fail_closed else ", and says nothing") if result.failed else f"says {result.effect}"
        return Reason(f"the hook at {origin.file}:{origin.line} {what}{': ' if result.reason else ''}{result.reason}")


def _ending(hook: subprocess.Popen[bytes], timeout: float) -> int:
    """The exit code; ``TIMED_OUT`` for a hook that had to be ended, with all that it started in its session."""
    try:
        code = hook.wait(timeout)
    except subprocess.TimeoutExpired:
        os.killpg(hook.pid, signal.SIGKILL)
        hook.wait()
        return TIMED_OUT
    return code if code >= 0 else 128 - code  # a signal; its number may be that of a code which means something


def _text(file: IO[bytes]) -> str | None:
    """What was written; None where it is too long."""
    file.seek(0)
    data = file.read(LARGEST + 1)
    return data.decode("utf-8", "replace") if len(data) <= LARGEST else None
