"""The whole plan: what it holds, what it refuses, that it is the same twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paddock.errors import PaddockError, PolicyError, UnsupportedError
from paddock.host.facts import Facts
from paddock.model.cgroups import Cgroup
from paddock.model.plan import Access, Plan
from paddock.model.policy import HostRule, Limits, NetworkPolicy, Policy
from paddock.model.record import replace
from paddock.model.settings import Entry, Origin, Scope, Settings
from paddock.planner.plan import make_plan
from tests.planner.fakes import APP, BUILTIN, CONTEXT, FACTS, HOME, SETTINGS, Link, Tree, by_path, filesystem, policy, tree

ETC: dict[str, str | bytes | Link | None] = {"/etc/resolv.conf": "nameserver 9.9.9.9\nsearch corp\n", "/etc/hosts": "10.0.0.1 db\n"}


def plan(
    wanted: Policy | None = None,
    files: Tree | None = None,
    *,
    facts: Facts = FACTS,
    settings: Settings = SETTINGS,
    environ: dict[str, str] | None = None,
    argv: tuple[str, ...] = ("true",),
    cwd: str = APP,
) -> Plan:
    return make_plan(wanted or policy(), settings, facts, files or tree(ETC), argv=argv, cwd=cwd, environ=environ or {"PATH": "/usr/bin"})


def test_a_plain_plan() -> None:
    made = plan()
    assert (made.argv, made.cwd, made.home, made.uid, made.backend) == (("true",), APP, HOME, 1000, "namespaces")
    assert by_path(made.layout)[APP].access is Access.WRITE
    assert (made.tmp_bytes, made.shm_bytes, made.run_bytes) == (90 << 20, 64 << 20, 16 << 20)
    assert made.environment["HOME"] == HOME
    assert not made.doors


def test_the_same_twice_and_the_command_does_not_count() -> None:
    assert plan().digest == plan(argv=("false",)).digest
    assert len(plan().digest) == 64


@pytest.mark.parametrize(
    "other",
    [
        lambda: plan(policy(filesystem(deny_read=["/srv"]))),
        lambda: plan(policy(network=NetworkPolicy(allowed=(HostRule("a.example", BUILTIN),)))),
        lambda: plan(environ={"PATH": "/usr/bin", "A": "1"}),
        lambda: plan(facts=replace(FACTS, uid=5)),
        lambda: plan(replace(policy(), limits=Limits(cpu_seconds=5))),
    ],
)
def test_everything_else_counts(other: Callable[[], Plan]) -> None:
    assert plan().digest != other().digest


def test_name_files_are_ours_at_their_real_places() -> None:
    files = tree({"/etc/resolv.conf": Link("../run/systemd/resolve/stub-resolv.conf"), "/etc/hosts": ""})
    made = {file.path: file.content.decode() for file in plan(files=files).private_files}
    assert made["/run/systemd/resolve/stub-resolv.conf"].startswith("nameserver 198.19.255.253\n")
    assert "search" not in made["/run/systemd/resolve/stub-resolv.conf"]
    assert made["/etc/hosts"].splitlines() == ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback", "127.0.0.1 box"]


@pytest.mark.parametrize("name", ["", "localhost", "a b", "x\ny"])
def test_a_host_name_that_cannot_stand_in_a_hosts_file_does_not(name: str) -> None:
    made = {file.path: file.content.decode() for file in plan(facts=replace(FACTS, hostname=name)).private_files}
    assert len(made["/etc/hosts"].splitlines()) == 2


@pytest.mark.parametrize(
    ("patterns", "ports"),
    [
        (["localhost:5432", "127.0.0.1:80", "[::1]:81", "LOCALHOST.:82", "localhost:5432"], (80, 81, 82, 5432)),
        (["localhost", "example.com:443", "localhost:0", "localhost:70000", "localhost:x", "notlocalhost:1", "*.localhost:3"], ()),
    ],
)
def test_loopback_ports_of_the_host(patterns: list[str], ports: tuple[int, ...]) -> None:
    allowed = tuple(HostRule(pattern, BUILTIN) for pattern in patterns)
    assert plan(policy(network=NetworkPolicy(allowed=allowed))).host_ports == ports


def test_a_disk_limit_sizes_tmp() -> None:
    assert plan(replace(policy(), limits=Limits(disk_mb=5))).tmp_bytes == 5 << 20
    assert plan(replace(policy(), limits=Limits(disk_mb=5, memory_mb=900))).tmp_bytes == 5 << 20
    assert (
        plan(replace(policy(), limits=Limits(disk_mb=9000, memory_mb=50))).tmp_bytes
        == plan(replace(policy(), limits=Limits(memory_mb=50))).tmp_bytes
        == 50 << 20
    )


def test_a_private_cache_per_project() -> None:
    (bind,) = plan().binds
    assert bind.target == "/run/paddock/cache"
    assert bind.source.startswith(f"{HOME}/.cache/paddock/projects/")
    other = make_plan(
        policy(), replace(SETTINGS, context=replace(CONTEXT, project_root="/srv")), FACTS, tree(ETC), argv=(), cwd="/srv", environ={"PATH": "/usr/bin"}
    )
    assert other.binds[0].source != bind.source
    assert plan().environment["npm_config_cache"] == "/run/paddock/cache/npm"


def test_no_cache_where_none_can_be_made() -> None:
    files = tree(ETC)
    files.closed.add(HOME)
    made = plan(files=files)
    assert not made.binds
    assert made.environment["PIP_CACHE_DIR"] == "/tmp/cache/pip"


def test_a_cache_that_can_be_written_stays() -> None:
    assert plan(environ={"PATH": "", "PIP_CACHE_DIR": f"{APP}/.cache"}).environment["PIP_CACHE_DIR"] == f"{APP}/.cache"
    assert plan(environ={"PATH": "", "PIP_CACHE_DIR": "/srv/.cache"}).environment["PIP_CACHE_DIR"] == "/run/paddock/cache/pip"


def test_the_cache_of_other_projects_is_out_of_reach() -> None:
    files = tree({**ETC, f"{HOME}/.cache/paddock/projects/x/npm/y": ""})
    made = plan(policy(filesystem(allow_write=[APP, f"{HOME}/.cache"])), files)
    assert by_path(made.layout)[f"{HOME}/.cache/paddock"].access is Access.HIDDEN


def limit(scope: Scope) -> Settings:
    return replace(SETTINGS, scalars={"paddock.limits.processes": Entry(9, Origin(scope, "x"))})


ROOT = replace(FACTS, uid=0, gid=0)
NINE = replace(policy(), limits=Limits(processes=9))


@pytest.mark.parametrize(
    ("wanted", "facts", "settings", "words"),
    [
        (policy(backend="landlock"), FACTS, SETTINGS, "landlock"),
        (policy(), replace(FACTS, kernel=(5, 10)), SETTINGS, "5.10"),
        (policy(), replace(FACTS, max_user_namespaces=0), SETTINGS, "user namespaces"),
        (policy(), replace(FACTS, unprivileged_userns_clone=0), SETTINGS, "user namespaces"),
        (policy(), replace(FACTS, nftables=False), SETTINGS, "libnftables"),
        (NINE, ROOT, limit(Scope.USER), "limits.processes"),
    ],
)
def test_what_this_host_cannot_do_is_refused_with_a_hint(wanted: Policy, facts: Facts, settings: Settings, words: str) -> None:
    with pytest.raises(UnsupportedError, match=words) as caught:
        plan(wanted, facts=facts, settings=settings)
    assert caught.value.hint
    assert caught.value.cause


def test_a_builtin_bound_that_cannot_be_kept_is_said_instead() -> None:
    made = plan(NINE, facts=ROOT, settings=limit(Scope.BUILTIN))
    assert any(item.subject == "paddock.limits.processes" for item in made.uncovered)
    assert made.limits.processes is None, "the fence is not asked for what cannot be had"
    counted = plan(NINE, facts=replace(ROOT, cgroups=(Cgroup(2, "/sys/fs/cgroup", "/sys/fs/cgroup", ("pids",)),)), settings=limit(Scope.USER))
    assert not any(item.subject == "paddock.limits.processes" for item in counted.uncovered)
    assert counted.limits.processes == NINE.limits.processes


def test_how_finely_a_limit_is_kept_is_said_where_that_is_now_and_then() -> None:
    wanted = replace(policy(), limits=Limits(memory_mb=100))
    asked = replace(SETTINGS, scalars={"paddock.limits.memoryMb": Entry(100, Origin(Scope.USER, "/u", 3, key="paddock.limits.memoryMb", text="100"))})
    (notice,) = [n for n in plan(wanted, settings=asked).notices if "memoryMb" in n.text]
    assert "ten times a second" in notice.text
    assert (notice.level, notice.origin) == ("info", asked.scalars["paddock.limits.memoryMb"].origin)
    kept = plan(wanted, settings=asked, facts=replace(FACTS, cgroups=(Cgroup(1, "/m", "/m", ("memory",)),)))
    assert not [n for n in kept.notices if "memoryMb" in n.text]
    assert (kept.cgroups[0].controllers, kept.watched) == (("memory",), ())
    assert plan(wanted).digest != plan(wanted, facts=replace(FACTS, cgroups=(Cgroup(1, "/m", "/m", ("memory",)),))).digest


def test_a_working_folder_that_is_gone() -> None:
    with pytest.raises(PolicyError, match="does not exist"):
        plan(cwd=f"{APP}/gone")


def test_every_refusal_is_ours() -> None:
    assert issubclass(UnsupportedError, PaddockError)


@pytest.mark.parametrize("hidden", [[], [HOME]])
def test_a_copy_without_logins_stands_where_the_file_is_hidden(hidden: list[str]) -> None:
    files = tree({**ETC, f"{HOME}/.npmrc": "save-exact=true\n_auth=hush\n", f"{HOME}/.ssh/id": ""})
    made = plan(policy(filesystem(deny_read=hidden, builtin=[f"{HOME}/.npmrc", f"{HOME}/.ssh"])), files)
    (copy,) = [file for file in made.private_files if file.path == f"{HOME}/.npmrc"]
    assert copy.content == b"save-exact=true\n"
    places = by_path(made.layout)
    assert f"{HOME}/.npmrc" not in places
    assert places[f"{HOME}/.ssh"].access is Access.HIDDEN
    assert not hidden or places[HOME].skeleton


def test_programs_on_path_in_a_hidden_home() -> None:
    files = tree({**ETC, f"{HOME}/.nvm/v20/bin/node": "", f"{HOME}/.local/bin/tool": "", f"{HOME}/.local/share/keyrings/k": "", f"{HOME}/bin/x": ""})
    made = plan(policy(filesystem(deny_read=[HOME])), files, environ={"PATH": f"{HOME}/.nvm/v20/bin:{HOME}/.local/bin:{HOME}/bin:relative:/usr/bin"})
    shown = by_path(made.layout)
    assert shown[f"{HOME}/.nvm/v20"].access is Access.READ
    assert shown[f"{HOME}/.local/bin"].access is Access.READ
    assert shown[f"{HOME}/bin"].access is Access.READ
    assert not any(path.startswith(f"{HOME}/.local/share") for path in shown)
    assert any("programs on PATH" in notice.text for notice in made.notices)
