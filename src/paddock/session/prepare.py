"""From the words of a request to a plan: settings, their meaning, what this host can do. Nothing is started here."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from paddock.errors import UnsupportedError
from paddock.host.around import find as find_around
from paddock.host.facts import gather
from paddock.host.files import HostFiles
from paddock.model.around import PLACE, describe
from paddock.model.paths import is_beneath
from paddock.model.plan import Access, Plan, PrivateFile
from paddock.model.policy import Policy
from paddock.model.record import record, replace
from paddock.model.settings import Context, Notice, Origin, Scope, Settings
from paddock.permissions.rule import notices
from paddock.planner.enforce import wants_cgroup
from paddock.planner.meaning import policy_from
from paddock.planner.plan import Draft, draft
from paddock.session.planted import beginning
from paddock.settings.load import LoadRequest, load
from paddock.settings.support import refuse_unsupported
from paddock.settings.trust import digest_of
from paddock.settings.truststore import HOSTS, accepted_entries

if TYPE_CHECKING:
    from paddock.planner.nested import Narrowing
    from paddock.planner.planted import Before

__all__ = ["Prepared", "Request", "is_homeless", "load_settings", "make_own_folders", "managed_hosts_only", "prepare", "with_hosts"]

TOOLS = "paddock.network.tools"


@record
class Request:
    """What somebody asks for. ``cwd`` is absolute; ``settings`` are ``--settings`` values in order; ``options`` are (key, value, option name).

    ``sources`` is None for every scope, or the names given to ``--setting-sources``. ``given`` are (name, JSON text) of settings that a program hands over.
    ``closed``: of all files, only an administrator's may widen.
    ``loaded`` are settings that were read before: then no source is looked at again.
    ``passed`` are descriptors besides the standard streams that the command gets under their own numbers. ``tool_use`` is an agent's name for the call.
    """

    argv: tuple[str, ...]
    cwd: str
    environ: Mapping[str, str]
    settings: tuple[str, ...] = ()
    sources: tuple[str, ...] | None = None
    options: tuple[tuple[str, object, str], ...] = ()
    trust_project: bool = False
    allow_home: bool = False
    given: tuple[tuple[str, str], ...] = ()
    closed: bool = False
    loaded: Settings | None = None
    passed: tuple[int, ...] = ()
    tool_use: str = ""


@record
class Prepared:
    """The three stages of one request, kept because reports quote all of them; and what a look afterwards compares with, where a run follows.

    ``passed`` are descriptors for the command; ``tool_use`` is an agent's name for the call that the run is for.
    """

    settings: Settings
    policy: Policy
    plan: Plan
    before: Before | None = None
    began: tuple[int, int] = (0, 0)
    passed: tuple[int, ...] = ()
    narrowing: Narrowing | None = None
    tool_use: str = ""


def load_settings(request: Request) -> Settings:
    """Read and merge every source that counts. Raises ``SettingsError``."""
    if request.loaded is not None:
        return request.loaded
    settings = load(
        LoadRequest(
            cwd=request.cwd,
            environ=request.environ,
            sources=request.sources,
            settings=request.settings,
            options=request.options,
            trust_project=request.trust_project,
            given=request.given,
            closed=request.closed,
        )
    )
    if not settings.list(TOOLS) or managed_hosts_only(settings):
        return settings
    return replace(settings, trusted_hosts=None if request.trust_project else _accepted_hosts(settings))


def managed_hosts_only(settings: Settings) -> bool:
    """Whether an administrator has the last word about hosts: then what a project's files name cannot be accepted, and nobody is asked."""
    return settings.scalar("sandbox.network.allowManagedDomainsOnly") is True


def _accepted_hosts(settings: Settings) -> frozenset[str]:
    """Hosts that files of the project's tools name, as they were accepted."""
    return frozenset(text for _, text in accepted_entries(settings.context.state_home, settings.context.project_root, HOSTS))


