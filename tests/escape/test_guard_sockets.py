"""Sockets that get a path: a name like any other, by an address in memory that the caller can change while the call waits."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import must
from tests.fence.conftest import why_not
from tests.fence.running import guarding, python

GIT = "/usr/bin/git"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder to work in, where fences can be built."""
    must(not why_not(), f"no fence can be built here: {why_not()}")
    must(Path(GIT).exists(), "git is not installed")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


RACE = """
import threading
os.makedirs('g/objects'); os.mkdir('h')
open('g/HEAD', 'w').write('ref: refs/heads/main\\n')
open('g/config', 'w').write('[alias]\\n\\tst = !echo owned\\n')
libc = ctypes.CDLL(None, use_errno=True)
address = ctypes.create_string_buffer(b'\\x01\\0h/refs\\0', 16)
going = True
def change():
    while going:
        address[2] = b'g'; address[2] = b'h'
thread = threading.Thread(target=change); thread.start()
made = 0
for _ in range(500):
    with socket.socket(socket.AF_UNIX) as s: libc.bind(s.fileno(), address, 16)
    made += os.path.lexists('h/refs')
    try: os.unlink('h/refs')
    except FileNotFoundError: pass
going = False
thread.join()
print(made > 0)
"""


def test_an_address_that_changes_does_not_complete_a_repository(project: Path) -> None:
    """git takes a socket called ``refs`` for good enough, and believes the configuration beside it."""
    result = python(project, RACE, guard=guarding(project))
    assert (result.out, result.err) == ("True\n", "")
    assert not (project / "g" / "refs").exists()
    assert ("write", str(project / "g" / "refs")) in result.sink.violations()
    done = subprocess.run([GIT, "st"], cwd=project / "g", capture_output=True, text=True, check=False)
    assert "owned" not in done.stdout


def test_git_believes_a_socket(project: Path) -> None:
    """The other half of the attack above works, so that its failing says something."""
    python(project, "os.makedirs('g/objects'); open('g/HEAD', 'w').write('ref: refs/heads/main\\n'); socket.socket(socket.AF_UNIX).bind('g/refs')")
    (project / "g" / "config").write_text("[alias]\n\tst = !echo owned\n")
    done = subprocess.run([GIT, "st"], cwd=project / "g", capture_output=True, text=True, check=False)
    assert done.stdout == "owned\n"


# Each prints "ok". What is compared with the kernel's own: names, errors, and the descriptors of threads that share nothing.
WORKS = {
    "a path is given back as it was": "s = socket.socket(socket.AF_UNIX); s.bind('./a/../a/s'); assert s.getsockname() == './a/../a/s'",
    "the absolute path": "p = os.path.abspath('a/s'); s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(p); assert s.getsockname() == p",
    "a way through a descriptor": "fd = os.open('a', os.O_PATH); socket.socket(socket.AF_UNIX).bind('/proc/self/fd/%d/s' % fd); os.stat('a/s')",
    "the umask": "os.umask(0o077); socket.socket(socket.AF_UNIX).bind('a/s'); assert os.stat('a/s').st_mode & 0o777 == 0o700",
    "a connection": "l = socket.socket(socket.AF_UNIX); l.bind('a/s'); l.listen(); c = socket.socket(socket.AF_UNIX); c.connect('a/s'); l.accept()",
    "the fence's own /tmp": "s = socket.socket(socket.AF_UNIX); s.bind('/tmp/s'); assert s.getsockname() == '/tmp/s'",
    "no name": "s = socket.socket(socket.AF_UNIX); s.bind(''); assert s.getsockname()[:1] == b'\\0'",
    "an abstract name": "s = socket.socket(socket.AF_UNIX); s.bind('\\0x/.envrc'); assert s.getsockname() == b'\\0x/.envrc'",
    "a port": "s = socket.socket(); s.bind(('127.0.0.1', 0)); assert s.getsockname()[1]",
    "a port of the other family": "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(('::1', 0)); assert s.getsockname()[1]",
    "interfaces": "assert 'lo' in [name for _, name in socket.if_nameindex()]; socket.getaddrinfo('localhost', 1)",
    "a taken path": "open('a/s', 'w'); fails('EADDRINUSE', lambda: socket.socket(socket.AF_UNIX).bind('a/s'))",
    "a protected path that is taken": "fails('EADDRINUSE', lambda: socket.socket(socket.AF_UNIX).bind('CLAUDE.md'))",
    "no folder": "fails('ENOENT', lambda: socket.socket(socket.AF_UNIX).bind('b/s'))",
    "a second address": "s = socket.socket(socket.AF_UNIX); s.bind('a/s'); fails('EINVAL', lambda: s.bind('a/t'))",
    "no socket": "fails('ENOTSOCK', lambda: raw(os.open('.', os.O_RDONLY), b'\\1\\0x', 3))",
    "no descriptor": "fails('EBADF', lambda: raw(987, b'\\1\\0x', 3))",
    "a length beyond all": "fails('EINVAL', lambda: raw(socket.socket().fileno(), b'', 4096))",
    "no memory": "s = socket.socket(socket.AF_UNIX); fails('EFAULT', lambda: raw(s.fileno(), None, 20))",
    "a thread with descriptors of its own": "in_thread(lambda: (libc.unshare(0x400), socket.socket(socket.AF_UNIX).bind('a/s'))); os.stat('a/s')",
}
HEAD = """
import threading
libc = ctypes.CDLL(None, use_errno=True)
def raw(*arguments):
    if libc.bind(*arguments) < 0: raise OSError(ctypes.get_errno(), 'bind')
def fails(name, act):
    try: act()
    except OSError as error: assert errno.errorcode[error.errno] == name, error
    else: raise AssertionError('it worked')
def in_thread(act):
    thread = threading.Thread(target=act); thread.start(); thread.join()
os.mkdir('a')
"""


@pytest.mark.parametrize("name", WORKS)
def test_binding_is_what_it_is_outside(project: Path, name: str) -> None:
    (project / "CLAUDE.md").write_text("words")
    result = python(project, f"{HEAD}\n{WORKS[name]}\nprint('ok')", guard=guarding(project))
    assert (result.out, result.err) == ("ok\n", "")
    assert result.sink.violations() == []
