"""Ways to a protected name that does not exist yet. Each is tried on a plain name too, where the same act must work."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from paddock.fence.namespaces import start
from paddock.model.guard import Denial
from tests.conftest import must
from tests.fence.conftest import why_not
from tests.fence.running import PYTHON, RULE, Result, Sink, guarding, make_plan, python


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder to work in, where fences can be built."""
    must(not why_not(), f"no fence can be built here: {why_not()}")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


# Every way of making a name, each as one Python statement about NAME.
WAYS = {
    "open": "os.close(os.open(NAME, os.O_CREAT | os.O_WRONLY))",
    "open for reading": "os.close(os.open(NAME, os.O_CREAT | os.O_RDONLY))",
    "creat": "raw('creat', NAME.encode(), 0o600)",
    "mkdir": "os.mkdir(NAME)",
    "mknod": "os.mknod(NAME)",
    "mkfifo": "os.mkfifo(NAME)",
    "a socket": "socket.socket(socket.AF_UNIX).bind(NAME)",
    "a socket at the absolute path": "os.chdir('folder'); socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind('../folder/../' + NAME)",
    "symlink": "os.symlink('/tmp', NAME)",
    "link": "os.link('source', NAME)",
    "rename": "os.rename('source', NAME)",
    "rename of a folder": "os.rename('folder', NAME)",
    "rename over nothing": "raw('renameat2', -100, b'source', -100, NAME.encode(), 1)",
    "a file without a name": "raw('linkat', -100, b'/proc/self/fd/%d' % os.open('.', os.O_TMPFILE | os.O_RDWR), -100, NAME.encode(), 0x400)",
    "a descriptor": "os.mkdir(NAME, dir_fd=os.open('.', os.O_PATH))",
    "the working folder's link": "os.close(os.open('/proc/self/cwd/' + NAME, os.O_CREAT | os.O_WRONLY))",
    "a descriptor's link": "os.mkdir('/proc/self/fd/%d/' % os.open('.', os.O_PATH) + NAME)",
    "a link to the folder": "os.symlink('.', 'way'); os.close(os.open('way/way/way/' + NAME, os.O_CREAT | os.O_WRONLY))",
    "a dangling link": "os.symlink(os.path.abspath(NAME), 'x'); os.close(os.open('x', os.O_CREAT | os.O_WRONLY))",
    "a way around": "os.mkdir('folder/../folder/../' + NAME + '/')",
    "the absolute path": "os.mkdir('/' * 5 + os.path.abspath('.') + '/./' + NAME)",
    "another working folder": "os.chdir('folder'); os.mkdir('../' + NAME)",
    "a thread with a folder of its own": "in_thread(lambda: (libc.unshare(0x200), os.chdir('folder'), os.mkdir('../' + NAME)))",
    "a process nobody may look into": "libc.prctl(4, 0, 0, 0, 0); os.mkdir(NAME)",
    "a vforked child": "os.posix_spawn('/bin/mkdir', ['mkdir', NAME], {}); os.wait()",
}
HEAD = """
import threading
libc = ctypes.CDLL(None, use_errno=True)
def raw(name, *arguments):
    if getattr(libc, name)(*arguments) < 0: raise OSError(ctypes.get_errno(), name)
def in_thread(work):
    errors = []
    def run():
        try: work()
        except OSError as error: errors.append(error)
    thread = threading.Thread(target=run); thread.start(); thread.join()
    if errors: raise errors[0]
os.mkdir('folder')
open('source', 'w').close()
"""


def tried(project: Path, name: str, statement: str) -> Result:
    script = f"{HEAD}\nNAME = {name!r}\ntry:\n    {statement}\nexcept OSError as error: print(errno.errorcode[error.errno])\nelse: print('ok')\n"
    return python(project, script, guard=guarding(project, denied=(Denial(str(project / "denied"), RULE), Denial(f"{project}/**/*.key", RULE, "", True))))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [".envrc", "denied", "sub.key"])
def test_no_way_makes_a_protected_name(project: Path, way: str, name: str) -> None:
    result = tried(project, name, WAYS[way])
    assert result.out == ("ok\n" if way == "a vforked child" else "EPERM\n"), result.err
    assert not (project / name).is_symlink()
    assert not (project / name).exists()
    assert ("write", str(project / name)) in result.sink.violations()


