"""The loop: signals that were sent to us are passed on to everything, keys pressed at the terminal to the command, deadlines end what does not leave."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paddock.fence.kernel.signalfd import SI_KERNEL
from paddock.session import supervise
from paddock.session.supervise import Ending, Errands, Loop


class Signals:
    """A stand-in for ``SignalFd``: what is written to it is read as a signal."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        self.codes: dict[int, int] = {}

    def fileno(self) -> int:
        return self.read_end

    def send(self, signo: int, code: int) -> None:
        self.codes[signo] = code
        os.write(self.write_end, bytes((signo,)))

    def read(self) -> tuple[int, int]:
        signo = os.read(self.read_end, 1)[0]
        return signo, self.codes[signo]


@pytest.fixture
def signals() -> Iterator[Signals]:
    made = Signals()
    yield made
    os.close(made.read_end)
    os.close(made.write_end)


def loop_with(signals: Signals, passed_on: list[int]) -> Loop:
    return Loop(signals, passed_on.append, passed_on.append)  # type: ignore[arg-type]  # the stand-in has the two methods that are used


def test_the_command_s_code_is_the_run_s(signals: Signals) -> None:
    loop = loop_with(signals, [])
    loop.later(0, lambda: loop.stop(42))
    assert loop.run() == Ending(42, "command")


def test_a_signal_from_a_process_is_passed_on_and_the_command_s_end_counts(signals: Signals) -> None:
    passed_on: list[int] = []
    loop = Loop(signals, lambda signo: (passed_on.append(signo), loop.stop(143))[0], passed_on.append)  # type: ignore[arg-type,func-returns-value]  # as above
    signals.send(signal.SIGTERM, 0)
    assert loop.run() == Ending(143, "command")
    assert passed_on == [signal.SIGTERM]


@pytest.mark.parametrize("signo", [signal.SIGINT, signal.SIGQUIT])
def test_a_key_at_the_terminal_is_a_key_for_the_command_and_no_order_to_end(signals: Signals, monkeypatch: pytest.MonkeyPatch, signo: signal.Signals) -> None:
    monkeypatch.setattr(supervise, "GRACE_SECONDS", 0)
    passed_on: list[int] = []
    keys: list[int] = []
    loop = Loop(signals, passed_on.append, keys.append)  # type: ignore[arg-type]  # as above
    signals.send(signo, SI_KERNEL)
    loop.later(0.05, lambda: loop.stop(0))
    assert loop.run().code == 0
    assert (keys, passed_on) == ([signo], [])


def test_a_terminal_that_hangs_up_ends_the_run(signals: Signals) -> None:
    passed_on: list[int] = []
    loop = Loop(signals, lambda signo: (passed_on.append(signo), loop.stop(129))[0], passed_on.append)  # type: ignore[arg-type,func-returns-value]  # as above
    signals.send(signal.SIGHUP, SI_KERNEL)
    assert loop.run().code == 129
    assert passed_on == [signal.SIGHUP]


def test_what_does_not_leave_is_ended_after_the_grace(signals: Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "GRACE_SECONDS", 0.01)
    loop = loop_with(signals, [])
    signals.send(signal.SIGINT, 0)
    assert loop.run() == Ending(130, "signal")


def test_a_time_limit_keeps_its_code_although_the_command_left(signals: Signals) -> None:
    passed_on: list[int] = []
    loop = Loop(signals, lambda signo: (passed_on.append(signo), loop.stop(143))[0], passed_on.append)  # type: ignore[arg-type,func-returns-value]  # as above
    loop.later(0, loop.expire)
    assert loop.run() == Ending(124, "timeout")
    assert passed_on == [signal.SIGTERM]


def test_an_unwatched_descriptor_is_left_alone(signals: Signals) -> None:
    loop = loop_with(signals, [])
    read_end, write_end = os.pipe()
    seen: list[str] = []
    loop.watch(read_end, lambda: seen.append("called"))
    loop.unwatch(read_end)
    loop.unwatch(read_end)
    os.write(write_end, b"x")
    loop.later(0.05, lambda: loop.stop(0))
    loop.run()
    assert seen == []


def test_errands_are_done_by_the_loop_s_thread(signals: Signals) -> None:
    loop = loop_with(signals, [])
    errands = Errands()
    loop.watch(errands.fileno(), errands.run)
    told: list[object] = []

    def other() -> None:
        told.append(errands.ask(threading.get_ident))
        with pytest.raises(FileNotFoundError):
            errands.ask(lambda: Path("/nowhere/at/all").stat())
        loop.stop(0)
        os.write(signals.write_end, b"")

    thread = threading.Thread(target=other)
    thread.start()
    loop.later(0.5, lambda: None)
    loop.run()
    thread.join()
    assert told == [threading.get_ident()]
    errands.close()


def test_errands_are_done_one_at_a_time_so_that_signals_come_between(signals: Signals) -> None:
    errands = Errands()
    done: list[str] = []
    loop = Loop(signals, lambda _: done.append("signal"), lambda _: None)  # type: ignore[arg-type]  # as above
    loop.watch(errands.fileno(), errands.run)

    def first() -> None:
        done.append("errand")
        signals.send(signal.SIGTERM, 0)

    def second() -> None:
        done.append("errand")
        loop.stop(0)

    threads = [threading.Thread(target=errands.ask, args=(work,)) for work in (first, second)]
    for count, thread in enumerate(threads, 1):
        thread.start()
        while len(errands._waiting) < count:  # both are there before the loop looks for the first time
            threading.Event().wait(0.001)
    loop.run()
    for thread in threads:
        thread.join()
    assert done == ["errand", "signal", "errand"]
    errands.close()


def test_an_errand_after_the_end_is_refused() -> None:
    errands = Errands()
    errands.close()
    with pytest.raises(ConnectionResetError):
        errands.ask(lambda: 1)
