"""What a run may do, as a value: read once, never changed, used as often as one likes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from paddock.errors import Problem, SettingsError, UsageError
from paddock.library import workspace
from paddock.model.decision import Decision
from paddock.model.record import record, replace
from paddock.model.settings import Settings
from paddock.model.text import escape
from paddock.session.prepare import Request, load_settings
from paddock.session.profiles import profile_for_a_run

__all__ = ["Bound", "Explanation", "Policy", "Verdict"]

_ARGUMENT = "Policy.from_settings()"
_READ_ONLY = ("Policy.profile()", json.dumps({"paddock": {"filesystem": {"project": "read-only"}}}))


@record
class Verdict:
    """One answer: ``decision`` is ``allow``, ``ask`` or ``deny``; ``rule`` the entry that decided as it was written, ``file`` and ``line`` its place (0: none).

    ``remedy`` is the smallest change that would allow it, tried before it is named; empty when there is none.
    """

    decision: str
    reason: str
    rule: str = ""
    file: str = ""
    line: int = 0
    remedy: str = ""

    @property
    def allowed(self) -> bool:
        """True only for ``allow``."""
        return self.decision == "allow"


@record
class Explanation:
    """The answer to one question. ``kind`` is ``path``, ``host``, ``env`` or ``command``; ``subject`` is what the question was taken for.

    ``verdicts`` are named by what is done: ``read`` and ``write`` for a path, ``reach`` for a host, ``see`` for a variable, ``start`` for a command.
    """

    asked: str
    kind: str
    subject: str
    verdicts: Mapping[str, Verdict]
    notes: tuple[str, ...] = ()

    def __getitem__(self, act: str) -> Verdict:
        return self.verdicts[act]

    def __str__(self) -> str:
        lines = [f"{escape(self.subject)} ({self.kind})"]
        for act, verdict in self.verdicts.items():
            place = f" [{escape(verdict.file)}:{verdict.line}]" if verdict.line else f" [{escape(verdict.file)}]" if verdict.file else ""
            lines.append(f"  {act}: {verdict.decision}: {escape(verdict.reason)}{place}" + (f"; allow: {escape(verdict.remedy)}" if verdict.remedy else ""))
        return "\n".join([*lines, *(f"  note: {escape(note)}" for note in self.notes)])


@record
class Bound:
    """A policy for one run in one folder. ``given`` are the settings that were handed over, as ``Request`` has them; ``private`` is a
    folder that was made for it, or empty.
    """

    settings: Settings
    cwd: str
    allow_home: bool
    given: tuple[tuple[str, str], ...]
    private: str = ""


class Policy:
    """What commands may read, write, reach and know. Made by ``load``, ``from_settings`` or ``profile``; immutable, and usable from any thread.

    >>> import paddock
    >>> policy = paddock.Policy.from_settings({"sandbox": {"network": {"allowedDomains": ["files.example.net"]}}})
    >>> policy.explain("files.example.net")["reach"].allowed
    True
    >>> policy.explain("elsewhere.example.net")["reach"].allowed
    False
    """

    __slots__ = ("_allow_home", "_environ", "_folder", "_given", "_label", "_settings", "_trust_project", "_workspace")

    _label: str
    _given: tuple[tuple[str, str], ...]
    _environ: Mapping[str, str]
    _folder: str
    _settings: Settings | None
    _trust_project: bool
    _allow_home: bool
    _workspace: bool

    def __init__(self) -> None:
        raise TypeError("a policy is made by Policy.load(), Policy.from_settings() or Policy.profile()")

    @classmethod
    def load(cls, cwd: str | os.PathLike[str] | None = None, *, trust_project: bool = False, allow_home: bool = False) -> Policy:
        """The policy of a folder, from every settings file that counts there, as ``paddock run`` reads them. The files are read now, and not again.

        Entries of the project's own files that widen something count only after ``paddock trust`` accepted them, or with ``trust_project``. ``cwd`` is the
        process's working folder by default; ``allow_home`` lets it be the home folder, ``/`` or a folder above home.

        Raises ``SettingsError`` with every problem of every file, ``UsageError`` for a folder that cannot be used.
        """
        folder = os.path.abspath(os.fspath(cwd) if cwd is not None else os.getcwd())
        return cls._make(f"Policy.load({folder!r})", folder=folder, trust_project=trust_project, allow_home=allow_home)

    @classmethod
    def from_settings(cls, settings: Mapping[str, object], *, allow_home: bool = False) -> Policy:
        """A policy from settings as they stand in a file, checked in the same way; what they do not say is as without any file. No file but the
        administrator's is read.

        Relative paths mean the folder of the run, which is also the one folder that commands may write to, unless the settings say otherwise.

        >>> import paddock
        >>> paddock.Policy.from_settings({"sandbox": {"network": {"allowedDomain": []}}})
        Traceback (most recent call last):
        ...
        paddock.errors.SettingsError: Policy.from_settings(): unknown setting sandbox.network.allowedDomain (did you mean sandbox.network.allowedDomains?)

        Raises ``SettingsError``; its ``problems`` name the key of everything that is wrong.
        """
        return cls._make("Policy.from_settings(…)", given=((_ARGUMENT, _text(settings)),), allow_home=allow_home)

    @classmethod
    def profile(cls, name: str) -> Policy:
        """A policy that comes with Paddock. ``"untrusted"`` is for code that nobody has looked at: no network, nothing of the caller's files or environment,
        limits, and an empty private folder for each run, which is gone afterwards. A run that names a working folder may read it and write nowhere.

        The others are for projects of one language, and for use with ``with_settings``.

        Raises ``UsageError`` for an unknown name.
        """
        found = profile_for_a_run(name)
        return cls._make(f"Policy.profile({name!r})", given=((f"Policy.profile({name!r})", json.dumps(dict(found.settings))),), workspace=found.workspace)

    def with_settings(self, settings: Mapping[str, object]) -> Policy:
        """This policy and ``settings`` together: lists are joined, single values replaced, as by ``paddock run --settings``. Files are read again.

        >>> import paddock
        >>> offline = paddock.Policy.profile("untrusted")
        >>> offline.with_settings({"sandbox": {"network": {"allowedDomains": ["files.example.net"]}}}).explain("files.example.net")["reach"].allowed
        False
        """
        return self._make(
            f"{self._label}.with_settings(…)",
            given=(*self._given, (_ARGUMENT, _text(settings))),
            folder=self._folder,
            trust_project=self._trust_project,
            allow_home=self._allow_home,
            workspace=self._workspace,
            environ=self._environ,
        )

    def explain(self, what: str, *, kind: str = "", cwd: str | os.PathLike[str] | None = None) -> Explanation:
        """May this path be read and written, this host be reached, this variable be seen, this command be started; by which rule; what would change it.

        The answer comes from the plan that a run would carry out, as ``paddock policy explain`` gives it. ``kind`` says what ``what`` is (``path``, ``host``,
        ``env`` or ``command``); left out, it is guessed. ``cwd`` is the folder of the run.

        >>> import paddock
        >>> answer = paddock.Policy.from_settings({"sandbox": {"filesystem": {"denyRead": ["/usr/share"]}}}).explain("/usr/share")
        >>> answer["read"].allowed, answer["read"].rule
        (False, 'sandbox.filesystem.denyRead "/usr/share"')
        """
        from paddock.session.explain import KINDS, Explainer

        if kind and kind not in KINDS:
            raise UsageError(f"{kind!r} is not a kind of question", hint="known: " + ", ".join(KINDS))
        with self.bound(cwd) as bound:
            request = Request(
                ("true",),
                bound.cwd,
                self._environ,
                sources=self._sources,
                trust_project=self._trust_project,
                allow_home=bound.allow_home,
                given=bound.given,
                loaded=bound.settings,
            )
            answer = Explainer(request).ask(what, kind)
        return Explanation(answer.asked, answer.kind, answer.subject, {act: _verdict(decision) for act, decision in answer.decisions}, answer.notes)

    @contextmanager
    def bound(self, cwd: str | os.PathLike[str] | None) -> Iterator[Bound]:
        """This policy for one run in ``cwd``; what was made for it is gone at the end."""
        folder = os.path.abspath(os.fspath(cwd)) if cwd is not None else ""
        if self._settings is not None:
            yield Bound(self._settings, folder or self._folder, self._allow_home, self._given)
        elif not self._workspace or folder:
            given = (*self._given, _READ_ONLY) if self._workspace else self._given
            yield self._bound(folder or os.getcwd(), given)
        else:
            private = workspace.make()
            try:
                yield replace(self._bound(private, self._given), private=private)
            finally:
                workspace.remove(private)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a policy does not change: with_settings() makes another one")

    def __repr__(self) -> str:
        return f"<paddock.{self._label}>"

    @classmethod
    def _make(
        cls,
        label: str,
        *,
        given: tuple[tuple[str, str], ...] = (),
        folder: str = "",
        trust_project: bool = False,
        allow_home: bool = False,
        workspace: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> Policy:
        """The environment is copied: it says where home and configuration are, and a policy stays what it was.

        Settings that belong to no folder yet are loaded all the same: what is wrong with them is said here and not at the first run.
        """
        environ = dict(os.environ) if environ is None else environ
        sources = None if folder else ()
        settings = load_settings(Request((), folder or "/", environ, sources=sources, trust_project=trust_project, given=given))
        policy = object.__new__(cls)
        values = {
            "_label": label,
            "_given": given,
            "_environ": environ,
            "_folder": folder,
            "_settings": settings if folder else None,
            "_trust_project": trust_project,
            "_allow_home": allow_home,
            "_workspace": workspace,
        }
        for name, value in values.items():
            object.__setattr__(policy, name, value)
        return policy

    @property
    def _sources(self) -> tuple[str, ...] | None:
        """The scopes that count: every one for the policy of a folder, none but the administrator's otherwise."""
        return None if self._folder else ()

    def _bound(self, folder: str, given: tuple[tuple[str, str], ...]) -> Bound:
        settings = load_settings(Request((), folder, self._environ, sources=(), given=given))
        return Bound(settings, folder, self._allow_home, given)


