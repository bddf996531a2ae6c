"""Canaries in real fences: all hold where nothing is wrong, and what is broken on purpose is noticed by the canaries that look at it and by no others."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

import paddock.session.verify as verifying
from paddock.errors import LaunchError, UnsupportedError
from paddock.fence.filter import RULES
from paddock.fence.kernel.bpf import Rule, assemble
from paddock.fence.kernel.numbers import AUDIT_ARCH, NUMBERS, X32_BIT, X86_64
from paddock.fence.kernel.process import CLONE_NEWIPC, set_dumpable, unshare
from paddock.fence.launcher import areas, lockdown, namespaces, network, places, process
from paddock.fence.launcher.ruleset import ruleset
from paddock.fence.launcher.state import State
from paddock.fence.ports import OnStep
from paddock.model.events import Event, EventSink
from paddock.model.guard import NOTHING_GUARDED
from paddock.model.plan import Access, Kind, Place, Plan
from paddock.model.policy import HostRule
from paddock.model.record import replace
from paddock.model.settings import Origin, Scope
from paddock.session.prepare import Prepared, prepare
from paddock.session.run import conduct
from paddock.session.supervise import Ending
from paddock.session.verify import ABSENT, BROKEN, HELD, UNCLEAR, Answer, Verification, interpreter, judge, read_answers, to_document, verify
from paddock.session.verify_host import Seen
from paddock.session.verify_table import Canary, Evidence
from tests.conftest import applies, must
from tests.session.seat import Seat, take_seat
from tests.session.test_doctor import able

if TYPE_CHECKING:
    from paddock.planner.nested import Narrowing

HERE = Origin(Scope.CLI, "--settings", 1)


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    able()
    seat = take_seat(tmp_path, monkeypatch)
    (seat.world.home / ".ssh").mkdir()
    (seat.world.home / ".ssh" / "id_ed25519").write_text("a key\n")
    (seat.world.project / ".mcp.json").write_text("{}\n")
    (seat.world.project / ".vscode").mkdir()
    rules = {"deny": ["Bash(id *)"]}
    seat.world.write("user", {"paddock": {"network": {"proxyEnv": True}, "limits": {"openFiles": 512}}, "permissions": rules}, "paddock")
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


def test_the_reference_names_every_canary(seat: Seat, repository: Path) -> None:
    page = (repository / "docs/reference/verify.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.partition("## The canaries")[2].partition("## `--json`")[0].splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
    assert documented == {finding.canary.name for finding in verify(plan_of(seat)).findings}


# -- broken on purpose


Change = Callable[[Plan], Plan]


def carried_out_otherwise(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """The fence that is built is another than the plan says."""

    def otherwise(plan: Plan, events: EventSink, *, stdio: tuple[int, int, int], on_step: OnStep) -> Ending:
        return conduct(change(plan), events, stdio=stdio, on_step=on_step)

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
        pytest.param(shown("/id"), {"programs", "read-hidden"}, id="a denied program is not masked"),
        pytest.param(written, {"write-outside", "mounts"}, id="the home can be written"),
        pytest.param(shown("/.mcp.json"), {"protected", "mounts"}, id="a protected name is not held"),
        pytest.param(lambda plan: replace(plan, guard=NOTHING_GUARDED), {"protected-absent"}, id="nothing is guarded"),
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
    "prlimit64": {"limits-of-others", "core-limit"},
    "setrlimit": {"core-limit"},
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
    ("steps", "fails"),
    [
        (("_Landlock",), {"landlock"}),
        (("_Guard",), {"observer", "protected-absent"}),
        (("_Limits",), {"limits"}),
        (("_DropCapabilities",), {"capabilities"} | ({"read-hidden", "kernel-secrets"} if os.geteuid() == 0 else set())),  # user 0 can read them then
        (("_Filter",), set().union(*NOTICED.values())),
    ],
)
def test_a_step_left_out_is_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch, steps: tuple[str, ...], fails: set[str]) -> None:
    def nothing(_self: object, _state: State) -> None:
        return

    for step in steps:
        monkeypatch.setattr(getattr(lockdown, step), "execute", nothing)
    found = verify(plan_of(seat))
    assert names(found, BROKEN) == fails, told(found)


def test_a_program_that_is_not_listed_is_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    seat.world.write("user", {"paddock": {"programs": {"only": ["sh"]}}}, "paddock")
    prepared = plan_of(seat)
    assert verify(prepared).held
    carried_out_otherwise(monkeypatch, lambda plan: replace(plan, startable=None))
    found = verify(prepared)
    assert names(found, BROKEN) == {"programs"}, told(found)


def test_a_cgroup_less_is_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    seat.world.write("user", {"paddock": {"limits": {"memoryMb": 512, "processes": 200}}}, "paddock")
    prepared = plan_of(seat)
    applies(prepared.plan.cgroups, "this user can make no cgroup here")
    assert verify(prepared).held
    carried_out_otherwise(monkeypatch, lambda plan: replace(plan, cgroups=()))
    found = verify(prepared)
    assert names(found, BROKEN) == {"limits"}, told(found)
    assert "no cgroup keeps the plan's limit for" in told(found)


def test_a_process_1_that_can_be_looked_into_is_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner in (process, lockdown):
        monkeypatch.setattr(owner, "set_dumpable", lambda *, dumpable: set_dumpable(dumpable=True))
    found = verify(plan_of(seat))
    assert names(found, BROKEN) == {"trace-keeper"}, told(found)


def left_out(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, *things: str) -> None:
    """A list of the launcher's without some of its entries."""
    before = getattr(owner, name)
    after = tuple(thing for thing in before if thing not in things)
    assert len(after) == len(before) - len(things)
    monkeypatch.setattr(owner, name, after)


