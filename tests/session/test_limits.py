"""Which limit ended a run, and what is said about it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from paddock.fence.kernel.signalfd import SignalFd
from paddock.fence.ports import Counts
from paddock.model.cgroups import Cgroup
from paddock.model.events import Event
from paddock.model.plan import Plan
from paddock.model.policy import Limits
from paddock.model.record import replace
from paddock.model.settings import Entry, Origin, Scope
from paddock.session.limits import FASTEST, LATEST_SECONDS, PERIOD_SECONDS, SHORTEST_SECONDS, Warden
from paddock.session.supervise import LIMIT_EXIT, Ending, Loop
from tests.fence.running import Sink, make_plan

MIB = 1 << 20
GROUP = Cgroup(1, "/cg", "/cg", ("memory", "pids", "cpuacct"))
COMMAND = Ending(0, "command")


def origin(name: str, value: object, file: str = "/p/.paddock/settings.json", scope: Scope = Scope.PROJECT) -> Origin:
    return Origin(scope, file, 0 if file.startswith("--") else 4, 5, f"paddock.limits.{name}", str(value))


def warden(plan: Plan, sink: Sink, *rules: Origin) -> Warden:
    return Warden(plan, {rule.key: Entry(rule.text, rule) for rule in rules}, sink)


def settled(
    tmp_path: Path, limits: Limits, counts: Counts, ending: Ending = COMMAND, *rules: Origin, cgroups: tuple[Cgroup, ...] = ()
) -> tuple[Ending, list[Event]]:
    sink = Sink()
    plan = make_plan(tmp_path, ("true",), limits=limits, cgroups=cgroups)
    return warden(plan, sink, *rules).settle(ending, counts), sink.events


@pytest.mark.parametrize(
    ("limits", "counts", "name", "words"),
    [
        (Limits(memory_mb=100), Counts(memory_bytes=101 * MIB), "memoryMb", "held 101 MiB, more than 100 MiB"),
        (Limits(cpu_seconds=5), Counts(cpu_seconds=5.25), "cpuSeconds", "used 5.25 s of processor time of 5 s"),
    ],
)
def test_a_limit_that_was_passed_is_told_with_its_place_and_its_measure(tmp_path: Path, limits: Limits, counts: Counts, name: str, words: str) -> None:
    ending, (event,) = settled(tmp_path, limits, counts, COMMAND, origin(name, 5))
    assert ending == Ending(LIMIT_EXIT, "limit")
    assert (event.kind, event.area, event.act, event.subject) == ("violation", "run", "limit", name)
    assert words in event.reason
    assert event.rule == origin(name, 5)
    assert name in event.remedy
    assert {"limit", "measured", "way"} <= dict(event.detail).keys()


@pytest.mark.parametrize(
    ("limits", "counts"),
    [
        (Limits(memory_mb=100), Counts(memory_bytes=100 * MIB)),
        (Limits(cpu_seconds=5), Counts(cpu_seconds=4.99)),
        (Limits(processes=50), Counts(processes=48)),
        (Limits(), Counts(memory_bytes=1 << 50, cpu_seconds=1e9, processes=10**6)),
    ],
)
def test_below_it_nothing_is_said(tmp_path: Path, limits: Limits, counts: Counts) -> None:
    assert settled(tmp_path, limits, counts) == (COMMAND, [])


def test_what_the_kernel_keeps_is_told_by_what_the_kernel_did(tmp_path: Path) -> None:
    limits = Limits(memory_mb=100)
    full = Counts(memory_bytes=115 * MIB, peak_memory_bytes=116 * MIB)
    assert settled(tmp_path, limits, full, cgroups=(GROUP,)) == (COMMAND, []), "caches may fill it"
    ending, (event,) = settled(tmp_path, limits, replace(full, killed=2), cgroups=(GROUP,))
    assert ending.code == LIMIT_EXIT
    assert dict(event.detail) == {"limit": 100, "measured": 116, "way": "cgroup v1"}


def test_processes_that_were_refused_end_nothing(tmp_path: Path) -> None:
    ending, (event,) = settled(tmp_path, Limits(processes=50), Counts(refused=3), Ending(1, "command"), cgroups=(GROUP,))
    assert ending == Ending(1, "command")
    assert "50 processes and threads" in event.reason
    ending, (event,) = settled(tmp_path, Limits(processes=50), Counts(processes=49), Ending(1, "command"))
    assert ending == Ending(1, "command")
    assert dict(event.detail)["way"] == "rlimit"


def test_the_clock_keeps_its_own_code(tmp_path: Path) -> None:
    ending, (event,) = settled(tmp_path, Limits(timeout_seconds=1.5), Counts(), Ending(124, "timeout"), origin("timeoutSeconds", 1.5, "--timeout", Scope.CLI))
    assert ending == Ending(124, "timeout")
    assert (event.subject, event.remedy) == ("timeoutSeconds", "--timeout 3")


def test_a_signal_from_outside_keeps_its_code_too(tmp_path: Path) -> None:
    ending, events = settled(tmp_path, Limits(cpu_seconds=5), Counts(cpu_seconds=6), Ending(143, "signal"))
    assert ending == Ending(143, "signal")
    assert len(events) == 1


def test_an_administrator_s_limit_comes_without_a_remedy(tmp_path: Path) -> None:
    _, (event,) = settled(tmp_path, Limits(cpu_seconds=5), Counts(cpu_seconds=6), COMMAND, origin("cpuSeconds", 5, "/etc/x.json", Scope.MANAGED))
    assert event.remedy == ""


def test_a_file_past_its_largest_size_explains_the_signal(tmp_path: Path) -> None:
    code = 128 + signal.SIGXFSZ
    ending, (event,) = settled(tmp_path, Limits(disk_mb=5), Counts(written_bytes=0), Ending(code, "command"))
    assert ending.code == code
    assert event.subject == "diskMb"
    assert settled(tmp_path, Limits(), Counts(), Ending(code, "command"))[1] == []


class Fence:
    """Says what it is told to."""

    def __init__(self, *readings: Counts) -> None:
        self.readings = list(readings)
        self.near: list[int] = []

    def counts(self, *, near: int = 0) -> Counts:
        self.near.append(near)
        if not self.readings:
            raise ConnectionResetError
        return self.readings.pop(0)

    def unlinked(self, devices: frozenset[int]) -> int:
        return 0


def test_a_run_is_ended_at_the_first_look_that_is_too_high(tmp_path: Path) -> None:
    sink = Sink()
    fence = Fence(Counts(memory_bytes=99 * MIB), Counts(memory_bytes=120 * MIB), Counts(memory_bytes=500 * MIB))
    heeded: list[int] = []
    with SignalFd(()) as signals:
        loop = Loop(signals, lambda signo: None, lambda signo: None)
        warden(make_plan(tmp_path, ("true",), limits=Limits(memory_mb=100)), sink).watch(fence, loop, lambda: heeded.append(1))  # type: ignore[arg-type] # the part that is used
        assert loop.run() == Ending(LIMIT_EXIT, "limit")
    assert fence.near == [100 * MIB] * 2
    assert len(heeded) == 2
    assert len(sink.events) == 1


def test_the_closer_the_sooner_and_never_at_any_price(tmp_path: Path) -> None:
    limits = Limits(memory_mb=1024)
    watcher = warden(make_plan(tmp_path, ("true",), limits=limits), Sink())
    assert watcher._pause(Counts(memory_bytes=0), 0.0) == PERIOD_SECONDS
    near = 1024 * MIB - int(FASTEST * 0.05)
    assert watcher._pause(Counts(memory_bytes=near), 0.0) == pytest.approx(0.05, abs=0.001)
    assert watcher._pause(Counts(memory_bytes=1024 * MIB), 0.0) == SHORTEST_SECONDS
    assert watcher._pause(Counts(memory_bytes=1024 * MIB), 0.01) == pytest.approx(0.04)
    assert watcher._pause(Counts(memory_bytes=500 * MIB), 0.01) == pytest.approx(0.2)
    assert watcher._pause(Counts(), 9.0) == LATEST_SECONDS
    kept = warden(make_plan(tmp_path, ("true",), limits=limits, cgroups=(GROUP,)), Sink())
    assert kept._pause(Counts(memory_bytes=1024 * MIB), 0.0) == PERIOD_SECONDS


def test_where_nothing_has_to_be_ended_the_looks_come_apart(tmp_path: Path) -> None:
    watcher = warden(make_plan(tmp_path, ("true",), limits=Limits(processes=100)), Sink())
    assert [watcher._pause(Counts(processes=3), 0.0) for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert watcher._pause(Counts(processes=60), 0.0) == 0.25