@pytest.mark.parametrize("way", WAYS)
def test_every_way_makes_a_plain_name(project: Path, way: str) -> None:
    result = tried(project, "plain", WAYS[way])
    assert result.out == "ok\n", result.err
    assert (project / "plain").exists()
    assert result.sink.violations() == []


@pytest.mark.parametrize(
    ("prepare", "act"),
    [
        ("os.makedirs('x/workflows')", "os.rename('x', '.github')"),
        ("os.makedirs('x/workflows')", "raw('renameat2', -100, b'x', -100, b'folder', 2); os.rename('folder', '.github')"),
        ("os.makedirs('x/workflows')", "os.symlink('x', '.github')"),
        ("os.mkdir('.github')", "os.symlink('../folder', '.github/workflows')"),
        ("os.makedirs('node_modules/x'); open('node_modules/x/.envrc', 'w').close()", "os.rename('node_modules/x', 'x')"),
        ("os.makedirs('node_modules/x'); open('node_modules/x/.envrc', 'w').close()", "os.rename('node_modules/x/.envrc', '.envrc')"),
        ("os.makedirs('node_modules/x'); open('node_modules/x/.envrc', 'w').close()", "os.rename('node_modules', 'x')"),
        ("open('x', 'w').close()", "os.rename('x', 'held/denied')"),
        ("os.mkdir('x'); open('x/denied', 'w').close()", "os.rename('x', 'held')"),
        ("os.mkdir('x')", "os.symlink('x', 'held')"),
        ("os.makedirs('x/y'); open('x/y/secret', 'w').close()", "os.rename('x', 'pattern')"),
        ("os.mkdir('x')", "os.symlink('x', 'pattern')"),
        ("os.mkdir('.config')", "os.mkdir('.config/git')"),
        ("os.makedirs('x/git')", "os.rename('x', '.config')"),
        ("os.makedirs('x'); open('x/hgrc', 'w').close()", "os.rename('x', '.hg')"),
        ("os.mkdir('.github')", "os.mkdir('.github/WORKFLOWS'); os.rename('.github/WORKFLOWS', '.github/workflows')"),
    ],
)
def test_nothing_becomes_protected_by_being_moved_or_linked(project: Path, prepare: str, act: str) -> None:
    script = f"{HEAD}\n{prepare}\ntry:\n    {act}\nexcept OSError as error: print(errno.errorcode[error.errno])\nelse: print('ok')\n"
    denied = (Denial(str(project / "held" / "denied"), RULE), Denial(f"{project}/pattern/*/secret", RULE, "", True))
    if "held/denied" in act:
        (project / "held").mkdir()
    result = python(project, script, guard=guarding(project, denied=denied))
    assert result.out == "EPERM\n", (result.out, result.err)
    assert result.sink.violations()


@pytest.mark.parametrize(
    "act",
    [
        "os.makedirs('x/other'); os.rename('x', '.github')",
        "os.makedirs('node_modules/x/src'); os.rename('node_modules/x', 'x')",
        "os.makedirs('node_modules/x'); open('node_modules/x/.envrc', 'w').close(); os.rename('node_modules/x', 'node_modules/y')",
        "os.makedirs('held'); open('held/other', 'w').close(); os.rename('held', 'x')",
        "os.makedirs('pattern/a/b'); os.rename('pattern', 'x')",
        "os.mkdir('.config'); os.mkdir('.config/other')",
    ],
)
def test_what_holds_nothing_protected_is_moved(project: Path, act: str) -> None:
    denied = (Denial(str(project / "held" / "denied"), RULE), Denial(f"{project}/pattern/*/secret", RULE, "", True))
    result = python(project, f"{HEAD}\n{act}\nprint('ok')", guard=guarding(project, denied=denied))
    assert (result.out, result.err) == ("ok\n", "")


# -- races: each attack runs for a bounded number of tries, and afterwards the name must not be there


