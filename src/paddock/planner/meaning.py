"""What the settings mean: merged entries become one policy. Pure: nothing of this host is asked.

Every rule keeps the origin of its entry, so that whatever is refused later can name file and line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from paddock.errors import InternalError
from paddock.model import paths
from paddock.model.policy import (
    EnvironmentPolicy,
    FilesystemPolicy,
    HostRule,
    Limits,
    NetworkPolicy,
    PathRule,
    Policy,
    ProgramPolicy,
    ProgramRule,
    VariableRule,
)
from paddock.model.programs import FROM_RULES, ONLY
from paddock.model.settings import Entry, Origin, Scope, Settings
from paddock.permissions.rule import feed
from paddock.settings.paths import resolve_entry

__all__ = ["policy_from"]

READ_ONLY = "read-only"


def policy_from(settings: Settings) -> Policy:
    """The policy of these settings."""
    fed = _Fed(settings)
    return Policy(
        filesystem=_filesystem(settings, fed),
        network=_network(settings, fed),
        environment=_environment(settings),
        limits=_limits(settings),
        tools=tuple((_text(entry), entry.origin) for entry in settings.list("paddock.network.tools")),
        backend=str(settings.scalar("paddock.backend", "auto")),
        programs=_programs(settings),
    )


class _Fed:
    """What permission rules add to the fence (spec 2.5): ``Edit`` and ``Read`` paths, ``WebFetch`` hosts."""

    def __init__(self, settings: Settings) -> None:
        self.paths: dict[str, list[PathRule]] = {"allowWrite": [], "denyWrite": [], "denyRead": []}
        self.hosts: dict[str, list[HostRule]] = {"allowedDomains": [], "deniedDomains": []}
        for name in ("allow", "deny"):
            for entry in settings.list(f"permissions.{name}"):
                self._add(name, entry, settings)

    def _add(self, name: str, entry: Entry, settings: Settings) -> None:
        for fed in feed(_text(entry), name, entry.origin, settings.context):
            if fed.target in self.paths:
                self.paths[fed.target].append(PathRule(fed.value, entry.origin, fed.is_glob))
            else:
                self.hosts[fed.target].append(HostRule(fed.value, entry.origin))


def _filesystem(settings: Settings, fed: _Fed) -> FilesystemPolicy:
    read_only = settings.scalar("paddock.filesystem.project") == READ_ONLY
    root = settings.context.project_root
    implied = () if read_only else (PathRule(root, Origin(Scope.BUILTIN, "builtin", key="sandbox.filesystem.allowWrite", text="the working folder")),)
    return FilesystemPolicy(
        deny_read=(*_paths(settings, "sandbox.filesystem.denyRead"), *fed.paths["denyRead"], *_credential_files(settings)),
        allow_read=tuple(_paths(settings, "sandbox.filesystem.allowRead")),
        allow_write=(
            *implied,
            *_paths(settings, "permissions.additionalDirectories"),
            *_paths(settings, "sandbox.filesystem.allowWrite"),
            *fed.paths["allowWrite"],
        ),
        deny_write=(*_paths(settings, "sandbox.filesystem.denyWrite"), *fed.paths["denyWrite"]),
        unprotect=tuple(_unprotect(settings)),
        project_read_only=read_only,
        reads_locked=settings.scalar("sandbox.filesystem.allowManagedReadPathsOnly") is True,
        read_only_by=settings.scalars["paddock.filesystem.project"].origin if read_only else None,
        unprotect_lock=_lock(settings, "paddock.filesystem.allowManagedUnprotectOnly"),
    )


def _paths(settings: Settings, key: str) -> Iterator[PathRule]:
    for entry in settings.list(key):
        yield resolve_entry(entry, settings.context)


def _credential_files(settings: Settings) -> Iterator[PathRule]:
    """Both modes hide the file: a mask that is not in force must not leave the secret readable."""
    for entry in settings.list("sandbox.credentials.files"):
        yield resolve_entry(entry, settings.context)


def _lock(settings: Settings, key: str) -> Origin | None:
    entry = settings.scalars.get(key)
    return entry.origin if entry is not None and entry.value is True else None


def _unprotect(settings: Settings) -> Iterator[PathRule]:
    """A bare name is lifted wherever it stands; an entry with a slash is one path, relative to the project whatever file it is in."""
    context = settings.context
    for entry in settings.list("paddock.filesystem.unprotect"):
        text = _text(entry).rstrip("/")
        if "/" not in text.removeprefix("./"):
            yield PathRule(f"{context.project_root.rstrip('/')}/**/{text.removeprefix('./')}", entry.origin, is_glob=True)
            continue
        yield resolve_entry(entry, context) if text.startswith(("/", "~")) else PathRule(paths.join(context.project_root, text), entry.origin)


def _network(settings: Settings, fed: _Fed) -> NetworkPolicy:
    return NetworkPolicy(
        allowed=(*_hosts(settings, "sandbox.network.allowedDomains"), *fed.hosts["allowedDomains"]),
        denied=(*_hosts(settings, "sandbox.network.deniedDomains"), *fed.hosts["deniedDomains"]),
        local_binding=settings.scalar("sandbox.network.allowLocalBinding", default=False) is True,
        publish=tuple(sorted({_integer(entry) for entry in settings.list("paddock.network.publish")})),
        proxy_env=settings.scalar("paddock.network.proxyEnv", default=False) is True,
        upstream_ca=tuple(rule.path for rule in _paths(settings, "paddock.network.upstreamCa")),
        dns_names=tuple(_hosts(settings, "paddock.network.dns")),
    )


def _hosts(settings: Settings, key: str) -> Iterator[HostRule]:
    return (HostRule(_text(entry), entry.origin) for entry in settings.list(key))


def _environment(settings: Settings) -> EnvironmentPolicy:
    winners: dict[str, tuple[str, str, Origin]] = {}
    for key in ("env", "paddock.environment.set"):
        for name, entry in settings.map(key).items():
            winners[name] = (name, _text(entry), entry.origin)
    return EnvironmentPolicy(
        keep=tuple(_variables(settings.list("paddock.environment.keep"))),
        remove=tuple(_variables(settings.list("paddock.environment.remove"))),
        deny=tuple(VariableRule(str(_member(entry, "name")), entry.origin) for entry in settings.list("sandbox.credentials.envVars")),
        set=tuple(winners.values()),
    )


def _variables(entries: Iterable[Entry]) -> Iterator[VariableRule]:
    return (VariableRule(_text(entry), entry.origin) for entry in entries)


def _limits(settings: Settings) -> Limits:
    def whole(name: str) -> int | None:
        value = settings.scalar(f"paddock.limits.{name}")
        return value if isinstance(value, int) else None

    timeout = settings.scalar("paddock.limits.timeoutSeconds")
    return Limits(
        memory_mb=whole("memoryMb"),
        disk_mb=whole("diskMb"),
        processes=whole("processes"),
        cpu_seconds=whole("cpuSeconds"),
        timeout_seconds=float(timeout) if isinstance(timeout, (int, float)) else None,
        open_files=whole("openFiles"),
    )


def _programs(settings: Settings) -> ProgramPolicy:
    denied = tuple(_denied_programs(settings)) if settings.scalar(FROM_RULES, default=True) is True else ()
    if ONLY not in settings.lists:
        return ProgramPolicy(denied)
    entries = settings.list(ONLY)
    first = next(iter((*entries, *settings.beaten.get(ONLY, ()))), None)  # of scopes that have nothing in common every entry has lost
    by = Origin(first.origin.scope, first.origin.file, first.origin.line, first.origin.column, ONLY) if first else Origin(Scope.BUILTIN, "builtin", key=ONLY)
    return ProgramPolicy(denied, tuple(ProgramRule(_text(entry), entry.origin) for entry in entries), by)


def _denied_programs(settings: Settings) -> Iterator[ProgramRule]:
    """Deny rules of every scope; an allow rule takes nothing back."""
    rules = [entry for entry in settings.list("permissions.deny") if _text(entry).startswith("Bash")]
    if not rules:
        return
    from paddock.permissions.programs import program_named  # many settings deny no command

    for entry in rules:
        if name := program_named(_text(entry)):
            yield ProgramRule(name, entry.origin)


def _text(entry: Entry) -> str:
    if not isinstance(entry.value, str):
        raise InternalError(f"{entry.origin}: {entry.origin.key} passed validation without being a string")
    return entry.value


def _integer(entry: Entry) -> int:
    if not isinstance(entry.value, int):
        raise InternalError(f"{entry.origin}: {entry.origin.key} passed validation without being a number")
    return entry.value


def _member(entry: Entry, name: str) -> object:
    if not isinstance(entry.value, dict) or name not in entry.value:
        raise InternalError(f"{entry.origin}: {entry.origin.key} passed validation without {name!r}")
    return entry.value[name]
