"""The ``namespaces`` backend: a fence made of the kernel's own means, by this process's child and grandchild."""

from __future__ import annotations

import _socket
import errno
import os
import select
import signal
import struct
import time
from collections.abc import Iterable

from paddock.errors import CommandNotExecutableError, CommandNotFoundError, LaunchError, PaddockError, UnsupportedError
from paddock.fence import answers
from paddock.fence.gauge import Gauge
from paddock.fence.guard.observe import FileObserver
from paddock.fence.handed import check_passed, is_our_terminal, standard_stream
from paddock.fence.inside import keeper
from paddock.fence.launcher import limits, report
from paddock.fence.launcher.hints import explain
from paddock.fence.launcher.process import all_steps, launch
from paddock.fence.launcher.state import StepFailed
from paddock.fence.ports import Counts, Listener, OnStep, unwatched
from paddock.model.events import Event, EventSink
from paddock.model.plan import Plan
from paddock.model.usage import Usage

__all__ = ["Fence", "describe", "start"]

_UMASK = 0o022
_KILLED = 128 + signal.SIGKILL
_ANSWER_SECONDS = 20.0
"""For an answer that takes a thousandth of one: only a machine that stands still, or a process 1 that is not ours any more, needs longer."""
_NONSENSE = "process 1 of the fence does not answer as it should"
_SPAWN_SECONDS = 300.0
"""A program may have to come over a slow network."""


def describe(plan: Plan) -> list[str]:
    """Every step of a launch of this plan, one line each."""
    return [step.describe() for step in all_steps(plan)]


def start(
    plan: Plan,
    events: EventSink,
    *,
    stdio: tuple[int, int, int] = (0, 1, 2),
    passed: tuple[int, ...] = (),
    terminal: bool = False,
    interrupt: int = -1,
    on_step: OnStep = unwatched,
) -> Fence:
    """Build the fence of ``plan``.

    ``stdio`` are the descriptors that its command will get as standard input, output and error, ``passed`` further ones that it gets under their own numbers.
    ``terminal`` gives it a pseudo-terminal of its own, which takes the place of this process's controlling terminal in ``stdio`` and as ``/dev/tty``; its other
    end is the fence's ``terminal``. Without it the command has no controlling terminal.

    The calling process must have a single thread: it forks. As soon as the descriptor ``interrupt`` is readable the work is broken off. Raises
    ``InterruptedError`` then, ``UsageError`` for a passed descriptor that must not get in, ``LaunchError`` with the step that failed, ``UnsupportedError`` when
    a limit cannot be had here; nothing is left behind.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        check_passed(passed)
        streams = (*(standard_stream(fd, null) for fd in stdio), *passed)
        replaced = frozenset(place for place, fd in enumerate(streams) if terminal and is_our_terminal(fd))
        given = tuple(null if place in replaced else fd for place, fd in enumerate(streams))
        ours, leash, pid = _fork_launcher(plan, given, on_step, terminal=terminal)
    except BaseException:
        os.close(null)
        raise
    fence = Fence(plan, events, streams, ours, pid, null, replaced, leash)
    try:
        on_step("wait until the fence stands")
        fence.wait_until_ready(interrupt)
    except BaseException:
        fence.close()
        for listener in fence.listeners:
            os.close(listener.fd)
        if fence.terminal >= 0:
            os.close(fence.terminal)
        raise
    return fence


def _fork_launcher(plan: Plan, streams: tuple[int, ...], on_step: OnStep, *, terminal: bool) -> tuple[_socket.socket, int, int]:
    """Our end of the control socket, that of the leash, and the launcher's process id."""
    on_step("start the launcher")
    hung_up, leash = os.pipe2(os.O_CLOEXEC)
    try:
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
        try:
            pid = os.fork()
            if pid == 0:
                launch(plan, streams, theirs.fileno(), hung_up, on_step, terminal=terminal)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
    except OSError:
        os.close(leash)
        raise
    finally:
        os.close(hung_up)
    return ours, leash, pid


