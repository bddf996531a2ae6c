"""The static filter: as a program, run by a small interpreter of classic BPF, and in the kernel, by real calls."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from paddock.fence.filter import RULES
from paddock.fence.guard.notify import CALLS, watched_calls
from paddock.fence.kernel.bpf import ALLOW, KILL_PROCESS, NOTIFY, Clause, Rule, assemble, equals, has_bits, not_zero, refuse
from paddock.fence.kernel.numbers import AARCH64, AUDIT_ARCH, NUMBERS, X32_BIT, X86_64
from tests.conftest import applies
from tests.fence.running import python

X86_64_ARCH = 0xC000003E
AARCH64_ARCH = 0xC00000B7
I386_ARCH = 0x40000003
CLOEXEC, NONBLOCK = 0o2000000, 0o4000


def interpret(program: bytes, number: int, *arguments: int, arch: int = X86_64_ARCH) -> int:
    """What the kernel would do with this call."""
    padded = [a & 0xFFFFFFFFFFFFFFFF for a in (*arguments, *[0] * 6)][:6]
    data = struct.pack("<iIQ6Q", number if number < 1 << 31 else number - (1 << 32), arch, 0, *padded)
    code = [struct.unpack_from("<HBBI", program, at) for at in range(0, len(program), 8)]
    accumulator: int = 0
    at = 0
    while True:
        operation, yes, no, k = code[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, k)
        elif operation == 0x54:
            accumulator &= k
        elif operation == 0x15:
            at += yes if accumulator == k else no
        elif operation == 0x35:
            at += yes if accumulator >= k else no
        elif operation == 0x45:
            at += yes if accumulator & k else no
        elif operation == 0x06:
            return int(k)
        else:
            raise AssertionError(f"instruction {operation:#x}")


PROGRAM = assemble(RULES, X86_64, X86_64_ARCH, X32_BIT)
ARM = assemble(RULES, AARCH64, AARCH64_ARCH, None)
EPERM = refuse(errno.EPERM)
ENOSYS = refuse(errno.ENOSYS)
NOFAMILY = refuse(errno.EAFNOSUPPORT)
NOPROTOCOL = refuse(errno.EPROTONOSUPPORT)


def call(name: str, *arguments: int) -> int:
    return interpret(PROGRAM, X86_64[name], *arguments)


def test_other_architectures_and_x32_end_the_process() -> None:
    assert interpret(PROGRAM, 0, arch=I386_ARCH) == KILL_PROCESS
    assert interpret(PROGRAM, X32_BIT | 0) == KILL_PROCESS
    assert interpret(PROGRAM, X32_BIT | X86_64["socket"], 1, 1, 0) == KILL_PROCESS
    assert interpret(PROGRAM, 0) == ALLOW
    assert interpret(PROGRAM, 0xFFFFFFFF) == ALLOW  # the kernel itself answers ENOSYS
    assert interpret(ARM, 0, arch=X86_64_ARCH) == KILL_PROCESS
    assert interpret(ARM, AARCH64["mount"], arch=AARCH64_ARCH) == EPERM


WHOLE = (
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "setns",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "open_tree_attr",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "open_by_handle_at",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "settimeofday",
    "clock_settime",
    "sethostname",
    "setdomainname",
    "acct",
    "quotactl",
    "syslog",
    "iopl",
    "ioperm",
    "fanotify_init",
)


@pytest.mark.parametrize("name", WHOLE)
def test_calls_that_are_refused_whole(name: str) -> None:
    assert call(name) == call(name, *[0xFFFFFFFFFFFFFFFF] * 6) == EPERM


@pytest.mark.parametrize("name", ["clone3", "openat2", "io_uring_setup", "io_uring_enter", "io_uring_register"])
def test_calls_that_are_as_if_the_kernel_lacked_them(name: str) -> None:
    assert call(name, 1, 2, 3) == ENOSYS


@pytest.mark.parametrize("bit", [25, 26, 27, 28, 29, 30, 17])
def test_new_namespaces_are_refused_and_new_processes_are_not(bit: int) -> None:
    assert call("clone", 1 << bit | 17) == call("unshare", 1 << bit) == EPERM
    assert call("clone", 0x01200011) == call("clone", 0x003D0F00) == ALLOW
    assert call("unshare", 0x200) == call("unshare", 0x400) == ALLOW


def test_a_time_namespace_is_refused() -> None:
    assert call("unshare", 0x80) == EPERM


def test_typing_into_the_terminal_is_refused_whatever_the_upper_half_says() -> None:
    for upper in (0, 1 << 32, 0xFFFFFFFF << 32):
        assert call("ioctl", 0, upper | 0x5412, 0) == call("ioctl", 0, upper | 0x541C, 0) == call("ioctl", 0, upper | 0x5423, 0) == EPERM
    assert call("ioctl", 0, 0x5401, 0) == ALLOW


def test_limits_of_others_can_be_read_but_not_set() -> None:
    for pointer in (1, 1 << 32, 0x7FFF00000000):
        assert call("prlimit64", 1, 7, pointer, 0) == EPERM
        assert call("prlimit64", 0, 7, pointer, 0) == ALLOW
    assert call("prlimit64", 1, 7, 0, 8) == ALLOW
    assert call("prlimit64", 1 << 32, 7, 1, 0) == ALLOW  # the kernel reads process 0 there: oneself


def test_the_limit_on_core_files_stays_and_nobody_is_told() -> None:
    done = refuse(0)
    for pointer in (1, 1 << 32):
        assert call("prlimit64", 0, 4, pointer, 0) == call("setrlimit", 4, pointer) == done
        assert call("prlimit64", 1, 4, pointer, 0) == EPERM
    assert call("prlimit64", 0, 4, 0, 8) == call("setrlimit", 7, 1) == ALLOW


MODES = {"chmod": 1, "fchmod": 1, "creat": 1, "mkdir": 1, "fchmodat": 2, "fchmodat2": 2, "mkdirat": 2, "mknod": 1, "mknodat": 2}


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("bits", [0o4000, 0o2000, 0o6000])
def test_set_id_bits_are_refused(name: str, bits: int) -> None:
    before = [0] * MODES[name]
    assert call(name, *before, bits | 0o755) == call(name, *before, 1 << 40 | bits | 0o755) == EPERM
    assert call(name, *before, 0o1777) == ALLOW


def test_set_id_bits_count_in_open_only_when_it_creates() -> None:
    for creating in (os.O_CREAT, os.O_TMPFILE, os.O_CREAT | os.O_WRONLY):
        assert call("open", 0, creating, 0o4755) == call("openat", 0, 0, creating, 0o2755) == EPERM
        assert call("open", 0, creating, 0o755) == ALLOW
    assert call("openat", 0, 0, os.O_RDONLY | os.O_DIRECTORY, 0o6000) == ALLOW  # rubbish that open does not look at


def test_device_nodes_are_refused_and_other_nodes_are_not() -> None:
    for kind, action in ((0o020000, EPERM), (0o060000, EPERM), (0o010000, ALLOW), (0o100000, ALLOW), (0o140000, ALLOW), (0, ALLOW)):
        assert call("mknod", 0, kind | 0o644, 0) == call("mknodat", 0, 0, kind | 0o644, 0) == action


@pytest.mark.parametrize(
    ("family", "kind", "protocol", "action"),
    [
        (1, 1, 0, ALLOW),
        (1, 2, 0, ALLOW),
        (1, 5 | CLOEXEC | NONBLOCK, 0, ALLOW),
        (1, 3, 0, refuse(errno.ESOCKTNOSUPPORT)),
        (2, 1, 0, ALLOW),
        (10, 1 | CLOEXEC, 6, ALLOW),
        (2, 2 | NONBLOCK, 17, ALLOW),
        (10, 2, 0, ALLOW),
        (2, 2, 1, NOPROTOCOL),
        (10, 2, 58, NOPROTOCOL),
        (2, 1, 132, NOPROTOCOL),
        (2, 1, 262, NOPROTOCOL),
        (2, 2, 136, NOPROTOCOL),
        (2, 3, 1, EPERM),
        (2, 3, 255, EPERM),
        (2, 5, 132, EPERM),
        (16, 3 | CLOEXEC, 0, ALLOW),
        (16, 2 | CLOEXEC, 0, ALLOW),
        (16, 3, 0, NOFAMILY),
        (16, 3 | CLOEXEC, 12, NOFAMILY),
        (16, 3 | CLOEXEC | NONBLOCK, 0, NOFAMILY),
        (38, 5, 0, NOFAMILY),
        (40, 1, 0, NOFAMILY),
        (17, 3, 0x300, NOFAMILY),
        (44, 3, 0, NOFAMILY),
        (0, 1, 0, NOFAMILY),
    ],
)
def test_sockets_by_family_type_and_protocol(family: int, kind: int, protocol: int, action: int) -> None:
    assert call("socket", family, kind, protocol) == action
    upper = 0xABCD << 32
    assert call("socket", upper | family, upper | kind, upper | protocol) == action


def test_socket_pairs_are_for_unix_only() -> None:
    assert call("socketpair", 1, 1, 0) == ALLOW
    assert call("socketpair", 16, 3, 0) == NOFAMILY


def test_the_assembler_tests_clauses_in_order() -> None:
    rule = Rule(("read",), (Clause((equals(0, 1, 2), has_bits(1, 4)), 11), Clause((equals(0, 2, 6, mask=0xF),), 12), Clause((not_zero(2),), 13)), 14)
    program = assemble((rule,), {"read": 5, "write": 6}, X86_64_ARCH, None)
    cases = {(1, 4, 0): 11, (2, 4, 0): 11, (2, 0, 0): 12, (0x16, 0, 0): 12, (1, 0, 0): 14, (1, 0, 1 << 40): 13, (3, 4, 1): 13}
    assert {case: interpret(program, 5, *case) for case in cases} == cases
    assert interpret(program, 6, 1, 4) == ALLOW


def test_a_rule_that_is_too_long_is_an_error_and_not_a_wrong_jump() -> None:
    with pytest.raises(ValueError, match="too long"):
        assemble((Rule(("read",), tuple(Clause((equals(0, n),), 1) for n in range(100)), ALLOW),), {"read": 0}, X86_64_ARCH, None)


def test_what_is_observed_is_notified_of_and_nothing_else() -> None:
    program = watched_calls()
    observed = {NUMBERS[c.name] for c in CALLS if c.name in NUMBERS}
    assert {n for n in range(500) if interpret(program, n, arch=AUDIT_ARCH) == NOTIFY} == observed
    assert interpret(program, 1, arch=AUDIT_ARCH) == ALLOW


REAL = """
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def raw(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[a if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments])
    print(errno.errorcode[ctypes.get_errno()] if result < 0 else 'ok')
