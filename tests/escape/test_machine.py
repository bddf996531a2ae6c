"""Attacks on the machine itself: kernel files, devices, keys, crash handlers, shared memory of other programs, strange sockets.

For user 0 this is the whole fence: files of the kernel go by the user id, and inside it is the same one. Every refusal stands beside what works.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from paddock.fence.kernel.numbers import NUMBERS
from tests.conftest import applies, must
from tests.fence.conftest import why_not
from tests.fence.running import cgroups, make_plan, python, run, shell

RAW = """
libc = ctypes.CDLL(None, use_errno=True); libc.syscall.restype = ctypes.c_long
def raw(number, *words):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(w) if isinstance(w, int) else w for w in words])
    print(errno.errorcode[ctypes.get_errno()] if result < 0 else 'ok')
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    must(not why_not(), f"no fence can be built here: {why_not()}")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


SEARCH = """
found = []
for top in ('/proc', '/sys'):
    for folder, names, files in os.walk(top):
        if folder == '/proc': names[:] = [n for n in names if not n.isdecimal() and n not in ('self', 'thread-self')]
        if folder.startswith('/sys/') and folder.count('/') > 5: names.clear()
        for name in files:
            try: fd = os.open(f'{folder}/{name}', os.O_WRONLY | os.O_NONBLOCK)
            except OSError: continue
            os.close(fd)
            found.append(f'{folder}/{name}')
print(found)
fd = os.open('/proc/self/comm', os.O_WRONLY)
print(os.write(fd, b'renamed'))
"""


def test_no_file_of_the_kernel_can_be_opened_for_writing_whoever_calls(project: Path) -> None:
    assert python(project, SEARCH).out.splitlines() == ["[]", "7"]


@pytest.mark.parametrize("name", ["sysrq-trigger", "sys/kernel/core_pattern", "sys/kernel/sysrq", "sys/vm/overcommit_memory", "pressure/memory"])
def test_kernel_files_stay_as_they_are_also_by_another_way(project: Path, name: str) -> None:
    applies(Path("/proc", name).exists(), f"this kernel has no /proc/{name}")
    script = f"""
way = os.open('/proc', os.O_PATH)
for path in ('/proc/{name}', '/proc/self/root/proc/{name}', '/proc/self/../{name}'): attempt(os.open, path, os.O_WRONLY)
attempt(os.open, '{name}', os.O_RDWR, dir_fd=way)
attempt(os.truncate, '/proc/{name}', 0)
attempt(os.stat, '/proc/{name}')
"""
    *refused, seen = python(project, script).out.split()
    assert set(refused) <= ({"EROFS"} if os.getuid() == 0 else {"EROFS", "EACCES"})
    assert seen == "ok"


@pytest.mark.parametrize(
    "name", ["kcore", "keys", "key-users", "kmsg", "kpagecount", "kpageflags", "pagetypeinfo", "sched_debug", "slabinfo", "timer_list", "vmallocinfo"]
)
def test_what_the_kernel_tells_of_itself_is_hidden(project: Path, name: str) -> None:
    applies(Path("/proc", name).exists(), f"this kernel has no /proc/{name}")
    path = f"/proc/{name}"
    script = f"attempt(open, '{path}'); attempt(os.open, '{path}', os.O_RDWR); attempt(os.chmod, '{path}', 0o644); attempt(open, '/proc/stat')"
    found = python(project, script).out.split()
    assert (found[0], found[-1]) == ("EACCES", "ok")
    assert set(found[1:3]) <= {"EACCES", "EROFS"}


@pytest.mark.parametrize("path", ["/sys/firmware", "/sys/kernel/debug", "/sys/kernel/tracing", "/sys/kernel/slab", "/sys/fs/pstore"])
def test_folders_of_the_kernel_are_empty(project: Path, path: str) -> None:
    applies(Path(path).is_dir(), f"no {path} here")
    assert python(project, f"print(os.listdir('{path}')); print('kernel' in os.listdir('/sys'))").out.split() == ["[]", "True"]


def test_kernel_addresses_are_not_told(project: Path) -> None:
    applies(Path("/proc/kallsyms").exists(), "no symbols here")
    script = "lines = open('/proc/kallsyms').read(100000).splitlines(); print({line.split()[0].strip('0') for line in lines} <= {''})"
    assert python(project, script).out.split() == ["True"]


