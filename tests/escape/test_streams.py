"""Attacks through what was handed in: a file that was opened for reading stays a file for reading, and no descriptor leads out."""

from __future__ import annotations

import os
import select
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paddock.errors import LaunchError, UsageError
from paddock.fence import handed
from paddock.model.policy import Limits
from tests.conftest import must
from tests.fence.conftest import why_not
from tests.fence.running import PYTHON, make_plan, run

HEAD = """
import errno, fcntl, mmap, os, sys
def attempt(name, call, *arguments, **named):
    try: call(*arguments, **named)
    except OSError as error: print(name, errno.errorcode[error.errno])
    else: print(name, 'ok')
fd = int(sys.argv[1])
path = f'/proc/self/fd/{fd}'
"""
# Every way that changes a file, by its descriptor and by the name that /proc gives it.
CHANGES = """
attempt('write', os.write, fd, b'X')
attempt('reopen', os.open, path, os.O_WRONLY)
attempt('reopen-both', os.open, path, os.O_RDWR)
attempt('reopen-append', os.open, path, os.O_WRONLY | os.O_APPEND)
attempt('fallocate', os.posix_fallocate, fd, 0, 1)
attempt('map', mmap.mmap, fd, 1, prot=mmap.PROT_WRITE | mmap.PROT_READ)
attempt('fchmod', os.fchmod, fd, 0o666)
attempt('chmod', os.chmod, path, 0o666)
attempt('futimens', os.utime, fd, (0, 0))
attempt('utimes', os.utime, path, (0, 0))
attempt('fchown', os.fchown, fd, os.getuid(), os.getgid())
attempt('attribute', os.setxattr, fd, 'user.paddock', b'X')
attempt('cut', os.ftruncate, fd, 1)
attempt('cut-by-name', os.truncate, path, 1)
attempt('reopen-cut', os.open, path, os.O_RDONLY | os.O_TRUNC)
"""
NEVER = """
attempt('second-name', os.link, path, 'second')
attempt('lead-out', os.listdir, path + '/..')
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    must(not why_not(), f"no fence can be built here: {why_not()}")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    file = tmp_path / "outside" / "victim"
    file.parent.mkdir()
    file.write_text("safe")
    file.chmod(0o644)
    return file


@contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    fd = os.open(path, flags)
    os.set_inheritable(fd, True)
    try:
        yield fd
    finally:
        os.close(fd)


def attack(project: Path, script: str, fd: int, *, standard: bool) -> dict[str, str]:
    """What each attempt on ``fd`` gave; inside it is standard input, or has its own number."""
    argv = (PYTHON, "-I", "-S", "-c", HEAD + script, "0" if standard else str(fd))
    result = run(make_plan(project, argv), stdin=fd) if standard else run(make_plan(project, argv), passed=(fd,))
    assert result.err == ""
    return dict(line.split() for line in result.out.splitlines())


@pytest.mark.parametrize("standard", [True, False], ids=["standard input", "passed"])
def test_what_was_opened_for_reading_cannot_be_changed(project: Path, victim: Path, *, standard: bool) -> None:
    before = victim.stat()
    with opened(victim, os.O_RDONLY) as fd:
        found = attack(project, CHANGES + NEVER, fd, standard=standard)
    read_only = dict.fromkeys(("reopen", "reopen-both", "reopen-append", "fchmod", "chmod", "futimens", "utimes", "fchown", "attribute"), "EROFS")
    read_only |= {"cut-by-name": "EROFS", "reopen-cut": "EROFS", "write": "EBADF", "fallocate": "EBADF", "map": "EACCES", "cut": "EINVAL"}
    assert found == {**read_only, "second-name": "EXDEV", "lead-out": "ENOTDIR"}
    assert victim.read_text() == "safe"
    after = victim.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_ctime_ns, after.st_nlink) == (before.st_mode, before.st_mtime_ns, before.st_ctime_ns, 1)


@pytest.mark.parametrize("standard", [True, False], ids=["standard input", "passed"])
def test_what_was_opened_for_writing_is_given_away(project: Path, victim: Path, *, standard: bool) -> None:
    with opened(victim, os.O_RDWR) as fd:
        found = attack(project, CHANGES + NEVER, fd, standard=standard)
    refused = {name: what for name, what in found.items() if what != "ok"}
    refused.pop("attribute", None)  # a file system without them
    assert refused == {"second-name": "EXDEV", "lead-out": "ENOTDIR"}
    assert victim.stat().st_mtime == 0 or victim.stat().st_size <= 1


def test_reading_and_appending_to_one_file(project: Path, victim: Path) -> None:
    script = """
