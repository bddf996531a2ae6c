"""What the settings mean, before anybody looked at this host: pure data, every rule with the place it came from."""

from __future__ import annotations

from paddock.model.record import record
from paddock.model.settings import Origin

__all__ = ["EnvironmentPolicy", "FilesystemPolicy", "HostRule", "Limits", "NetworkPolicy", "PathRule", "Policy", "ProgramPolicy", "ProgramRule", "VariableRule"]


@record
class PathRule:
    """An absolute path or an absolute glob (``is_glob``), as meant; not yet resolved on this host."""

    path: str
    origin: Origin
    is_glob: bool = False


@record
class FilesystemPolicy:
    """Reads: open unless denied, most specific rule wins, allow wins a tie. Writes: closed unless allowed, deny always wins. Spec 2.2 and 3.1.

    ``allow_write`` includes the working folder unless ``project_read_only`` (``read_only_by`` is the entry). ``reads_locked``: only managed rules
    re-open reading, by whichever key.
    ``unprotect`` holds protected names that the team lifts; ``unprotect_lock`` is the administrator's entry that leaves lifting to managed settings.
    """

    deny_read: tuple[PathRule, ...]
    allow_read: tuple[PathRule, ...]
    allow_write: tuple[PathRule, ...]
    deny_write: tuple[PathRule, ...]
    unprotect: tuple[PathRule, ...] = ()
    project_read_only: bool = False
    reads_locked: bool = False
    unprotect_lock: Origin | None = None
    read_only_by: Origin | None = None


@record
class HostRule:
    """One entry of a domain list: the pattern as it was written (canonicalised by ``model.hosts``) and where."""

    pattern: str
    origin: Origin


@record
class NetworkPolicy:
    """``allowed`` and ``denied`` are the effective lists (domain lists plus WebFetch rules plus presets); deny wins. Everything else is refused.

    ``publish`` are inside TCP ports exposed on the host's loopback; ``local_binding`` exposes every port that the command listens on. ``dns_names`` are names
    whose SRV or TXT records may really be asked. ``upstream_ca`` are PEM files trusted in addition by what Paddock itself dials.
    """

    allowed: tuple[HostRule, ...] = ()
    denied: tuple[HostRule, ...] = ()
    local_binding: bool = False
    publish: tuple[int, ...] = ()
    proxy_env: bool = False
    upstream_ca: tuple[str, ...] = ()
    dns_names: tuple[HostRule, ...] = ()


@record
class VariableRule:
    """``name`` may hold ``*`` (any run of characters), compared case-insensitively for removal rules."""

    name: str
    origin: Origin


@record
class EnvironmentPolicy:
    """Order: the caller's variables, less ``remove`` unless ``keep`` names one exactly, less ``deny`` whatever ``keep`` says, and then ``set``.

    ``deny`` comes from ``sandbox.credentials.envVars``; ``set`` from ``env`` and ``paddock.environment.set``.
    """

    keep: tuple[VariableRule, ...] = ()
    remove: tuple[VariableRule, ...] = ()
    deny: tuple[VariableRule, ...] = ()
    set: tuple[tuple[str, str, Origin], ...] = ()


@record
class Limits:
    """None means no limit was asked for. Memory and disk in MiB, times in seconds."""

    memory_mb: int | None = None
    disk_mb: int | None = None
    processes: int | None = None
    cpu_seconds: int | None = None
    timeout_seconds: float | None = None
    open_files: int | None = None


@record
class ProgramRule:
    """A program: a name that is looked up on the PATH, or an absolute path."""

    name: str
    origin: Origin


@record
class ProgramPolicy:
    """``denied`` are programs that deny rules name. ``only`` are all that may be started, None where every program may; ``only_by`` is where that was said."""

    denied: tuple[ProgramRule, ...] = ()
    only: tuple[ProgramRule, ...] | None = None
    only_by: Origin | None = None


@record
class Policy:
    """The whole meaning. ``tools`` are the presets asked for by name; ``backend`` is ``auto`` or a backend's name."""

    filesystem: FilesystemPolicy
    network: NetworkPolicy
    environment: EnvironmentPolicy
    limits: Limits
    tools: tuple[tuple[str, Origin], ...] = ()
    backend: str = "auto"
    programs: ProgramPolicy = ProgramPolicy()