"""


def test_real_calls_are_refused_by_the_kernel(project: Path) -> None:
    refused = {
        "bpf": "EPERM",
        "perf_event_open": "EPERM",
        "keyctl": "EPERM",
        "mount": "EPERM",
        "setns": "EPERM",
        "clone3": "ENOSYS",
        "openat2": "ENOSYS",
        "io_uring_setup": "ENOSYS",
        "userfaultfd": "EPERM",
        "chroot": "EPERM",
        "open_by_handle_at": "EPERM",
    }
    script = REAL + "".join(f"raw({NUMBERS[name]}, 0, 0, 0, 0, 0)\n" for name in refused)
    assert python(project, script).out.split() == list(refused.values())


def test_real_namespaces_are_refused_and_processes_work(project: Path) -> None:
    script = (
        REAL
        + f"""
for flag in (0x10000000, 0x20000, 0x40000000): raw({NUMBERS["unshare"]}, flag)
raw({NUMBERS["unshare"]}, 0x200)
pid = os.fork()
if pid == 0: os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
import threading
thread = threading.Thread(target=print, args=('thread',)); thread.start(); thread.join()
"""
    )
    assert python(project, script).out.split() == ["EPERM", "EPERM", "EPERM", "ok", "3", "thread"]


def test_real_set_id_bits_are_refused(project: Path) -> None:
    script = """