def _verdict(decision: Decision) -> Verdict:
    rule = decision.rule
    if rule is None:
        return Verdict(decision.verdict, decision.reason, remedy=decision.remedy)
    text = " ".join(part for part in (rule.key, f'"{rule.text}"' if rule.text else "") if part)
    return Verdict(decision.verdict, decision.reason, text, rule.file, rule.line, decision.remedy)


def _text(settings: Mapping[str, object]) -> str:
    """The settings as a file would hold them. Raises ``SettingsError`` for values that no file could hold."""
    problems: list[Problem] = []
    value = _plain(settings, "", problems)
    if not isinstance(value, dict):
        raise SettingsError([Problem(_ARGUMENT, 0, 0, "settings are a dict, as json.load() gives it", f"this is a {type(settings).__name__}")])
    if problems:
        raise SettingsError(problems)
    return json.dumps(value)


def _plain(value: object, key: str, problems: list[Problem]) -> object:
    if isinstance(value, Mapping):
        problems += [Problem(_ARGUMENT, 0, 0, f"{key or 'settings'}: the name {name!r} is not a string") for name in value if not isinstance(name, str)]
        return {str(name): _plain(inner, f"{key}.{name}".lstrip("."), problems) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, f"{key}[{number}]", problems) for number, inner in enumerate(value)]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if value is None or isinstance(value, (str, bool, int)) or (isinstance(value, float) and value - value == 0.0):
        return value
    problems.append(Problem(_ARGUMENT, 0, 0, f"{key}: {value!r} is not a value of JSON", "use str, int, float, bool, None, list or dict"))
    return None
