"""What the settings files say, merged, with the place each value came from.

Keys are written with dots, as people say them: ``sandbox.filesystem.denyRead``. A list key holds the union over the scopes that count; a scalar key holds the
winner; a map key (``env``, ``paddock.environment.set``) holds one winner per name. See spec section 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from paddock.model.record import field, record

__all__ = ["SCOPES", "Context", "Entry", "Notice", "Origin", "Scope", "Settings", "Source"]


class Scope(str, Enum):
    """Where a value came from, strongest first."""

    MANAGED = "managed"
    CLI = "cli"
    LOCAL = "local"
    PROJECT = "project"
    USER = "user"
    BUILTIN = "builtin"


SCOPES: tuple[Scope, ...] = tuple(Scope)


@record
class Origin:
    """A place in a settings source. ``file`` is a path, ``--option`` for a single option, or ``builtin``; ``line`` 0 means that there are no lines.

    ``key`` is the dotted key (``permissions.deny``) and ``text`` the entry as it was written, so that a report can quote it.
    """

    scope: Scope
    file: str
    line: int = 0
    column: int = 0
    key: str = ""
    text: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.scope.value} {place}" if self.file != self.scope.value else place


@record
class Entry:
    """One value with its place. ``value`` is plain JSON: str, int, float, bool, None, list or dict."""

    value: object
    origin: Origin


@record
class Notice:
    """Something a person should hear once. ``origin`` is None when it concerns no single entry. ``level`` is ``info`` or ``warning``."""

    text: str
    origin: Origin | None = None
    level: str = "warning"


@record
class Source:
    """One file (or option) that was read or looked for. ``state`` is ``read``, ``absent``, ``ignored`` or ``untrusted``."""

    scope: Scope
    file: str
    state: str
    detail: str = ""


@record
class Context:
    """The places that relative entries refer to, all absolute and resolved. See spec 3.1 and 3.2.

    ``project_root`` holds the ``.claude`` or ``.paddock`` folder (the start directory), ``git_root`` the main checkout's root or ``""`` outside git,
    ``config_home`` is ``~/.claude`` or ``$CLAUDE_CONFIG_DIR`` (the base for entries of the user's Claude file), ``paddock_config_home`` is
    ``$XDG_CONFIG_HOME/paddock``.
    """

    cwd: str
    project_root: str
    git_root: str
    home: str
    config_home: str
    paddock_config_home: str
    state_home: str
    cache_home: str


@record
class Settings:
    """The merged result. ``void`` lists entries that were read and do not count, each with the reason (untrusted project, managed lock, wrong scope).

    ``beaten`` holds what lost to a winner, strongest first: by the key of a scalar, by ``key.name`` for a member of a map key, by the key of a list that the
    administrator's list replaces. Entries in ``void`` are not repeated there.

    ``trusted_hosts`` are the hosts that files of tools in the project name and somebody accepted, each as text with its file's digest; None accepts every one.
    """

    context: Context
    lists: Mapping[str, tuple[Entry, ...]]
    scalars: Mapping[str, Entry]
    maps: Mapping[str, Mapping[str, Entry]]
    void: tuple[tuple[Entry, str], ...]
    notices: tuple[Notice, ...]
    sources: tuple[Source, ...]
    trust_needed: tuple[Entry, ...] = ()
    trust_digest: str = ""
    beaten: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    trusted_hosts: frozenset[str] | None = frozenset()

    def list(self, key: str) -> tuple[Entry, ...]:
        """Entries of a list key, strongest scope first; empty when nobody sets it."""
        return self.lists.get(key, ())

    def scalar(self, key: str, default: object = None) -> object:
        """The winning value of a scalar key, or ``default``."""
        entry = self.scalars.get(key)
        return default if entry is None else entry.value

    def map(self, key: str) -> Mapping[str, Entry]:
        """The winners of a map key by name; empty when nobody sets it."""
        return self.maps.get(key, {})