def prepare(request: Request, *, make: bool = False) -> Prepared:
    """Make the plan. Raises ``SettingsError``, ``PolicyError`` or ``UnsupportedError``; nothing has happened then.

    ``make`` makes the folders of Paddock's own that are missing first: only what exists can be kept from the command.
    """
    began = beginning()
    settings = load_settings(request)
    around = find_around()
    if around is not None and settings.trust_needed and settings.trust_digest == around.accepted:
        settings = load_settings(replace(request, trust_project=True))  # what was accepted is hidden inside; the fence around knows that it was
    refuse_unsupported(settings)
    policy = policy_from(settings)
    facts = gather(cgroups=wants_cgroup(policy.limits))
    if around is not None:
        from paddock.planner.nested import counted  # few runs are inside another

        facts = counted(facts, around)

    def plan_now() -> Draft:
        return draft(policy, settings, facts, HostFiles(), argv=request.argv, cwd=request.cwd, environ=request.environ, allow_home=request.allow_home)

    present = _present(settings.context)
    made = plan_now()
    # Another run may have made them meanwhile: what matters is whether this plan knew of them.
    if make and around is None and (make_own_folders(settings.context, made.plan) or _present(settings.context) != present):
        made = plan_now()
    if make and made.layout.outputs:
        from paddock.session.outputs import make_outputs  # few projects are read-only

        if make_outputs(made.ground.project_root, made.layout.outputs):
            made = plan_now()
    accepted = "" if settings.trust_needed else settings.trust_digest
    settings = with_hosts(settings, made)
    plan = made.plan
    said = notices(settings)
    if settings.trust_needed:
        said = (*said, _trust_notice(settings))
    if said:
        plan = replace(plan, notices=(*plan.notices, *said))
    narrowing = None
    if around is None:
        # After the digest, which covers everything that this tells.
        plan = replace(plan, private_files=(*plan.private_files, _description(plan, settings, accepted)))
    else:
        from paddock.session.nested import judge

        narrowing, said = judge(plan, settings, around)
        plan = replace(plan, notices=(*plan.notices, *said))
    return Prepared(settings, policy, plan, _remember(made, request, began) if make else None, began, request.passed, narrowing, request.tool_use)


def _description(plan: Plan, settings: Settings, accepted: str) -> PrivateFile:
    """What a Paddock that is started inside has to know about the fence around it."""
    content = describe(plan, settings, accepted)
    return PrivateFile(PLACE, content, 0o444, Origin(Scope.BUILTIN, "builtin", text="the fence itself"))


def _remember(made: Draft, request: Request, began: tuple[int, int]) -> Before:
    from paddock.planner.planted import remember

    path = request.environ.get("PATH", "")
    return remember(made.view, HostFiles(), made.layout, cwd=made.plan.cwd, home=made.plan.home, path=path, since=began[0], configs=made.ground.git_configs)


def _present(context: Context) -> tuple[bool, ...]:
    return tuple(os.path.lexists(folder) for folder in (context.state_home, context.cache_home, context.paddock_config_home))


def is_homeless(folder: str, context: Context) -> bool:
    """Whether a folder lies below a home that does not exist (``/nonexistent`` of a system user): homes are not made."""
    return is_beneath(folder, context.home) and not os.path.isdir(context.home)


def make_own_folders(context: Context, plan: Plan) -> bool:
    """Make Paddock's own folders where a run makes them later, or where the command could. Returns whether there is a new one, which the plan does not hide."""
    made = False
    for folder in (context.state_home, context.cache_home, context.paddock_config_home):
        if os.path.lexists(folder) or is_homeless(folder, context) or (folder == context.paddock_config_home and not _writable(folder, plan)):
            continue
        from paddock.events.place import make_folder  # a first run only

        try:
            make_folder(folder)
        except OSError as error:
            # What its caller has no right to make, the command has none to make either. Anything else (a full disk) may be over while it runs.
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) or not _writable(folder, plan):
                continue
            raise UnsupportedError(f"{folder} cannot be made, so it could not be kept from the command", cause=error.strerror or str(error)) from error
        made = True
    return made


def _writable(path: str, plan: Plan) -> bool:
    above = [place for place in plan.layout if is_beneath(path, place.path)]
    return bool(above) and max(above, key=lambda place: len(place.path)).access is Access.WRITE


def with_hosts(settings: Settings, made: Draft) -> Settings:
    """The settings with what waits for trust in the files of the project's tools."""
    waiting, accepted = made.presets.waiting, made.presets.accepted
    if managed_hosts_only(settings) or not (waiting or accepted):
        return settings
    digest = settings.trust_digest or digest_of(settings.context.project_root, (*waiting, *accepted))
    return replace(settings, trust_needed=(*settings.trust_needed, *waiting), trust_digest=digest)


def _trust_notice(settings: Settings) -> Notice:
    count = len(settings.trust_needed)
    first = settings.trust_needed[0].origin
    where = os.path.relpath(first.file, settings.context.cwd)
    return Notice(
        f"{count} widening {'entry' if count == 1 else 'entries'} of this project ({where}:{first.line} …) do not count until `paddock trust` accepts them",
        first,
    )
