"""``paddock policy explain``: may this be read, written, reached, seen, started; by which rule; what would change it.

The answers come from the plan that ``paddock run`` would carry out. A change is only named after planning again with it has given the other answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from paddock.errors import UsageError
from paddock.host.facts import gather
from paddock.host.files import HostFiles
from paddock.model import paths
from paddock.model.decision import Decision
from paddock.model.policy import Policy
from paddock.model.record import record, replace
from paddock.model.settings import Origin
from paddock.planner.enforce import wants_cgroup
from paddock.planner.explain import explain_path, explain_program, explain_variable
from paddock.planner.guarding import guard_rules
from paddock.planner.layout import lay_out
from paddock.planner.meaning import policy_from
from paddock.planner.plan import Draft, draft, programs
from paddock.session.changes import Changes
from paddock.session.prepare import Request, load_settings, with_hosts
from paddock.settings.support import refuse_unsupported

__all__ = ["KINDS", "Answer", "Explainer", "guess"]

KINDS = ("path", "host", "env", "command")
_CAPITALS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@record
class Answer:
    """``asked`` as written, ``kind`` one of ``KINDS``, ``subject`` what it was taken for. ``decisions`` are named ``read``, ``write``, ``reach``, ``see`` or
    ``start``; ``facts`` are labelled texts, ``rules`` further entries that speak about it, ``notes`` sentences.
    """

    asked: str
    kind: str
    subject: str
    decisions: tuple[tuple[str, Decision], ...]
    facts: tuple[tuple[str, str], ...] = ()
    rules: tuple[tuple[str, Origin], ...] = ()
    notes: tuple[str, ...] = ()


def guess(text: str, request: Request) -> str:
    """What an argument most probably is. Raises ``UsageError`` for an empty one."""
    if not text:
        raise UsageError("an empty argument names nothing")
    if text.startswith("$"):
        return "env"
    if "://" in text or text.startswith("["):
        return "host"
    if text.startswith(("/", "~", ".")) or os.path.lexists(paths.join(request.cwd, text) if "\0" not in text else "/dev/null/x"):
        return "path"
    if " " in text:
        return "command"
    if text in request.environ or (_CAPITALS.issuperset(text) and not text[0].isdigit()):
        return "env"
    if "/" in text:
        return "path"
    return "host" if "." in text or ":" in text or text == "localhost" else "command"


class Explainer:
    """One look at this folder's policy; any number of questions. Raises what ``prepare`` raises."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.settings = load_settings(request)
        refuse_unsupported(self.settings)
        self.policy = policy_from(self.settings)
        self.draft = self._draft(self.policy)
        self.settings = with_hosts(self.settings, self.draft)
        self.changes = Changes(request, self.settings, self.policy, self.draft.view, self.draft.presets.waiting)

    def _draft(self, policy: Policy) -> Draft:
        request = self.request
        facts = gather(cgroups=wants_cgroup(policy.limits))
        return draft(policy, self.settings, facts, HostFiles(), argv=("true",), cwd=request.cwd, environ=request.environ, allow_home=request.allow_home)

    def ask(self, text: str, kind: str = "") -> Answer:
        """The answer for one argument; ``kind`` empty guesses. Raises ``UsageError`` for text that cannot be what it is said to be."""
        kind = kind or guess(text, self.request)
        self.changes.objections.clear()
        return {"path": self._path, "host": self._host, "env": self._variable, "command": self._command}[kind](text)

    # -- one kind each

    def _path(self, text: str) -> Answer:
        path = self._absolute(text)
        found = explain_path(self.draft, self.policy.filesystem, path)
        read, write = found.read, found.write
        if not read.allowed:
            read = self._with_remedy(read, self.changes.for_reading(found.path), lambda policy: self._try_path(policy, path)[0])
        if not write.allowed:
            write = self._with_remedy(write, self.changes.for_writing(found.path, write), lambda policy: self._try_path(policy, path)[1])
        facts = [("what", found.kind.value if found.kind else "nothing is there"), *(("link", f"{link} -> {end}") for link, end in found.links)]
        if found.real != path:
            facts.append(("leads to", found.real))
        decisive = {read.rule, write.rule}
        rules = tuple((name, origin) for name, origin in found.rules if origin not in decisive)
        notes = (*found.notes, *_own_rights(found.real, read, write), *self._blocked())
        return Answer(text, "path", path, (("read", read), ("write", write)), tuple(facts), rules, notes)

    def _host(self, text: str) -> Answer:
        # Imported here: it brings the gate's rooms, which the other questions do not need.
        from paddock.session.explain_hosts import decide_host, host_notes, host_rules, parse_question

        question, plan = parse_question(text), self.draft.plan
        decision = decide_host(plan.network, question)
        if not decision.allowed:
            # What presets add to the lists of the policy stays when a change is tried.
            presets = plan.network.allowed[len(self.policy.network.allowed) :]

            def judge(policy: Policy) -> Decision:
                return decide_host(replace(policy.network, allowed=(*policy.network.allowed, *presets)), question)

            decision = self._with_remedy(decision, self.changes.for_host(question.host, question.port, decision), judge)
        rules = tuple((name, origin) for name, origin in host_rules(plan.network, question) if origin != decision.rule)
        notes = (*host_notes(plan, question, decision), *self._blocked())
        return Answer(text, "host", question.host.at(question.port), (("reach", decision),), (), rules, notes)

    def _variable(self, text: str) -> Answer:
        name = text.removeprefix("$")
        if not name or "=" in name or "\0" in name:
            raise UsageError(f"{text!r} is not the name of a variable")
        decision = explain_variable(self.draft, self.policy.environment, self.request.environ, name)
        if not decision.allowed:
            decision = self._with_remedy(decision, self.changes.for_variable(name, decision), lambda policy: self._try_variable(policy, name))
        return Answer(text, "env", name, (("see", decision),), notes=self._blocked())

    def _command(self, text: str) -> Answer:
        words = text.split()
        if not words:
            raise UsageError(f"{text!r} names no command")
        found = explain_program(self.draft, words[0])
        decision = found.decision
        if not decision.allowed and found.passed:
            real = found.passed[0][1]
            changes = (*self.changes.for_starting(decision, words[0]), *self.changes.for_reading(real))
            decision = self._with_remedy(decision, iter(changes), lambda policy: self._try_program(policy, words[0]))
        elif not decision.allowed and found.found:
            changes = tuple(self.changes.for_starting(decision, words[0]))
            decision = self._with_remedy(decision, iter(changes), lambda policy: self._try_program(policy, words[0]))
        facts = [("found", found.found)] if found.found else []
        if found.real != found.found:
            facts.append(("leads to", found.real))
        facts += [("hidden", place) for place, _ in found.passed]
        notes = (
            *found.notes,
            *self._blocked(),
            "Bash rules are not judged here, but those that deny a whole program: `paddock run` fences a command whatever they say about it",
        )
        return Answer(text, "command", words[0], (("start", decision),), tuple(facts), notes=notes)

    def _absolute(self, text: str) -> str:
        if "\0" in text:
            raise UsageError("a path cannot hold a NUL byte")
        home = self.settings.context.home
        if text == "~" or text.startswith("~/"):
            return paths.join(home, text[2:] or ".")
        return paths.join(self.settings.context.cwd, text)

    def _blocked(self) -> tuple[str, ...]:
        """Why an entry of one's own would not help, as the last search for a change found."""
        return tuple(self.changes.objections)

    # -- what would change an answer

    def _with_remedy(self, decision: Decision, changes: Iterator[tuple[str, Policy]], judge: Callable[[Policy], Decision]) -> Decision:
        """The first change that turns the answer, tried for real."""
        before = dict(self.changes.objections)
        for text, policy in changes:
            if judge(policy).allowed:
                self.changes.objections = before
                return replace(decision, remedy=text)
        return replace(decision, remedy="")

    # -- the same questions again

    def _changed(self, policy: Policy) -> Draft:
        """The draft with another layout. The look at the host is kept: only rules have changed."""
        layout = lay_out(policy.filesystem, self.draft.ground, self.draft.view)
        plan = self.draft.plan
        startable = programs(policy, layout, self.draft.ground, self.draft.view, plan.environment, plan.argv, plan.binds)
        layout.places()
        guard = guard_rules(policy.filesystem, layout, layout.places(), self.draft.view)
        return self.draft._replace(layout=layout, plan=replace(plan, guard=guard, startable=startable))

    def _try_path(self, policy: Policy, path: str) -> tuple[Decision, Decision]:
        found = explain_path(self._changed(policy), policy.filesystem, path)
        return found.read, found.write

    def _try_program(self, policy: Policy, word: str) -> Decision:
        return explain_program(self._changed(policy), word).decision

    def _try_variable(self, policy: Policy, name: str) -> Decision:
        from paddock.planner.environment import build

        inside, _, _ = build(policy.environment, {name: ""}, home=self.draft.plan.home, proxies=policy.network.proxy_env, extra={})
        return Decision("allow" if name in inside else "deny", "")


def _own_rights(path: str, read: Decision, write: Decision) -> Iterator[str]:
    """What the file's mode refuses whatever the policy says. Root has no capability inside, so for root too the mode decides (capabilities(7))."""
    try:
        status = os.stat(path)
    except OSError:
        return
    for decision, bit, word in ((read, 4, "read"), (write, 2, "write")):
        if decision.allowed and not _mode_allows(path, status, bit):
            yield f"this user may not {word} it, inside as outside: mode {status.st_mode & 0o7777:04o}, owner {status.st_uid}"


def _mode_allows(path: str, status: os.stat_result, bit: int) -> bool:
    if os.geteuid() != 0:
        return os.access(path, bit)  # R_OK and W_OK are the bits of a mode
    shift = 6 if status.st_uid == 0 else 3 if status.st_gid in (os.getegid(), *os.getgroups()) else 0
    return bool(status.st_mode >> shift & bit)
