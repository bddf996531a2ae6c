"""Policy, facts and a look at the host become one plan. Nothing is started or changed here; the same inputs give the same plan."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from paddock.errors import PolicyError
from paddock.host.facts import Facts
from paddock.host.files import Files
from paddock.model import paths
from paddock.model.guard import GuardRules
from paddock.model.plan import Access, Bind, Place, Plan, PrivateFile
from paddock.model.policy import HostRule, Limits, NetworkPolicy, PathRule, Policy
from paddock.model.programs import Startable
from paddock.model.record import replace
from paddock.model.settings import Context, Entry, Settings
from paddock.model.unprotect import Lifting
from paddock.planner import environment
from paddock.planner.enforce import cgroups_for, watched
from paddock.planner.gitconfig import general_files
from paddock.planner.guarding import guard_rules
from paddock.planner.layout import Ground, Layout, lay_out
from paddock.planner.preflight import preflight
from paddock.planner.preflight_script import FOLDER
from paddock.planner.presets.base import Given
from paddock.planner.presets.collect import Presets, collect
from paddock.planner.private_files import name_files
from paddock.planner.require import coarse, enforceable, require, unenforced
from paddock.planner.strays import Strays
from paddock.planner.toolchains import reopened
from paddock.planner.view import View

__all__ = ["Draft", "draft", "make_plan", "programs", "project_hosts"]

MIB = 1 << 20

# Room in the three memory-backed folders of a fence, in MiB. Small enough that fifty fences do not fill a laptop; ``paddock.limits.diskMb`` sets the first.
TMP_MIB = 90
SHM_MIB = 64
RUN_MIB = 16


class Draft(NamedTuple):
    """A plan with what it was made from: for whoever wants to know why it says what it says."""

    plan: Plan
    ground: Ground
    view: View
    layout: Layout
    presets: Presets


def make_plan(
    policy: Policy,
    settings: Settings,
    facts: Facts,
    files: Files,
    *,
    argv: Sequence[str],
    cwd: str,
    environ: Mapping[str, str],
    allow_home: bool = False,
) -> Plan:
    """One plan for one command. ``cwd`` is absolute; ``environ`` is the caller's environment.

    Raises ``PolicyError`` when the policy cannot be meant for this folder, ``UnsupportedError`` when this host cannot enforce it.
    """
    return draft(policy, settings, facts, files, argv=argv, cwd=cwd, environ=environ, allow_home=allow_home).plan


def draft(
    policy: Policy,
    settings: Settings,
    facts: Facts,
    files: Files,
    *,
    argv: Sequence[str],
    cwd: str,
    environ: Mapping[str, str],
    allow_home: bool = False,
) -> Draft:
    """``make_plan``, which keeps what it looked at."""
    backend = require(policy, settings, facts)
    view = View(files)
    ground = _ground(settings.context, view, cwd, environ, policy.filesystem.allow_write, allow_home=allow_home)
    layout = lay_out(policy.filesystem, ground, view)
    presets = _presets(policy, settings, ground, layout, view, environ, uid=facts.uid)
    covered = {file.path for file in presets.files}
    network = replace(policy.network, allowed=(*policy.network.allowed, *presets.hosts))
    doors = network.proxy_env
    limits = enforceable(policy.limits, facts)
    cgroups = cgroups_for(limits, facts)
    variables, removed, notices = environment.build(policy.environment, environ, home=ground.home, proxies=doors, extra=presets.environment)
    startable = programs(policy, layout, ground, view, variables, argv, presets.binds)
    # A private file stands in front of the host's: what it covers needs no mask, and touching it is no violation.
    places = tuple(place for place in layout.places() if place.path not in covered)
    lifting = Lifting(ground.project_root, policy.filesystem.unprotect_lock, policy.filesystem.read_only_by)
    guard = guard_rules(policy.filesystem, layout, places, view)
    own_git = _prepare_git(view, places, layout, lifting, variables, guard) if startable is None else ()
    plan = Plan(
        argv=tuple(argv),
        cwd=ground.cwd,
        home=ground.home,
        uid=facts.uid,
        gid=facts.gid,
        layout=places,
        private_files=(*name_files(view, facts.hostname), *presets.files, *own_git),
        binds=presets.binds,
        environment=variables,
        removed=removed,
        network=network,
        host_ports=_host_ports(network),
        doors=doors,
        limits=limits,
        tmp_bytes=_room(policy.limits),
        shm_bytes=SHM_MIB * MIB,
        run_bytes=RUN_MIB * MIB,
        uncovered=(*layout.uncovered, *unenforced(settings, facts)),
        notices=(*settings.notices, *layout.notices, *presets.notices, *notices, *coarse(settings, limits, cgroups)),
        backend=backend,
        digest="",
        guard=guard,
        lifting=lifting,
        cgroups=cgroups,
        watched=watched(limits, cgroups),
        startable=startable,
    )
    return Draft(_with_digest(plan), ground, view, layout, presets)


def programs(
    policy: Policy, layout: Layout, ground: Ground, view: View, variables: Mapping[str, str], argv: Sequence[str], binds: Sequence[Bind]
) -> Startable | None:
    """Hide the programs that rules name; gives the only ones that may be started, where they are listed."""
    if not policy.programs.denied and policy.programs.only is None:
        return None
    from paddock.planner.programs import Search, deny  # most settings name none

    search = Search(view, variables.get("PATH", ""), ground.cwd, ground.home)
    deny(policy.programs, layout, search, argv[0] if argv else "")
    if policy.programs.only is None:
        return None
    from paddock.planner.startable import startable

    found = startable(policy.programs, layout, search)
    # What stands in a cache of the command's own is not what the host has there.
    return replace(found, files=tuple(path for path in found.files if not any(paths.is_beneath(path, bind.target) for bind in binds)))


def _room(limits: Limits) -> int:
    """Bytes for temporary files. They are kept in memory, so a limit on memory bounds them too, whoever counts it."""
    wanted = limits.disk_mb or TMP_MIB
    return (wanted if limits.memory_mb is None else min(wanted, limits.memory_mb)) * MIB


def _prepare_git(
    view: View, places: Sequence[Place], layout: Layout, lifting: Lifting, variables: dict[str, str], guard: GuardRules
) -> tuple[PrivateFile, ...]:
    """What makes git at ease in here, in the environment and as files. The script is of no use where a shell or git may not be started."""
    if lifting.read_only is not None:
        variables.setdefault("GIT_OPTIONAL_LOCKS", "0")  # git(1): a look at the tree then does not try to write the index anew
    files = preflight(view, places, layout.searched.repositories, lifting, variables, guard)
    if files:
        variables["PATH"] = f"{FOLDER}:{variables['PATH']}"
    return files


def project_hosts(policy: Policy, settings: Settings, files: Files, *, cwd: str, environ: Mapping[str, str], allow_home: bool = False) -> tuple[Entry, ...]:
    """Hosts that files of the project name for the presets of the policy, each bound to its file's content. Raises ``PolicyError`` like ``make_plan``."""
    if not policy.tools:
        return ()
    view = View(files)
    ground = _ground(settings.context, view, cwd, environ, policy.filesystem.allow_write, allow_home=allow_home)
    layout = lay_out(policy.filesystem, ground, view)
    return _presets(policy, replace(settings, trusted_hosts=frozenset()), ground, layout, view, environ, uid=0).waiting


