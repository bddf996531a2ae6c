"""The loop that waits for everything at once: the keeper, signals, the first connection, refused opens, the clock.

One thread, one ``poll``. The gate brings its own threads when the first connection arrives; until then its code is not even imported.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from typing import TypeVar

from paddock.fence.kernel.signalfd import SI_KERNEL, SignalFd
from paddock.model.record import record

__all__ = ["GRACE_SECONDS", "LIMIT_EXIT", "SIGNALS", "Ending", "Errands", "Loop"]

# How long a command may take to leave after it was asked to, before everything inside is ended.
GRACE_SECONDS = 2.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
TIMEOUT_EXIT = 124
LIMIT_EXIT = 123
_KEYS = (signal.SIGINT, signal.SIGQUIT)

T = TypeVar("T")


class Errands:
    """Lets other threads have something done by the loop's thread: what belongs to the fence is touched by one thread only.

    ``ask`` is for the other threads; ``run`` is the loop's handler for ``fileno()``. After ``close`` every ``ask`` fails with ``ConnectionResetError``.
    """

    def __init__(self) -> None:
        from threading import Lock

        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._lock = Lock()
        self._waiting: list[tuple[Callable[[], None], Callable[[], None]]] = []
        self._closed = False

    def fileno(self) -> int:
        """Readable when somebody asks."""
        return self._read

    def ask(self, work: Callable[[], T]) -> T:
        """Have ``work`` done by the loop's thread and wait for it. Raises the ``OSError`` that it raises."""
        from threading import Event

        done = Event()
        results: list[T] = []
        errors: list[OSError] = []

        def errand() -> None:
            try:
                results.append(work())
            except OSError as error:
                errors.append(error)
            done.set()

        def refuse() -> None:
            errors.append(ConnectionResetError("the run has ended"))
            done.set()

        with self._lock:
            if self._closed:
                raise ConnectionResetError("the run has ended")
            self._waiting.append((errand, refuse))
            os.write(self._write, b"!")
        done.wait()
        if errors:
            raise errors[0]
        return results[0]

    def run(self) -> None:
        """Do the one that has waited longest: something inside that does not accept takes its time for each, and signals must not wait for all of them."""
        with self._lock:
            os.read(self._read, 1)
            errand, _ = self._waiting.pop(0)
        errand()

    def close(self) -> None:
        """Answer whoever still waits with an error, and close."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, []
            os.close(self._read)
            os.close(self._write)
        for _, refuse in waiting:
            refuse()


@record
class Ending:
    """How a run ended. ``code`` is the exit code of ``paddock run``; ``cause`` is ``command``, ``signal``, ``timeout`` or
    ``limit``.
    """

    code: int
    cause: str


class Loop:
    """Watches descriptors and deadlines until something calls ``stop`` or a grace period is over.

    ``forward`` sends a signal to everything inside the fence, ``key`` to the command's process group, as a terminal does for a key.
    """

    def __init__(self, signals: SignalFd, forward: Callable[[int], None], key: Callable[[int], None]) -> None:
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[], object]] = {}
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._forward = forward
        self._key = key
        self._signals = signals
        self._ending: Ending | None = None
        self._asked: Ending | None = None
        self.watch(signals.fileno(), self._on_signal)

    def watch(self, fd: int, handler: Callable[[], object], events: int = select.POLLIN) -> None:
        """Call ``handler`` whenever ``fd`` is readable (or what ``events`` says, poll(2)) or hung up."""
        self._handlers[fd] = handler
        self._poll.register(fd, events)

    def unwatch(self, fd: int) -> None:
        """Forget ``fd``; nothing happens when it is not watched."""
        if self._handlers.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def later(self, seconds: float, handler: Callable[[], None]) -> None:
        """Call ``handler`` once, after ``seconds`` of the monotonic clock."""
        self._timers.append((time.monotonic() + seconds, handler))

    def stop(self, code: int) -> None:
        """The command ended with ``code``. A time limit that ended it keeps its own code."""
        if self._ending is None:
            self._ending = self._asked if self._asked is not None and self._asked.cause == "timeout" else Ending(code, "command")

    def end(self, ending: Ending) -> None:
        """The run is over now, whatever still runs inside."""
        if self._ending is None:
            self._ending = ending

    def asked(self) -> bool:
        """Whether everything inside was told to leave, by a signal or a deadline."""
        return self._asked is not None

    def expire(self) -> None:
        """The time limit is over: ask everything inside to leave, end it after the grace period."""
        self._ask(signal.SIGTERM, Ending(TIMEOUT_EXIT, "timeout"))

    def cut(self) -> None:
        """End at once, without asking anybody inside: whoever wanted this run does not want it any more."""
        if self._ending is None:
            self._ending = Ending(128 + signal.SIGKILL, "signal")

    def run(self) -> Ending:
        """Wait until the run is over. What is still alive inside then is the caller's to end."""
        while self._ending is None:
            for fd, _ in self._poll.poll(self._wait()):
                handler = self._handlers.get(fd)
                if handler is not None:
                    handler()
            self._fire()
        return self._ending

    def _wait(self) -> int | None:
        if not self._timers:
            return None
        return max(0, int((min(t for t, _ in self._timers) - time.monotonic()) * 1000) + 1)

    def _fire(self) -> None:
        now = time.monotonic()
        due = [h for t, h in self._timers if t <= now]
        self._timers = [(t, h) for t, h in self._timers if t > now]
        for handler in due:
            handler()

    def _on_signal(self) -> None:
        signo, code = self._signals.read()
        if code == SI_KERNEL and signo in _KEYS:
            # Pressed at our terminal: the command is in another session and decides itself what a key means, as it would in ours.
            self._key(signo)
        else:
            self._ask(signo, Ending(128 + signo, "signal"))

    def _ask(self, signo: int, ending: Ending) -> None:
        if self._asked is None:
            self._asked = ending
            self.later(GRACE_SECONDS, lambda: self._give_up(ending))
        self._forward(signo)

    def _give_up(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
