"""By what each limit is kept."""

from __future__ import annotations

import pytest

from paddock.model.cgroups import Cgroup
from paddock.model.policy import Limits
from paddock.model.record import replace
from paddock.planner.enforce import cgroups_for, wants_cgroup, watched
from paddock.planner.ways import ways
from tests.planner.fakes import FACTS

ROOT = replace(FACTS, uid=0, gid=0)
ALL = Limits(memory_mb=100, disk_mb=50, processes=20, cpu_seconds=7, timeout_seconds=1.5, open_files=64)
NEAR = Cgroup(2, "/cg/a/b", "/cg/a/b", ("cpuacct",))
FAR = Cgroup(2, "/cg/a", "/cg/a/b", ("memory", "pids", "cpuacct"))
V1_MEMORY = Cgroup(1, "/memory", "/memory", ("memory",))
V1_BOTH = Cgroup(1, "/cpu", "/cpu", ("cpuacct",))
V1_PIDS = Cgroup(1, "/pids", "/pids", ("pids",))


def by(limits: Limits, *cgroups: Cgroup) -> dict[str, str]:
    return {way.key: way.by for way in ways(limits, cgroups)}


def test_version_2_is_taken_where_most_can_be_kept() -> None:
    chosen = cgroups_for(ALL, replace(ROOT, cgroups=(NEAR, FAR, V1_MEMORY)))
    assert chosen == (replace(FAR, controllers=("memory", "pids", "cpuacct")),)
    assert watched(ALL, chosen) == ("disk",)
    assert by(ALL, *chosen) == {
        "memoryMb": "cgroup v2",
        "diskMb": "rlimit and watcher",
        "processes": "cgroup v2",
        "cpuSeconds": "cgroup v2",
        "timeoutSeconds": "clock",
        "openFiles": "rlimit",
    }


def test_version_1_does_what_version_2_cannot() -> None:
    chosen = cgroups_for(ALL, replace(ROOT, cgroups=(NEAR, V1_BOTH, V1_MEMORY, V1_PIDS)))
    assert chosen == (NEAR, V1_MEMORY, V1_PIDS)
    assert by(ALL, *chosen)["memoryMb"] == "cgroup v1"
    assert by(ALL, *chosen)["cpuSeconds"] == "cgroup v2"


def test_the_nearest_of_equals() -> None:
    time = Limits(cpu_seconds=7)
    assert cgroups_for(time, replace(FACTS, cgroups=(NEAR, FAR))) == (NEAR,)


def test_an_ordinary_user_s_processes_need_no_cgroup_unless_the_kernel_counts_other_runs_too() -> None:
    limits = Limits(processes=20)
    assert cgroups_for(limits, replace(FACTS, cgroups=(FAR,))) == ()
    assert watched(limits, ()) == ("pids",)
    assert by(limits) == {"processes": "rlimit"}
    assert cgroups_for(limits, replace(FACTS, cgroups=(FAR,), kernel=(5, 13))) == (replace(FAR, controllers=("pids",)),)
    assert cgroups_for(limits, replace(ROOT, cgroups=(FAR,))) == (replace(FAR, controllers=("pids",)),)


def test_without_a_cgroup_the_supervisor_counts_and_says_how_finely() -> None:
    assert cgroups_for(ALL, FACTS) == ()
    assert watched(ALL, ()) == ("memory", "cpuacct", "disk", "pids")
    told = {way.key: way.means for way in ways(ALL, ())}
    assert "ten times a second" in told["memoryMb"]
    assert "ten times a second" in told["cpuSeconds"]


def test_nothing_is_made_or_watched_for_what_nobody_asked() -> None:
    assert cgroups_for(Limits(), replace(ROOT, cgroups=(FAR, V1_MEMORY))) == ()
    assert watched(Limits(open_files=9, timeout_seconds=1), ()) == ()
    assert list(ways(Limits(), ())) == []


@pytest.mark.parametrize(("limits", "wanted"), [(Limits(memory_mb=1), True), (Limits(cpu_seconds=1), True), (Limits(disk_mb=1, processes=1), False)])
def test_cgroups_are_looked_for_only_where_they_would_be_used(limits: Limits, wanted: bool) -> None:
    assert wants_cgroup(limits) is wanted
