r"""The caller's terminal and the fence's own, relayed to each other.

The command never gets the caller's terminal. It has a pseudo-terminal of the fence's (pty(7)); what it writes there is read here and written to the caller's
terminal, and what is typed goes the other way. Two states:

- **raw**: the caller's terminal passes every key on as it is. Echo, lines, ``Ctrl-C``, ``Ctrl-\`` and ``Ctrl-Z`` are made inside, by the fence's terminal.
- **cooked**: the caller's terminal is left as it is found, nothing is read from it, and its keys arrive as signals. So it is in the background of a shell, and
  in a pipeline, whose other programs may want the terminal too (``paddock run -- make | less``). Inside, the command is in the background of its terminal: when
  it wants to read or to change modes, the kernel stops it. Then the terminal becomes raw, or, in the background, this process stops itself as any job would.

Loaded only by runs that have a controlling terminal. ``Relay`` restores the terminal in every ending that leaves this process a chance; SIGKILL does not.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import stat
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from paddock.fence.kernel.signalfd import SignalFd
from paddock.fence.ports import RunningFence
from paddock.session.supervise import Loop

__all__ = ["Relay", "raw_modes"]

CHUNK = 65536
_TERMINAL_HOLDS = 65536
_ONE_READ = 4096
_SIGNALS = (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)
# What else ends a process that does nothing about it (signal(7)) and that the loop does not pass on.
_DEADLY = tuple(
    getattr(signal, name) for name in ("SIGALRM", "SIGIO", "SIGPROF", "SIGPWR", "SIGSTKFLT", "SIGUSR1", "SIGUSR2", "SIGVTALRM") if hasattr(signal, name)
)
_WANTS_TERMINAL = (signal.SIGTTIN, signal.SIGTTOU)
_GONE = (errno.EIO, errno.ENXIO, errno.EPIPE)

Modes = list[Any]
"""As termios.tcgetattr gives them: four flag words, two speeds, the control characters."""
_IFLAG, _OFLAG, _CFLAG, _LFLAG, _CC = 0, 1, 2, 3, 6


def raw_modes(modes: Modes) -> Modes:
    """The same terminal passing every byte through in both directions (cfmakeraw in termios(3))."""
    raw = [*modes[:_CC], list(modes[_CC])]
    raw[_IFLAG] &= ~(
        termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP | termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON | termios.IXOFF
    )
    raw[_OFLAG] &= ~termios.OPOST
    raw[_CFLAG] = raw[_CFLAG] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    raw[_LFLAG] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    raw[_CC][termios.VMIN], raw[_CC][termios.VTIME] = 1, 0
    return raw


class _Flow:
    """One direction: reads only what it has room for, so that a slow reader slows the writer down and nothing is lost."""

    def __init__(self, loop: Loop, source: int, target: int, change: Callable[[bytes], bytes] = bytes) -> None:
        self._loop = loop
        self._source, self._target = source, target
        self._change = change
        self._waiting = b""
        self._wanted = False

    def start(self) -> None:
        """Read from now on."""
        self._wanted = True
        if not self._waiting:
            self._loop.watch(self._source, self.pump)

    def stop(self) -> None:
        """Read no more; what was read still arrives."""
        self._wanted = False
        self._loop.unwatch(self._source)

    def pump(self) -> bool:
        """Move what can be moved now, once. False at the source's end, or when there is nothing to read."""
        try:
            data = os.read(self._source, CHUNK)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _GONE:
                raise
            data = b""
        if not data:
            self.stop()
            return False
        self._waiting = self._change(data)
        self.push()
        return True

    def push(self) -> None:
        """Write what waits. While something is left, nothing more is read."""
        try:
            while self._waiting:
                self._waiting = self._waiting[os.write(self._target, self._waiting) :]
        except BlockingIOError:
            self._loop.unwatch(self._source)
            self._loop.watch(self._target, self.push, select.POLLOUT)
            return
        except OSError as error:
            if error.errno not in _GONE:
                raise
            self._waiting = b""  # nobody is there any more
        self._loop.unwatch(self._target)
        if self._wanted:
            self._loop.watch(self._source, self.pump)

    @property
    def full(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._waiting)


