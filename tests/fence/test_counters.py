"""What cgroups have counted, read from their files, and the same figures without any."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from paddock.fence.counters import counts_of, pack, unpack
from paddock.fence.namespaces import start
from paddock.fence.ports import Counts
from paddock.fence.processes import _Lost, _Times
from paddock.model.policy import Limits
from tests.fence.running import PYTHON, Sink, cgroups, make_plan, python

NEW = {
    "memory.current": "4096\n",
    "memory.peak": "8192\n",
    "memory.events": "low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 0\n",
    "pids.current": "3\n",
    "pids.peak": "5\n",
    "pids.events": "max 7\n",
    "cpu.stat": "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 0\n",
}
OLD = {
    "memory.usage_in_bytes": "4096\n",
    "memory.max_usage_in_bytes": "8192\n",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    "pids.current": "3\n",
    "pids.peak": "5\n",
    "pids.events": "max 7\n",
    "cpuacct.usage": "2500000000\n",
    "cpuacct.usage_user": "2000000000\n",
    "cpuacct.usage_sys": "500000000\n",
}


@pytest.mark.parametrize("files", [NEW, OLD])
def test_both_versions_say_the_same(files: dict[str, str]) -> None:
    assert counts_of(files) == Counts(4096, 8192, 2.5, 2.0, 0.5, 3, 5, None, killed=1, refused=7)
    assert unpack(pack([files])) == files


def test_what_a_kernel_does_not_count_is_not_nothing() -> None:
    assert counts_of({}) == Counts()
    assert counts_of({"memory.current": "max\n", "cpu.stat": "", "memory.events": "rubbish\n"}) == Counts()
    assert unpack(b"") == {}


def test_a_sum_that_falls_has_lost_somebody() -> None:
    sums = _Lost()
    assert [sums.total(now) for now in (5, 9, 2, 4, 1)] == [5, 9, 9, 11, 11]


def test_time_of_the_dead_counts_once_whether_somebody_waited_or_not() -> None:
    times = _Times()
    shell, child, other = ("2", "10"), ("3", "11"), ("3", "12")
    assert times.total(0, {shell: (1, 0), child: (50, 5)}) == 56
    assert times.total(0, {shell: (2, 60)}) == 62, "the shell waited; five more were used meanwhile"
    assert times.total(0, {shell: (2, 60), other: (40, 0)}) == 102
    assert times.total(0, {shell: (9, 60)}) == 109, "nobody waited, and the shell's own time does not hide it"
    assert times.total(71, {}) == 111, "process 1 waited for the shell"


HOLD = """
import ctypes, os, sys, time
def hold(kind, size):
    if kind == 'private': return bytearray(b'x') * size
    if kind == 'shared':
        import mmap
        block = mmap.mmap(-1, size); block.write(bytes(size)); return block
    fd = os.memfd_create('held'); os.write(fd, bytes(size)); return fd
kept = hold(sys.argv[1], int(sys.argv[2]) << 20)
for _ in range(int(sys.argv[3])):
    if os.fork() == 0: break
print('held', flush=True)
time.sleep(600)
"""


def seen(project: Path, processes: int, *words: str, watched: tuple[str, ...], near: int) -> Counts:
    """What is counted while so many processes hold what they hold."""
    plan = make_plan(project, (PYTHON, "-I", "-S", *words), limits=Limits(memory_mb=1), watched=watched)
    reading, writing = os.pipe()
    fence = start(plan, Sink(), stdio=(0, writing, 2))
    try:
        fence.counts(near=1)  # what the machine holds before
        fence.spawn()
        os.close(writing)
        poll = select.poll()
        poll.register(reading, select.POLLIN)
        if fence.observer is not None:
            poll.register(fence.observer.fileno(), select.POLLIN)
        said = b""
        while said.count(b"held") < processes:
            for fd, _ in poll.poll():
                if fd == reading:
                    said += os.read(reading, 4096)
                elif fence.observer is not None:
                    fence.observer.handle()
        return fence.counts(near=near)
    finally:
        fence.close()
        for fd in (reading, *(listener.fd for listener in fence.listeners)):
            os.close(fd)


def measured(project: Path, kind: str, megabytes: int, children: int, *, near: int) -> int:
    """MiB that are counted for a process that holds so many, and its children."""
    words = ("-c", HOLD, kind, str(megabytes), str(children))
    return (seen(project, 1 + children, *words, watched=("memory",), near=near).memory_bytes or 0) >> 20


@pytest.mark.parametrize("kind", ["private", "shared", "file"])
def test_memory_of_every_kind_is_counted(project: Path, kind: str) -> None:
    assert 60 <= measured(project, kind, 60, 0, near=30 << 20) < 90


def test_what_processes_share_counts_once_where_it_matters(project: Path) -> None:
    assert measured(project, "private", 60, 4, near=0) >= 300, "the cheap sum"
    assert 60 <= measured(project, "private", 60, 4, near=30 << 20) < 150


def test_processor_time_of_the_living_and_of_the_dead(project: Path) -> None:
    burn = """
