"""The changes that could turn a refusal of ``policy explain`` into a yes: each in words and as the policy that it would make.

Proposals only: whoever asks plans with each of them and keeps the first that works. They come in the order of how little they open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from paddock.model import globs, paths
from paddock.model.decision import Decision
from paddock.model.hosts import Host
from paddock.model.policy import EnvironmentPolicy, FilesystemPolicy, HostRule, NetworkPolicy, Policy, ProgramRule
from paddock.model.programs import FROM_RULES, ONLY
from paddock.model.record import replace
from paddock.model.settings import Entry, Origin, Scope, Settings
from paddock.model.unprotect import PROTECTED
from paddock.planner.meaning import policy_from
from paddock.planner.view import View
from paddock.session.paste import PASTE_INTO
from paddock.session.prepare import Request, load_settings
from paddock.session.show import where

__all__ = ["Changes"]

# Entries that hide: an entry that re-opens is the smaller answer to them.
_READ_KEYS = ("sandbox.filesystem.denyRead", "sandbox.credentials.files")
# Keys whose waiting entries can turn an answer of each kind.
_FILES = ("sandbox.filesystem.", "permissions.", "paddock.filesystem.")
_HOSTS = ("sandbox.network.", "permissions.", "paddock.network.")
_VARIABLES = ("env", "paddock.environment.")


class Changes:
    """Proposals for one folder. ``hosts`` wait for trust in files of the project's tools; ``objections`` say why a usual proposal would not help."""

    def __init__(self, request: Request, settings: Settings, policy: Policy, view: View, hosts: Sequence[Entry] = ()) -> None:
        self.request = request
        self.settings = settings
        self.policy = policy
        self.view = view
        self.hosts = tuple(HostRule(str(entry.value), entry.origin) for entry in hosts)
        self.objections: dict[str, None] = {}

    def _trusted(self, sections: tuple[str, ...]) -> Iterator[tuple[str, Policy]]:
        """With the project's entries that wait, when one of them is about this."""
        if any(entry.origin.key.startswith(sections) for entry in self.settings.trust_needed):
            entries = len(self.settings.trust_needed)
            policy = policy_from(load_settings(replace(self.request, trust_project=True, loaded=None)))
            network = replace(policy.network, allowed=(*policy.network.allowed, *self.hosts))
            yield f"`paddock trust`: {entries} of this project's entries wait for it", replace(policy, network=network)

    def _added(self, key: str, value: str, option: str) -> Iterator[tuple[str, Policy]]:
        """With one more entry, which passes every lock that an entry of a file passes."""
        request = replace(self.request, options=(*self.request.options, (key, value, option or key)), loaded=None)
        also = f", or run with {option} {_word(value)}" if option else ""
        settings = load_settings(request)
        self.objections.update((f"an entry of your own would not count: {why}", None) for entry, why in settings.void if entry.origin.file == (option or key))
        yield f'add "{value}" to {key} in {PASTE_INTO} and run `paddock trust`{also}', policy_from(settings)

    def _removed(self, origin: Origin, without: Callable[[Policy], Policy], added: Iterator[tuple[str, Policy]]) -> Iterator[tuple[str, Policy]]:
        """Without the entry that decided, alone and with an entry that allows: somebody's own, never the administrator's and never the builtin one."""
        if origin.scope in (Scope.MANAGED, Scope.BUILTIN) or not origin.text:
            return  # without a text it is a list that lacks something
        text = f'remove "{origin.text}" from {origin.key} ({where(origin, self.settings.context)})'
        yield text, without(self.policy)
        for also, policy in added:
            yield f"{text}, and {also}", without(policy)

    def for_reading(self, path: str) -> Iterator[tuple[str, Policy]]:
        """To read what is at ``path``, which must be resolved."""
        yield from self._trusted(_FILES)
        if self._exists(path):
            yield from self._added("sandbox.filesystem.allowRead", self._written(path), "--allow-read")

    def for_starting(self, decision: Decision, name: str) -> Iterator[tuple[str, Policy]]:
        """To start a program that a rule denies, or that a list leaves out."""
        rule = decision.rule
        if rule is None or (rule.key != ONLY and not rule.key.startswith("permissions.")):
            return
        programs = self.policy.programs
        if rule.key == ONLY:
            added = replace(programs, only=(*(programs.only or ()), ProgramRule(name, rule)))
            yield f'add "{name}" to {ONLY}, in every file that has the list ({where(rule, self.settings.context)})', replace(self.policy, programs=added)
            return
        kept = tuple(other for other in programs.denied if other.origin != rule)
        yield from self._removed(rule, lambda policy: replace(policy, programs=replace(policy.programs, denied=kept)), iter(()))
        if rule.scope is not Scope.MANAGED:
            yield f"set {FROM_RULES} to false", replace(self.policy, programs=replace(programs, denied=()))

    def for_writing(self, path: str, decision: Decision) -> Iterator[tuple[str, Policy]]:
        """To write at ``path``, which must be resolved."""
        yield from self._trusted(_FILES)
        rule = decision.rule
        if rule is not None and rule.key == PROTECTED:
            yield from self._added("paddock.filesystem.unprotect", self._anchored(path), "--unprotect")
        if self._exists(path):
            yield from self._added("sandbox.filesystem.allowWrite", self._written(path), "--allow-write")
        if rule is not None and rule.key not in _READ_KEYS:
            added = self._added("sandbox.filesystem.allowWrite", self._written(path), "--allow-write") if self._exists(path) else iter(())
            yield from self._removed(rule, lambda policy: replace(policy, filesystem=_without(policy.filesystem, rule)), added)

    def _exists(self, path: str) -> bool:
        """Whether an entry about the path would do anything. When nothing is there, a wider folder would have to be named: that is for a person to decide."""
        if self.view.resolve(path).kind is not None:
            return True
        self.objections["an entry about a missing path gives nothing: make it outside first, then ask again"] = None
        return False

    def for_host(self, host: Host, port: int, decision: Decision) -> Iterator[tuple[str, Policy]]:
        """To reach a host."""
        yield from self._trusted(_HOSTS)
        from paddock.network.addresses import Kind, kind_of  # brings sockets, which only hosts need

        if host.is_address and kind_of(host) is Kind.METADATA:
            self.objections["this address hands out a machine's credentials: no entry is proposed for it"] = None
            return

        def added() -> Iterator[tuple[str, Policy]]:
            return self._added("sandbox.network.allowedDomains", host.at(port), "--allow-domain")

        yield from added()
        rule = decision.rule
        if rule is not None:
            yield from self._removed(rule, lambda policy: replace(policy, network=_undenied(policy.network, rule)), added())

    def for_variable(self, name: str, decision: Decision) -> Iterator[tuple[str, Policy]]:
        """To see a variable."""
        yield from self._trusted(_VARIABLES)
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


def _word(text: str) -> str:
    """A word for the shell."""
    from shlex import quote

    return quote(text) if not text.startswith("~/") else f"~/{quote(text[2:])}"