class Relay:
    """One run's terminal. ``outer`` is this process's controlling terminal, open non-blocking through a description of our own; the relay closes it.

    A context manager: leaving it, after the fence has ended, writes what is left and restores the terminal.
    """

    def __init__(self, outer: int, interrupted: SignalFd) -> None:
        self._outer = outer
        # One number for each direction, because a poll knows a number once.
        self._outer_writes = os.dup(outer)
        self._inner = self._inner_writes = -1
        self._interrupted = interrupted
        self._signals = SignalFd((*_SIGNALS, *(number for number in _DEADLY if signal.getsignal(number) is signal.SIG_DFL)))
        self._found: Modes | None = None
        self._copied = False
        self._opened = False
        self._fence: RunningFence | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._inner >= 0 and kind is None:
                self._drain()
        finally:
            self._leave()
            self._signals.close()
            for fd in (self._outer, self._outer_writes, self._inner, self._inner_writes):
                if fd >= 0:
                    os.close(fd)

    def attach(self, fence: RunningFence, loop: Loop) -> bool:
        """Relay to ``fence`` from now on. Before its command starts; gives whether that should start in the foreground."""
        self._fence = fence
        self._hurries = loop.asked
        self._inner, self._inner_writes = fence.terminal, os.dup(fence.terminal)
        os.set_blocking(self._inner, False)
        self._copy_size()
        self._out = _Flow(loop, self._inner, self._outer_writes, self._outgoing)
        self._in = _Flow(loop, self._outer, self._inner_writes)
        self._out.start()
        loop.watch(self._signals.fileno(), self._on_signal)
        if self._foreground():
            self._copy_modes()
            self._opened = _alone_with_it()
        return self._opened

    def started(self) -> None:
        """The command runs."""
        if self._opened:
            self._enter()

    def heed(self) -> None:
        """Look whether the command was stopped, and do as a job does."""
        fence = self._attached()
        signo = fence.take_stop()
        if not signo:
            return
        if signo in _WANTS_TERMINAL and self._foreground():
            self._copy_modes()
            self._opened = True
            self._go_on()
            return
        self._suspend(signo)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The terminal as it was found, for a sentence of our own."""
        was_raw = self._found is not None
        self._leave()
        try:
            yield
        finally:
            if was_raw and self._foreground():
                self._enter()

    def _attached(self) -> RunningFence:
        if self._fence is None:
            raise RuntimeError("no fence is attached")
        return self._fence

    def _foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self._outer) == os.getpgrp()
        except OSError:
            return False  # it has hung up

    def _enter(self) -> None:
        """Make the caller's terminal raw and read from it."""
        try:
            found = self._found or termios.tcgetattr(self._outer)
            termios.tcsetattr(self._outer, termios.TCSANOW, raw_modes(found))
        except termios.error:
            return  # it has hung up: the signal says the rest
        self._found = found
        self._in.start()

    def _leave(self) -> None:
        """Give the caller's terminal back as it was found.

        Not when it has been taken from us: whoever has it set it as he likes. And not when it was found raw, by another run at the same terminal: that one puts
        it back, and may have done so already.
        """
        found, self._found = self._found, None
        if found is None:
            return
        self._in.stop()
        if self._foreground() and found != raw_modes(found):
            try:
                termios.tcsetattr(self._outer, termios.TCSANOW, found)
            except termios.error:
                return  # it has hung up

    def _go_on(self) -> None:
        """Let the command go on where this process stands now."""
        opened = self._opened and self._foreground()
        self._copy_size()
        if opened:
            self._enter()
        self._attached().resume(foreground=opened)

    def _suspend(self, signo: int) -> None:
        """Stop this process and its group as the command was stopped; go on when the caller's shell continues it."""
        # What it said before it stopped, as far as a terminal holds (64 KiB): others inside may go on writing for ever.
        for _ in range(_TERMINAL_HOLDS // _ONE_READ):
            if self._out.full or not self._out.pump():
                break
        self._leave()
        # Never by SIGSTOP: the other three are without effect where nobody would continue us (in an orphaned group, setpgid(3p)).
        by = signal.SIGTSTP if signo == signal.SIGSTOP else signal.Signals(signo)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (by,))
        os.kill(0, by)
        if by in _SIGNALS:
            signal.pthread_sigmask(signal.SIG_BLOCK, (by,))
        stopped = self._was_continued()
        if not stopped and signo in _WANTS_TERMINAL:
            self._attached().key(signal.SIGHUP)  # what the kernel sends to a stopped group that nobody can continue any more
        if stopped or signo != signal.SIGSTOP:
            self._go_on()
        elif self._opened and self._foreground():
            self._enter()

    def _was_continued(self) -> bool:
        found = False
        while True:
            try:
                signo, _ = self._signals.read()
            except BlockingIOError:
                return found
            if signo in _DEADLY:
                self._die(signo)
            found |= signo == signal.SIGCONT

    def _die(self, signo: int) -> None:
        """End as this process would have ended without a terminal. Process 1 sees it and ends the fence."""
        self._leave()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signo,))
        os.kill(os.getpid(), signo)

    def _on_signal(self) -> None:
        signo, _ = self._signals.read()
        if signo == signal.SIGTSTP:
            self._attached().key(signo)
        elif signo == signal.SIGWINCH:
            self._copy_size()
        elif signo in _DEADLY:
            self._die(signo)
        elif self._opened and self._foreground():  # continued after a SIGSTOP: that one could not be seen coming
            self._copy_size()
            self._enter()
        else:
            self._leave()

    def _copy_modes(self) -> None:
        """What the caller has set is what the command finds. Once, and in the foreground: otherwise these are somebody else's modes, a shell's editor's."""
        if self._copied:
            return
        try:
            termios.tcsetattr(self._inner, termios.TCSANOW, termios.tcgetattr(self._outer))
            self._copied = True
        except termios.error:
            return  # the caller's has hung up

    def _copy_size(self) -> None:
        """The kernel sends SIGWINCH inside when this is another size than before (ioctl_tty(2))."""
        try:
            termios.tcsetwinsize(self._inner, termios.tcgetwinsize(self._outer))
        except termios.error:
            return  # one of them has hung up

    def _outgoing(self, data: bytes) -> bytes:
        """Cooked, the caller's terminal ends lines itself, as the fence's has done already."""
        if self._found is not None:
            return data
        try:
            modes = termios.tcgetattr(self._outer)
        except termios.error:
            return data
        ends_lines = modes[_OFLAG] & termios.OPOST and modes[_OFLAG] & termios.ONLCR
        return data.replace(b"\r\n", b"\n") if ends_lines else data

    def _drain(self) -> None:
        """Everything that was written before the end. Waits for a slow terminal, unless somebody has sent a signal, or does."""
        poll = select.poll()
        poll.register(self._interrupted.fileno(), select.POLLIN)
        poll.register(self._outer_writes, select.POLLOUT)
        while True:
            if self._out.full:
                ready = poll.poll(0 if self._hurries() else None)
                if not ready or any(fd == self._interrupted.fileno() for fd, _ in ready):
                    return
                self._out.push()
            elif not self._out.pump() and not self._out.full:
                return


def _alone_with_it() -> bool:
    """Whether the terminal is the command's from the start: it is its standard input, and no pipe leads to somebody who may want it too."""
    try:
        mine = os.get_inheritable(0) and os.tcgetpgrp(0) >= 0  # otherwise it was closed, and a descriptor of ours has the number
    except OSError:
        return False
    return mine and not any(_is_pipe(fd) for fd in (1, 2))


def _is_pipe(fd: int) -> bool:
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return False  # closed
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
