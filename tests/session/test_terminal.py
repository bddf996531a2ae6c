"""A person at a terminal meets the same inside as outside: every script is played twice, with and without a fence, and shows the same."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from paddock.session.terminal import raw_modes
from tests.conftest import must
from tests.fence.running import PYTHON
from tests.session.screen import Screen, same
from tests.session.terminals import QUIET, Desk, desk

__all__ = ["desk"]

CTRL_C, CTRL_D, CTRL_Q, CTRL_S, CTRL_Z, CTRL_BACKSLASH, ESCAPE = "\x03", "\x04", "\x11", "\x13", "\x1a", "\x1c", "\x1b"
BASH = ("bash", "--norc", "--noprofile", "-i")


# Tells by files and words where it stands, so that nobody has to guess when a key can be pressed.
JOB = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCONT])
open("up", "w").close()
while os.tcgetpgrp(0) != os.getpgrp(): pass
os.write(1, b"in front\\n")
while signal.sigwait([signal.SIGCONT]): open("on", "w").close()
"""


def both(desk: Desk, argv: tuple[str, ...], play: Callable[[Screen], None], code: int = 0) -> bytes:
    """Play a script unfenced, then fenced. Gives what it showed, which has to be the same, as has the exit code."""
    shown = []
    for words in (list(argv), desk.fenced(argv)):
        with desk.screen(words) as screen:
            play(screen)
            assert screen.end() == code, screen.shown
            shown.append(same(screen.shown))
    assert shown[1] == shown[0]
    return shown[0]


def program(name: str) -> str:
    must(shutil.which(name), f"{name} is not installed")
    return name


def test_vim_edits_and_saves(desk: Desk) -> None:
    note = desk.project / "note"
    texts = []

    def play(screen: Screen) -> None:
        note.write_text("first\nsecond\n")
        screen.expect("note.*first.*second")
        screen.send("Gothird")
        screen.expect("third")
        screen.send(ESCAPE + ":wq\r")
        screen.expect("written")
        screen.end()
        texts.append(note.read_text())

    shown = both(desk, (program("vim"), "-u", "NONE", "-i", "NONE", "-N", "-n", "note"), play)
    assert texts == ["first\nsecond\nthird\n"] * 2
    assert b"\x1b[?1049h" in shown, "it drew on the other screen"
    assert shown.rstrip().endswith(b"\x1b[?1049l") or b"\x1b[?1049l" in shown, "and left it again"


def test_less_pages_and_searches(desk: Desk) -> None:
    (desk.project / "lines").write_text("".join(f"line {number}\n" for number in range(1000, 2000)))

    def play(screen: Screen) -> None:
        screen.expect("line 1000.*line 1022.*lines")
        screen.send("G")
        screen.expect("line 1999.*END")
        screen.send("?1500\r")
        screen.expect("line [^l]*1500.*:")
        screen.send("q")

    both(desk, (program("less"), "lines"), play)


def test_a_shell_with_background_jobs(desk: Desk) -> None:
    (desk.project / "job").write_text(JOB)
    job = f"{PYTHON} -I -S job"

    def play(screen: Screen) -> None:
        screen.expect("> ")
        for keys, answer in (
            (f"{job} & while [ ! -e up ]; do :; done; rm up; jobs\r", f"Running +{job} &.*> "),
            ("fg\r", "in front\r\n"),
            (CTRL_Z, f"Stopped +{job}.*> "),
            ("bg; while [ ! -e on ]; do :; done; rm on\r", f"{job} &.*> "),
            ("kill %1; wait %1; echo code $?\r", "code 143\r\n.*> "),
            ("echo st''arted; cat | sed s/in/out/\r", "started\r\n"),
            ("in\r", "in\r\n"),
            (CTRL_D, "out\r\n.*> "),
            ("exit 7\r", "exit\r\n"),
        ):
            screen.send(keys)
            screen.expect(answer)

    both(desk, BASH, play, code=7)


def test_a_window_that_changes_its_size(desk: Desk) -> None:
    script = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
