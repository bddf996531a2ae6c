"""Canaries in real fences: all hold where nothing is wrong, and what is broken on purpose is noticed by the canaries that look at it and by no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import paddock.session.verify as verifying
from paddock.fence.filter import RULES
from paddock.fence.kernel.bpf import Rule, assemble
from paddock.fence.kernel.numbers import AUDIT_ARCH, NUMBERS, X32_BIT, X86_64
from paddock.fence.launcher import lockdown
from paddock.fence.launcher.state import State
from paddock.model.events import EventSink
from paddock.model.plan import Access, Kind, Place, Plan
from paddock.model.policy import HostRule
from paddock.model.settings import Origin, Scope
from paddock.session.prepare import Prepared, prepare
from paddock.session.run import conduct
from paddock.session.supervise import Ending
from paddock.session.verify import ABSENT, BROKEN, HELD, UNCLEAR, Verification, verify
from tests.session.seat import Seat, take_seat
from tests.session.test_doctor import able

HERE = Origin(Scope.CLI, "--settings", 1)


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    able()
    seat = take_seat(tmp_path, monkeypatch)
    (seat.world.home / ".ssh").mkdir()
    (seat.world.home / ".ssh" / "id_ed25519").write_text("a key\n")
    (seat.world.project / ".mcp.json").write_text("{}\n")
    (seat.world.project / ".vscode").mkdir()
    seat.world.write("user", {"paddock": {"network": {"proxyEnv": True}, "limits": {"openFiles": 512}}}, "paddock")
    return seat


def names(found: Verification, state: str) -> set[str]:
    return {finding.canary.name for finding in found.findings if finding.state == state}


def told(found: Verification) -> str:
    return "; ".join(f"{f.canary.name} {f.state}: {f.reason} ({f.got})" for f in found.findings if f.state != HELD)


def plan_of(seat: Seat) -> Prepared:
    return prepare(seat.request(), make=True)


def test_everything_holds(seat: Seat) -> None:
    prepared = plan_of(seat)
    found = verify(prepared)
    assert names(found, BROKEN) | names(found, UNCLEAR) | names(found, ABSENT) == set(), told(found)
    assert len(names(found, HELD)) >= 45
    assert found.digest == prepared.plan.digest
    assert found.held


# -- broken on purpose


Change = Callable[[Plan], Plan]


def carried_out_otherwise(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """The fence that is built is another than the plan says."""

    def otherwise(plan: Plan, events: EventSink, *, stdio: tuple[int, int, int]) -> Ending:
        return conduct(change(plan), events, stdio=stdio)

    monkeypatch.setattr(verifying, "conduct", otherwise)


def without(plan: Plan, what: Callable[[Place], bool]) -> Plan:
    layout = tuple(place for place in plan.layout if not what(place))
    assert len(layout) < len(plan.layout)
    return replace(plan, layout=layout)


def shown(name: str) -> Change:
    return lambda plan: without(plan, lambda place: place.path.endswith(name))


def written(plan: Plan) -> Plan:
    place = Place(plan.home, Access.WRITE, Kind.DIRECTORY, HERE)
    return replace(plan, layout=tuple(sorted((place, *plan.layout), key=lambda p: p.path.count("/"))))


def listed(*patterns: str) -> Change:
    rules = tuple(HostRule(pattern, HERE) for pattern in patterns)
    return lambda plan: replace(plan, network=replace(plan.network, allowed=(*plan.network.allowed, *rules)))


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        pytest.param(shown("/.ssh"), {"read-hidden"}, id="a hidden place is shown"),
        pytest.param(shown("/.local/state/paddock"), {"read-hidden", "read-new", "observer"}, id="our own state is shown"),
        pytest.param(written, {"write-outside", "mounts"}, id="the home can be written"),
        pytest.param(shown("/.mcp.json"), {"protected", "mounts"}, id="a protected name is not held"),
        pytest.param(
            listed("**.paddock.invalid"),
            {"host", "door-http", "door-connect", "door-socks", "lookup", "lookup-txt", "lookup-outside", "lookup-outside-tcp"},
            id="the host is listed",
        ),
        pytest.param(listed("[2001:db8::53]:80"), {"address"}, id="an address is listed"),
        pytest.param(lambda plan: replace(plan, doors=False), {"door-http", "door-connect", "door-socks"}, id="the doors are closed"),
        pytest.param(lambda plan: replace(plan, environment={**plan.environment, "TOKEN": "x"}), {"variables"}, id="a variable more"),
        pytest.param(lambda plan: replace(plan, limits=replace(plan.limits, open_files=None)), {"limits"}, id="a limit less"),
        pytest.param(lambda plan: replace(plan, tmp_bytes=2 * plan.tmp_bytes), {"limits"}, id="a larger /tmp"),
    ],
)
def test_another_plan_is_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch, change: Change, fails: set[str]) -> None:
    prepared = plan_of(seat)
    carried_out_otherwise(monkeypatch, change)
    found = verify(prepared)
    assert names(found, BROKEN) == fails, told(found)
    assert names(found, UNCLEAR) == set(), told(found)
    assert not found.held


# By the first name of each rule: the canaries that notice when it is missing. `openat2` is refused so that callers fall back; it gives nothing.
NOTICED = {
    "clone3": {"new-namespaces"},
    "clone": {"new-namespaces"},
    "unshare": {"new-namespaces"},
    "setns": {"new-namespaces"},
    "mount": {"mount-calls"},
    "fsopen": {"mount-calls"},
    "open_by_handle_at": {"file-handles"},
    "init_module": {"kernel-calls"},
    "add_key": {"keyrings"},
    "io_uring_setup": {"io-uring"},
    "reboot": {"clocks"},
    "ioctl": {"terminal"},
    "prlimit64": {"limits-of-others"},
    "sched_setaffinity": {"priorities"},
    "setpriority": {"priorities"},
    "ioprio_set": {"priorities"},
    "chmod": {"set-id", "set-id-calls"},
    "fchmodat": {"set-id", "set-id-calls"},
    "open": {"set-id-calls"},
    "openat": {"set-id", "set-id-calls"},
    "openat2": set[str](),
    "mknod": {"set-id-calls"},
    "mknodat": {"set-id", "set-id-calls"},
    "socket": {"sockets"},
    "socketpair": {"sockets"},
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.names[0])
def test_a_rule_of_the_filter_left_out_is_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch, rule: Rule) -> None:
    def program(**_more: object) -> bytes:
        return assemble(tuple(other for other in RULES if other is not rule), NUMBERS, AUDIT_ARCH, X32_BIT if NUMBERS is X86_64 else None)

    monkeypatch.setattr(lockdown, "static_filter", program)
    found = verify(plan_of(seat))
    assert names(found, BROKEN) == NOTICED[rule.names[0]], told(found)
    assert names(found, UNCLEAR) == set(), told(found)


@pytest.mark.parametrize(
    ("step", "fails"),
    [
        ("_Landlock", {"landlock"}),
        ("_Observe", {"observer"}),
        ("_Limits", {"limits"}),
        ("_DropCapabilities", {"capabilities", "read-hidden", "kernel-secrets"}),
        ("_Filter", set().union(*NOTICED.values())),
    ],
)
def test_a_step_left_out_is_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch, step: str, fails: set[str]) -> None:
    def nothing(_self: object, _state: State) -> None:
        return

    monkeypatch.setattr(getattr(lockdown, step), "execute", nothing)
    found = verify(plan_of(seat))
    assert names(found, BROKEN) == fails, told(found)
