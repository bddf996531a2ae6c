"""What may not be read and comes to be only while the command runs: no way of opening it leads to its content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paddock.fence.namespaces import start
from paddock.model.guard import Denial
from tests.conftest import must
from tests.fence.conftest import why_not
from tests.fence.running import RULE, Result, Sink, guarding, make_plan, python

WAYS = {
    "open": "open('secret').read()",
    "open for writing too": "os.read(os.open('secret', os.O_RDWR), 99)",
    "the absolute path": "open(os.path.abspath('secret')).read()",
    "a link": "os.symlink('secret', 'way'); open('way').read()",
    "a link to the folder": "os.symlink('.', 'way'); open('way/way/secret').read()",
    "a second name": "os.link('secret', 'x'); open('x').read()",
    "another name": "os.rename('secret', 'x'); open('x').read()",
    "an exchange": "open('x', 'w').close(); raw('renameat2', -100, b'x', -100, b'secret', 2); open('x').read()",
    "a descriptor of the folder": "os.read(os.open('secret', os.O_RDONLY, dir_fd=os.open('.', os.O_RDONLY)), 99)",
    "a descriptor without rights": "fd = os.open('secret', os.O_PATH); open(f'/proc/self/fd/{fd}').read()",
    "a link to that descriptor": "fd = os.open('secret', os.O_PATH); os.link(f'/proc/self/fd/{fd}', 'x', src_dir_fd=fd); open('x').read()",
    "the working folder's link": "open('/proc/self/cwd/secret').read()",
    "the root's link": "open('/proc/self/root' + os.path.abspath('secret')).read()",
    "another program": "import subprocess; subprocess.run(['/bin/cat', 'secret'], check=True)",
    "a thread": "import threading; t = threading.Thread(target=lambda: said.append(open('secret').read())); t.start(); t.join()",
}
HEAD = """
libc = ctypes.CDLL(None, use_errno=True)
said = []
def raw(name, *arguments):
    if getattr(libc, name)(*arguments) < 0: raise OSError(ctypes.get_errno(), name)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder to work in, where fences can be built."""
    must(not why_not(), f"no fence can be built here: {why_not()}")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def tried(project: Path, statement: str, *hidden: Denial) -> Result:
    *before, last = statement.split("; ")
    script = f"{HEAD}\ntry:\n    {'; '.join(before) or 'pass'}\n    said.append({last})\nexcept (OSError, RuntimeError) as error: print(type(error).__name__)\n"
    if last.startswith(("t.join", "subprocess")):
        script = script.replace(f"said.append({last})", last)
    return python(project, script + "print(*said)", guard=guarding(project, hidden=hidden))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pattern", [False, True])
def test_no_way_reads_it(project: Path, way: str, pattern: bool) -> None:
    (project / "secret").write_text("CANARY")
    denial = Denial(f"{project}/**/secret", RULE, "", True) if pattern else Denial(str(project / "secret"), RULE)
    result = tried(project, WAYS[way], denial)
    assert "CANARY" not in result.out + result.err
    assert ("read", str(project / "secret")) in result.sink.violations()
    event = next(e for e in result.sink.events if e.kind == "violation")
    assert (event.rule, "allowRead" in event.remedy) == (RULE, True)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_reads_another(project: Path, way: str) -> None:
    (project / "secret").write_text("CANARY")
    result = tried(project, WAYS[way], Denial(str(project / "other"), RULE))
    assert "CANARY" in result.out or "b'CANARY'" in result.out, result.err
    assert result.sink.violations() == []


@pytest.mark.parametrize("move", ["os.rename('a', 'x')", "os.rename('a/b', 'x')", "raw('renameat2', -100, b'a', -100, b'free', 2)"])
def test_no_folder_takes_it_away(project: Path, move: str) -> None:
    (project / "a" / "b").mkdir(parents=True)
    (project / "free").mkdir()
    (project / "a" / "b" / "secret").write_text("CANARY")
    result = python(project, f"{HEAD}\nattempt(lambda: {move})", guard=guarding(project, hidden=(Denial(str(project / "a/b/secret"), RULE),)))
    assert result.out == "EACCES\n"
    assert (project / "a" / "b" / "secret").exists()
    assert python(project, f"{HEAD}\nattempt(lambda: {move})", guard=guarding(project, hidden=(Denial(str(project / "a/b/other"), RULE),))).out == "ok\n"


def test_a_hidden_folder_hides_what_is_in_it_except_what_is_shown(project: Path) -> None:
    (project / "keys" / "public").mkdir(parents=True)
    for name in ("private", "public/x"):
        (project / "keys" / name).write_text(name)
    script = "attempt(open, 'keys/private'); attempt(os.listdir, 'keys'); attempt(open, 'keys/public/x'); attempt(open, 'key', 'w')"
    hidden = Denial(str(project / "keys"), RULE, shown=((str(project / "keys/public"), False),))
    assert python(project, script, guard=guarding(project, hidden=(hidden,))).out.split() == ["EACCES", "EACCES", "ok", "ok"]


def test_a_path_that_changes_after_the_call_was_made(project: Path) -> None:
    (project / "secret").write_text("CANARY")
    (project / "public").write_text("public")
    script = """
import threading
libc = ctypes.CDLL(None, use_errno=True)
path = ctypes.create_string_buffer(b'public', 16)
going = True
def change():
    while going:
        ctypes.memmove(path, b'secret', 6); ctypes.memmove(path, b'public', 6)
thread = threading.Thread(target=change); thread.start()
seen = set()
for _ in range(3000):
    fd = libc.open(path, os.O_RDONLY)
    if fd >= 0:
        seen.add(os.read(fd, 99)); os.close(fd)
going = False
thread.join()
print(seen)
"""
    result = python(project, script, guard=guarding(project, hidden=(Denial(str(project / "secret"), RULE),)))
    assert result.out == "{b'public'}\n", result.err


def test_a_file_that_the_host_makes_while_the_command_runs(project: Path) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    go, said = os.pipe(), os.pipe()
    script = "read go; cat .env.local sub/.env; echo end"
    hidden = (Denial(str(project / ".env.local"), RULE), Denial(f"{project}/**/.env", RULE, "", True))
    sink = Sink()
    fence = start(make_plan(project, ("/bin/sh", "-c", script), guard=guarding(project, hidden=hidden)), sink, stdio=(go[0], said[1], said[1]))
    try:
        fence.spawn()
        os.close(said[1])
        (project / "sub").mkdir()
        for name in (".env.local", "sub/.env"):
            (project / name).write_text("CANARY\n")
        os.write(go[1], b"go\n")
        with os.fdopen(said[0], "rb") as reader:
            text = reader.read().decode()
    finally:
        fence.close()
        for fd in (null, *go, *(listener.fd for listener in fence.listeners)):
            os.close(fd)
    assert "CANARY" not in text
    assert text.count("Permission denied") == 2
    assert text.endswith("end\n")
    assert sink.violations() == [("read", str(project / ".env.local")), ("read", str(project / "sub" / ".env"))]


def test_files_of_process_1_are_refused_as_such(project: Path) -> None:
    """Where reading goes through the guard it has to refuse them itself, and with the errno that the kernel has for it."""
    hidden = (Denial(str(project / "secret"), RULE),)
    result = python(project, "attempt(open, '/proc/1/environ'); attempt(open, '/proc/1/status')", guard=guarding(project, hidden=hidden))
    assert result.out == "EACCES\nok\n", result.err