os.system("stty size")
print("ready", flush=True)
signal.sigwait([signal.SIGWINCH])
os.system("stty size")
"""

    def play(screen: Screen) -> None:
        screen.expect("24 80\r\nready")
        screen.resize(33, 101)
        screen.expect("33 101\r\n")

    both(desk, (PYTHON, "-I", "-S", "-c", script), play)


def test_the_interrupt_key_in_an_interpreter(desk: Desk) -> None:
    def play(screen: Screen) -> None:
        screen.expect(">>> ")
        screen.send("import time\r")
        screen.expect(">>> ")
        screen.send("print('go', 'ing'), time.sleep(600)\r")
        screen.expect("go ing\r\n")
        screen.send(CTRL_C)
        screen.expect("KeyboardInterrupt.*>>> ")
        screen.send("raise SystemExit(3)\r")

    both(desk, (PYTHON, "-q", "-I"), play, code=3)


@pytest.mark.parametrize(("key", "code"), [(CTRL_C, 130), (CTRL_BACKSLASH, 131)])
def test_a_key_that_ends_a_program(desk: Desk, key: str, code: int) -> None:
    def play(screen: Screen) -> None:
        screen.expect("asleep")
        screen.send(key)

    both(desk, ("sh", "-c", "ulimit -c 0; echo asleep; exec sleep 600"), play, code)


def test_a_password_is_not_shown(desk: Desk) -> None:
    def play(screen: Screen) -> None:
        screen.expect("password: ")
        screen.send("open sesame\r")
        screen.expect("11 letters")

    shown = both(desk, ("sh", "-c", 'stty -echo; printf "password: "; read word; stty echo; echo; echo ${#word} letters'), play)
    assert b"sesame" not in shown


def test_lines_are_edited_and_ended_by_the_terminal_inside(desk: Desk) -> None:
    def play(screen: Screen) -> None:
        screen.expect("ready\r\n")
        screen.send("wrong\x15righ\x7fht\r")
        screen.expect("ht\r\nright\r\n")
        screen.send(CTRL_D)

    both(desk, ("sh", "-c", "echo ready; exec cat"), play)


def test_output_can_be_held_and_let_go(desk: Desk) -> None:
    def play(screen: Screen) -> None:
        screen.expect("ready")
        screen.send(CTRL_S + "one\r")
        screen.send(CTRL_Q)
        screen.expect("got one")

    both(desk, ("sh", "-c", 'echo ready; read word; echo "got $word"'), play)


def test_nothing_is_lost_of_much_output(desk: Desk) -> None:
    shown = both(desk, ("seq", "200000"), lambda _: None)
    assert shown.endswith(b"\r\n199999\r\n200000\r\n")


def test_nothing_is_lost_of_much_input(desk: Desk) -> None:
    lines = 20000

    def play(screen: Screen) -> None:
        screen.expect("ready")
        for number in range(lines):
            screen.send(f"{number:07}\r")
            if number % 100 == 99:
                screen.expect(f"{number + 1} read")
        screen.expect(f"sum {sum(range(lines))}")

    script = f"""
import sys
print("ready", flush=True)
total = 0
for number in range(1, {lines} + 1):
    total += int(sys.stdin.readline())
    if number % 100 == 0: print(number, "read", flush=True)
print("sum", total)
"""
    both(desk, (PYTHON, "-I", "-S", "-c", f"import os; os.system('stty -echo')\n{script}"), play)


def test_the_caller_s_modes_are_those_inside(desk: Desk) -> None:
    shown = []
    for words in (["stty", "-a"], desk.fenced(["stty", "-a"])):
        with desk.screen(["sh", "-c", 'stty erase "^H" -ixon iutf8 susp undef; exec "$@"', "sh", *words]) as screen:
            assert screen.end() == 0
            shown.append(screen.shown)
    assert b"erase = ^H" in shown[0]
    assert b" -ixon" in shown[0]
    assert shown[1] == shown[0]


# What a shell does with the whole run as one of its jobs.


def job_control(desk: Desk, command: str, play: Callable[[Screen, str], None], *, alike: bool = True) -> None:
    """Play a script at a shell, with ``command`` unfenced and fenced. Not ``alike``: what the shell says by itself comes whenever it comes."""
    shown = []
    for words in (command, f"{desk.paddock} {' '.join(QUIET)} {command}"):
        with desk.screen(BASH) as screen:
            screen.expect("> ")
            screen.send("set -b; bind 'set enable-bracketed-paste off'\r")
            screen.expect("\r\n.*> ")
            play(screen, words)
            screen.send("exit\r")
            assert screen.end() == 0
            shown.append(same(screen.shown.replace(words.encode(), b"COMMAND").replace(b"\r", b"")))
    assert not alike or shown[1] == shown[0]


def test_the_whole_run_is_stopped_and_continued(desk: Desk) -> None:
    def play(screen: Screen, command: str) -> None:
        screen.send(f"{command}\r")
        screen.expect("ready")
        screen.send(CTRL_Z)
        screen.expect("Stopped.*> ")
        assert screen.modes()[3] & termios.ISIG
        screen.resize(30, 90)
        screen.send("stty size; fg\r")
        screen.expect("30 90\r\n.*continued at 30 90")
        screen.send(CTRL_Z)
        screen.expect("Stopped.*> ")
        screen.send("bg\r")
        screen.expect("continued at 30 90.*Stopped")
        screen.send("\r")
        screen.expect("> ")
        screen.send("fg\r")
        screen.expect("script.py\r\n")
        screen.send("word\r")
        screen.expect("got word")
        screen.send(CTRL_C)
        screen.expect("interrupted\r\n.*> ")
        screen.send("echo code $?\r")
        screen.expect("code 9\r\n> ")

    script = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCONT, signal.SIGINT])
print("ready", flush=True)
for _ in range(2):
    signal.sigwait([signal.SIGCONT])
    print("continued at {1} {0}".format(*os.get_terminal_size(1)), flush=True)
print("got", input(), flush=True)
signal.sigwait([signal.SIGINT])
print("interrupted")
raise SystemExit(9)
"""
    (desk.project / "script.py").write_text(script)
    job_control(desk, f"{PYTHON} -I -S script.py", play, alike=False)


