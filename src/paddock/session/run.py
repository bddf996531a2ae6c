"""One command, one fence: the plan carried out, everything that happened gathered, nothing left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from paddock.errors import LaunchError, PaddockError
from paddock.events.log import EventLog
from paddock.events.memory import Recorder
from paddock.fence.kernel.signalfd import SignalFd
from paddock.fence.namespaces import start
from paddock.fence.ports import Counts, OnStep, RunningFence, unwatched
from paddock.model.events import Event, EventSink
from paddock.model.plan import Plan
from paddock.model.planted import NOTHING_PLANTED, Planted
from paddock.model.record import record, replace
from paddock.model.settings import Entry
from paddock.model.usage import NOTHING_KNOWN, Usage
from paddock.session.planted import find, tell
from paddock.session.prepare import Prepared, is_homeless
from paddock.session.supervise import SIGNALS, Ending, Errands, Loop

if TYPE_CHECKING:
    from paddock.planner.nested import Narrowing
    from paddock.session.limits import Warden
    from paddock.session.terminal import Relay

__all__ = ["STARTED", "Outcome", "conduct", "run"]

STDIO = (0, 1, 2)
STARTED = "wait for the command"
"""The step that begins when the command has been started."""

# How often the keeper is asked what listens inside, while every port that the command opens is to be reachable. The kernel has no event for a new listener.
LISTEN_POLL_SECONDS = 0.25
FIRST_COUNT_SECONDS = 0.5


@record
class Outcome:
    """How it went. ``seconds`` is wall clock from before the fence to after its end; ``published`` are sentences about ports reachable from outside;
    ``usage`` is what the run took; ``planted`` what it left that the host may run later.
    ``signal`` is the signal that ended the command (0: it left by itself, or was ended with everything inside).
    """

    run_id: str
    ending: Ending
    seconds: float
    recorder: Recorder
    published: tuple[str, ...]
    usage: Usage = NOTHING_KNOWN
    planted: Planted = NOTHING_PLANTED
    signal: int = 0


def run(prepared: Prepared, *, on_publish: Callable[[str], None], on_step: OnStep = unwatched, lifeline: int = -1) -> Outcome:
    """Carry the plan out and wait for its end.

    Must be called from a process with a single thread: the launcher is forked from it. ``on_publish`` is told at once when an inside port becomes reachable.
    ``lifeline`` is a socket or pipe whose end of file ends the run at once; -1 for none.
    Raises ``LaunchError`` when the fence cannot be built, ``CommandNotFoundError`` and ``CommandNotExecutableError`` when it stands and the command cannot be
    started; in every case nothing is left behind. ``on_step`` is told every step of the run.
    """
    steps = _Steps(on_step)
    try:
        if prepared.narrowing is not None:
            return _carry_out_inside(prepared, prepared.narrowing, steps, lifeline)
        return _carry_out(prepared, on_publish, steps, lifeline)
    except OSError as error:
        raise _failed(steps.now, error) from error


def _carry_out(prepared: Prepared, on_publish: Callable[[str], None], steps: _Steps, lifeline: int) -> Outcome:
    began = time.monotonic()
    run_id = os.urandom(4).hex()
    context = prepared.settings.context
    steps("open the event log")
    with EventLog(context.state_home, run_id, create=not is_homeless(context.state_home, context)) as log, SignalFd(_wanted_signals()) as signals:
        recorder = Recorder(log)
        recorder.emit(_start_event(prepared))
        run = _Run(prepared.plan, recorder, on_publish, steps, lifeline)
        run.passed = prepared.passed
        run.rules = prepared.settings.scalars
        try:
            ending = run.carry_out(signals)
        except PaddockError as error:
            recorder.emit(_refusal_event(error, time.monotonic() - began))
            raise
        steps("look at what the run left")
        planted = find(prepared.before, prepared.began)
        tell(planted, recorder)
        steps("record the end")
        seconds = time.monotonic() - began
        recorder.emit(_end_event(ending, seconds))
        steps("close the event log")
    return Outcome(run_id, ending, seconds, recorder, tuple(run.published), replace(run.usage, wall_seconds=seconds), planted, run.signal)


def _carry_out_inside(prepared: Prepared, narrowing: Narrowing, steps: _Steps, lifeline: int) -> Outcome:
    """In a fence that stands already: no namespaces, no gate and no log of its own, only what can be put around a process."""
    from paddock.session.nested import Unkept, carry_out  # few runs are inside another

    run_id = os.urandom(4).hex()
    with Unkept("", run_id) as log, SignalFd(_wanted_signals()) as signals:
        recorder = Recorder(log)
        recorder.emit(_start_event(prepared))
        steps("run the command, narrowed, and wait for it")
        ending, ended_by, usage = carry_out(prepared, narrowing, signals, lifeline)
        planted = find(prepared.before, prepared.began)
        tell(planted, recorder)
        recorder.emit(_end_event(ending, usage.wall_seconds or 0.0))
    return Outcome(run_id, ending, usage.wall_seconds or 0.0, recorder, (), usage, planted, ended_by)


def conduct(plan: Plan, events: EventSink, *, stdio: tuple[int, int, int], on_step: OnStep = unwatched) -> Ending:
    """Build the fence of ``plan``, run its command with ``stdio`` and without a terminal, serve it, take it down: a run without a log.

    Raises as ``run`` does.
    """
    steps = _Steps(on_step)
    try:
        with SignalFd(_wanted_signals()) as signals:
            return _Run(plan, events, lambda _: None, steps, -1).carry_out(signals, stdio)
    except OSError as error:
        raise _failed(steps.now, error) from error


class _Steps:
    """Hands the names of the steps on, and remembers what is being done now, for the message when it fails."""

    def __init__(self, on_step: OnStep) -> None:
        self.now = ""
        self._on_step = on_step

    def __call__(self, step: str) -> None:
        self.now = step
        self._on_step(step)


class _Run:
    """The parts of one run that need each other: the fence, the loop, the gate."""

    def __init__(self, plan: Plan, recorder: EventSink, on_publish: Callable[[str], None], on_step: _Steps, lifeline: int) -> None:
        self.plan = plan
        self.passed: tuple[int, ...] = ()
        self.on_step = on_step
        self.rules: Mapping[str, Entry] = {}
        self._warden: Warden | None = None
        self.recorder = recorder
        self.on_publish = on_publish
        self.published: list[str] = []
        self.lifeline = lifeline
        self.usage = NOTHING_KNOWN
        self.signal = 0
        self._stoppers: list[Callable[[], None]] = []
        self._aside: Callable[[], AbstractContextManager[None]] = nullcontext

    def carry_out(self, signals: SignalFd, stdio: tuple[int, int, int] | None = None) -> Ending:
        """``stdio`` is what the command gets in place of this process's own standard streams, and then it has no terminal."""
        terminal = _controlling_terminal() if stdio is None else -1
        if terminal < 0:
            return self._supervise(signals, None, stdio or STDIO)
        from paddock.session.terminal import Relay  # runs without a terminal do not pay for it

        with Relay(terminal, signals) as relay:
            return self._supervise(signals, relay, STDIO)

    def _supervise(self, signals: SignalFd, relay: Relay | None, stdio: tuple[int, int, int]) -> Ending:
        try:
            interrupt, terminal = signals.fileno(), relay is not None
            fence = start(self.plan, self.recorder, stdio=stdio, passed=self.passed, terminal=terminal, interrupt=interrupt, on_step=self.on_step)
        except InterruptedError:
            return _interrupted(signals)
        try:
            self.on_step("attach the gate, the observer and the clock")
            loop = Loop(signals, fence.signal, fence.key)
            foreground = relay is not None and relay.attach(fence, loop)
            self._wire(fence, loop, relay)
            self.on_step("start the command")
            if signals.waits():
                return _interrupted(signals)
            fence.spawn(foreground=foreground)
            if relay is not None:
                relay.started()
            self.on_step(STARTED)
            ending = loop.run()
        except OSError as error:
            raise _failed(self.on_step.now, error) from error
        finally:
            self._end(fence)
        return self._judge(ending, fence.counts())

    def _end(self, fence: RunningFence) -> None:
        """The fence goes first: when nothing inside can speak any more, the gate has nothing left to decide."""
        try:
            self.on_step("end the fence")
        finally:
            try:
                fence.close()
                self.usage = fence.usage
                self.signal = fence.exit_signal
            finally:
                self._stop()

    def _stop(self) -> None:
        """Call every stopper, the last first, whatever the others raise."""
        if self._stoppers:
            try:
                self._stoppers.pop()()
            finally:
                self._stop()

    def _wire(self, fence: RunningFence, loop: Loop, relay: Relay | None) -> None:
        self._wire_gate(fence, loop)  # first: whatever goes wrong afterwards, the listeners have somebody who closes them

        def heed() -> None:
            if fence.exit_code is not None:
                loop.stop(fence.exit_code)
            elif relay is not None:
                relay.heed()

        def on_control() -> None:
            fence.handle_control()
            heed()

        loop.watch(fence.control_fd, on_control)
        if fence.observer is not None:
            observer = fence.observer

            def on_observed() -> None:
                if not observer.handle():
                    loop.unwatch(observer.fileno())
                    fence.abandon()

            loop.watch(observer.fileno(), on_observed)
        if self.lifeline >= 0:
            loop.watch(self.lifeline, loop.cut)
        if self.plan.network.publish or self.plan.network.local_binding:
            self._wire_publisher(fence, loop, heed)
            if relay is not None:
                self._aside = relay.aside
        self._wire_limits(fence, loop, heed)
        if self.plan.limits.timeout_seconds is not None:
            loop.later(self.plan.limits.timeout_seconds, loop.expire)

    def _wire_limits(self, fence: RunningFence, loop: Loop, heed: Callable[[], None]) -> None:
        def begin() -> None:
            self._warden = self._make_warden()
            self._warden.watch(fence, loop, heed)

        limits = self.plan.limits
        if limits.memory_mb is not None or limits.cpu_seconds is not None or limits.disk_mb is not None:
            begin()
        elif self.plan.watched:
            loop.later(FIRST_COUNT_SECONDS, begin)  # nothing to be ended, only to be told: most commands are over by then

    def _make_warden(self) -> Warden:
        from paddock.session.limits import Warden  # a run without such limits that ends soon does not load it

        return Warden(self.plan, self.rules, self.recorder)

    def _judge(self, ending: Ending, counts: Counts) -> Ending:
        """How it ended, now that everything that was counted is known."""
        if self._warden is None and ending.cause != "timeout" and not (counts.refused or counts.killed):
            return ending
        return (self._warden or self._make_warden()).settle(ending, counts)

    def _wire_gate(self, fence: RunningFence, loop: Loop) -> None:
        listeners = fence.listeners

        def on_first_connection() -> None:
            for listener in listeners:
                loop.unwatch(listener.fd)
            from paddock.network.gate import Gate  # most commands never connect: they do not pay for it
            from paddock.network.ports import Listener as Door

            # The gate owns the descriptors from here on, whatever happens.
            self._stoppers.remove(close_unused)
            gate = Gate(self.plan.network, tuple(Door(item.role, item.family, item.fd) for item in listeners), self.recorder)
            self._stoppers.append(gate.stop)
            gate.start()

        def close_unused() -> None:
            for listener in listeners:
                os.close(listener.fd)

        self._stoppers.append(close_unused)
        for listener in listeners:
            loop.watch(listener.fd, on_first_connection)

    def _wire_publisher(self, fence: RunningFence, loop: Loop, heed: Callable[[], None]) -> None:
        import socket

        from paddock.network.publish import Publisher

        errands = Errands()
        loop.watch(errands.fileno(), errands.run)

        def dial(port: int) -> socket.socket:
            return socket.socket(fileno=errands.ask(lambda: fence.dial(port)))

        publisher = Publisher(dial, self.recorder)
        self._stoppers.append(publisher.stop)
        self._stoppers.append(errands.close)
        fixed = set(self.plan.network.publish)
        publisher.reserve(fixed)

        def look() -> None:
            try:
                listening = fence.inside_listeners()
            except (BrokenPipeError, ConnectionResetError):
                # The fence is ending, and the control descriptor says the rest; unless process 1 talks nonsense: then this is the end.
                if fence.exit_code is not None:
                    loop.stop(fence.exit_code)
                return
            wanted = listening if self.plan.network.local_binding else [port for port in listening if port in fixed]
            self._tell([item.sentence for item in publisher.update(wanted)])
            heed()
            loop.later(LISTEN_POLL_SECONDS, look)

        loop.later(LISTEN_POLL_SECONDS, look)

    def _tell(self, sentences: list[str]) -> None:
        for sentence in sentences:
            if sentence not in self.published:
                self.published.append(sentence)
                with self._aside():
                    self.on_publish(sentence)