class Fence:
    """See ``ports.RunningFence``. Made by ``start``."""

    def __init__(
        self,
        plan: Plan,
        events: EventSink,
        stdio: tuple[int, ...],
        control: _socket.socket,
        launcher: int,
        null: int,
        replaced: frozenset[int] = frozenset(),
        leash: int = -1,
    ) -> None:
        self.plan = plan
        self.observer: FileObserver | None = None
        self.listeners: tuple[Listener, ...] = ()
        self.terminal = -1
        self._events = events
        self._stdio = list(stdio)
        self._passed = tuple(stdio[3:])
        self._replaced = replaced
        self._terminal_inside = -1
        self._stopped_by: int = 0
        self._positions: dict[int, int] = {}
        self._control = control
        self._launcher = launcher
        self._leash = leash
        self._null = null
        self._keeper = -1
        self._groups: list[tuple[int, str]] = []
        self._request = 0
        self._exit: int | None = None
        self._exit_signal = 0
        self._closed = False
        self._distrusted = False
        self._gauge = Gauge(plan)

    @property
    def control_fd(self) -> int:
        """Readable when ``handle_control`` has something to do."""
        return self._control.fileno()

    @property
    def exit_code(self) -> int | None:
        """The command's exit code as far as messages were read; None while it runs. An answer to another request may have brought it."""
        return self._exit

    @property
    def usage(self) -> Usage:
        """What the fence took, once it is closed; nothing is known before."""
        return self._gauge.usage

    @property
    def exit_signal(self) -> int:
        """The signal that ended the command, 0 when it left by itself or still runs: ``exit_code`` alone does not tell ``exit 137`` from a kill."""
        return self._exit_signal

    def wait_until_ready(self, interrupt: int = -1) -> None:
        """Take what the launcher and process 1 send until both are done. Raises what they failed with, ``InterruptedError`` when ``interrupt`` is readable."""
        waiting = {report.KEEPER, report.LISTENERS, report.OBSERVER, report.READY}
        launcher = os.pidfd_open(self._launcher)
        try:
            poll = select.poll()
            for fd in (self._control.fileno(), launcher, interrupt):
                if fd >= 0:
                    poll.register(fd, select.POLLIN)
            while waiting:
                ready = {fd for fd, _ in poll.poll()}
                if interrupt in ready:
                    raise InterruptedError(errno.EINTR, "interrupted while the fence was built")
                kind, payload, fds = report.receive(self._control.fileno()) if self._control.fileno() in ready else (0, b"", [])
                if kind == 0:
                    # Process 1 may still hold the other end: without the launcher nobody would ever send what is missing.
                    raise LaunchError("the launcher ended without a word", step="launch", hint="the kernel's log may say more (out of memory?)")
                self._take(kind, payload, fds)
                waiting.discard(kind)
        finally:
            os.close(launcher)

    def _take(self, kind: int, payload: bytes, fds: list[int]) -> None:
        if kind == report.FAILED:
            raise _error(report.unpack_failure(payload))
        if kind == report.KEEPER:
            (self._keeper,) = fds
        elif kind == report.LISTENERS:
            labels = struct.iter_unpack("=BB", payload)
            self.listeners = tuple(Listener(report.ROLES[role], family, fd) for (role, family), fd in zip(labels, fds, strict=True))
        elif kind == report.OBSERVER:
            self.observer = FileObserver(fds[0], self.plan, self._events) if fds else None
        elif kind == report.COUNTERS:
            self._gauge.take_cgroups(fds)
        elif kind == report.PROCESSES:
            self._gauge.take_processes(fds[0])
        elif kind == report.STREAM:
            self._positions[self._stdio[payload[0]]] = fds[0]
            self._stdio[payload[0]] = fds[0]
        elif kind == report.GROUP:
            self._groups.append((fds[0], payload.decode()))
        elif kind == report.TERMINAL:
            self.terminal, self._terminal_inside = fds
            self._stdio = [self._terminal_inside if place in self._replaced else fd for place, fd in enumerate(self._stdio)]
        elif kind == report.NOTICE:
            self._events.emit(Event("notice", "run", reason=payload.decode()))

    def spawn(self, argv: tuple[str, ...] | None = None, *, umask: int | None = None, foreground: bool = False) -> int:
        """Start the plan's command, or ``argv`` in its place; gives its process id inside. The fence ends with it. ``umask`` is the caller's own by default.

        ``foreground`` starts it in the foreground of the fence's terminal; otherwise it is stopped when it wants to read from there, or to change its modes.
        """
        if self.observer is not None and self.observer.ended():
            raise LaunchError("the launcher ended without a word", step="start the command", hint="the kernel's log may say more (out of memory?)")
        words = os.memfd_create("paddock-words", os.MFD_CLOEXEC)
        try:
            _write_all(words, self._words(self.plan.argv if argv is None else argv, _current_umask() if umask is None else umask))
            request = self._send(keeper.SPAWN, keeper.MAIN | (keeper.FOREGROUND if foreground else 0), (*self._stdio[:3], words, *self._stdio[3:]))
        finally:
            os.close(words)
        answer = self._answer(request, _SPAWN_SECONDS)
        answers.close_all(answer.fds)
        if answer.first < 0:
            number = answers.error_of(answer).errno or errno.EIO
            raise _spawn_error(number, answer.extra, (self.plan.argv if argv is None else argv)[0], self.plan.cwd)
        return int(answer.first)

    def _words(self, argv: Iterable[str], umask: int) -> bytes:
        words = [os.fsencode(word) for word in argv]
        variables = [os.fsencode(f"{name}={value}") for name, value in self.plan.environment.items()]
        texts = (os.fsencode(self.plan.cwd), *words, *variables, *(b"%d" % number for number in self._passed))
        return keeper.WORDS.pack(len(words), len(variables), umask, _ignored_signals()) + b"".join(text + b"\0" for text in texts)

    def handle_control(self) -> int | None:
        """Read one message of the keeper. Gives the command's exit code (128 plus the number for a signal) when it has ended, else None."""
        if self._exit is None:
            answer = self._receive()
            if answer is not None:
                self._note(answer)
            elif self._exit is None:
                if not self._gauge.killed():  # then the kernel was it, and whoever watches the limit tells
                    self._events.emit(Event("notice", "run", reason="process 1 of the fence was ended from outside"))
                self._exit = _KILLED
                self._exit_signal = signal.SIGKILL
        return self._exit

    def abandon(self) -> None:
        """The guard has ended: where the command has not, everything inside is ended, because every file it would open is refused from here on."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        if not poll.poll(0) and self._keeper >= 0:
            self._events.emit(Event("notice", "run", reason="the guard was ended from outside, and the command with it"))
            signal.pidfd_send_signal(self._keeper, signal.SIGKILL)

    def signal(self, signo: int) -> None:
        """Send ``signo`` to every process inside. Nothing happens when the fence is ending already."""
        try:
            self._send(keeper.SIGNAL, int(signo))
        except ConnectionError:
            return

    def key(self, signo: int) -> None:
        """Send ``signo`` to the command's process group, as a terminal does."""
        try:
            self._send(keeper.KEY, int(signo))
        except ConnectionError:
            return

    def take_stop(self) -> int:
        """The signal by which the command was stopped since the last call, 0 for none. Only a fence with a terminal knows."""
        signo, self._stopped_by = self._stopped_by, 0
        return signo

    def resume(self, *, foreground: bool) -> None:
        """Continue the command, in the foreground of the fence's terminal or not."""
        try:
            self._send(keeper.RESUME, int(foreground))
        except ConnectionError:
            return

    def dial(self, port: int) -> int:
        """A stream descriptor connected to ``port`` on the fence's own loopback. Raises ``OSError`` as connect(2) does."""
        answer = self._answer(self._send(keeper.DIAL, port))
        if answer.first < 0:
            answers.close_all(answer.fds)
            raise answers.error_of(answer)
        try:
            return answers.stream(answer)
        except ValueError as error:
            raise self._distrust(error) from error

    def inside_listeners(self) -> list[int]:
        """The TCP ports on which something inside listens, on loopback or on every address, ascending."""
        answer = self._answer(self._send(keeper.LISTENERS, 0))
        answers.close_all(answer.fds)
        try:
            return answers.ports(answer)
        except ValueError as error:
            raise self._distrust(error) from error

    def counts(self, *, near: int = 0) -> Counts:
        """What the processes inside take now, as far as the plan has it counted; after ``close`` what they took."""
        return self._gauge.last if self._closed else self._gauge.counts(self._ended, near)

    def unlinked(self, devices: frozenset[int]) -> int:
        """Bytes of files on these file systems that have no name any more and that a process inside holds open."""
        return self._gauge.unlinked(devices)

    def _ended(self) -> tuple[int, int]:
        answer = self._answer(self._send(keeper.USAGE, 0))
        answers.close_all(answer.fds)
        return max(0, answer.first), max(0, answer.second)

    def close(self) -> None:
        """End everything inside and wait until it is gone: processes, mounts, network. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._control.close()
        if self._keeper >= 0:
            _end(self._keeper)
            os.close(self._keeper)
        if self._leash >= 0:
            os.close(self._leash)
        try:
            _, _, taken = os.wait4(self._launcher, 0)
        except ChildProcessError:
            self._gauge.finish(None)  # somebody ignores SIGCHLD in this process: then the kernel has reaped it
        else:
            self._gauge.finish(taken)
        for original, again in self._positions.items():
            os.lseek(original, os.lseek(again, 0, os.SEEK_CUR), os.SEEK_SET)  # what the command has read is read for the caller too
            os.close(again)
        os.close(self._null)
        if self._terminal_inside >= 0:
            os.close(self._terminal_inside)  # the last of this end: now the other one can be read to its end
        if self.observer is not None:
            self.observer.close()
        for parent, name in self._groups:
            self._remove_group(parent, name)

    def _remove_group(self, parent: int, name: str) -> None:
        try:
            limits.remove(parent, name)
        except OSError as error:
            self._events.emit(Event("notice", "run", subject=name, reason=f"this cgroup could not be removed: {error.strerror}"))
        finally:
            os.close(parent)

    def _send(self, operation: int, number: int, fds: tuple[int, ...] = ()) -> int:
        self._request += 1
        self._control.sendmsg([keeper.REQUEST.pack(operation, self._request, number)], report.rights(fds), _socket.MSG_NOSIGNAL)
        return self._request

    def _receive(self) -> answers.Answer | None:
        """The next packet; None when there will be none that means anything."""
        kind, rest, fds = report.receive(self._control.fileno())
        if not kind:
            answers.close_all(fds)
            return None
        try:
            return answers.read(bytes((kind,)) + rest, fds)
        except ValueError as error:
            self._distrust(error)
            return None

    def _answer(self, request: int, seconds: float = _ANSWER_SECONDS) -> answers.Answer:
        """The answer to ``request``. Raises ``ConnectionResetError`` when the keeper is gone, or says anything but that for ``seconds``."""
        if self._distrusted:
            raise ConnectionResetError(errno.ECONNRESET, _NONSENSE)
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._control.fileno(), select.POLLIN)
        while True:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise self._distrust(TimeoutError("no answer"))
            answer = self._receive()
            if answer is None:
                raise ConnectionResetError(errno.ECONNRESET, "the fence has ended")
            if answer.kind == keeper.ANSWERED and answer.request == request:
                return answer
            self._note(answer)

    def _note(self, answer: answers.Answer) -> None:
        answers.close_all(answer.fds)
        try:
            if answer.kind == keeper.EXITED:
                self._exit = answers.exit_code(answer)
                self._exit_signal = answers.exit_signal(answer)
            elif answer.kind == keeper.STOPPED:
                self._stopped_by = answers.stop_signal(answer)
        except ValueError as error:
            self._distrust(error)

    def _distrust(self, error: Exception) -> ConnectionResetError:
        """Process 1 does not speak as ours does: whatever it has become, the run ends."""
        if not self._distrusted:
            self._distrusted = True
            self._exit = _KILLED
            self._exit_signal = signal.SIGKILL
            self._events.emit(Event("notice", "run", reason=f"{_NONSENSE} ({error}); the run is ended"))
        return ConnectionResetError(errno.ECONNRESET, _NONSENSE)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _ignored_signals() -> int:
    """What this process ignores for its caller, as the bits that the keeper takes: a command inherits it (execve(2)). Python ignores two signals for itself."""
    own = (signal.SIGPIPE, signal.SIGXFSZ)
    return sum(1 << (number - 1) for number in keeper.ALL_SIGNALS if number not in own and signal.getsignal(number) is signal.SIG_IGN)


def _current_umask() -> int:
    """There is no call that only asks (umask(2)); between the two nothing of this process makes a file."""
    mask = os.umask(_UMASK)
    os.umask(mask)
    return mask


def _end(handle: int) -> None:
    """Kill process 1 and wait for its end, which is the end of everything inside (pid_namespaces(7))."""
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return  # it left by itself
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.poll()


def _error(failure: StepFailed) -> PaddockError:
    if failure.number == errno.EOPNOTSUPP:
        return UnsupportedError(failure.message, cause=failure.step, hint=explain(failure))
    what = "changed while starting" if failure.changed else "cannot build the fence"
    return LaunchError(f"{what}: {failure.message}", step=failure.step, errno=failure.number, hint=explain(failure))


def _spawn_error(number: int, part: bytes, program: str, cwd: str) -> PaddockError:
    words = os.strerror(number)
    if part == b"cwd":
        hint = "user 0 has no more rights inside than any other owner of files: run Paddock as the user whom it belongs to" if number == errno.EACCES else ""
        return LaunchError(f"cannot enter {cwd} inside the fence: {words}", step="enter the working folder", errno=number, hint=hint)
    if part == b"descriptors":
        return LaunchError("a passed descriptor has a number above the limit on open files", step="start the command", errno=number)
    if part == b"words":
        return LaunchError("a variable of the environment has a name that cannot be passed on", step="start the command", errno=number)
    if number in (errno.ENOENT, errno.ENOTDIR):
        return CommandNotFoundError(f"{program}: command not found", hint="it may lie in a place that is hidden inside, or not be on the PATH there")
    if number in (errno.EAGAIN, errno.ENOMEM):
        return LaunchError(f"cannot start {program}: {words}", step="start the command", errno=number)
    hint = "one argument or variable is longer than 128 KiB, or all together than a quarter of the stack limit (execve(2))" if number == errno.E2BIG else ""
    if number == errno.EACCES:
        hint = "it is not executable, or a rule keeps it from being started: `paddock policy explain --command` says which"
    return CommandNotExecutableError(f"{program}: {words}", hint=hint)
