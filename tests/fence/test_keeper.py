"""Process 1: it cannot be ended, looked into or imitated from inside, and it ends everything when it should."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paddock.errors import UnsupportedError
from paddock.fence.inside.keeper import NAME, _listening_in, disguise
from paddock.fence.namespaces import start
from paddock.model.plan import Access
from tests.conftest import applies
from tests.fence.running import PYTHON, Result, Sink, cgroups, make_plan, place, python, run, shell


@pytest.mark.parametrize("attack", ["kill -9 -1", "kill -9 1", "kill -INT 1", "kill -STOP 1", "kill -TERM 1; kill -HUP 1; kill -CHLD 1"])
def test_no_signal_from_inside_reaches_it(project: Path, attack: str) -> None:
    # The shell itself is spared by its own `kill -9 -1` (kill(2)).
    assert shell(project, f"{attack}; echo alive; exit 5").code == 5


def test_its_memory_files_and_descriptors_are_closed_to_the_command(project: Path) -> None:
    script = """
libc = ctypes.CDLL(None, use_errno=True)
attempt(open, '/proc/1/environ')
attempt(open, '/proc/1/mem')
attempt(os.readlink, '/proc/1/fd/0')
attempt(os.readlink, '/proc/1/exe')
attempt(os.readlink, '/proc/1/root')
attempt(open, '/proc/1/oom_score_adj', 'w')
print(errno.errorcode[ctypes.get_errno()] if libc.ptrace(16, 1, 0, 0) < 0 else 'ok')
attempt(open, '/proc/self/environ')
pid = os.fork()
if pid == 0: import signal; signal.pause()
print(errno.errorcode[ctypes.get_errno()] if libc.ptrace(16, pid, 0, 0) < 0 else 'ok')
os.kill(pid, 9)
"""
    found = python(project, script).out.split()
    assert found[:5] == ["EACCES", "EACCES", "EACCES", "EACCES", "EACCES"]
    assert found[5] == "EROFS"
    assert found[6:] == ["EPERM", "ok", "ok"]


def test_its_limits_cannot_be_set_from_inside(project: Path) -> None:
    script = "import resource\nattempt(resource.prlimit, 1, resource.RLIMIT_NOFILE, (0, 0)); attempt(resource.prlimit, 0, resource.RLIMIT_NOFILE, (64, 64))"
    plan = make_plan(
        project,
        (
            PYTHON,
            "-I",
            "-c",
            "import errno, os\ndef attempt(c, *a):\n try: c(*a)\n except OSError as e: print(errno.errorcode[e.errno])\n else: print('ok')\n" + script,
        ),
    )
    assert run(plan).out.split() == ["EPERM", "ok"]


def test_a_daemon_does_not_outlive_the_command(project: Path) -> None:
    read, write = os.pipe()
    script = "(setsid sh -c 'trap \"\" HUP TERM; exec sleep 1000' &) ; echo started"
    assert run(make_plan(project, ("/bin/sh", "-c", script)), stdout=write).code == 0
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"started\n"  # the end of the file: nobody holds the other end any more


def test_orphans_are_reaped(project: Path) -> None:
    script = """
import time
for _ in range(20):
    if os.fork() == 0:
        if os.fork() == 0: os._exit(0)
        os._exit(0)
    os.wait()
while any(n.isdigit() and int(n) not in (1, os.getpid()) for n in os.listdir('/proc')): time.sleep(0.01)
print('reaped')
"""
    assert python(project, script).out == "reaped\n"


def test_a_signal_reaches_everything_inside(project: Path) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    read, write = os.pipe()
    fence = start(make_plan(project, ("/bin/sh", "-c", "sleep 1000 & echo up; wait")), Sink(), stdio=(null, write, null))
    try:
        fence.spawn()
        assert fence.observer is not None
        while not _readable(read, fence.observer.fileno()):
            fence.observer.handle()
        fence.signal(signal.SIGTERM)
        assert fence.handle_control() == 128 + signal.SIGTERM
    finally:
        fence.close()
        for fd in (null, read, write, *(x.fd for x in fence.listeners)):
            os.close(fd)


def _readable(fd: int, other: int) -> bool:
    import select

    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.register(other, select.POLLIN)
    return any(ready == fd for ready, _ in poll.poll(10_000))


def test_it_keeps_no_descriptor_but_what_it_works_with(project: Path) -> None:
    applies(os.getuid() == 0, "the files of process 1 belong to root")
    null = os.open(os.devnull, os.O_RDWR)
    fence = start(make_plan(project, ("sleep", "1000")), Sink(), stdio=(null, null, null))
    try:
        info = Path(f"/proc/self/fdinfo/{fence._keeper}").read_text()
        pid = next(line.split()[1] for line in info.splitlines() if line.startswith("Pid:"))
        found = sorted(os.readlink(link).partition(":[")[0] for link in Path(f"/proc/{pid}/fd").iterdir())
        assert found == ["/dev/null"] * 3 + ["/proc/1/net/tcp", "/proc/1/net/tcp6", "anon_inode", "socket"]
    finally:
        fence.close()
        for fd in (null, *(x.fd for x in fence.listeners)):
            os.close(fd)


SUPERVISOR = """
import os, sys
sys.path[:0] = {path!r}
from collections.abc import Iterator
from pathlib import Path
from paddock.fence.namespaces import start
from tests.fence.running import Sink, make_plan
project = Path({project!r})
plan = make_plan(project, ("/bin/sh", "-c", "setsid sleep 1000 & sleep 1000"))
moment = {moment!r}
if moment == "building":
    import paddock.fence.namespaces as backend
    taken, own = backend.report.receive, os.getpid()
    def receive(control):
        if os.getpid() != own:  # the launcher asks process 1
            return taken(control)
        print(*open(f"/proc/self/task/{{os.getpid()}}/children").read().split(), flush=True)
        sys.stdin.read()
        return taken(control)
    backend.report.receive = receive
