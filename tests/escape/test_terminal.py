"""Attacks on the caller's terminal, and on the shell that waits behind it."""

from __future__ import annotations

import os
import signal
import termios

from paddock.session.terminal import raw_modes
from tests.conftest import applies
from tests.fence.running import PYTHON
from tests.session.screen import Screen
from tests.session.terminals import QUIET, Desk, desk

__all__ = ["desk"]

HEAD = """
import errno, fcntl, os, signal, struct, sys, termios
def attempt(call, *arguments):
    try: call(*arguments)
    except OSError as error: print(errno.errorcode[error.errno])
    else: print('ok')
"""


def inside(desk: Desk, script: str) -> list[str]:
    """``script`` in Python, fenced. ``attempt`` prints ``ok`` or an errno."""
    (desk.project / "attack").write_text(HEAD + script)
    return [desk.paddock, *QUIET, PYTHON, "-I", "-S", "attack"]


def unfenced(desk: Desk, script: str) -> list[str]:
    return inside(desk, script)[len(QUIET) + 1 :]


TYPES = """
for target in (0, os.open('/dev/tty', os.O_RDWR)):
    for request in (termios.TIOCSTI, 0x541C):
        for letter in b'pwned' + bytes([10]): attempt(fcntl.ioctl, target, request, bytes([letter]))
"""


def test_nothing_is_typed_for_the_shell_that_waits(desk: Desk) -> None:
    waits = '"$@"; echo done; read -r line; echo "got ($line)"'
    with desk.screen(["sh", "-c", waits, "sh", *inside(desk, TYPES)]) as screen:
        screen.expect("done\r\n")
        screen.send("the person\r")
        screen.expect(r"got \(the person\)")
        assert screen.shown.count(b"EPERM") == 24
        assert b"pwned" not in screen.shown
    with desk.screen(["sh", "-c", waits, "sh", *unfenced(desk, TYPES)]) as screen:
        screen.expect("done\r\n")
        applies(screen.shown.count(b"ok\r\n") > 0, "this kernel refuses typing for everybody (dev.tty.legacy_tiocsti)")
        screen.expect(r"got \(pwned\)")


def test_the_caller_s_device_is_nowhere_inside(desk: Desk) -> None:
    script = """
device, number = int(sys.argv[1]), int(sys.argv[2])
def is_it(place):
    try: found = os.stat(place)
    except OSError: return False
    return (found.st_dev, found.st_rdev) == (device, number)
places = [f'/dev/{name}' for name in os.listdir('/dev')] + [f'/dev/pts/{name}' for name in os.listdir('/dev/pts')]
for process in (name for name in os.listdir('/proc') if name.isdigit()):
    try: places += [f'/proc/{process}/fd/{name}' for name in os.listdir(f'/proc/{process}/fd')]
    except OSError: continue
print('looked at', len(places), 'found', sum(map(is_it, places)))
print(os.ttyname(0), os.path.samestat(os.fstat(0), os.stat('/dev/pts/0')))
"""
    for argv, found in ((inside(desk, script), "found 0"), (unfenced(desk, script), "found [1-9]")):
        find = 'exec "$@" $(stat -L -c "%d" /proc/self/fd/0) $((0x$(stat -L -c "%t" /proc/self/fd/0) * 256 + 0x$(stat -L -c "%T" /proc/self/fd/0)))'
        with desk.screen(["sh", "-c", find, "sh", *argv]) as screen:
            screen.expect(f"looked at [0-9]+ {found}\r\n")
            if found == "found 0":
                screen.expect("/dev/pts/0 True")
            screen.end()


def test_what_it_does_to_its_terminal_is_not_done_to_the_caller_s(desk: Desk) -> None:
    script = """
modes = termios.tcgetattr(0)
modes[3] &= ~(termios.ECHO | termios.ICANON)
termios.tcsetattr(0, termios.TCSANOW, modes)
termios.tcsetwinsize(0, (7, 7))
attempt(fcntl.ioctl, 0, termios.TIOCSCTTY, 1)
attempt(fcntl.ioctl, 0, termios.TIOCEXCL)
attempt(fcntl.ioctl, 0, termios.TIOCNXCL)
print('ready'); sys.stdout.flush()
sys.stdin.read(1)
"""
    with desk.screen(["sh", "-c", '"$@"; echo end; read hold', "sh", *inside(desk, script)]) as screen:
        before = screen.modes()
        screen.expect("ready")
        assert screen.modes() == raw_modes(before)
        assert termios.tcgetwinsize(screen.fileno()) == (24, 80)
        screen.send("x")
        screen.expect("end")
        assert screen.modes() == before


def test_a_signal_to_everybody_stays_inside(desk: Desk) -> None:
    for target, code in (("0", 137), ("-1", 1)):  # -1 leaves out who asks and process 1: there is nobody else
        script = f'sleep 600 & "$@" sh -c "kill -KILL {target}"; echo "code $?"; kill -0 $! && echo alive; kill $!'
        with desk.screen(["sh", "-c", script, "sh", desk.paddock, *QUIET]) as screen:
            screen.expect(f"code {code}\r\nalive")
            screen.end()