import errno, os
for name in ('/dev/stdin', '/proc/self/fd/0'):
    try: os.open(name, os.O_WRONLY)
    except OSError as error: os.write(2, errno.errorcode[error.errno].encode() + b' ')
os.write(1, os.read(0, 4).upper())
os.close(os.open('/dev/stdout', os.O_WRONLY | os.O_APPEND))
"""
    with opened(victim, os.O_RDONLY) as source, opened(victim, os.O_WRONLY | os.O_APPEND) as target:
        result = run(make_plan(project, (PYTHON, "-I", "-S", "-c", script)), stdin=source, stdout=target)
        assert os.lseek(source, 0, os.SEEK_CUR) == 4, "what was read inside is read outside too"
    assert (result.code, result.err) == (0, "EROFS EROFS ")
    assert victim.read_text() == "safeSAFE"


def test_a_lock_is_only_a_lock(project: Path, victim: Path) -> None:
    """Who passes a file passes the right to lock it, as flock(2) gives it to every reader; it ends with the run."""
    import fcntl

    script = "attempt('lock', fcntl.flock, fd, fcntl.LOCK_EX | fcntl.LOCK_NB)"
    with opened(victim, os.O_RDONLY) as fd:
        assert attack(project, script, fd, standard=True) == {"lock": "ok"}
        with victim.open() as other:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


# What leads out is not passed at all. Each line: how to get one, and what it is called.


def _event() -> int:
    return os.eventfd(0, 0)


def _watcher() -> int:
    with select.epoll() as watcher:
        return os.dup(watcher.fileno())


def _process() -> int:
    return os.pidfd_open(os.getpid())


def _memory() -> int:
    memory = os.memfd_create("memory")
    try:
        return os.open(f"/proc/self/fd/{memory}", os.O_RDONLY)
    finally:
        os.close(memory)


def _namespace() -> int:
    return os.open("/proc/self/ns/mnt", os.O_RDONLY)


def _internet() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        return os.dup(client.fileno())


def _datagrams() -> int:
    first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with first, second:
        return os.dup(first.fileno())


def _listening() -> int:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0paddock-test-" + os.urandom(8).hex())
        server.listen()
        return os.dup(server.fileno())


def _unconnected() -> int:
    with socket.socket(socket.AF_UNIX) as alone:
        return os.dup(alone.fileno())


WAYS_OUT: list[tuple[Callable[[], int], str]] = [
    (lambda: os.open("/", os.O_RDONLY | os.O_DIRECTORY), "a directory"),
    (lambda: os.open("/", os.O_PATH), "a directory"),
    (lambda: os.open("/etc/passwd", os.O_PATH), "O_PATH"),
    (_internet, "a network socket"),
    (_datagrams, "a socket without one fixed peer"),
    (_listening, "a socket without one fixed peer"),
    (_unconnected, "an unconnected socket"),
    (_event, "a kernel object"),
    (_watcher, "a kernel object"),
    (_process, "a kernel object"),
    (_namespace, "a kernel object"),
    (_memory, "a memory file"),
]


@pytest.mark.parametrize(("make", "name"), WAYS_OUT, ids=lambda value: value if isinstance(value, str) else "")
def test_a_way_out_is_not_passed_in(project: Path, make: Callable[[], int], name: str) -> None:
    fd = make()
    os.set_inheritable(fd, True)
    try:
        with pytest.raises(UsageError, match=name) as passed:
            run(make_plan(project, ("true",)), passed=(fd,))
        with pytest.raises(LaunchError, match=name) as standard:
            run(make_plan(project, ("true",)), stdin=fd)
    finally:
        os.close(fd)
    assert passed.value.hint
    assert standard.value.hint


def test_no_terminal_is_passed_by_number(project: Path) -> None:
    for fd in (pair := os.openpty()):
        os.set_inheritable(fd, True)
        with pytest.raises(UsageError, match="a terminal"):
            run(make_plan(project, ("true",)), passed=(fd,))
    for fd in pair:
        os.close(fd)


def test_only_harmless_devices_are_passed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(Path(os.devnull), os.O_RDWR) as null:
        assert run(make_plan(project, ("true",)), passed=(null,)).code == 0
        monkeypatch.setattr(handed, "_HARMLESS", frozenset())
        with pytest.raises(UsageError, match="a device"):
            run(make_plan(project, ("true",)), passed=(null,))


def test_only_what_the_caller_left_open_is_passed(project: Path) -> None:
    with opened(Path(os.devnull), os.O_RDWR) as fd:
        closed = os.dup(fd)
        os.close(closed)
        for number in (closed, 1):
            with pytest.raises(UsageError, match="no such descriptor"):
                run(make_plan(project, ("true",)), passed=(number,))
        os.set_inheritable(fd, False)  # as everything that this process opens for itself
        with pytest.raises(UsageError, match="no such descriptor"):
            run(make_plan(project, ("true",)), passed=(fd,))
        os.set_inheritable(fd, True)
        with pytest.raises(UsageError, match="more than 32"):
            run(make_plan(project, ("true",)), passed=(fd,) * 33)


def test_what_is_passed_arrives_under_its_number_and_nothing_else_does(project: Path, victim: Path) -> None:
    script = """