fence = start(plan, Sink())
if moment == "standing":
    print(*open(f"/proc/self/task/{{os.getpid()}}/children").read().split(), flush=True)
    sys.stdin.read()
fence.spawn()
print(*open(f"/proc/self/task/{{os.getpid()}}/children").read().split(), flush=True)
while True:
    fence.observer.handle()
"""


@pytest.fixture
def adopting() -> Iterator[None]:
    """Orphans of this process's children become its own, so that their end can be waited for (PR_SET_CHILD_SUBREAPER). For this test only, none left."""
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    assert prctl(36, 1, 0, 0, 0) == 0
    yield
    assert prctl(36, 0, 0, 0, 0) == 0
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def readable(fd: int) -> bool:
    import select

    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(10_000))


@pytest.mark.usefixtures("adopting")
@pytest.mark.parametrize("moment", ["building", "standing", "running"])
def test_killing_the_supervisor_leaves_nothing(project: Path, tmp_path: Path, moment: str) -> None:
    root = str(Path(__file__).resolve().parents[2])
    code = SUPERVISOR.format(path=[root, f"{root}/src", *[p for p in sys.path if p.endswith("site-packages")]], project=str(project), moment=moment)
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    launcher = int(process.stdout.readline())
    handle = os.pidfd_open(launcher)
    process.kill()
    process.wait()
    # The launcher ends when process 1 has ended, and with process 1 every other process inside.
    assert readable(handle), "the launcher still waits"
    assert os.waitpid(launcher, 0)[0] == launcher
    # The command held standard output: its end is the end of all of them.
    process.stdout.read()
    process.stdout.close()
    process.stdin.close()
    os.close(handle)
    assert list(project.iterdir()) == []


def test_no_cgroup_is_left_and_the_limit_on_processes_holds_for_root(project: Path) -> None:
    applies(os.getuid() == 0, "RLIMIT_NPROC binds everybody else")
    from paddock.model.policy import Limits

    (cgroup,) = cgroups("pids")
    before = set(Path(cgroup.folder).iterdir())
    result = python(project, FORKS, limits=Limits(processes=20), cgroups=(cgroup,))
    assert result.out.split() == ["EAGAIN", "19"]
    assert result.counts.refused == 1
    left = {path.name for path in set(Path(cgroup.folder).iterdir()) - before}
    assert not [name for name in left if not Path("/proc", name.removeprefix("paddock-")).exists()], "other runs have cgroups of their own"


FORKS = """
children = []
try:
    for _ in range(100):
        pid = os.fork()
        if pid == 0:
            import signal; signal.pause()
        children.append(pid)
except OSError as error: print(errno.errorcode[error.errno])
print(len(children))
for pid in children: os.kill(pid, 9)
"""


def test_the_limit_on_processes_holds(project: Path) -> None:
    applies(os.getuid() != 0, "user 0 needs a cgroup")
    from paddock.model.policy import Limits

    found = python(project, FORKS, limits=Limits(processes=20)).out.split()
    assert found == ["EAGAIN", "18"]  # process 1 counts, and so does the parent
    assert python(project, FORKS, limits=Limits(processes=200)).out.split() == ["100"]


def test_other_limits_hold(project: Path) -> None:
    from paddock.model.policy import Limits

    script = """
def grow(size):
    try: bytearray(size)
    except MemoryError: raise OSError(errno.ENOMEM, 'memory')
attempt(grow, 10 << 20)
attempt(grow, 1300 << 20)
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def write(size):
    with open('file', 'wb', buffering=0) as file:
        for _ in range(size):
            if file.write(bytes(1 << 20)) < 1 << 20: raise OSError(errno.EFBIG, 'short')
attempt(write, 2)
attempt(write, 6)
attempt(lambda: [os.dup(0) for _ in range(100)])
"""
    limits = Limits(memory_mb=200, disk_mb=5, open_files=64)
    assert python(project, script, limits=limits).out.split() == ["ok", "ENOMEM", "ok", "EFBIG", "EMFILE"]