def test_a_cover_in_proc_left_out_is_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    left_out(monkeypatch, areas, "_PROC_READ_ONLY", "sys")
    found = verify(plan_of(seat))
    assert names(found, BROKEN) == {"kernel-files"}, told(found)


def test_a_secret_in_proc_left_open_is_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    left_out(monkeypatch, areas, "_PROC_HIDDEN", "keys")
    found = verify(plan_of(seat))
    assert names(found, BROKEN) == {"kernel-secrets"}, told(found)


def test_a_device_more_is_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    must(os.path.exists("/dev/kmsg"), "there is no /dev/kmsg to show by mistake")
    monkeypatch.setattr(areas, "_DEVICES", (*areas._DEVICES, "kmsg"))
    found = verify(plan_of(seat))
    assert names(found, BROKEN) == {"devices"}, told(found)


def test_streams_that_are_not_opened_again_are_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "stream_steps", tuple)
    found = verify(plan_of(seat))
    assert names(found, BROKEN) == {"standard-input"}, told(found)


def test_a_namespace_that_is_shared_is_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "unshare", lambda flags: unshare(flags & ~CLONE_NEWIPC))
    found = verify(plan_of(seat))
    # The host's segment is in sight and belongs to the same user.
    assert names(found, BROKEN) == {"namespaces", "shared-memory"}, told(found)


@pytest.mark.parametrize(
    ("rule", "fails"),
    [
        pytest.param("udp dport 53 dnat", {"host", "lookup", "lookup-txt", "lookup-outside"}, id="questions over UDP"),
        pytest.param("tcp dport 53 dnat", {"lookup-outside-tcp"}, id="questions over TCP"),
        pytest.param("meta l4proto tcp dnat", {"address", "host"}, id="connections"),
    ],
)
def test_a_rule_of_the_network_left_out_is_noticed(seat: Seat, monkeypatch: pytest.MonkeyPatch, rule: str, fails: set[str]) -> None:
    def rules(ports: tuple[int, ...], *, ipv6: bool = True) -> str:
        return "\n".join(line for line in ruleset(ports, ipv6=ipv6).splitlines() if rule not in line) + "\n"

    monkeypatch.setattr(network, "ruleset", rules)
    found = verify(plan_of(seat))
    assert names(found, BROKEN) == fails, told(found)


# -- what it does not believe


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (b"hello\n", "no JSON"),
        (b"[]\n", "no answer"),
        (b'{"name": "mounts", "said": [["/", "ro"]], "twin": 1}\n', "no answer"),
        (b'{"name": "mounts", "said": [["/"]], "twin": "ok"}\n', "no answer"),
        (b'{"name": "mounts", "said": [], "twin": "ok", "held": true}\n', "no answer"),
        (b'{"name": "others", "said": [], "twin": "ok"}\n', "'others'"),
        (b'{"name": "mounts", "said": [], "twin": "ok"}\n' * 2, "'mounts'"),
        (b"\xff\n", "no JSON"),
        (b"[" * 200_000 + b"\n", "no JSON"),
        (b" " * 300_000, "too much"),
    ],
)
def test_words_that_the_probe_does_not_say_are_an_error(text: bytes, part: str) -> None:
    with pytest.raises(LaunchError, match=part):
        read_answers(text, {"mounts"})


def test_a_line_that_is_cut_off_is_no_answer() -> None:
    assert read_answers(b'{"name": "mounts", "said": [], "twin": "ok"}', {"mounts"}) == {}


def evidence(*events: Event, **seen: object) -> Evidence:
    return Evidence(Seen(**seen), events)  # type: ignore[arg-type]  # the fields of what was seen


CANARY = Canary("one", "try", "verb", (), {"act": frozenset({"EPERM"})})