import os, socket, sys
pipe, file, memory, pair, null = map(int, sys.argv[1:])
os.write(pipe, b'through a pipe')
print(os.read(file, 9).decode(), os.pread(memory, 9, 0).decode())
with socket.socket(fileno=pair) as peer: peer.sendall(peer.recv(9).upper())
os.write(null, b'x')
print(sorted(int(name) for name in os.listdir('/proc/self/fd'))[3:])
"""
    read, write = os.pipe()
    file = os.open(victim, os.O_RDONLY)
    memory = os.memfd_create("memory")
    os.write(memory, b"memory")
    ours, theirs = socket.socketpair()
    ours.sendall(b"peer")
    null = os.open(os.devnull, os.O_RDWR)
    # Numbers in an order that is not the one in which they are sent, above and below those of the fence itself.
    passed = (write, os.dup2(file, 200), os.dup2(memory, 4_00), os.dup(theirs.fileno()), os.dup2(null, 100))
    left_out = os.dup(file)
    for fd in (*passed, left_out):
        os.set_inheritable(fd, True)
    try:
        result = run(make_plan(project, (PYTHON, "-I", "-S", "-c", script, *map(str, passed))), passed=passed)
        assert os.read(read, 100) == b"through a pipe"
        assert ours.recv(100) == b"PEER"
    finally:
        for fd in {read, file, memory, null, left_out, *passed}:
            os.close(fd)
        ours.close()
        theirs.close()
    assert result.err == ""
    lines = result.out.splitlines()
    assert lines[0] == "safe memory"
    left = sorted(set(passed) - {passed[3]})
    assert eval(lines[1]) in (left, sorted([*left, 3]), sorted([*left, passed[3]])), "and the listing itself"  # noqa: S307 -- our own list of numbers


def test_a_number_above_the_limit_of_open_files_is_said(project: Path) -> None:
    with opened(Path(os.devnull), os.O_RDWR) as null:
        high = os.dup2(null, 300)
        os.set_inheritable(high, True)
        try:
            assert run(make_plan(project, ("true",), limits=Limits(open_files=400)), passed=(high,)).code == 0
            with pytest.raises(LaunchError, match="above the limit on open files"):
                run(make_plan(project, ("true",), limits=Limits(open_files=100)), passed=(high,))
        finally:
            os.close(high)


def test_a_number_that_is_taken_inside_is_no_trouble(project: Path) -> None:
    """The keeper has descriptors of its own under small numbers, its way to the supervisor among them."""
    pipes = [os.pipe() for _ in range(12)]
    passed = tuple(write for _, write in pipes)
    for fd in passed:
        os.set_inheritable(fd, True)
    try:
        script = "import os, sys\nfor fd in map(int, sys.argv[1:]): os.write(fd, b'%d' % fd)"
        result = run(make_plan(project, (PYTHON, "-I", "-S", "-c", script, *map(str, passed))), passed=passed)
        assert result.code == 0, result.err
        assert [os.read(read, 10) for read, _ in pipes] == [b"%d" % write for _, write in pipes]
    finally:
        for pair in pipes:
            for fd in pair:
                os.close(fd)


def test_a_named_pipe_and_a_device_are_streams_as_ever(project: Path) -> None:
    fifo = project / "fifo"
    os.mkfifo(fifo)
    fd = os.open(fifo, os.O_RDWR)
    os.write(fd, b"line\n")
    try:
        assert run(make_plan(project, ("head", "-n", "1")), stdin=fd).out == "line\n"
    finally:
        os.close(fd)
    with opened(Path("/dev/zero"), os.O_RDONLY) as zero:
        assert stat.S_ISCHR(os.fstat(zero).st_mode)
        assert run(make_plan(project, ("head", "-c", "3")), stdin=zero).out == "\0\0\0"
