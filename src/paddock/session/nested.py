"""A run inside a run: the same request, the same report, carried out by what can still be added to the fence around."""

from __future__ import annotations

import os
import resource
import signal
import time
from typing import TYPE_CHECKING

from paddock.errors import Problem, SettingsError
from paddock.events.log import EventLog
from paddock.events.record import Record
from paddock.fence.kernel.process import adopt_orphans
from paddock.fence.kernel.signalfd import SignalFd
from paddock.fence.nested import start
from paddock.model.around import Around
from paddock.model.plan import Plan
from paddock.model.settings import Notice, Settings
from paddock.model.usage import Usage
from paddock.planner.nested import Clause, Narrowing, compare
from paddock.session.supervise import Ending, Loop

if TYPE_CHECKING:
    from paddock.session.prepare import Prepared  # which loads this module itself, for the few runs that need it

__all__ = ["Unkept", "carry_out", "judge"]

_MOST = 12
_WHERE = "nested"
_WHAT = "this runs in a fence of Paddock already, and that fence leaves open what these settings close"
_HINT = "inside a fence a run can reach nothing at all, take less and know less; everything else has to be asked for when the outer run starts"


def judge(plan: Plan, settings: Settings, around: Around) -> tuple[Narrowing, tuple[Notice, ...]]:
    """What is added here, and what to say about it. Raises ``SettingsError`` that names every clause which cannot be added, with its place."""
    narrowing = compare(plan, settings, around)
    if narrowing.missing:
        problems = [_problem(clause) for clause in narrowing.missing[:_MOST]]
        if len(narrowing.missing) > _MOST:
            problems.append(Problem(_WHERE, 0, 0, f"and {len(narrowing.missing) - _MOST} more"))
        raise SettingsError([Problem(_WHERE, 0, 0, _WHAT, _HINT), *problems])
    said = f"nested: {', '.join(narrowing.added)}; files and network are as the fence around has them, and so are /tmp and loopback"
    return narrowing, (*narrowing.notices, Notice(said, None, "info"))


def _problem(clause: Clause) -> Problem:
    rule = clause.rule
    if rule is None:
        return Problem(_WHERE, 0, 0, clause.text, clause.remedy)
    entry = " ".join(part for part in (rule.key, f'"{rule.text}"' if rule.text else "") if part)
    return Problem(rule.file, rule.line, rule.column, f"{clause.text} ({entry})" if entry else clause.text, clause.remedy)


class Unkept(EventLog):
    """The log of a run that has no place to keep one: the state folder is hidden inside, and the outer run records what its gate refuses."""

    def write(self, record: Record) -> bool:
        """Keep nothing, and find nothing wrong with it."""
        return bool(record)


def carry_out(prepared: Prepared, narrowing: Narrowing, signals: SignalFd, lifeline: int) -> tuple[Ending, int, Usage]:
    """Run the command and end what it leaves. Gives the ending, the signal that ended the command (0 for none) and what it took.

    Whatever the command starts becomes a child of this process at the latest when its parent ends, so none is lost sight of (PR_SET_CHILD_SUBREAPER).
    """
    adopt_orphans()
    began = time.monotonic()
    plan = prepared.plan
    child = start(plan, narrowing.roots, prepared.passed, no_network=narrowing.no_network)
    handle = os.pidfd_open(child)
    ended: list[int] = []
    try:
        # A key at the terminal reaches the command by itself: it is in the same group.
        loop = Loop(signals, _send_all, lambda _: None)

        def on_end() -> None:
            _, status = os.waitpid(child, 0)
            code = os.waitstatus_to_exitcode(status)
            ended.append(code)
            loop.unwatch(handle)
            loop.stop(code if code >= 0 else 128 - code)

        loop.watch(handle, on_end)
        if lifeline >= 0:
            loop.watch(lifeline, loop.cut)
        if plan.limits.timeout_seconds is not None:
            loop.later(plan.limits.timeout_seconds, loop.expire)
        ending = loop.run()
    finally:
        _end_all()
        os.close(handle)
    taken = resource.getrusage(resource.RUSAGE_CHILDREN)
    usage = Usage(time.monotonic() - began, taken.ru_utime, taken.ru_stime, largest_process_bytes=taken.ru_maxrss * 1024)
    return ending, max(0, -ended[0]) if ended else 0, usage


def _send_all(signo: int) -> None:
    for pid in _descendants():
        try:
            os.kill(pid, signo)
        except ProcessLookupError:
            continue


def _end_all() -> None:
    """Until there is no child left, which is when there is no descendant left. They are stopped first, so that none makes another meanwhile."""
    while True:
        _send_all(signal.SIGSTOP)
        _send_all(signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _descendants() -> list[int]:
    """Every process below this one, by the parents in ``/proc`` (proc(5))."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue  # it has gone
            parents.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found
