"""Attacks by amount: what one run takes must end with that run, and a second run of the same user must not notice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import must

PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
BOUND = 100.0
"""Seconds after which a test gives up."""

MEMORY = """
import os, signal
print("on", flush=True)
for _ in range(10):
    if os.fork() == 0:
        kept = bytearray(b"x") * (100 << 20)
        signal.pause()
signal.pause()
"""
CPU = """
import os
print("on", flush=True)
for _ in range(3): os.fork()
while True: pass
"""
UNSEEN = """
import os, signal
print("on", flush=True)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits: the kernel keeps no sum
while True:
    pid = os.fork()
    if pid == 0:
        for _ in range(4_000_000): pass
        os._exit(0)
    try: os.waitpid(pid, 0)
    except ChildProcessError: pass
"""
LARGE = """
import os, signal
print("on", flush=True)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open("large", "wb", buffering=0) as file:
    while file.write(bytes(1 << 20)) == 1 << 20: pass
signal.pause()
"""
MANY = """
import os, signal
print("on", flush=True)
for number in range(20_000):
    with open(f"file{number}", "wb") as file: file.write(bytes(16384))
signal.pause()
"""
NAMELESS = """
import os, signal
print("on", flush=True)
kept = []
for number in range(20):
    kept.append(os.open("nameless", os.O_CREAT | os.O_RDWR))
    os.unlink("nameless")
    os.write(kept[-1], bytes(8 << 20))
signal.pause()
"""
CLOSED = NAMELESS.replace("kept = []", "kept = []; import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)")
"""Closed to its own user as well: its descriptors and what it has written cannot be read."""
IN_MEMORY = """
import os, signal
print("on", flush=True)
kept = []
for _ in range(10):
    kept.append(os.memfd_create("kept"))
    for _ in range(80): os.write(kept[-1], bytes(1 << 20))
signal.pause()
"""
CLOSED_MEMORY = IN_MEMORY.replace("kept = []", "kept = []; import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)")
FORKS = """
import os, signal
print("on", flush=True)
made = refused = 0
children = []
for _ in range(1500):
    try: pid = os.fork()
    except OSError as error:
        refused = error.errno
        break
    if pid == 0: signal.pause()
    children.append(pid)
import sys
sys.stdin.read()
print(len(children), refused)
"""


@dataclass
class World:
    command: str
    project: Path
    beside: Path

    def start(self, script: str, **limits: float) -> subprocess.Popen[str]:
        """A fenced attack. It has begun when this returns."""
        settings = self.project / ".paddock" / "settings.json"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(json.dumps({"paddock": {"limits": limits}}, indent=1) + "\n")
        argv = [self.command, "run", "--json", str(self.beside.parent / "report.json"), "--", PYTHON, "-I", "-S", "-c", script]
        running = subprocess.Popen(argv, cwd=self.project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert running.stdout is not None
        assert running.stdout.readline() == "on\n"
        return running

    def second(self) -> str:
        """What another run of the same user says, meanwhile."""
        script = "import os; kept = bytearray(64 << 20); open('own', 'wb').write(bytes(1 << 20)); os.spawnlp(os.P_WAIT, 'echo', 'echo', 'unharmed')"
        ran = subprocess.run([self.command, "run", "--", PYTHON, "-c", script], cwd=self.beside, capture_output=True, text=True, timeout=BOUND, check=False)
        return ran.stdout.strip() or ran.stderr

    def told(self, act: str) -> bool:
        """Whether the event log has a refusal of this kind by now."""
        ran = subprocess.run([self.command, "log", "--kind", "violation", "--json"], cwd=self.beside, capture_output=True, text=True, timeout=BOUND, check=True)
        return any(json.loads(line).get("act") == act for line in ran.stdout.splitlines())

    def report(self) -> dict[str, object]:
        return json.loads((self.beside.parent / "report.json").read_text())  # type: ignore[no-any-return] # our own document


@pytest.fixture
def world(isolated_environment: Path) -> World:
    installed = Path(sys.executable).with_name("paddock")
    must(installed.exists(), "Paddock is not installed beside this interpreter: use ./dev test")
    project, beside = isolated_environment / "project", isolated_environment / "beside"
    project.mkdir()
    beside.mkdir()
    return World(str(installed), project, beside)


def ended_by(world: World, running: subprocess.Popen[str], name: str) -> dict[str, object]:
    """The run has ended by this limit, and said so with the place and the figures. Gives the event's details."""
    _, said = running.communicate(timeout=BOUND)
    assert running.returncode == 123, said
    report = world.report()
    assert (report["exit"], report["cause"]) == (123, "limit")
    (event,) = [e for e in report["refused"] if e["act"] == "limit"]  # type: ignore[attr-defined] # a list of objects
    assert event["subject"] == name
    assert event["rule"]["key"] == f"paddock.limits.{name}"
    assert event["rule"]["file"] == str(world.project / ".paddock" / "settings.json")
    assert name in said
    assert "settings.json:4" in said
    return event["detail"]  # type: ignore[no-any-return] # as above