import resource
def burn(seconds):
    while resource.getrusage(resource.RUSAGE_SELF).ru_utime < seconds: pass
for _ in range(3):
    pid = os.fork()
    if pid == 0: burn(0.2); os._exit(0)
    os.waitpid(pid, 0)
burn(0.2)
"""
    assert python(project, burn, limits=Limits(cpu_seconds=100), watched=("cpuacct",)).counts.cpu_seconds >= 0.8  # type: ignore[operator] # None fails too


@pytest.mark.parametrize("version", [1, 2])
def test_a_cgroup_of_either_version_counts_processor_time(project: Path, version: int) -> None:
    burn = "import resource\nwhile resource.getrusage(resource.RUSAGE_SELF).ru_utime < 0.3: pass"
    result = python(project, burn, limits=Limits(cpu_seconds=100), cgroups=cgroups("cpuacct", version=version))
    assert result.counts.user_seconds is not None
    assert result.usage.user_seconds == result.counts.user_seconds
    assert 0.25 < result.counts.user_seconds < 3


def test_memory_of_a_cgroup_is_a_wall(project: Path) -> None:
    groups = cgroups("memory")
    script = "pid = os.fork()\nif pid == 0: kept = bytearray(b'x') * (200 << 20); os._exit(0)\nprint(os.WTERMSIG(os.waitpid(pid, 0)[1]))"
    over = python(project, script, limits=Limits(memory_mb=100), cgroups=groups)
    assert over.counts.killed >= 1
    assert over.out.split() in (["9"], [])  # while the child's memory is given back the kernel may take the parent as well
    assert over.usage.peak_memory_bytes is not None
    assert 90 << 20 < over.usage.peak_memory_bytes <= 116 << 20
    under = python(project, script, limits=Limits(memory_mb=300), cgroups=groups)
    assert (under.out.split(), under.counts.killed) == (["0"], 0)


def test_the_command_sees_its_cgroup_as_the_root(project: Path) -> None:
    groups = cgroups("memory", "pids")
    result = python(project, "print(open('/proc/self/cgroup').read())", limits=Limits(memory_mb=100, processes=50), cgroups=groups)
    paths = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in result.out.splitlines() if ":" in line}
    assert {paths[name] for name in ("memory", "pids") if name in paths} <= {"/"}
    assert "paddock-" not in result.out


NAMES = """
import ctypes, os, time
libc = ctypes.CDLL(None)
for name in (b'a kB', b') R 1 1 1 1', b'x\\nVmSwap: 9 kB', b'\\xff (('):
    if os.fork() == 0:
        libc.prctl(15, name, 0, 0, 0)
        libc.prctl(4, 0, 0, 0, 0)  # nobody of the same user may look into it any more
        held = bytearray(b'x') * (20 << 20)
        open(str(os.getpid()), 'wb').write(bytes(1 << 20))
        break
print('held', flush=True)
time.sleep(600)
"""


def test_what_a_process_calls_itself_and_hides_does_not_disturb_the_counting(project: Path) -> None:
    counts = seen(project, 5, "-c", NAMES, watched=("memory", "cpuacct", "disk", "pids"), near=1)
    assert counts.processes == 5
    assert counts.memory_bytes is not None
    assert 80 << 20 <= counts.memory_bytes < 160 << 20
    assert counts.written_bytes is not None
    assert counts.unseen is (os.getuid() != 0), "an ordinary user is told that there is more"
    assert counts.unseen or counts.written_bytes >= 4 << 20