def _ground(context: Context, view: View, cwd: str, environ: Mapping[str, str], written: Sequence[PathRule], *, allow_home: bool) -> Ground:
    folder = view.resolve(paths.normalise(cwd))
    if folder.kind is None:
        raise PolicyError(f"the working folder {cwd} does not exist", hint="change to a folder that exists")
    home = view.resolve(paths.normalise(context.home)).path
    project_root = view.resolve(paths.normalise(context.project_root)).path
    return Ground(
        cwd=folder.path,
        home=home,
        project_root=project_root,
        own=_installation(),
        state=tuple(paths.normalise(folder) for folder in (context.paddock_config_home, context.state_home, context.cache_home)),
        reopened=reopened(view, home, environ, Strays(view, (folder.path, project_root), written)),
        allow_home=allow_home,
        git_configs=general_files(environ, home),
    )


def _presets(policy: Policy, settings: Settings, ground: Ground, layout: Layout, view: View, environ: Mapping[str, str], *, uid: int) -> Presets:
    trusted = settings.trusted_hosts
    config = environ.get("XDG_CONFIG_HOME", "")
    given = Given(
        view=view,
        home=ground.home,
        config_home=paths.normalise(config) if config.startswith("/") and "\0" not in config else paths.join(ground.home, ".config"),
        environ=environ,
        programs=tuple(paths.normalise(entry) for entry in environ.get("PATH", "").split(":") if entry.startswith("/") and "\0" not in entry),
        project_root=ground.project_root,
        writable=lambda path: layout.access(path) is Access.WRITE or _in_project(path, ground),
        hidden=lambda path: layout.access(path) is Access.HIDDEN,
        uid=uid,
        trusts=lambda entry: trusted is None or entry.origin.text in trusted,
        networked=bool(policy.network.allowed or policy.tools),
    )
    cache_home = paths.normalise(settings.context.cache_home)
    homeless = paths.is_beneath(cache_home, ground.home) and view.kind(ground.home) is None
    possible = view.can_make(cache_home) and not homeless  # a home that does not exist is not made
    presets = collect(given, policy.tools, project_root=ground.project_root, cache_home=cache_home, cache_possible=possible)
    for file in presets.files:
        layout.show_private(file.path, file.why)
    for link, why in presets.links:
        layout.show_link(link, why)
    return presets