def with_stdin(project: Path, path: Path, script: str, *, unlink: bool = False) -> Result:
    fd = os.open(path, os.O_RDONLY)
    try:
        if unlink:
            path.unlink()
        return run(make_plan(project, ("/bin/sh", "-c", script)), stdin=fd)
    finally:
        os.close(fd)


REOPEN = "cat; echo pwned > /proc/self/fd/0; echo pwned > /dev/stdin; truncate -s 0 /dev/stdin"


def test_a_file_that_is_passed_in_for_reading_can_only_be_read(project: Path, outside: Path) -> None:
    before = (outside / "file").stat()
    result = with_stdin(project, outside / "file", f"{REOPEN}; chmod 777 /dev/stdin; touch /dev/stdin")
    assert result.out == "outside\n"
    assert result.err.count("Read-only file system") == 5
    after = (outside / "file").stat()
    assert ((outside / "file").read_text(), after.st_mode, after.st_mtime_ns) == ("outside\n", before.st_mode, before.st_mtime_ns)


def test_landlock_stands_before_a_file_that_has_lost_the_name_it_was_opened_by(project: Path, outside: Path) -> None:
    (outside / "second").hardlink_to(outside / "file")
    result = with_stdin(project, outside / "file", REOPEN, unlink=True)
    assert result.out == "outside\n"
    assert result.err.count("Permission denied") == 3
    assert (outside / "second").read_text() == "outside\n"


def test_what_is_read_of_a_passed_file_is_read_for_the_caller_too(project: Path, outside: Path) -> None:
    (outside / "lines").write_text("one\ntwo\nthree\n")
    fd = os.open(outside / "lines", os.O_RDONLY)
    os.lseek(fd, 4, os.SEEK_SET)
    try:
        assert run(make_plan(project, ("/bin/sh", "-c", "read line; echo $line")), stdin=fd).out == "two\n"
        assert os.read(fd, 100) == b"three\n"
    finally:
        os.close(fd)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_kernels_with_less_landlock_fence_by_mounts_and_refuse_what_these_cannot(
    project: Path, outside: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    monkeypatch.setattr("paddock.fence.kernel.landlock.abi", lambda: version)
    result = with_stdin(project, outside / "file", f"{REOPEN}; echo x > made; mkdir a b; echo y > a/f; mv a/f b/f")
    assert result.out == "outside\n"
    assert result.err.count("Read-only file system") == 3
    assert (project / "b" / "f").exists()
    assert any("Landlock" in e.reason for e in result.sink.events) == (version < 2)
    (outside / "second").hardlink_to(outside / "file")
    with pytest.raises(UnsupportedError, match="pipe"):
        with_stdin(project, outside / "file", "true", unlink=True)


def test_a_redirected_output_may_be_opened_again(project: Path, outside: Path) -> None:
    fd = os.open(outside / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        result = run(
            make_plan(project, ("/bin/sh", "-c", f"echo one; echo two >> /dev/stdout; echo no > {outside}/file"), place(outside, Access.READ)), stdout=fd
        )
    finally:
        os.close(fd)
    assert (outside / "log").read_text() == "one\ntwo\n"
    assert "Read-only file system" in result.err


def test_a_terminal_as_output_may_be_opened_again(project: Path) -> None:
    master, slave = os.openpty()
    try:
        assert run(make_plan(project, ("/bin/sh", "-c", "echo x > /dev/stdout || exit 3")), stdin=slave, stdout=slave).code == 0
        assert os.read(master, 100) == b"x\r\n"
    finally:
        os.close(master)
        os.close(slave)


def test_the_listing_stops_at_the_first_connection(tmp_path: Path) -> None:
    head = "  sl  local_address rem_address   st tx_queue\n"
    lines = ["   0: 0100007F:1F90 00000000:0000 0A 0", "   1: 00000000:0050 00000000:0000 0A 0", "   2: 01FF13C6:0051 00000000:0000 0A 0"]
    (tmp_path / "tcp").write_text(head + "\n".join([*lines, "   3: 0100007F:1F91 0100007F:0050 01 0", "   4: 0100007F:0052 00000000:0000 0A 0"]) + "\n")
    fd = os.open(tmp_path / "tcp", os.O_RDONLY)
    try:
        assert _listening_in(fd) == _listening_in(fd) == [8080, 80]
    finally:
        os.close(fd)


def test_the_disguise_wipes_arguments_and_environment() -> None:
    code = (
        "import os, sys\n"
        f"sys.path[:0] = [{str(Path(disguise.__code__.co_filename).parents[3])!r}]\n"
        "from paddock.fence.inside.keeper import disguise\n"
        "disguise(open('/proc/self/stat', 'rb').read())\n"
        "print([open(f'/proc/self/{n}', 'rb').read().strip(b'\\0') for n in ('cmdline', 'environ')], dict(os.environ))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, "CANARY-WORD"], env={"TOKEN": "CANARY-VALUE"}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"[{NAME!r}, b''] {{}}"