@pytest.mark.parametrize(
    ("script", "name", "limit"),
    [
        pytest.param(MEMORY, "memoryMb", 250, id="memory-over-ten-children"),
        pytest.param(IN_MEMORY, "memoryMb", 250, id="memory-files-that-nobody-maps"),
        pytest.param(CPU, "cpuSeconds", 2, id="cpu-over-eight-processes"),
        pytest.param(UNSEEN, "cpuSeconds", 2, id="cpu-of-children-that-nobody-waits-for"),
        pytest.param(LARGE, "diskMb", 60, id="one-large-file"),
        pytest.param(MANY, "diskMb", 40, id="many-small-files"),
        pytest.param(NAMELESS, "diskMb", 40, id="files-without-a-name"),
        pytest.param(CLOSED, "diskMb", 40, id="files-without-a-name-of-a-closed-process"),
        pytest.param(CLOSED_MEMORY, "memoryMb", 250, id="memory-files-of-a-closed-process"),
    ],
)
def test_the_run_that_takes_too_much_is_ended_and_another_is_unharmed(world: World, script: str, name: str, limit: int) -> None:
    with world.start(script, **{name: limit}) as running:
        assert world.second() == "unharmed"
        detail = ended_by(world, running, name)
    assert detail["limit"] == limit
    measured = detail["measured"]
    assert isinstance(measured, int | float)
    assert measured >= limit * 0.8, "what was measured, not what was allowed"


def test_a_fork_bomb_meets_its_limit_and_another_run_does_not(world: World) -> None:
    with world.start(FORKS, processes=300) as running:
        assert world.second() == "unharmed"
        until = time.monotonic() + BOUND
        while not world.told("limit"):  # the kernel keeps no count of what it refused by RLIMIT_NPROC: somebody has to look while it lasts
            if time.monotonic() > until:
                running.kill()
                pytest.fail("nobody noticed")
            if os.getuid() == 0:
                break  # a cgroup does keep one, and it is read at the end
        out, said = running.communicate("", timeout=BOUND)
    made, refused = map(int, out.split())
    assert (running.returncode, os.strerror(refused)) == (0, os.strerror(11))
    assert 290 <= made < 300
    (event,) = [e for e in world.report()["refused"] if e["act"] == "limit"]  # type: ignore[attr-defined] # a list of objects
    assert event["subject"] == "processes"
    assert "300 processes" in said


@pytest.mark.parametrize(
    ("script", "limits"),
    [
        ("kept = bytearray(b'x') * (100 << 20)", {"memoryMb": 250}),
        ("import os\nkept = bytearray(b'x') * (100 << 20)\nfor _ in range(9):\n if os.fork() == 0: os._exit(0)", {"memoryMb": 250}),
        ("for _ in range(1_000_000): pass", {"cpuSeconds": 20}),
        ("for _ in range(40): open('again', 'wb').write(bytes(2 << 20))", {"diskMb": 20}),
        ("import os\nfor n in range(50):\n if os.fork() == 0: os._exit(0)", {"processes": 300}),
    ],
)
def test_what_stays_within_its_limit_is_left_alone(world: World, script: str, limits: dict[str, float]) -> None:
    with world.start(f"print('on', flush=True)\n{script}", **limits) as running:
        _, said = running.communicate(timeout=BOUND)
    assert (running.returncode, said) == (0, "")


def test_the_clock_says_so_too(world: World) -> None:
    with world.start("print('on', flush=True); import signal; signal.pause()", timeoutSeconds=0.5) as running:
        _, said = running.communicate(timeout=BOUND)
    assert running.returncode == 124
    assert "timeoutSeconds" in said
    assert "settings.json:4" in said
