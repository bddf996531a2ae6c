"""The two processes that carry the steps out.

The **launcher** is forked by the supervisor. It makes the namespaces, forks process 1, sets the network up while process 1 builds the mounts, and then is the
guard: it carries out what the command makes and writes (``guarding``). It is the parent that reaps process 1, whoever is alive by then, and the one who cleans
up what lies outside the fence. The **keeper** is process 1.

Neither runs a line of the command's. Everything is imported before the pivot: afterwards the files of this program may be out of reach.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from functools import partial
from typing import NoReturn, TypeVar

from paddock.fence.guard.serve import Guard
from paddock.fence.inside.keeper import ALL_SIGNALS, Keeper, disguise
from paddock.fence.kernel.process import close_from, set_dumpable
from paddock.fence.kernel.signalfd import SignalFd
from paddock.fence.launcher import guarding, report
from paddock.fence.launcher.leash import hold
from paddock.fence.launcher.limits import Cgroups
from paddock.fence.launcher.lockdown import lockdown_steps
from paddock.fence.launcher.namespaces import enter_steps
from paddock.fence.launcher.network import network_steps
from paddock.fence.launcher.places import mount_steps
from paddock.fence.launcher.state import Changed, State, Step, StepFailed
from paddock.fence.ports import OnStep
from paddock.model.plan import Plan

__all__ = ["all_steps", "launch"]

T = TypeVar("T")

_TABLES = ("/proc/self/net/tcp", "/proc/self/net/tcp6")


def all_steps(plan: Plan) -> tuple[Step, ...]:
    """Everything that a launch does, in an order that explains it; the network is in fact set up while the mounts are built."""
    return (*enter_steps(), *network_steps(plan), *mount_steps(plan), *lockdown_steps(plan))


def launch(plan: Plan, stdio: tuple[int, ...], control: int, leash: int, on_step: OnStep, *, terminal: bool = False) -> NoReturn:
    """Be the launcher. For a child fresh from fork(2): it never returns, and whatever happens is reported through ``control``.

    ``stdio`` are all descriptors that commands will get, the three standard ones first; the supervisor holds the other ends of ``control`` and ``leash``.
    """
    state = State(plan, stdio, control, on_step, wants_terminal=terminal)
    state.leash = leash
    _guarded(state, _launcher)
    os._exit(0)


def _guarded(state: State, work: Callable[[State], None]) -> None:
    """Nothing escapes from here: an exception would run the supervisor's own handlers in this copy of it."""
    try:
        work(state)
    except StepFailed as failure:
        _fail(state, failure)
    except BaseException as error:  # noqa: BLE001 -- the end of this process, reported to the one who waits for it
        _fail(state, StepFailed("launch", getattr(error, "errno", None) or 0, f"{type(error).__name__}: {error}"))


def _fail(state: State, failure: StepFailed) -> NoReturn:
    try:
        report.send(state.control, report.FAILED, report.pack_failure(failure))
    finally:
        os._exit(125)


def _carry_out(steps: Iterable[Step], state: State) -> None:
    for step in steps:
        _do(state, step.describe(), partial(step.execute, state))


def _do(state: State, name: str, work: Callable[[], T]) -> T:
    """One step: tell the observer, do it, and give whatever goes wrong the step's name."""
    try:
        state.on_step(name)
        return work()
    except Changed as change:
        raise StepFailed(name, 0, str(change), changed=True) from change
    except StepFailed:
        raise
    except OSError as error:
        raise StepFailed(name, error.errno or 0, error.strerror or str(error)) from error
    except Exception as error:
        raise StepFailed(name, 0, f"{type(error).__name__}: {error}") from error


def _launcher(state: State) -> None:
    _ignore_signals()
    _do(state, "close the caller's descriptors", lambda: close_from(3, frozenset((state.control, state.leash, *state.stdio))))
    cgroups = Cgroups(state.plan, state.control)
    if state.plan.cgroups:
        _do(state, cgroups.describe(), cgroups.enter)
        state.kept = cgroups.fd
    try:
        _carry_out(enter_steps(), state)
        guarding.prepare(state)
        pid = _do(state, "start process 1", os.fork)
    except StepFailed:
        cgroups.step_out()  # removing them is the supervisor's: between the new user namespace and its maps this process owns nothing
        raise
    if pid == 0:
        _guarded(state, _keeper)
        os._exit(0)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    keeper = os.pidfd_open(pid)
    hold(state.leash, keeper)
    guard = None
    try:
        _do(state, "leave the cgroups", cgroups.step_out)
        cgroups.announce()
        guard = _tell_and_listen(state, keeper)
    except StepFailed as failure:
        report.send(state.control, report.FAILED, report.pack_failure(failure))
    finally:
        _close_stdio(state, null)
        os.close(state.control)  # from here on only process 1 holds this end: its end is what the supervisor sees
        if guard is not None:
            guard.run(keeper)
        os.waitpid(pid, 0)
        cgroups.remove()


def _tell_and_listen(state: State, keeper: int) -> Guard | None:
    _do(state, "hand process 1 over", lambda: report.send(state.control, report.KEEPER, fds=(keeper,)))
    _carry_out(network_steps(state.plan), state)
    return _do(state, guarding.BECOME, lambda: guarding.become(state))


def _keeper(state: State) -> None:
    set_dumpable(dumpable=False)
    plan = state.plan
    _carry_out(mount_steps(plan), state)
    tables, signals, null = _do(state, "open what process 1 needs", _open_all)
    guarding.look_inside(state)
    _carry_out(lockdown_steps(plan), state)
    _do(state, "say that the fence stands", lambda: _say_ready(state, signals, tables, null))
    Keeper(state.control, signals.fileno(), tables, state.terminal).run()


def _open_all() -> tuple[tuple[int, ...], SignalFd, int]:
    tables = tuple(os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in _TABLES if os.path.exists(path))
    with open("/proc/self/stat", "rb") as file:
        disguise(file.read())
    signals = SignalFd((signal.SIGCHLD,))
    return tables, signals, os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)


def _say_ready(state: State, signals: SignalFd, tables: tuple[int, ...], null: int) -> None:
    # From here on this process opens nothing: opening is reported to the supervisor, which waits for this one.
    _close_stdio(state, null)
    if state.processes >= 0:
        report.send(state.control, report.PROCESSES, fds=(state.processes,))
    for notice in state.notices:
        report.send(state.control, report.NOTICE, notice.encode())
    guarding.hand_over(state)
    close_from(3, frozenset((state.control, signals.fileno(), state.terminal, state.kept, *tables)))
    report.send(state.control, report.READY)


def _close_stdio(state: State, null: int) -> None:
    """Hold nothing open that a reader outside waits for the end of."""
    for fd in {fd for fd in state.stdio if fd > 2}:
        os.close(fd)
    for fd in range(3):
        os.dup2(null, fd)


def _ignore_signals() -> None:
    """The terminal's keys and the supervisor's handlers are not for these processes: they end when the supervisor or the command does."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in ALL_SIGNALS:
        if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