def _installation() -> tuple[str, ...]:
    """Where this very program is: its package, what it imports from beside it and, when it has an environment of its own, that."""
    package = paths.ancestors(paths.normalise(__file__))[1]
    environments = {paths.normalise(prefix) for prefix in (sys.prefix, sys.base_prefix)} - {"/usr", "/usr/local"}
    return (package, *_libraries(), *sorted(environments))


def _libraries() -> Iterator[str]:
    """The folders of the packages that the gate imports. A program that uses the library may have them where its commands write: in an environment inside the
    project.
    """
    for name in ("h11", "dns"):
        spec = next((found for finder in sys.meta_path if (found := finder.find_spec(name, None)) is not None), None)
        if spec is not None and spec.origin is not None and spec.origin.startswith("/"):
            yield paths.ancestors(paths.normalise(spec.origin))[0]


def _in_project(path: str, ground: Ground) -> bool:
    """A read-only project is still the project. A working folder that holds the home (``--allow-home``) does not make the person's files a project's."""
    return paths.is_beneath(path, ground.project_root) and not paths.is_beneath(ground.home, ground.project_root)


def _host_ports(network: NetworkPolicy) -> tuple[int, ...]:
    """Loopback ports of the host that the policy lists: ``localhost:PORT`` and the loopback literals with a port."""
    return tuple(sorted({port for rule in network.allowed if (port := _loopback_port(rule)) is not None}))


def _loopback_port(rule: HostRule) -> int | None:
    host, _, port = rule.pattern.strip().rpartition(":")
    if host.lower().rstrip(".") not in ("localhost", "127.0.0.1", "[::1]") or not port.isdecimal():
        return None
    number = int(port)
    return number if 0 < number < 65536 else None


def _with_digest(plan: Plan) -> Plan:
    """The same plan with its name: SHA-256 over everything but the command."""
    from hashlib import sha256

    # repr() of these values is unambiguous (strings are quoted) and the same in every process; enums are written by value to stay the same across versions.
    parts = [repr((place.path, place.access.value, place.kind.value, place.skeleton, place.pin, str(place.why), place.reason)) for place in plan.layout]
    parts += [repr((file.path, file.content, file.mode)) for file in plan.private_files]
    parts += [repr((bind.source, bind.target)) for bind in plan.binds]
    parts += [repr(pair) for pair in sorted(plan.environment.items())]
    parts += [repr((gone.name, str(gone.why))) for gone in plan.removed]
    parts.append(repr((plan.cwd, plan.home, plan.uid, plan.gid, plan.host_ports, plan.doors, plan.backend, plan.tmp_bytes, plan.shm_bytes, plan.run_bytes)))
    # Where a cgroup is made changes from one session of a machine to the next; what it is made for does not.
    parts.append(repr((plan.network, plan.limits, [(cgroup.version, cgroup.controllers) for cgroup in plan.cgroups], plan.watched)))
    parts.append(repr(plan.startable))
    parts.append(_guard_text(plan.guard))
    return replace(plan, digest=sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest())


def _guard_text(rules: GuardRules) -> str:
    """Sets have no order of their own."""
    tables = (rules.anywhere, rules.prefixes, rules.nested, rules.kept, rules.settings_files, rules.own_folder)
    sets = (rules.lifted_names, rules.lifted_paths, rules.dependency_folders, rules.git_folders)
    denied, hidden = ([(item.path, str(item.why), item.is_glob, item.shown) for item in items] for items in (rules.denied, rules.hidden))
    return repr((rules.roots, denied, hidden, [sorted(items) for items in sets], tables))