def test_leaving_the_session_leads_nowhere(desk: Desk) -> None:
    script = """
if os.fork() == 0:
    os.setsid()
    attempt(os.open, '/dev/tty', os.O_RDWR)
    attempt(fcntl.ioctl, 0, termios.TIOCSCTTY, 0)
    attempt(fcntl.ioctl, 0, termios.TIOCSCTTY, 1)
    sys.stdout.flush()
    os._exit(0)
os.wait()
attempt(os.open, '/dev/tty', os.O_RDWR)
"""
    with desk.screen(inside(desk, script)) as screen:
        screen.expect("ENXIO\r\nEPERM\r\nEPERM\r\nok\r\n")
        assert screen.end() == 0


def test_a_command_that_plays_with_groups_and_stops_is_still_ended(desk: Desk) -> None:
    """The main process moves into another group, gives the terminal away, and stops and continues for as long as it likes."""
    script = """
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
main = os.getpid()
helper = os.fork()
if helper == 0:
    os.setpgid(0, 0)
    for _ in range(200): os.kill(main, signal.SIGCONT)
    while True:
        with open(f'/proc/{main}/stat') as stat: state = stat.read().rpartition(')')[2].split()[0]
        if state in 'TZ': os.kill(main, signal.SIGCONT)
for _ in range(50): os.kill(main, signal.SIGSTOP)
while os.getpgid(helper) != helper: pass
os.setpgid(0, helper)
os.tcsetpgrp(0, helper)
for signo in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGSTOP): os.kill(main, signo)
os.setsid()
os.kill(main, signal.SIGSTOP)
os._exit(9)
"""
    with desk.screen(["sh", "-c", '"$@"; echo "code $?"; read hold', "sh", *inside(desk, script)]) as screen:
        before = screen.modes()
        screen.expect("code 9\r\n")
        assert screen.modes() == before


def test_in_the_background_of_nobody_a_reader_is_hung_up_on(desk: Desk) -> None:
    """Where no shell could continue the run, stopping it would be for ever; going on at once would go round and round."""
    script = f"""
import os
if os.fork() == 0:
    os.setpgid(0, 0)
    if os.fork() == 0:
        code = os.waitstatus_to_exitcode(os.spawnv(os.P_WAIT, {desk.paddock!r}, {[desk.paddock, *QUIET, "cat"]!r}) << 8)
        os.write(1, b"code %d" % code)
    os._exit(0)
os.wait()
input()
"""
    with desk.screen([PYTHON, "-I", "-S", "-c", script]) as screen:
        screen.expect("code 129")
        screen.send("\r")
        screen.end()


def test_a_terminal_that_takes_nothing_delays_no_signal(desk: Desk) -> None:
    with desk.screen([desk.paddock, *QUIET, "sh", "-c", "echo ready; exec yes"]) as screen:
        screen.expect("ready")
        # From here on nobody reads: pipe and terminal fill up, and what cannot be written is no reason to stay.
        os.kill(screen.pid, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(screen.pid, 0)[1]) == 143
        screen.code = 143


def test_what_a_terminal_obeys_is_passed_on_as_it_is(desk: Desk) -> None:
    """Not a defence: full-screen programs need it, and the threat model says so. What is tested is that nothing in between adds to it or takes away."""
    everything = bytes(range(256)) + b"\x1b]52;c;cHduZWQ=\x07\x1b]0;title\x07\x1b[6n"
    (desk.project / "bytes").write_bytes(everything)
    script = "stty -opost; cat bytes"
    shown = []
    for argv in (["sh", "-c", script], [desk.paddock, *QUIET, "sh", "-c", script]):
        with desk.screen(argv) as screen:
            assert screen.end() == 0
            shown.append(screen.shown)
    assert shown == [everything, everything]


def test_terminals_of_a_fence_are_counted(desk: Desk) -> None:
    """The machine has a few thousand for everybody (``kernel.pty.max``)."""
    script = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE)[1:] * 2)
held = []
try:
    while len(held) < 300: held.append(os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY))
except OSError as error:
    print(errno.errorcode[error.errno], len(held))
"""
    with desk.screen(inside(desk, script)) as screen:
        screen.expect("ENOSPC 255\r\n")  # one is its own
        screen.end()


def test_no_other_driver_can_be_put_behind_the_terminal(desk: Desk) -> None:
    script = """
attempt(fcntl.ioctl, 0, termios.TIOCSETD, struct.pack('=i', 21))
attempt(fcntl.ioctl, 0, termios.TIOCGETD, bytes(4))
"""
    with desk.screen(inside(desk, script)) as screen:
        screen.expect("EPERM\r\nok\r\n")
        screen.end()


def test_the_screen_waits_for_nothing_that_never_comes() -> None:
    """The play itself: a pattern that is not shown is a failure, not a pass."""
    with Screen(["true"], cwd="/") as screen:
        try:
            screen.expect("never")
        except AssertionError:
            return
    raise AssertionError("nothing was missed")
