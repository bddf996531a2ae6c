"""Clause by clause: what a fence around holds of a plan, what can be added, what cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.model.around import Around, describe, nearest, parse
from paddock.model.guard import Denial, GuardRules
from paddock.model.hosts import parse_host
from paddock.model.plan import Access, Kind, Place, Plan, PrivateFile
from paddock.model.policy import HostRule, Limits, NetworkPolicy
from paddock.model.programs import DENIED, Startable
from paddock.model.record import replace
from paddock.model.settings import Entry, Origin, Scope, Settings, Source
from paddock.network.decide import Decider
from paddock.planner.nested import Narrowing, compare
from tests.planner.fakes import BUILTIN, SETTINGS

PROJECT = Origin(Scope.PROJECT, "/p/.claude/settings.json", 7, 1, "sandbox.filesystem.denyRead", "x")
COMMAND_LINE = Origin(Scope.CLI, "--allow-domain", key="sandbox.network.allowedDomains")
SEEN = replace(SETTINGS, sources=(Source(Scope.PROJECT, PROJECT.file, "read"), Source(Scope.USER, "/h/.config/paddock/settings.json", "absent")))
NO_LIMITS = Limits()
RANK = {Access.HIDDEN: 0, Access.READ: 1, Access.WRITE: 2}


def place(path: str, access: Access, why: Origin = PROJECT) -> Place:
    return Place(path, access, Kind.DIRECTORY, why)


def hosts(*patterns: str, origin: Origin = PROJECT) -> tuple[HostRule, ...]:
    return tuple(HostRule(pattern, origin) for pattern in patterns)


def plan(*layout: Place, allowed: tuple[HostRule, ...] = (), denied: tuple[HostRule, ...] = (), limits: Limits = NO_LIMITS, **network: object) -> Plan:
    return Plan(
        argv=("true",),
        cwd="/p",
        home="/h",
        uid=1000,
        gid=1000,
        layout=layout,
        private_files=(),
        binds=(),
        environment={},
        removed=(),
        network=NetworkPolicy(allowed, denied, **network),  # type: ignore[arg-type]  # the caller names the fields
        host_ports=(),
        doors=False,
        limits=limits,
        tmp_bytes=1,
        shm_bytes=1,
        run_bytes=1,
        uncovered=(),
        notices=(),
        backend="namespaces",
        digest="",
    )


def around(outer: Plan, **lists: tuple[Entry, ...]) -> Around:
    """What the inner run reads."""
    keys = {"publish": "paddock.network.publish", "unprotect": "paddock.filesystem.unprotect"}
    return parse(describe(outer, replace(SETTINGS, lists={keys[name]: entries for name, entries in lists.items()}), ""))


def judged(inner: Plan, outer: Plan, settings: Settings = SEEN) -> Narrowing:
    return compare(inner, settings, around(outer))


def texts(narrowing: Narrowing) -> list[str]:
    return [clause.text for clause in narrowing.missing]


def test_the_same_plan_is_held() -> None:
    same = plan(
        place("/h/.ssh", Access.HIDDEN), place("/p", Access.WRITE), place("/p/.git/hooks", Access.READ), allowed=hosts("a.test"), denied=hosts("b.test")
    )
    found = judged(same, same)
    assert not found.missing
    assert not found.no_network
    assert not found.notices


def test_a_file_that_the_fence_around_shows_cannot_be_hidden() -> None:
    found = judged(plan(place("/p", Access.WRITE), place("/p/key", Access.HIDDEN)), plan(place("/p", Access.WRITE)))
    assert texts(found) == ["/p/key can be read in the fence around and cannot be hidden here"]
    assert found.missing[0].rule == PROJECT
    assert found.missing[0].remedy


def test_a_program_that_may_be_started_around_cannot_be_denied() -> None:
    mine = Place("/usr/bin/curl", Access.HIDDEN, Kind.FILE, PROJECT, DENIED)
    assert texts(judged(plan(mine), plan())) == ["/usr/bin/curl can be started in the fence around and cannot be hidden here"]
    assert not judged(plan(mine), plan(mine)).missing


def test_a_list_of_programs_can_be_no_shorter_than_around() -> None:
    def listed(*files: str) -> Plan:
        return replace(plan(), startable=Startable(files, ("/usr/lib",), PROJECT))

    assert texts(judged(listed("/b/git"), plan())) == ["every program can be started in the fence around, and that cannot be narrowed to a list here"]
    assert texts(judged(listed("/b/git"), listed("/b/git", "/b/make"))) == ["/b/make can be started in the fence around and is not listed here"]
    assert judged(listed("/b/git"), listed("/b/git", "/b/make")).missing[0].rule == PROJECT
    assert not judged(listed("/b/git", "/b/make"), listed("/b/git")).missing
    assert not judged(plan(), listed("/b/git")).missing, "the fence around holds it"


def test_writing_cannot_be_narrowed() -> None:
    inner = plan(place("/p/sub", Access.WRITE))
    found = judged(inner, plan(place("/p", Access.WRITE), place("/q", Access.WRITE)))
    assert texts(found) == [f"/{name} is writable in the fence around and cannot be made read-only here" for name in "pq"]
    assert not judged(inner, inner).missing


def test_the_folder_that_the_outer_run_was_started_in_stays_writable() -> None:
    outer = plan(place("/p", Access.WRITE, BUILTIN))
    inner = plan(place("/p/sub", Access.WRITE, BUILTIN))
    assert not judged(inner, outer).missing
    assert judged(plan(place("/p/sub", Access.READ)), outer).missing
    entry = Entry("read-only", PROJECT)
    assert judged(plan(), outer, replace(SEEN, scalars={"paddock.filesystem.project": entry})).missing


def test_an_exception_in_a_root_must_be_held_around() -> None:
    inner = plan(place("/p", Access.WRITE), place("/p/vendor", Access.READ))
    assert texts(judged(inner, plan(place("/p", Access.WRITE)))) == ["/p/vendor is writable in the fence around and cannot be made read-only here"]
    assert not judged(inner, inner).missing


def test_a_private_file_stands_where_the_fence_around_has_one_or_hides_the_place() -> None:
    inner = replace(plan(), private_files=(PrivateFile("/h/.npmrc", b"", 0o444, PROJECT),))
    assert texts(judged(inner, plan())) == ["/h/.npmrc cannot be replaced by a private file here"]
    assert not judged(inner, inner).missing
    assert not judged(inner, plan(place("/h/.npmrc", Access.HIDDEN))).missing


def test_names_that_the_guard_keeps_from_being_made() -> None:
    root = place("/p", Access.WRITE)
    for denial in (Denial("/p/later", PROJECT), Denial("/p/**/.env", PROJECT, is_glob=True)):
        inner = replace(plan(root), guard=GuardRules(denied=(denial,)))
        assert texts(judged(inner, plan(root))) == [f"{denial.path} can be made in the fence around and cannot be kept from being made here"]
        assert not judged(inner, inner).missing
    assert not judged(replace(plan(root), guard=GuardRules(denied=(Denial("/p/.vscode", BUILTIN),))), plan(root)).missing
    assert not judged(replace(plan(root), guard=GuardRules(denied=(Denial("/q/later", PROJECT),))), plan(root)).missing, "nothing can be made there"


def test_names_that_are_lifted_around() -> None:
    here, told = Entry(".vscode", PROJECT), Entry(".idea", COMMAND_LINE)
    assert texts(compare(plan(), SEEN, around(plan(), unprotect=(here, told)))) == [".vscode is not protected in the fence around"]
    same = replace(SEEN, lists={"paddock.filesystem.unprotect": (here,)})
    assert not compare(plan(), same, around(plan(), unprotect=(here, told))).missing


def test_a_host_that_is_not_listed_here_is_named() -> None:
    found = judged(plan(allowed=hosts("a.test")), plan(allowed=hosts("a.test", "more.test")))
    assert texts(found) == ["more.test can be reached in the fence around and is not listed here"]
    assert PROJECT.file in found.missing[0].remedy


def test_what_cannot_be_seen_from_inside_counts_here_too() -> None:
    outer = plan(place("/q", Access.WRITE, COMMAND_LINE), allowed=(*hosts("a.test"), *hosts("cli.test", origin=COMMAND_LINE)))
    found = judged(plan(allowed=hosts("a.test")), outer)
    assert not found.missing
    assert found.roots == ("/q",)


def test_what_was_left_out_on_purpose_does_not() -> None:
    ignoring = replace(SETTINGS, sources=(Source(Scope.PROJECT, PROJECT.file, "ignored"),))
    found = judged(plan(allowed=hosts("b.test", origin=COMMAND_LINE)), plan(allowed=hosts("a.test")), ignoring)
    assert texts(found) == ["a.test can be reached in the fence around and is not listed here"]


def test_an_explicit_rule_is_not_overruled_by_what_the_outer_run_was_told() -> None:
    outer = plan(place("/q", Access.WRITE, COMMAND_LINE))
    assert texts(judged(plan(place("/q/x", Access.HIDDEN)), outer)) == ["/q/x can be read in the fence around and cannot be hidden here"]
    assert not judged(plan(place("/q/x", Access.HIDDEN, BUILTIN)), outer).missing


def test_no_network_at_all_can_be_added() -> None:
    outer = plan(allowed=hosts("a.test"))
    assert judged(plan(denied=hosts("*")), outer).no_network
    assert judged(plan(), outer).no_network
    assert not judged(plan(), plan()).no_network, "there is none to cut off"
    for found in (judged(plan(denied=hosts("*")), outer), judged(plan(), outer)):
        assert not found.missing
        assert "no network" in found.added


def test_denied_hosts() -> None:
    outer = plan(allowed=hosts("a.test", "*.wild.test"))
    for denied, held in (("other.test", True), ("a.test", False), ("x.wild.test", False), ("*.test", False), ("10.0.0.1", False), ("*.else.test", False)):
        found = judged(replace_network(outer, denied=hosts(denied)), outer)
        assert (not found.missing) is held, denied  # where the answer is not sure, it is no
    both = replace_network(outer, denied=hosts("a.test"))
    assert not judged(both, both).missing


def replace_network(base: Plan, **changes: object) -> Plan:
    return replace(base, network=replace(base.network, **changes))


def test_more_than_the_fence_around_gives_is_said_and_not_given() -> None:
    found = judged(plan(place("/p", Access.WRITE), allowed=hosts("a.test", "new.test")), plan(allowed=hosts("a.test")))
    assert not found.missing
    assert [notice.text for notice in found.notices] == ["new.test is not reachable: the fence around this one does not allow it"]


@pytest.mark.parametrize(
    ("name", "addable"),
    [("memory_mb", False), ("processes", False), ("disk_mb", False), ("cpu_seconds", False), ("open_files", True), ("timeout_seconds", True)],
)
def test_limits(name: str, addable: bool) -> None:
    lower, higher = Limits(**{name: 5}), Limits(**{name: 10})
    assert not judged(plan(limits=higher), plan(limits=lower)).missing
    assert not judged(plan(limits=lower), plan(limits=lower)).missing
    for outer in (plan(limits=higher), plan()):
        found = judged(plan(limits=lower), outer)
        assert bool(found.missing) is not addable
        assert any("=5" in text for text in found.added) is addable


def test_ports_that_are_published_around() -> None:
    entry = Entry(3000, PROJECT)
    told = Entry(4000, COMMAND_LINE)
    found = compare(plan(allowed=hosts("a.test")), SEEN, around(plan(allowed=hosts("a.test"), publish=(3000, 4000)), publish=(entry, told)))
    assert texts(found) == ["port 3000 is published by the fence around"]
    inner, outer = plan(allowed=hosts("a.test")), plan(allowed=hosts("a.test"), local_binding=True)
    assert "loopback" in texts(judged(inner, outer))[0]
    for origin, missing in ((PROJECT, True), (COMMAND_LINE, False)):
        with_scalar = replace(SETTINGS, scalars={"sandbox.network.allowLocalBinding": Entry(True, origin)})
        assert bool(compare(inner, SEEN, parse(describe(outer, with_scalar, ""))).missing) is missing


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"schema":2}', b'{"schema":1}', b'{"schema":1,"layout":[["/"]],"limits":{}}', b"\xff"])
def test_what_is_no_description(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse(data)


PATHS = ["/a", "/a/b", "/a/b/c", "/a/d", "/e", "/e/f", "/tmp/g", "/tmp/g/h"]
PROBES = ["/", *PATHS, "/a/b/c/new", "/a/x", "/e/x", "/tmp/x", "/tmp/g/x", "/y"]
LAYOUTS = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(list(Access))).map(lambda found: tuple(place(p, a) for p, a in sorted(found.items())))


def access(layout: tuple[Place, ...], path: str) -> Access:
    places = {item.path: item for item in layout}
    decisive = nearest(places, path)
    return places[decisive].access if decisive else Access.READ


@given(LAYOUTS, LAYOUTS)
def test_a_run_that_starts_may_do_nothing_that_either_fence_forbids(inner: tuple[Place, ...], outer: tuple[Place, ...]) -> None:
    found = judged(plan(*inner), plan(*outer))
    if found.missing:
        return
    for path in PROBES:
        assert RANK[access(outer, path)] <= RANK[access(inner, path)], path


@given(LAYOUTS, LAYOUTS)
def test_a_refusal_is_about_something_that_is_really_open(inner: tuple[Place, ...], outer: tuple[Place, ...]) -> None:
    for clause in judged(plan(*inner), plan(*outer)).missing:
        path = clause.text.split()[0]
        assert RANK[access(outer, path)] > RANK[access(inner, path)]


PATTERNS = st.lists(
    st.sampled_from(["a.test", "b.test", "x.a.test", "*.a.test", "*.test", "*", "a.test:443", "a.test:80", "10.0.0.1", "[fd00::1]:443"]), max_size=4
)
QUESTIONS = [(host, port) for host in ("a.test", "b.test", "x.a.test", "y.x.a.test", "c.other", "10.0.0.1", "fd00::1") for port in (80, 443)]


@given(PATTERNS, PATTERNS, PATTERNS, PATTERNS)
def test_a_run_that_starts_reaches_no_host_that_either_gate_refuses(
    allowed: list[str], denied: list[str], around_allowed: list[str], around_denied: list[str]
) -> None:
    inner = plan(allowed=hosts(*allowed), denied=hosts(*denied))
    outer = plan(allowed=hosts(*around_allowed), denied=hosts(*around_denied))
    found = judged(inner, outer)
    if found.missing or found.no_network:
        return
    mine, theirs = Decider(inner.network), Decider(outer.network)
    for name, port in QUESTIONS:
        host = parse_host(name)
        if theirs.decide(host, port, "capture").allowed:
            assert mine.decide(host, port, "capture").allowed, (name, port)