open('file', 'w').close()
attempt(os.chmod, 'file', 0o4755)
attempt(os.chmod, 'file', 0o755)
attempt(os.mkdir, 'dir', 0o2755)
attempt(os.mkdir, 'dir', 0o755)
attempt(os.open, 'new', os.O_CREAT | os.O_WRONLY, 0o6755)
attempt(os.mknod, 'node', 0o020666, os.makedev(1, 3))
attempt(os.mkfifo, 'fifo')
"""
    assert python(project, script).out.split() == ["EPERM", "ok", "EPERM", "ok", "EPERM", "EPERM", "ok"]


def test_real_sockets(project: Path) -> None:
    script = """
s = socket.socket
for args in ((1, 1), (2, 1), (10, 2), (16, 3 | socket.SOCK_CLOEXEC)): attempt(s, *args)
libc = ctypes.CDLL(None, use_errno=True)
for args in ((16, 3, 0), (38, 5, 0), (40, 1, 0), (17, 3, 0), (2, 3, 1), (2, 2, 1), (2, 1, 132)):
    print(errno.errorcode[ctypes.get_errno()] if libc.socket(*args) < 0 else 'ok')
import socket as m
print([name for _, name in m.if_nameindex()])
"""
    found = python(project, script).out.split()
    assert found == ["ok"] * 4 + ["EAFNOSUPPORT"] * 4 + ["EPERM", "EPROTONOSUPPORT", "EPROTONOSUPPORT", "['lo']"]


def test_a_32_bit_call_ends_the_process(project: Path) -> None:
    applies(NUMBERS is X86_64, "only x86-64 has a second way in")
    # int 0x80 with eax = 20 (getpid of the 32 bit table)
    script = """
import mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex('b814000000cd80c3'))
address = ctypes.addressof(ctypes.c_char.from_buffer(code))
print('before', flush=True)
ctypes.CFUNCTYPE(ctypes.c_int)(address)()
print('after', flush=True)
"""
    result = python(project, script)
    assert (result.out, result.code) == ("before\n", 128 + 31)
