"""One command, one fence: the plan carried out, everything that happened gathered, nothing left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from paddock.events.log import EventLog
from paddock.events.memory import Recorder
from paddock.fence.kernel.signalfd import SignalFd
from paddock.fence.namespaces import start
from paddock.fence.ports import RunningFence
from paddock.model.events import Event
from paddock.model.plan import Plan
from paddock.model.usage import NOTHING_KNOWN, Usage
from paddock.session.prepare import Prepared
from paddock.session.supervise import SIGNALS, Ending, Errands, Loop

__all__ = ["Outcome", "run"]

# How often the keeper is asked what listens inside, while every port that the command opens is to be reachable. The kernel has no event for a new listener.
LISTEN_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went. ``seconds`` is wall clock from before the fence to after its end; ``published`` are sentences about ports reachable from outside;
    ``usage`` is what the run took.
    """

    run_id: str
    ending: Ending
    seconds: float
    recorder: Recorder
    published: tuple[str, ...]
    usage: Usage = NOTHING_KNOWN


def run(prepared: Prepared, *, on_publish: Callable[[str], None]) -> Outcome:
    """Carry the plan out and wait for its end.

    Must be called from a process with a single thread: the launcher is forked from it. ``on_publish`` is told at once when an inside port becomes reachable.
    Raises ``LaunchError`` when the fence cannot be built, ``CommandNotFoundError`` and ``CommandNotExecutableError`` when it stands and the command cannot be
    started; in every case nothing is left behind.
    """
    began = time.monotonic()
    run_id = os.urandom(4).hex()
    state = prepared.settings.context.state_home
    with EventLog(state, run_id) as log, SignalFd(SIGNALS) as signals:
        recorder = Recorder(log)
        recorder.emit(_start_event(prepared.plan))
        run = _Run(prepared.plan, recorder, on_publish)
        ending = run.carry_out(signals)
        seconds = time.monotonic() - began
        recorder.emit(_end_event(ending, seconds))
    return Outcome(run_id, ending, seconds, recorder, tuple(run.published), replace(run.usage, wall_seconds=seconds))


class _Run:
    """The parts of one run that need each other: the fence, the loop, the gate."""

    def __init__(self, plan: Plan, recorder: Recorder, on_publish: Callable[[str], None]) -> None:
        self.plan = plan
        self.recorder = recorder
        self.on_publish = on_publish
        self.published: list[str] = []
        self.usage = NOTHING_KNOWN
        self._stoppers: list[Callable[[], None]] = []

    def carry_out(self, signals: SignalFd) -> Ending:
        fence = start(self.plan, self.recorder)
        try:
            loop = Loop(signals, fence.signal)
            self._wire(fence, loop)
            fence.spawn()
            return loop.run()
        finally:
            # The fence goes first: when nothing inside can speak any more, the gate has nothing left to decide.
            fence.close()
            self.usage = fence.usage
            for stop in reversed(self._stoppers):
                stop()

    def _wire(self, fence: RunningFence, loop: Loop) -> None:
        def on_control() -> None:
            code = fence.handle_control()
            if code is not None:
                loop.stop(code)

        loop.watch(fence.control_fd, on_control)
        if fence.observer is not None:
            observer = fence.observer

            def on_observed() -> None:
                if not observer.handle():
                    loop.unwatch(observer.fileno())

            loop.watch(observer.fileno(), on_observed)
        self._wire_gate(fence, loop)
        if self.plan.network.publish or self.plan.network.local_binding:
            self._wire_publisher(fence, loop)
        if self.plan.limits.timeout_seconds is not None:
            loop.later(self.plan.limits.timeout_seconds, loop.expire)

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

    def _wire_publisher(self, fence: RunningFence, loop: Loop) -> None:
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

        def look() -> None:
            try:
                listening = fence.inside_listeners()
            except (BrokenPipeError, ConnectionResetError):
                return  # the fence is ending: the control descriptor says the rest
            wanted = listening if self.plan.network.local_binding else [port for port in listening if port in fixed]
            self._tell([item.sentence for item in publisher.update(wanted)])
            if fence.exit_code is not None:
                loop.stop(fence.exit_code)
            loop.later(LISTEN_POLL_SECONDS, look)

        loop.later(LISTEN_POLL_SECONDS, look)

    def _tell(self, sentences: list[str]) -> None:
        for sentence in sentences:
            if sentence not in self.published:
                self.published.append(sentence)
                self.on_publish(sentence)


def _start_event(plan: Plan) -> Event:
    argv = " ".join(plan.argv)
    return Event("run.start", "run", "start", argv, detail=(("cwd", plan.cwd), ("plan", plan.digest), ("backend", plan.backend), ("uid", plan.uid)))


def _end_event(ending: Ending, seconds: float) -> Event:
    return Event("run.end", "run", "end", signal_name(ending.code), detail=(("code", ending.code), ("cause", ending.cause), ("seconds", round(seconds, 3))))


def signal_name(code: int) -> str:
    """``SIGSEGV`` for 139; empty for a code that names no signal."""
    try:
        return signal.Signals(code - 128).name if code > 128 else ""
    except ValueError:
        return ""
