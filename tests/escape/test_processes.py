"""Attacks on the fence from inside through processes, namespaces, mounts and descriptors. Each refusal stands beside the same act where it is allowed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from paddock.errors import LaunchError
from paddock.model.plan import Access
from tests.conftest import applies, must
from tests.fence.conftest import why_not
from tests.fence.running import make_plan, place, python, run, shell


@pytest.fixture
def project(tmp_path: Path) -> Path:
    must(not why_not(), f"no fence can be built here: {why_not()}")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "victim").write_text("safe")
    yield folder
    assert (folder / "victim").read_text() == "safe"
    assert [p.name for p in folder.iterdir()] == ["victim"]


def test_every_spelling_of_an_outside_path_ends_at_the_same_wall(project: Path, outside: Path) -> None:
    script = f"""
os.symlink('{outside}', 'way')
for name in ('{outside}/new', 'way/new', '/proc/self/root{outside}/new', '/proc/1/root{outside}/new', '/proc/self/cwd/../outside/new', '../outside/new',
             '/proc/self/root/proc/self/root{outside}/new', '/dev/fd/../cwd/../outside/new'):
    attempt(open, name, 'w')
attempt(open, '/proc/self/cwd/new', 'w')
"""
    found = python(project, script, place(outside, Access.READ)).out.split()
    assert found == ["EROFS", "EROFS", "EROFS", "EACCES", "EROFS", "EROFS", "EROFS", "EROFS", "ok"]


def test_links_cannot_carry_an_outside_file_in(project: Path, outside: Path) -> None:
    script = f"""
attempt(os.link, '{outside}/victim', 'second')
attempt(os.rename, '{outside}/victim', 'moved')
open('own', 'w').close()
attempt(os.link, 'own', 'second')
attempt(os.rename, 'second', 'third')
"""
    assert python(project, script, place(outside, Access.READ)).out.split() == ["EXDEV", "EXDEV", "ok", "ok"]


def test_a_link_is_flipped_while_it_is_written_through(project: Path, outside: Path) -> None:
    script = f"""
os.mkdir('a'); os.symlink('a', 'r')
pid = os.fork()
if pid == 0:
    for n in range(300):
        os.symlink('{outside}' if n % 2 else 'a', 't'); os.rename('t', 'r')
    os._exit(0)
seen = set()
done = False
while not done:
    done = os.waitpid(pid, os.WNOHANG)[0] != 0
    try: open('r/new', 'w').close(); seen.add('ok')
    except OSError as error: seen.add(errno.errorcode[error.errno])
print(sorted(seen))
"""
    assert python(project, script, place(outside, Access.READ)).out.strip() in ("['EROFS', 'ok']", "['ok']")


def test_no_descriptor_of_the_host_is_left_to_climb_out_with(project: Path, outside: Path) -> None:
    handle = os.open(outside, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(handle, True)
    try:
        script = f"attempt(os.listdir, {handle}); attempt(os.open, 'victim', os.O_WRONLY, dir_fd={handle}); attempt(os.listdir, os.open('.', os.O_RDONLY))"
        assert python(project, script).out.split() == ["EBADF", "EBADF", "ok"]
    finally:
        os.close(handle)


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_PATH])
def test_a_directory_of_the_hosts_is_not_passed_in(project: Path, outside: Path, flags: int) -> None:
    handle = os.open(outside, flags | os.O_DIRECTORY)
    file = os.open(outside / "victim", os.O_RDONLY)
    try:
        with pytest.raises(LaunchError, match="directory"):
            run(make_plan(project, ("true",)), stdin=handle)
        # A file leads nowhere but to itself.
        assert run(make_plan(project, ("/bin/sh", "-c", "cat; ls /proc/self/fd/0/..")), stdin=file).out == "safe"
    finally:
        os.close(handle)
        os.close(file)


def test_a_closed_stream_is_not_filled_by_a_descriptor_of_the_supervisors(project: Path) -> None:
    saved = os.dup(0)
    os.close(0)
    taken = os.open("/etc/passwd", os.O_RDONLY)  # close-on-exec, as everything that Python opens
    try:
        assert taken == 0
        assert run(make_plan(project, ("/bin/sh", "-c", "readlink /proc/self/fd/0")), stdin=0).out == "/dev/null\n"
    finally:
        os.dup2(saved, 0)
        os.close(saved)


def test_reading_below_a_mask_through_new_namespaces_and_mounts(project: Path, outside: Path) -> None:
    layout = (place(outside.parent, Access.READ), place(outside, Access.HIDDEN))
    script = f"""