def test_a_run_in_the_background_is_stopped_when_it_reads(desk: Desk) -> None:
    def play(screen: Screen, command: str) -> None:
        screen.send(f"{command} &\r")
        screen.expect("Stopped")
        screen.send("\r")
        screen.expect("> ")
        screen.send("fg\r")
        screen.expect("cat\r\n")
        screen.send("for me\r")
        screen.expect("for me\r\nfor me\r\n")
        screen.send(CTRL_D)
        screen.expect("> ")

    job_control(desk, "cat", play, alike=False)


def test_a_run_in_the_background_may_write(desk: Desk) -> None:
    def play(screen: Screen, command: str) -> None:
        screen.send(f"{command} & wait\r")
        screen.expect("hello\r\n")
        screen.expect("Done.*> ")

    job_control(desk, "echo hello", play, alike=False)


@pytest.mark.parametrize("pipeline", ["{} | less", "seq 1000 | {} ", "{} < lines"], ids=["into a pager", "a pager at the end", "from a file"])
def test_in_a_pipeline_the_terminal_is_left_to_who_wants_it(desk: Desk, pipeline: str) -> None:
    program("less")
    (desk.project / "lines").write_text("".join(f"{number}\n" for number in range(1, 1001)))
    command = "seq 1000" if pipeline.endswith("less") else "less"
    fenced = f"{desk.paddock} {' '.join(QUIET)} {command}"
    shown = []
    for words in (command, fenced):
        with desk.screen(["sh", "-c", pipeline.format(words) + '; echo "code $?"']) as screen:
            screen.expect("1\r\n2\r\n.*:")
            screen.send("G")
            screen.expect("1000\r\n.*END")
            screen.send("q")
            assert screen.end() == 0
            shown.append(screen.shown)
    assert shown[1] == shown[0]


@pytest.mark.parametrize(
    ("redirection", "found"),
    [
        ("", "terminal terminal terminal"),
        ("< lines", "other terminal terminal"),
        ("> made", "terminal other terminal"),
        ("2> made", "terminal terminal other"),
        ("< lines > made 2> /dev/null", "other other other"),
    ],
)
def test_only_what_was_a_terminal_is_one_inside(desk: Desk, redirection: str, found: str) -> None:
    (desk.project / "lines").touch()
    script = "for fd in 0 1 2; do if [ -t $fd ]; then printf 'terminal ' > /dev/tty; else printf 'other ' > /dev/tty; fi; done"
    (desk.project / "script").write_text(script)
    with desk.screen(["sh", "-c", f"{desk.paddock} {' '.join(QUIET)} sh script {redirection}; echo code $?"]) as screen:
        screen.expect(found)
        screen.expect("code 0")
        screen.end()


# How the terminal is left.