def test_control_groups_are_the_fences_own_and_read_only(project: Path) -> None:
    script = """
for folder, names, files in os.walk('/sys/fs/cgroup'):
    print(names)
    for name in files: attempt(os.open, os.path.join(folder, name), os.O_WRONLY)
attempt(os.mkdir, '/sys/fs/cgroup/new')
print({line.split(':', 2)[2] for line in open('/proc/self/cgroup').read().split()} <= {'/'})
attempt(os.listdir, '/sys/fs')
"""
    lines = python(project, script).out.split()
    assert lines[0] == "[]", "nobody else's group has a name here"
    assert lines[-2:] == ["True", "ok"]
    assert set(lines[1:-2]) <= {"EROFS", "EACCES"}
    assert lines[-3] == "EROFS"


def test_a_control_group_of_the_run_cannot_be_left(project: Path) -> None:
    applies(os.getuid() == 0, "user 0 has one")
    from paddock.model.policy import Limits

    (group,) = cgroups("pids")
    script = f"""
for path in ('{group.folder}/cgroup.procs', '/sys/fs/cgroup/pids/cgroup.procs', '/sys/fs/cgroup/cgroup.procs', '/proc/1/root{group.folder}/cgroup.procs'):
    try: print(os.write(os.open(path, os.O_WRONLY), b'0'))
    except OSError as error: print(errno.errorcode[error.errno])
print(open('/proc/self/cgroup').read().count('pids:/\\n') or 'unified')
"""
    found = python(project, script, limits=Limits(processes=50), cgroups=(group,)).out.split()
    assert set(found[:4]) <= {"EROFS", "ENOENT", "EACCES"}
    assert found[4] in {"1", "unified"}


DEVICES = """
import glob, stat
print(sorted(p for p in glob.glob('/dev/*') + glob.glob('/dev/[!f]*/*') if stat.S_ISBLK(os.lstat(p).st_mode)))
for path in (
    '/dev/mem', '/dev/kmem', '/dev/port', '/dev/kvm', '/dev/fuse', '/dev/net/tun', '/dev/loop-control', '/dev/loop0', '/dev/vhost-net', '/dev/vsock',
    '/dev/tty1',     '/dev/console', '/dev/kmsg', '/dev/userfaultfd', '/dev/mapper/control', '/dev/dri/card0', '/dev/input/event0',
):
    attempt(open, path, 'rb')
for kind, number in ((0o020666, (1, 1)), (0o020666, (10, 232)), (0o060666, (7, 0)), (0o060600, (254, 0))):
    for folder in ('.', '/dev', '/dev/shm', '/tmp', '/run'): attempt(os.mknod, folder + '/node', kind, os.makedev(*number))
attempt(os.mkfifo, 'fifo')
attempt(open, '/dev/zero', 'rb')
"""


def test_there_is_no_device_but_the_harmless_ones_and_none_can_be_made(project: Path) -> None:
    blocks, *rest = python(project, DEVICES).out.split()
    assert blocks == "[]"
    assert rest[:17] == ["ENOENT"] * 17
    assert rest[17:-2] == ["EPERM"] * 20
    assert rest[-2:] == ["ok", "ok"]


def test_keys_of_the_kernel_are_out_of_reach(project: Path) -> None:
    script = RAW + "\n".join(
        (
            f"raw({NUMBERS['keyctl']}, 0, -3, 0)",
            f"raw({NUMBERS['keyctl']}, 11, -4, 0, 0)",
            f"raw({NUMBERS['add_key']}, b'user', b'name', b'x', 1, -4)",
            f"raw({NUMBERS['request_key']}, b'user', b'name', 0, -4)",
            "attempt(os.getpid)",
        )
    )
    assert python(project, script).out.split() == ["EPERM"] * 4 + ["ok"]


@pytest.fixture
def segment() -> Iterator[int]:
    """Shared memory of the host's, open to everybody."""
    libc = ctypes.CDLL(None, use_errno=True)
    key = 0x70640000 | os.getpid() & 0xFFFF
    ident = libc.shmget(key, 4096, 0o1666)
    assert ident >= 0
    yield key
    assert libc.shmctl(ident, 0, None) == 0


def _segments() -> int:
    return len(Path("/proc/sysvipc/shm").read_text().splitlines()) + len(Path("/proc/sysvipc/sem").read_text().splitlines())