unshare -Urm sh -c 'mkdir m; mount --bind {outside.parent} m; cat m/outside/victim'; echo $?
mount -o remount,rw,bind / ; echo $?
umount {outside}; echo $?
chroot / true; echo $?
nsenter -t 1 -m true; echo $?
cat {outside}/victim; echo $?
cat {project}/../project/own; echo $?
"""
    (project / "own").write_text("own\n")
    result = shell(project, script, *layout)
    lines = result.out.split()
    assert "0" not in lines[:6]
    assert lines[6:] == ["own", "0"]
    assert "Operation not permitted" in result.err
    assert f"{outside}/victim: No such file or directory" in result.err


def test_shared_memory_and_queues_are_the_fences_own(project: Path) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    key = 0x70616464
    ident = libc.shmget(key, 4096, 0o1666)
    assert ident >= 0
    try:
        script = f"""
libc = ctypes.CDLL(None, use_errno=True)
print(libc.shmget({key}, 0, 0), errno.errorcode[ctypes.get_errno()])
print(libc.shmget({key}, 4096, 0o1600) >= 0)
"""
        assert python(project, script).out.split() == ["-1", "ENOENT", "True"]
    finally:
        assert libc.shmctl(ident, 0, None) == 0


def test_the_host_is_not_to_be_seen_or_signalled(project: Path) -> None:
    script = f"attempt(os.kill, {os.getpid()}, 0); attempt(os.readlink, '/proc/{os.getpid()}/exe'); attempt(os.kill, os.getpid(), 0)"
    assert python(project, script).out.split() == ["ESRCH", "ENOENT", "ok"]


def test_terminal_injection_is_refused_on_every_way_to_the_terminal(project: Path) -> None:
    master, slave = os.openpty()
    script = """
import fcntl, termios
for request in (0x5412, 0x541C, 0x5412 | 1 << 32):
    libc = ctypes.CDLL(None, use_errno=True); libc.syscall.restype = ctypes.c_long
    result = libc.syscall(ctypes.c_long(16 if os.uname().machine == 'x86_64' else 29), ctypes.c_long(0), ctypes.c_ulong(request), b'x')
    print(errno.errorcode[ctypes.get_errno()] if result < 0 else 'ok')
attempt(termios.tcgetattr, 0)
"""
    head = "import ctypes, errno, os, sys\ndef attempt(c, *a):\n try: c(*a)\n except OSError as e: print(errno.errorcode[e.errno])\n else: print('ok')\n"
    try:
        result = run(make_plan(project, ("/usr/bin/python3", "-I", "-c", head + script)), stdin=slave)
    finally:
        os.close(master)
        os.close(slave)
    assert result.out.split() == ["EPERM", "EPERM", "EPERM", "ok"]


def test_what_makes_a_file_dangerous_outside_cannot_be_made(project: Path) -> None:
    script = """
open('file', 'w').close()
for mode in (0o4755, 0o2755, 0o6755): attempt(os.chmod, 'file', mode)
attempt(os.setxattr, 'file', 'security.capability', bytes.fromhex('0100000200200000000000000000000000000000'))
attempt(os.mknod, 'node', 0o060666, os.makedev(254, 0))
attempt(os.chown, 'file', 12345, -1)
attempt(os.chmod, 'file', 0o777)
attempt(os.setxattr, 'file', 'user.note', b'x')
"""
    found = python(project, script).out.split()
    assert found[:5] == ["EPERM"] * 5
    assert found[5] in {"EINVAL", "EPERM"}  # an id that is not mapped does not exist inside
    assert found[6] == "ok"
    assert found[7] in {"ok", "EOPNOTSUPP"}


@pytest.mark.parametrize("name", ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches"])
def test_a_root_caller_cannot_reach_the_machine_through_its_settings(project: Path, name: str) -> None:
    applies(os.getuid() == 0, "files of root's")
    applies(Path(name).exists(), f"no {name} here")
    assert python(project, f"attempt(os.open, '{name}', os.O_WRONLY); attempt(os.open, '/proc/self/oom_score_adj', os.O_WRONLY)").out.split() == ["EROFS", "ok"]


def test_a_unix_socket_of_ones_own_works_and_descriptors_travel_through_it(project: Path) -> None:
    script = """
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
open('file', 'w').write('hello')
socket.send_fds(a, [b'x'], [os.open('file', os.O_RDONLY)])
_, fds, _, _ = socket.recv_fds(b, 1, 1)
print(os.read(fds[0], 9).decode())
server = socket.socket(socket.AF_UNIX); server.bind('own.sock'); server.listen()
client = socket.socket(socket.AF_UNIX); client.connect('own.sock'); print('connected')
"""
    assert python(project, script).out.split() == ["hello", "connected"]


def test_the_hosts_network_is_not_there_by_any_family(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        host = socket.gethostbyname(socket.gethostname())
        script = f"""
attempt(socket.create_connection, ('127.0.0.1', {port}), 5)
attempt(socket.socket, 17, 3)
attempt(socket.socket, 40, 1)
own = socket.create_server(('127.0.0.1', 0))
attempt(socket.create_connection, own.getsockname(), 5)
"""
        assert host
        assert python(project, script).out.split() == ["ECONNREFUSED", "EAFNOSUPPORT", "EAFNOSUPPORT", "ok"]