@pytest.mark.parametrize(
    ("command", "act", "code"),
    [
        (("sh", "-c", "echo ready; read line; exit 5"), "\r", 5),
        (("sh", "-c", "echo ready; exec sleep 600"), CTRL_C, 130),
        (("sh", "-c", "echo ready; stty raw -echo; kill -9 $$"), "", 137),
        (("sh", "-c", "echo ready; exec sleep 600"), signal.SIGTERM, 143),
        (("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"), signal.SIGTERM, 143),
        (("sh", "-c", "echo ready; exec sleep 600"), signal.SIGHUP, 129),
        (("sh", "-c", "echo ready; exec sleep 600"), signal.SIGQUIT, 131),
        (("sh", "-c", "echo ready; exec sleep 600"), signal.SIGUSR1, 138),
        (("--timeout", "3", "--", "sh", "-c", "echo ready; exec sleep 600"), "", 124),
        (("no-such-program",), "", 127),
        (("--pass-fd", "63", "--", "true"), "", 125),
    ],
    ids=[
        "the end",
        "interrupt key",
        "killed while raw",
        "SIGTERM",
        "SIGTERM ignored",
        "SIGHUP",
        "SIGQUIT",
        "SIGUSR1",
        "time limit",
        "not found",
        "not started",
    ],
)
def test_the_terminal_is_left_as_it_was_found(desk: Desk, command: tuple[str, ...], act: str | signal.Signals, code: int) -> None:
    run = [desk.paddock, "run", "--setting-sources", "cli", *command]
    with desk.screen(["sh", "-c", 'stty -ixon; echo "start"; "$@"; echo "code $?"; read hold', "sh", *run]) as screen:
        screen.expect("start")
        before = screen.modes()
        if code not in (125, 127):
            screen.expect("ready")
        if isinstance(act, signal.Signals):
            assert screen.modes() == raw_modes(before), "it was raw meanwhile"
            os.kill(child_of(screen.pid), act)
        elif act:
            assert screen.modes() == raw_modes(before), "it was raw meanwhile"
            screen.send(act)
        screen.expect(f"code {code}\r\n")
        assert screen.modes() == before
        screen.send("\r")
        screen.end()


@pytest.mark.parametrize("step", ["wait for the command", "end the fence"])
def test_the_terminal_is_left_as_it_was_found_by_a_defect_of_ours(desk: Desk, step: str) -> None:
    script = f"""
import sys, termios
sys.path[:0] = {[entry for entry in sys.path if entry]!r}
from paddock.session.prepare import Request, prepare
from paddock.session.run import run
def fail(step):
    if step == {step!r}:
        print("raw" if not termios.tcgetattr(0)[3] & termios.ICANON else "cooked", flush=True)
        raise RuntimeError("injected")
import os
request = Request(argv=("sh", "-c", "echo ready; read line"), cwd=os.getcwd(), environ=dict(os.environ), sources=("cli",))
try: run(prepare(request, make=True), on_publish=print, on_step=fail)
except RuntimeError as error: print(error)
"""
    (desk.project.parent / "script").write_text(script)
    with desk.screen(["sh", "-c", '"$@"; echo over; read hold', "sh", sys.executable, "-I", "../script"]) as screen:
        before = screen.modes()
        if step == "end the fence":
            screen.expect("ready")
            screen.send("\r")
        screen.expect("raw.*injected.*over")
        assert screen.modes() == before


@pytest.mark.parametrize("first", [0, 1])
def test_two_runs_at_one_terminal_leave_it_as_it_was_found(desk: Desk, first: int) -> None:
    """Whichever ends first: the second to start has found it raw."""
    for name in ("a", "b", "end"):
        os.mkfifo(desk.project / name)
    run = f"{desk.paddock} {' '.join(QUIET)}"
    wait = 'echo started $0; read word < $0; echo "$0 ends"'
    script = f"{run} sh -c '{wait}' a < /dev/tty & read go < end; {run} sh -c '{wait}' b < /dev/tty & wait; echo over; read hold"
    with desk.screen(["sh", "-c", script]) as screen:
        before = screen.modes()
        screen.expect("started a")
        assert screen.modes() == raw_modes(before)
        (desk.project / "end").write_text("go\n")
        screen.expect("started b")
        for name in ("ab", "ba")[first]:
            (desk.project / name).write_text("go\n")
            screen.expect(f"{name} ends")
        screen.expect("over")
        assert screen.modes() == before


def child_of(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def test_the_block_at_the_end_comes_when_the_terminal_is_restored(desk: Desk, tmp_path: Path) -> None:
    script = f"stty raw; echo x > {tmp_path}/outside"
    with desk.screen([desk.paddock, "run", "--setting-sources", "cli", "--", "sh", "-c", script]) as screen:
        screen.expect("1 refused[^\r\n]*\r\n  [^\r\n]*\r\n")
        screen.end()


def test_a_window_that_is_closed_ends_the_run(desk: Desk) -> None:
    read, write = os.pipe()
    os.set_inheritable(write, True)
    script = f"exec {desk.paddock} run --setting-sources cli --pass-fd 9 -- sh -c 'echo ready; exec sleep 600' 9>&{write} {write}>&-"
    screen = Screen(["bash", "-c", script], cwd=desk.project, passed=write)
    os.close(write)
    screen.expect("ready")
    screen.hang_up()
    assert os.read(read, 1) == b"", "nobody holds the pipe any more: the command and its fence are gone"
    os.close(read)
    assert screen.end() == 129