def test_memory_queues_and_semaphores_are_the_fences_own_and_go_with_it(project: Path, segment: int) -> None:
    before = _segments()
    script = f"""
libc = ctypes.CDLL(None, use_errno=True)
def made(result): print(errno.errorcode[ctypes.get_errno()] if result < 0 else 'ok')
made(libc.shmget({segment}, 0, 0)); made(libc.semget({segment}, 0, 0)); made(libc.msgget({segment}, 0))
made(libc.shmget({segment}, 4096, 0o1600)); made(libc.semget({segment}, 1, 0o1600)); made(libc.msgget({segment}, 0o1600))
print(len(open('/proc/sysvipc/shm').read().splitlines()))
"""
    assert python(project, script).out.split() == ["ENOENT"] * 3 + ["ok"] * 3 + ["2"]
    assert _segments() == before


def test_posix_memory_and_queues_of_the_host_are_not_there(project: Path) -> None:
    name = f"paddock-test-{os.getpid()}"
    Path("/dev/shm", name).write_text("host")
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.mq_open(f"/{name}".encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
    try:
        script = f"""
attempt(open, '/dev/shm/{name}')
libc = ctypes.CDLL(None, use_errno=True)
result = libc.mq_open(b'/{name}', os.O_RDWR)
print(errno.errorcode[ctypes.get_errno()] if result < 0 else 'ok')
open('/dev/shm/{name}', 'w').write('inside')
import multiprocessing.shared_memory as memory
block = memory.SharedMemory(create=True, size=4096); block.close(); block.unlink(); print('ok')
"""
        found = run(
            make_plan(
                project,
                (
                    "/usr/bin/python3",
                    "-I",
                    "-c",
                    "import ctypes, errno, os\ndef attempt(c, *a):\n try: c(*a)\n except OSError as e: print(errno.errorcode[e.errno])\n else: print('ok')\n"
                    + script,
                ),
            )
        ).out.split()
        assert found[0] == "ENOENT"
        assert found[1] in {"ENOENT", "ENOSYS", "EACCES"}
        assert found[2] == "ok"
        assert Path("/dev/shm", name).read_text() == "host"
    finally:
        Path("/dev/shm", name).unlink()
        if queue >= 0:
            os.close(queue)
            libc.mq_unlink(f"/{name}".encode())


FAMILIES = {
    "AF_PACKET": (17, 3, 0), "AF_PACKET, cooked": (17, 2, 3), "AF_VSOCK": (40, 1, 0), "AF_VSOCK, datagrams": (40, 2, 0), "AF_ALG": (38, 5, 0),
    "AF_XDP": (44, 3, 0), "AF_KEY": (15, 3, 2), "AF_BLUETOOTH": (31, 5, 1), "AF_CAN": (29, 3, 1), "AF_RDS": (21, 5, 0), "AF_TIPC": (30, 5, 0),
    "AF_SMC": (43, 1, 0), "AF_KCM": (41, 5, 0), "AF_QIPCRTR": (42, 2, 0), "AF_NFC": (39, 5, 0), "netlink audit": (16, 3, 9), "netlink netfilter": (16, 3, 12),
    "netlink uevents": (16, 2, 15), "netlink generic": (16, 3, 16), "netlink sockets": (16, 3, 4), "netlink xfrm": (16, 3, 6),
}  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
def test_strange_sockets_do_not_exist(project: Path, name: str) -> None:
    family, kind, protocol = FAMILIES[name]
    flagged = kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    script = f"attempt(socket.socket, {family}, {kind}, {protocol}); attempt(socket.socket, {family}, {flagged}, {protocol})"
    assert python(project, f"{script}; attempt(socket.socket, 2, 1, 0); attempt(socket.if_nameindex)").out.split() == ["EAFNOSUPPORT"] * 2 + ["ok"] * 2


def test_what_a_process_may_set_for_itself_helps_it_nowhere_else(project: Path) -> None:
    script = """
def write(path, text):
    try: os.write(os.open(path, os.O_WRONLY), text)
    except OSError as error: print(errno.errorcode[error.errno])
    else: print('ok')
for name, text in (('oom_score_adj', b'-1000'), ('timerslack_ns', b'1'), ('coredump_filter', b'0'), ('comm', b'mine'), ('mem', b'x'), ('autogroup', b'19')):
    write('/proc/1/' + name, text)
write('/proc/self/oom_score_adj', b'-1000')
write('/proc/self/uid_map', b'0 0 4294967295')
write('/proc/self/oom_score_adj', b'900')
write('/proc/self/timerslack_ns', b'1000')
"""
    *foreign, spare, maps, harsher, slack = python(project, script).out.split()
    assert set(foreign) <= {"EROFS", "EACCES"}
    assert (spare, maps) == ("EACCES", "EPERM")
    assert (harsher, slack) == ("ok", "ok")


def test_process_1_is_closed_in_every_way_of_looking_into_a_process(project: Path) -> None:
    script = (
        RAW
        + f"""
files = ('mem', 'maps', 'environ', 'auxv', 'syscall', 'stack', 'io', 'personality', 'pagemap', 'exe', 'ns/user', 'fd/0', 'fdinfo/0')
for name in (*files, 'map_files', 'cwd', 'root/etc'):
    path = '/proc/1/' + name
    try: os.listdir(path) if name in ('map_files', 'cwd', 'root/etc') else os.read(os.open(path, os.O_RDONLY), 100)
    except OSError as error: print(errno.errorcode[error.errno])
    else: print('ok ' + name)
raw({NUMBERS["process_vm_readv"]}, 1, (ctypes.c_uint64 * 2)(ctypes.addressof(ctypes.create_string_buffer(8)), 8), 1, (ctypes.c_uint64 * 2)(4096, 8), 1, 0)
attempt(open, '/proc/self/maps')
"""
    )
    found = python(project, script).out.splitlines()
    assert set(found[:-1]) <= {"EACCES", "EPERM", "ENOENT"}
    assert found[-1] == "ok"


CRASH = "import os, signal, resource\nprint(resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True); os.kill(os.getpid(), signal.SIGSEGV)"


def test_a_crash_leaves_no_core_and_starts_no_handler_of_the_hosts(project: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    result = python(project, CRASH)
    assert result.code == 128 + signal.SIGSEGV
    assert result.out.split() == ["1" if hard else "0"]  # at 1, and only there, core(5) starts no program
    assert list(project.iterdir()) == []


@pytest.mark.parametrize("attempted", ["(0, 0)", "(0, 1)", "(resource.RLIM_INFINITY, resource.RLIM_INFINITY)"])
def test_a_command_cannot_ask_for_the_crash_handler(project: Path, attempted: str) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    applies(hard != 0, "the hard limit is 0 already")
    script = f"""
import resource
before = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, {attempted})
print(before == resource.getrlimit(resource.RLIMIT_CORE))
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)); print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
    assert python(project, script).out.split() == ["True", "20"]


def test_set_id_programs_give_nothing(project: Path) -> None:
    applies(os.getuid() != 0, "user 0 has nothing to gain")
    programs = [
        p for p in ("/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount", "/usr/bin/newgrp", "/bin/su") if Path(p).exists() and Path(p).stat().st_mode & 0o4000
    ]
    must(programs, "no set-id program here")
    script = (
        "for word in ('NoNewPrivs', 'CapEff', 'CapBnd'): print([l.split()[1] for l in open('/proc/self/status') if l.startswith(word)][0].strip('0') or '0')"
    )
    assert python(
        project, script + f"\nprint(bool(os.statvfs('{programs[0]}').f_flag & os.ST_NOSUID), os.getresuid() == ({os.getuid()},) * 3)"
    ).out.split() == [
        "1",
        "0",
        "0",
        "True",
        "True",
    ]


def test_a_set_id_file_of_roots_that_is_already_there_is_an_ordinary_program(project: Path) -> None:
    applies(os.getuid() == 0, "only root can leave such a file")
    program = project / "became"
    program.write_bytes(Path("/usr/bin/id").read_bytes())
    os.chown(program, 12345, 12345)
    program.chmod(0o6755)
    outside = subprocess.run([program, "-u"], capture_output=True, text=True, check=True)
    assert outside.stdout == "12345\n"
    assert shell(project, "./became -u; ./became -g").out.split() == ["0", "0"]


def test_the_kernel_s_log_and_clock_are_not_for_commands(project: Path) -> None:
    script = RAW + "\n".join(
        (
            f"raw({NUMBERS['syslog']}, 3, 0, 0)",
            f"raw({NUMBERS['syslog']}, 10, 0, 0)",
            "import time",
            "attempt(time.clock_settime, time.CLOCK_REALTIME, 0)",
            "attempt(socket.sethostname, 'other')",
            "attempt(time.clock_gettime, time.CLOCK_REALTIME)",
        )
    )
    assert python(project, script).out.split() == ["EPERM"] * 4 + ["ok"]