def _controlling_terminal() -> int:
    """Open through a description of our own, so that not to block is our affair alone; -1 when this process has none (tty(4))."""
    try:
        return os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return -1


def _failed(step: str, error: OSError) -> LaunchError:
    return LaunchError(f"cannot {step}: {error.strerror or error}", step=step, errno=error.errno or 0)


def _wanted_signals() -> tuple[int, ...]:
    """What the caller ignores (``nohup``, a job in the background of a script) stays ignored."""
    return tuple(number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN)


def _interrupted(signals: SignalFd) -> Ending:
    """A signal came while there was no command yet that could have an opinion about it: none is started."""
    signo, _ = signals.read()
    return Ending(128 + signo, "signal")


def _start_event(prepared: Prepared) -> Event:
    plan = prepared.plan
    detail = (("cwd", plan.cwd), ("plan", plan.digest), ("backend", plan.backend), ("uid", plan.uid))
    marked = (("tool_use", prepared.tool_use),) if prepared.tool_use else ()
    return Event("run.start", "run", "start", " ".join(plan.argv), detail=(*detail, *marked))


def _end_event(ending: Ending, seconds: float) -> Event:
    return Event("run.end", "run", "end", signal_name(ending.code), detail=(("code", ending.code), ("cause", ending.cause), ("seconds", round(seconds, 3))))


def _refusal_event(error: PaddockError, seconds: float) -> Event:
    """The end of a run whose fence could not be built, or whose command could not be started."""
    detail = (("code", error.exit_code), ("cause", "launch"), ("seconds", round(seconds, 3)))
    return Event("run.end", "run", "end", reason=str(error), detail=detail)


def signal_name(code: int) -> str:
    """``SIGSEGV`` for 139; empty for a code that names no signal."""
    try:
        return signal.Signals(code - 128).name if code > 128 else ""
    except ValueError:
        return ""
