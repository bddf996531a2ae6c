"""``paddock policy explain``: may this be read, written, reached, seen, started; by which rule; what would change it.

The answers come from the plan that ``paddock run`` would carry out. A change is only named after planning again with it has given the other answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from paddock.errors import UsageError
from paddock.host.facts import gather
from paddock.host.files import HostFiles
from paddock.model import globs, paths
from paddock.model.decision import Decision
from paddock.model.policy import EnvironmentPolicy, FilesystemPolicy, NetworkPolicy, Policy
from paddock.model.settings import Origin, Scope
from paddock.network.addresses import Kind, kind_of
from paddock.planner.explain import explain_path, explain_program, explain_variable
from paddock.planner.layout import lay_out
from paddock.planner.meaning import policy_from
from paddock.planner.plan import Draft, draft
from paddock.session.explain_hosts import HostQuestion, decide_host, host_notes, host_rules, parse_question
from paddock.session.prepare import Request, load_settings
from paddock.session.show import where
from paddock.session.story import PASTE_INTO
from paddock.settings.support import refuse_unsupported

__all__ = ["KINDS", "Answer", "Explainer", "guess"]

KINDS = ("path", "host", "env", "command")
# Entries that hide: an entry that re-opens is the smaller answer to them.
_READ_KEYS = ("sandbox.filesystem.denyRead", "sandbox.credentials.files")
_CAPITALS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@dataclass(frozen=True, slots=True)
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
        # What presets add to the lists of the policy: it stays when a change is tried.
        self._objections: dict[str, None] = {}
        self.preset_hosts = self.draft.plan.network.allowed[len(self.policy.network.allowed) :]

    def _draft(self, policy: Policy) -> Draft:
        request = self.request
        return draft(policy, self.settings, gather(), HostFiles(), argv=("true",), cwd=request.cwd, environ=request.environ, allow_home=request.allow_home)

    def ask(self, text: str, kind: str = "") -> Answer:
        """The answer for one argument; ``kind`` empty guesses. Raises ``UsageError`` for text that cannot be what it is said to be."""
        kind = kind or guess(text, self.request)
        self._objections.clear()
        return {"path": self._path, "host": self._host, "env": self._variable, "command": self._command}[kind](text)

    # -- one kind each

    def _path(self, text: str) -> Answer:
        path = self._absolute(text)
        found = explain_path(self.draft, self.policy.filesystem, path)
        read, write = found.read, found.write
        if not read.allowed:
            read = self._with_remedy(read, self._read_changes(found.path), lambda policy: self._try_path(policy, path)[0])
        if not write.allowed:
            write = self._with_remedy(write, self._write_changes(found.path, write), lambda policy: self._try_path(policy, path)[1])
        facts = [("what", found.kind.value if found.kind else "nothing is there"), *(("link", f"{link} -> {end}") for link, end in found.links)]
        if found.real != path:
            facts.append(("leads to", found.real))
        decisive = {read.rule, write.rule}
        rules = tuple((name, origin) for name, origin in found.rules if origin not in decisive)
        notes = (*found.notes, *_own_rights(found.real, read, write), *self._blocked())
        return Answer(text, "path", path, (("read", read), ("write", write)), tuple(facts), rules, notes)

    def _host(self, text: str) -> Answer:
        question = parse_question(text)
        decision = decide_host(self.draft.plan.network, question)
        if not decision.allowed:
            decision = self._with_remedy(decision, self._host_changes(question, decision), lambda policy: self._try_host(policy, question))
        plan = self.draft.plan
        rules = tuple((name, origin) for name, origin in host_rules(plan.network, question) if origin != decision.rule)
        return Answer(
            text, "host", question.host.at(question.port), (("reach", decision),), (), rules, (*host_notes(plan, question, decision), *self._blocked())
        )

    def _variable(self, text: str) -> Answer:
        name = text.removeprefix("$")
        if not name or "=" in name or "\0" in name:
            raise UsageError(f"{text!r} is not the name of a variable")
        decision = explain_variable(self.draft, self.policy.environment, self.request.environ, name)
        if not decision.allowed:
            decision = self._with_remedy(decision, self._variable_changes(name, decision), lambda policy: self._try_variable(policy, name))
        return Answer(text, "env", name, (("see", decision),), notes=self._blocked())

    def _command(self, text: str) -> Answer:
        words = text.split()
        if not words:
            raise UsageError(f"{text!r} names no command")
        found = explain_program(self.draft, words[0])
        decision = found.decision
        if not decision.allowed and found.passed:
            real = found.passed[0][1]
            decision = self._with_remedy(decision, self._read_changes(real), lambda policy: self._try_program(policy, words[0]))
        facts = [("found", found.found)] if found.found else []
        if found.real != found.found:
            facts.append(("leads to", found.real))
        facts += [("hidden", place) for place, _ in found.passed]
        notes = (*found.notes, *self._blocked(), "Bash rules are not judged here: `paddock run` fences a command whatever they say about it")
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
        return tuple(self._objections)

    # -- what would change an answer

    def _with_remedy(self, decision: Decision, changes: Iterator[tuple[str, Policy]], judge: Callable[[Policy], Decision]) -> Decision:
        """The first change that turns the answer, tried for real."""
        before = dict(self._objections)
        for text, policy in changes:
            if judge(policy).allowed:
                self._objections = before
                return replace(decision, remedy=text)
        return replace(decision, remedy="")

    def _trusted(self) -> Iterator[tuple[str, Policy]]:
        if self.settings.trust_needed:
            entries = len(self.settings.trust_needed)
            yield f"`paddock trust`: {entries} of this project's entries wait for it", policy_from(load_settings(replace(self.request, trust_project=True)))

    def _added(self, key: str, value: str, option: str) -> Iterator[tuple[str, Policy]]:
        """With one more entry, which passes every lock that an entry of a file passes."""
        request = replace(self.request, options=(*self.request.options, (key, value, option or key)))
        also = f", or run with {option} {_word(value)}" if option else ""
        settings = load_settings(request)
        self._objections.update((f"an entry of your own would not count: {why}", None) for entry, why in settings.void if entry.origin.file == (option or key))
        yield f'add "{value}" to {key} in {PASTE_INTO}{also}', policy_from(settings)

    def _removed(self, origin: Origin, without: Callable[[Policy], Policy], added: Iterator[tuple[str, Policy]]) -> Iterator[tuple[str, Policy]]:
        """Without the entry that decided, alone and with an entry that allows: somebody's own, never the administrator's and never the builtin one."""
        if origin.scope in (Scope.MANAGED, Scope.BUILTIN):
            return
        text = f'remove "{origin.text}" from {origin.key} ({where(origin, self.settings.context)})'
        yield text, without(self.policy)
        for also, policy in added:
            yield f"{text}, and {also}", without(policy)

    def _read_changes(self, path: str) -> Iterator[tuple[str, Policy]]:
        yield from self._trusted()
        if self._exists(path):
            yield from self._added("sandbox.filesystem.allowRead", self._written(path), "--allow-read")

    def _write_changes(self, path: str, decision: Decision) -> Iterator[tuple[str, Policy]]:
        yield from self._trusted()
        rule = decision.rule
        if rule is not None and rule.key == "protected names":
            yield from self._added("paddock.filesystem.unprotect", self._anchored(path), "")
        if self._exists(path):
            yield from self._added("sandbox.filesystem.allowWrite", self._written(path), "--allow-write")
        if rule is not None and rule.key not in _READ_KEYS:
            added = self._added("sandbox.filesystem.allowWrite", self._written(path), "--allow-write") if self._exists(path) else iter(())
            yield from self._removed(rule, lambda policy: replace(policy, filesystem=_without(policy.filesystem, rule)), added)

    def _exists(self, path: str) -> bool:
        """Whether an entry about the path would do anything. When nothing is there, a wider folder would have to be named: that is for a person to decide."""
        if self.draft.view.resolve(path).kind is not None:
            return True
        self._objections["an entry about a missing path gives nothing: make it outside first, then ask again"] = None
        return False

    def _host_changes(self, question: HostQuestion, decision: Decision) -> Iterator[tuple[str, Policy]]:
        yield from self._trusted()
        if question.host.is_address and kind_of(question.host) is Kind.METADATA:
            self._objections["this address hands out a machine's credentials: no entry is proposed for it"] = None
            return

        def added() -> Iterator[tuple[str, Policy]]:
            return self._added("sandbox.network.allowedDomains", question.host.at(question.port), "--allow-domain")

        yield from added()
        rule = decision.rule
        if rule is not None:
            yield from self._removed(rule, lambda policy: replace(policy, network=_undenied(policy.network, rule)), added())

    def _variable_changes(self, name: str, decision: Decision) -> Iterator[tuple[str, Policy]]:
        yield from self._trusted()
        yield from self._added("paddock.environment.keep", name, "--keep-env")
        rule = decision.rule
        if rule is not None:
            added = self._added("paddock.environment.keep", name, "--keep-env")
            yield from self._removed(rule, lambda policy: replace(policy, environment=_untaken(policy.environment, rule)), added)

    def _written(self, path: str) -> str:
        """A path as an entry of ``PASTE_INTO`` and as an option: relative to the working folder, or as ``_anchored``."""
        cwd = self.settings.context.cwd
        return f"./{_literal(paths.relative(path, cwd))}" if path != cwd and paths.is_beneath(path, cwd) else self._anchored(path)

    def _anchored(self, path: str) -> str:
        """A path as an entry that means the same in every file."""
        home = self.settings.context.home
        return f"~/{_literal(paths.relative(path, home))}" if home not in (path, "/") and paths.is_beneath(path, home) else _literal(path)

    # -- the same questions again

    def _changed(self, policy: Policy) -> Draft:
        """The draft with another layout. The look at the host is kept: only rules have changed."""
        layout = lay_out(policy.filesystem, self.draft.ground, self.draft.view)
        layout.places()
        return self.draft._replace(layout=layout)

    def _try_path(self, policy: Policy, path: str) -> tuple[Decision, Decision]:
        found = explain_path(self._changed(policy), policy.filesystem, path)
        return found.read, found.write

    def _try_program(self, policy: Policy, word: str) -> Decision:
        return explain_program(self._changed(policy), word).decision

    def _try_host(self, policy: Policy, question: HostQuestion) -> Decision:
        return decide_host(replace(policy.network, allowed=(*policy.network.allowed, *self.preset_hosts)), question)

    def _try_variable(self, policy: Policy, name: str) -> Decision:
        from paddock.planner.environment import build

        inside, _, _ = build(policy.environment, {name: ""}, home=self.draft.plan.home, proxies=policy.network.proxy_env, extra={})
        return Decision("allow" if name in inside else "deny", "")


def _literal(path: str) -> str:
    return globs.escape(path) if globs.is_glob(path) else path


def _without(files: FilesystemPolicy, origin: Origin) -> FilesystemPolicy:
    return replace(
        files,
        deny_read=tuple(rule for rule in files.deny_read if rule.origin != origin),
        deny_write=tuple(rule for rule in files.deny_write if rule.origin != origin),
    )


def _undenied(network: NetworkPolicy, origin: Origin) -> NetworkPolicy:
    return replace(network, denied=tuple(rule for rule in network.denied if rule.origin != origin))


def _untaken(variables: EnvironmentPolicy, origin: Origin) -> EnvironmentPolicy:
    return replace(
        variables,
        remove=tuple(rule for rule in variables.remove if rule.origin != origin),
        deny=tuple(rule for rule in variables.deny if rule.origin != origin),
    )


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


def _word(text: str) -> str:
    """A word for the shell."""
    from shlex import quote

    return quote(text) if not text.startswith("~/") else f"~/{quote(text[2:])}"
