"""``paddock status``: is a command in this folder fenced, how strongly, by whose policy, and who could change that."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from paddock import __version__
from paddock.errors import PaddockError
from paddock.host.facts import gather
from paddock.host.writers import Writers, group_members, user_name, writers_of
from paddock.model.record import record, replace
from paddock.model.settings import Context, Entry, Scope, Settings
from paddock.session.installation import hook_files, program_places, program_trees
from paddock.session.launch_report import Launch, try_launch
from paddock.session.prepare import Request, load_settings, prepare
from paddock.settings.places import context_for

__all__ = ["STATUS_SCHEMA", "Status", "Subject", "look", "to_document"]

STATUS_SCHEMA = 1
"""Grows when a field changes its meaning or goes; new fields may come at any time."""


@record
class Subject:
    """One thing that somebody could change, and who. ``counts`` says whether another user among them makes the fence unsound."""

    name: str
    places: tuple[str, ...]
    writers: Writers
    counts: bool = True

    @property
    def mine(self) -> str:
        """The place through which this user can change it, empty when there is none."""
        uid = os.geteuid()
        group = next((path for gid, path in self.writers.groups.items() if uid in group_members(gid)), "")
        return self.writers.users.get(uid, "") or group or self.writers.everyone

    def others(self) -> tuple[str, ...]:
        """Everybody besides root and this user, in words."""
        known = {0, os.geteuid()}
        found = [f"{_user(uid)} through {path}" for uid, path in self.writers.users.items() if uid not in known]
        found += [f"group {_group(gid)} through {path}" for gid, path in self.writers.groups.items() if group_members(gid) - known]
        return (*found, *((f"everyone through {self.writers.everyone}",) if self.writers.everyone else ()))


@record
class Status:
    """``trouble`` is why there is no policy or no plan, empty when there is. ``settings`` and ``launch`` are None then."""

    context: Context
    trouble: str
    settings: Settings | None
    launch: Launch | None
    backend: str
    trust: str
    subjects: tuple[Subject, ...]
    versions: Mapping[str, str]

    @property
    def fenced(self) -> bool:
        """Whether a command ran in a real fence just now, with every needed layer."""
        return self.launch is not None and self.launch.fenced

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why this is not sound; empty when it is."""
        out = [self.trouble] if self.trouble else []
        if self.launch is not None:
            out += [self.launch.failure] if self.launch.failure else []
            out += [f"{name}: {layer.detail or 'not active'}" for name, layer in self.launch.layers.items() if not layer.active]
        out += [f"{subject.name} can be changed by {who}" for subject in self.subjects if subject.counts for who in subject.others()]
        return tuple(out)

    @property
    def binding(self) -> bool:
        """Whether an administrator's policy is in force that this user cannot get around: neither it nor the program is theirs to change."""
        managed = any(source.scope is Scope.MANAGED and source.state == "read" for source in (self.settings.sources if self.settings else ()))
        return managed and not any(subject.mine for subject in self.subjects if subject.name in ("managed policy", "program"))

    @property
    def sound(self) -> bool:
        """Fenced with every layer, and nobody but root and this user could change policy or program."""
        return self.fenced and not self.reasons


def look(request: Request) -> Status:
    """Look once, with one real launch. Must be called from a process with a single thread."""
    context = context_for(request.cwd, request.environ)
    settings: Settings | None = None
    launch: Launch | None = None
    trouble = backend = ""
    try:
        settings = load_settings(request)
        prepared = prepare(replace(request, argv=("true",)))
        settings = prepared.settings
        backend = prepared.plan.backend
        launch = try_launch(prepared.plan)
    except PaddockError as error:
        trouble = str(error)
    return Status(
        context=context,
        trouble=trouble,
        settings=settings,
        launch=launch,
        backend=backend,
        trust=_trust(settings),
        subjects=tuple(_subjects(settings, context, request.environ)),
        versions=_versions(),
    )


def _trust(settings: Settings | None) -> str:
    """``nothing`` to trust, ``waiting``, ``accepted``, or ``unknown`` when the settings cannot be read."""
    if settings is None:
        return "unknown"
    if settings.trust_needed:
        return "waiting"
    return "accepted" if settings.trust_digest else "nothing"


def _subjects(settings: Settings | None, context: Context, environ: Mapping[str, str]) -> list[Subject]:
    files: dict[Scope, list[str]] = {}
    for source in settings.sources if settings else ():
        if source.file.startswith("/"):
            files.setdefault(source.scope, []).append(source.file)
    managed, user = tuple(files.get(Scope.MANAGED, ())), tuple(files.get(Scope.USER, ()))
    project = tuple(file for scope in (Scope.PROJECT, Scope.LOCAL) for file in files.get(scope, ()) if os.path.exists(file))
    hooks = hook_files(_hooks(settings), context, environ)
    places, trees = program_places(), program_trees()
    return [
        Subject("managed policy", managed, writers_of(managed)),
        Subject("user policy", user, writers_of(user)),
        Subject("project policy", project, writers_of(project), counts=False),
        Subject("program", (*places, *trees), writers_of(places, trees)),
        Subject("hooks", hooks, writers_of(hooks)),
    ]


def _hooks(settings: Settings | None) -> list[Entry]:
    return [entry for key, entries in settings.lists.items() if key.startswith("hooks.") for entry in entries] if settings else []


def _versions() -> dict[str, str]:
    name = os.uname()
    return {
        "paddock": __version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "kernel": name.release,
        "machine": name.machine,
        "landlock_abi": str(gather().landlock_abi),
    }


def _user(uid: int) -> str:
    name = user_name(uid)
    return f"user {uid}" + (f" ({name})" if name else "")


def _group(gid: int) -> str:
    import grp

    try:
        return f"{gid} ({grp.getgrgid(gid).gr_name})"
    except KeyError:
        return str(gid)


def to_document(status: Status) -> dict[str, object]:
    """The status for programs, schema ``STATUS_SCHEMA``."""
    launch = status.launch
    sources = status.settings.sources if status.settings else ()
    managed = [{"file": s.file, "state": s.state, "detail": s.detail} for s in sources if s.scope is Scope.MANAGED]
    waiting = status.settings.trust_needed if status.settings else ()
    return {
        "schema": STATUS_SCHEMA,
        "fenced": status.fenced,
        "sound": status.sound,
        "reasons": list(status.reasons),
        "folder": status.context.cwd,
        "user": os.geteuid(),
        "backend": {
            "name": status.backend,
            "strength": launch.strength if launch else "none",
            "layers": {name: {"active": layer.active, "detail": layer.detail} for name, layer in launch.layers.items()} if launch else {},
            "notices": list(launch.notices) if launch else [],
            "failure": launch.failure if launch else "",
        },
        "managed": {"binding": status.binding, "selected": [s["file"] for s in managed if s["state"] == "read"], "sources": managed},
        "trust": {"state": status.trust, "project": status.context.project_root, "waiting": len(waiting)},
        "writers": [_subject(subject) for subject in status.subjects],
        "versions": dict(status.versions),
    }


def _subject(subject: Subject) -> dict[str, object]:
    writers = subject.writers
    return {
        "subject": subject.name,
        "places": list(subject.places),
        "users": [{"uid": uid, "name": user_name(uid), "through": path} for uid, path in sorted(writers.users.items()) if uid != 0],
        "groups": [{"gid": gid, "members": sorted(group_members(gid)), "through": path} for gid, path in sorted(writers.groups.items())],
        "everyone": writers.everyone,
        "mine": subject.mine,
        "others": list(subject.others()),
        "counts": subject.counts,
    }