@pytest.mark.parametrize(
    ("answer", "state", "part"),
    [
        (None, UNCLEAR, "did not come to it"),
        (Answer((("act", "EPERM"),), "ok"), HELD, ""),
        (Answer((("act", "ok"),), "ok"), BROKEN, "act: ok"),
        (Answer((("act", "EINVAL"),), "ok"), BROKEN, "act: EINVAL"),
        (Answer((("another", "EPERM"),), "ok"), BROKEN, "another: EPERM"),
        (Answer((("act", "EPERM"),), "ENOMEM"), UNCLEAR, "ENOMEM"),
        (Answer((), "EAGAIN (fork)"), UNCLEAR, "nothing was tried"),
    ],
)
def test_held_needs_the_right_refusal_and_a_twin(answer: Answer | None, state: str, part: str) -> None:
    found = judge(CANARY, answer, evidence())
    assert found.state == state
    assert part in found.reason


def test_what_was_noticed_outside_counts_more_than_words() -> None:
    canary = replace(CANARY, check=lambda evidence: "somebody came" if evidence.seen.arrived else "")
    answer = Answer((("act", "EPERM"),), "ok")
    assert judge(canary, answer, evidence()).state == HELD
    found = judge(canary, answer, evidence(arrived=frozenset({"TCP"})))
    assert (found.state, found.reason) == (BROKEN, "somebody came")


def test_what_is_no_unicode_stays_out_of_the_document() -> None:
    canary = replace(CANARY, tries="look at /\udcff and \ud800")
    found = Verification("d", 0.1, (judge(canary, Answer((("/\udcff", "holds \udcfe\u00fc"),), "ok"), evidence()),), ())
    text = json.dumps(to_document(found))
    assert "ud800" in text
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")


def test_an_excuse_counts_only_for_what_failed() -> None:
    canary = replace(CANARY, excuse=lambda _: "not on this kernel")
    assert judge(canary, Answer((("act", "EPERM"),), "ok"), evidence()).state == HELD
    found = judge(canary, Answer((("act", "ok"),), "ok"), evidence())
    assert (found.state, found.reason) == (ABSENT, "not on this kernel")


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        (Ending(130, "signal"), KeyboardInterrupt),
        (Ending(143, "command"), KeyboardInterrupt),  # the probe got it first
        (Ending(124, "timeout"), LaunchError),
        (Ending(123, "limit"), LaunchError),
    ],
)
def test_a_probe_that_was_ended_says_nothing(seat: Seat, monkeypatch: pytest.MonkeyPatch, ending: Ending, error: type[BaseException]) -> None:
    def ended(plan: Plan, events: EventSink, *, stdio: tuple[int, int, int], on_step: OnStep) -> Ending:
        os.write(stdio[1], b'{"name": "mounts", "said": [["/", "ro"]], "twin": "ok"}\n')
        return ending

    monkeypatch.setattr(verifying, "conduct", ended)
    with pytest.raises(error):
        verify(plan_of(seat))


def test_a_probe_that_says_nothing_is_an_error(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "conduct", lambda *_arguments, **_more: Ending(1, "command"))
    with pytest.raises(LaunchError, match="ended with 1 before it said anything"):
        verify(plan_of(seat))


def test_an_interpreter_that_the_command_could_write_is_not_believed(seat: Seat) -> None:
    plan = plan_of(seat).plan
    assert interpreter(plan) == os.path.realpath(sys.executable)
    everything = replace(plan, layout=(Place("/", Access.WRITE, Kind.DIRECTORY, HERE),))
    with pytest.raises(UnsupportedError, match="no Python"):
        interpreter(everything)


def test_variables_that_lead_astray_do_not_reach_the_probe(seat: Seat) -> None:
    seat.environ["LD_PRELOAD"] = str(seat.world.project / "evil.so")
    prepared = plan_of(seat)
    assert "LD_PRELOAD" in prepared.plan.environment  # the command gets it: it is the caller's own
    found = verify(prepared)
    assert found.held, told(found)
    assert found.digest == prepared.plan.digest


def test_without_a_folder_of_our_own_the_rest_is_tried(seat: Seat) -> None:
    seat.environ["XDG_STATE_HOME"] = "/proc/none"
    (seat.world.project / "secret").write_text("x")
    found = verify(prepare(seat.request(options=(("sandbox.filesystem.denyRead", "./secret", "--deny-read"),)), make=True))
    assert names(found, ABSENT) == {"read-new"}, told(found)
    assert found.held
    seat.environ.pop("XDG_STATE_HOME")


def test_inside_a_fence_there_is_nothing_of_its_own_to_try(seat: Seat) -> None:
    prepared = plan_of(seat)
    with pytest.raises(UnsupportedError, match="in a fence of Paddock already") as caught:
        verify(replace(prepared, narrowing=cast("Narrowing", object())))
    assert "outside" in caught.value.hint