def test_a_path_that_changes_after_the_call_was_made(project: Path) -> None:
    script = """
import threading
libc = ctypes.CDLL(None, use_errno=True)
path = ctypes.create_string_buffer(b'plain1', 16)
going = True
def change():
    while going:
        ctypes.memmove(path, b'.envrc', 7); ctypes.memmove(path, b'plain1', 7)
thread = threading.Thread(target=change); thread.start()
seen = set()
for _ in range(3000):
    fd = libc.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    seen.add('ok' if fd >= 0 else errno.errorcode[ctypes.get_errno()])
    if fd >= 0: os.close(fd)
going = False
thread.join()
print(*sorted(seen))
"""
    result = python(project, script, guard=guarding(project))
    assert set(result.out.split()) <= {"EPERM", "ok"}, result.err
    assert not (project / ".envrc").exists()
    assert (project / "plain1").exists()


SWAPS = {
    "a link on the way": ("os.symlink('open', 'way')", "os.symlink(TARGET, 'new'); os.rename('new', 'way')", "way/denied"),
    "a link at the end": ("os.symlink('open/x', 'way')", "os.symlink(TARGET + '/denied', 'new'); os.rename('new', 'way')", "way"),
    "a folder on the way": ("os.mkdir('way')", "raw('renameat2', -100, b'way', -100, TARGET.encode(), 2)", "way/denied"),
}


@pytest.mark.parametrize("swap", SWAPS)
def test_a_way_that_is_exchanged_under_the_walk(project: Path, swap: str) -> None:
    """``locked/denied`` may not be made; the way to it and the way to a free place take turns."""
    prepare, act, path = SWAPS[swap]
    script = f"""{HEAD}
os.mkdir('open'); os.mkdir('locked')
{prepare}
pid = os.fork()
if pid == 0:
    number = 0
    while True:
        number += 1
        TARGET = ('open', 'locked')[number % 2]
        try:
            {act}
        except OSError: pass
import signal
for _ in range(3000):
    try: os.close(os.open({path!r}, os.O_CREAT | os.O_WRONLY))
    except OSError: pass
os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
print('end')
"""
    result = python(project, script, guard=guarding(project, denied=(Denial(str(project / "locked" / "denied"), RULE),)))
    assert result.out == "end\n", result.err
    assert not (project / "locked" / "denied").exists()


def test_callers_that_die_stop_or_wait_hold_up_nobody(project: Path) -> None:
    script = """
import signal, time
os.mkfifo('fifo')
pids = []
for number in range(40):
    pid = os.fork()
    if pid == 0:
        if number % 2: os.open('fifo', os.O_WRONLY)
        while True: os.close(os.open(f'file{number}', os.O_CREAT | os.O_WRONLY))
    pids.append(pid)
for pid in pids[::3]: os.kill(pid, signal.SIGSTOP)
for number in range(200): os.close(os.open(f'mine{number}', os.O_CREAT | os.O_EXCL | os.O_WRONLY))
for pid in pids: os.kill(pid, signal.SIGKILL)
for pid in pids: os.waitpid(pid, 0)
attempt(os.mkdir, '.vscode')
attempt(os.mkdir, 'plain')
"""
    assert python(project, script, guard=guarding(project)).out.split() == ["EPERM", "ok"]
    assert len(list(project.glob("mine*"))) == 200
    assert not (project / ".vscode").exists()


def test_more_waiting_opens_than_the_guard_holds_are_refused_and_the_rest_goes_on(project: Path) -> None:
    script = """
import signal, threading
os.mkfifo('fifo')
threading.stack_size(65536)
answers = []
def wait():
    try: os.close(os.open('fifo', os.O_WRONLY)); answers.append('ok')
    except OSError as error: answers.append(errno.errorcode[error.errno])
threads = [threading.Thread(target=wait) for _ in range(700)]
for thread in threads: thread.start()
attempt(os.mkdir, 'plain')
attempt(os.mkdir, '.vscode')
while 'ENFILE' not in answers: os.close(os.open('other', os.O_CREAT | os.O_WRONLY))
reader = os.open('fifo', os.O_RDONLY | os.O_NONBLOCK)
for thread in threads: thread.join()
print(*sorted(set(answers)))
"""
    result = python(project, script, guard=guarding(project))
    assert result.out.split() == ["ok", "EPERM", "ENFILE", "ok"], result.err


def test_a_name_that_the_host_makes_meanwhile_is_not_written(project: Path) -> None:
    (project / ".mcp.json").write_text("the host's\n")
    script = """
import signal
fd = os.open('.mcp.json', os.O_RDONLY)
attempt(os.open, f'/proc/self/fd/{fd}', os.O_WRONLY)
attempt(os.open, f'/dev/fd/{fd}', os.O_RDWR | os.O_TRUNC)
attempt(os.open, '.mcp.json', os.O_RDWR)
attempt(os.truncate, f'/proc/self/fd/{fd}', 0)
attempt(os.link, f'/proc/self/fd/{fd}', 'x', src_dir_fd=fd, follow_symlinks=True)
plain = os.open('plain', os.O_CREAT | os.O_RDONLY)
attempt(os.open, f'/proc/self/fd/{plain}', os.O_WRONLY)
"""
    assert python(project, script, guard=guarding(project)).out.split() == ["EPERM", "EPERM", "EPERM", "EPERM", "EPERM", "ok"]
    assert (project / ".mcp.json").read_text() == "the host's\n"


def test_the_files_of_other_processes_are_not_opened_for_them(project: Path) -> None:
    """The guard may look into every process inside; its callers may not."""
    script = """
import signal
libc = ctypes.CDLL(None)
os.mkdir('folder')
read, write = os.pipe()
pid = os.fork()
if pid == 0:
    fd = os.open('secret', os.O_CREAT | os.O_RDWR)
    os.chdir('folder')
    libc.prctl(4, 0, 0, 0, 0)
    os.write(write, b'%d' % fd)
    signal.pause()
fd = int(os.read(read, 10))
attempt(os.open, f'/proc/{pid}/mem', os.O_RDWR)
attempt(os.open, f'/proc/{pid}/fd/{fd}', os.O_RDWR)
attempt(os.open, f'/proc/{pid}/cwd/new', os.O_CREAT | os.O_WRONLY)
attempt(os.open, f'/proc/{pid}/root{os.getcwd()}/new', os.O_CREAT | os.O_WRONLY)
attempt(os.open, '/proc/self/cwd/folder/new', os.O_CREAT | os.O_WRONLY)
os.kill(pid, signal.SIGKILL)
"""
    assert python(project, script, guard=guarding(project)).out.split() == ["EACCES", "EACCES", "EACCES", "EACCES", "ok"]


def test_a_folder_that_comes_from_outside_opens_no_way_around_the_mounts(project: Path, tmp_path: Path) -> None:
    """A program outside hands one over: it carries the host's mount with it, where everything can be written."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("outside")
    script = """
import array, errno, os, socket
def attempt(call, *arguments, **named):
    try: call(*arguments, **named)
    except OSError as error: print(errno.errorcode[error.errno])
    else: print('ok')
os.read(0, 1)
connection = socket.socket(socket.AF_UNIX); connection.connect('sock')
_, fds, _, _ = socket.recv_fds(connection, 1, 1)
folder = fds[0]
own = os.open('.', os.O_RDONLY)
for at in (folder, own):
    attempt(os.open, 'new', os.O_CREAT | os.O_WRONLY, dir_fd=at)
    attempt(os.mkdir, 'made', dir_fd=at)
    attempt(os.symlink, 'x', 'link', dir_fd=at)
    attempt(os.rename, 'new' if at == own else 'file', 'moved', src_dir_fd=at, dst_dir_fd=at)
    attempt(os.open, f'/proc/self/fd/{at}/through', os.O_CREAT | os.O_WRONLY)
    os.fchdir(at)
    attempt(os.open, 'here', os.O_CREAT | os.O_WRONLY)
"""
    go, said = os.pipe(), os.pipe()
    fence = start(make_plan(project, (PYTHON, "-I", "-S", "-c", script), guard=guarding(project)), Sink(), stdio=(go[0], said[1], 2))
    folder = os.open(outside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fence.spawn()
        os.close(said[1])
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(project / "sock"))
            listener.listen()
            os.write(go[1], b"g")
            connection, _ = listener.accept()
            with connection:
                socket.send_fds(connection, [b"x"], [folder])
        with os.fdopen(said[0]) as reader:
            answers = reader.read().split()
    finally:
        fence.close()
        for fd in (*go, folder, *(listener.fd for listener in fence.listeners)):
            os.close(fd)
    assert answers == ["EACCES"] * 6 + ["ok"] * 6
    assert [path.name for path in outside.iterdir()] == ["file"]
