"""The guard's loop: one thread, one call after the other, so that nothing can be made between a judgement and the act that follows from it.

It runs in the launcher process: outside the fence's process namespace, where no signal of the command's reaches it, and with its own interpreter lock. When it
ends, however it ends, the kernel fails every call that would have come here (``ENOSYS``): nothing runs unjudged.
"""

from __future__ import annotations

import errno
import os
import select

from paddock.fence.guard.act import Actor, Reading, Waiting
from paddock.fence.guard.caller import Caller, World
from paddock.fence.guard.check import Check, Refused
from paddock.fence.guard.lost import Mounts
from paddock.fence.guard.notify import WRITING, Call, Gone, Notifications
from paddock.fence.guard.scout import Scout
from paddock.fence.kernel.files import tee
from paddock.model.guard import Judge
from paddock.model.plan import Access, Plan

__all__ = ["Guard"]

_ERESTARTSYS = 512
"""What the kernel itself answers when a signal interrupts a call: its own signal code turns it into a restart or EINTR, as the handler asks."""

_FIRST_PAUSE = 0.002
_LONGEST_PAUSE = 0.05
_MOST_PENDING = 512
_BATCH = 64


class _Pending:
    """An open that waits for somebody else. ``flags`` is None for the reading end of a FIFO, which is open already."""

    __slots__ = ("caller", "close_on_exec", "fd", "flags")

    def __init__(self, caller: Caller, fd: int, flags: int | None, *, close_on_exec: bool) -> None:
        self.caller = caller
        self.fd = fd
        self.flags = flags
        self.close_on_exec = close_on_exec


class Guard:
    """``listener`` is the descriptor of the filter of ``notify``; ``words`` a packet socket on which refusals are told."""

    def __init__(self, listener: int, words: int, plan: Plan, world: World) -> None:
        self._listener = listener
        self._world = world
        self._notifications = Notifications(listener)
        check = Check(Judge(plan.guard), frozenset(place.path for place in plan.layout if place.access is Access.HIDDEN))
        self._check = check
        self._actor = Actor(check)
        self._reads = bool(check.hidden)
        """Whether opening for reading is carried out too."""
        self._mounts = Mounts(world.proc, plan)
        self._scout = Scout(plan, words)
        self._pending: list[_Pending] = []
        self._pause = _FIRST_PAUSE

    def run(self, keeper: int) -> None:
        """Answer until process 1, of which ``keeper`` is a pidfd, has ended, or nobody is left who could call."""
        poll = select.poll()
        poll.register(keeper, select.POLLIN)
        poll.register(self._mounts.fd, select.POLLPRI)
        poll.register(self._listener, select.POLLIN)
        while True:
            for fd, event in poll.poll(int(self._pause * 1000) + 1 if self._pending else None):
                if fd == self._mounts.fd:
                    self._stand_in()
                elif fd == keeper or not event & select.POLLIN:
                    return
                else:
                    self._some()
            self._try_again()

    def _some(self) -> None:
        poll = select.poll()
        poll.register(self._mounts.fd, select.POLLPRI)
        poll.register(self._listener, select.POLLIN)
        for _ in range(_BATCH):
            self._one()
            ready = poll.poll(0)
            if ready and ready[0][0] == self._mounts.fd:
                self._stand_in()  # asking once has taken the news away
            if not ready or ready[-1][0] != self._listener or not ready[-1][1] & select.POLLIN:
                return

    def _stand_in(self) -> None:
        """Judge by name what mounts of the fence have hidden or held so far."""
        for denial, hidden in self._mounts.lost():
            self._check.judge.add(denial)
            if hidden:
                self._check.hidden.add(denial)
                self._reads = True

    def _one(self) -> None:
        try:
            report, tid, call, arguments = self._notifications.receive()
        except FileNotFoundError:
            return  # the caller has died
        if call is None:
            self._notifications.answer(report, errno.ENOSYS)  # the filter names no such call
            return
        caller = Caller(self._world, self._notifications, report, tid)
        try:
            if call.carried and (self._reads or call.flags is None or arguments[call.flags] & WRITING):
                self._carry_out(caller, call, arguments)
            else:
                self._let_go(caller, call, arguments)
        except Gone:
            return
        except Exception:  # noqa: BLE001 -- whatever a caller's arguments bring about ends this call, and not the guard
            self._notifications.answer(report, errno.EIO)
        finally:
            caller.close()

    def _let_go(self, caller: Caller, call: Call, arguments: tuple[int, ...]) -> None:
        """Calls that make and fill nothing: the kernel decides, by the fence's mounts."""
        path = self._scout.path(caller, call, arguments)
        self._notifications.go_on(caller.report)
        if path is not None:
            self._scout.look(path, call, 0 if call.flags is None else arguments[call.flags])

    def _carry_out(self, caller: Caller, call: Call, arguments: tuple[int, ...]) -> None:
        flags = arguments[call.flags] if call.flags is not None else 0
        try:
            fd = self._actor.carry_out(caller, call, arguments)
        except (Waiting, Reading) as waiting:
            asked = waiting.flags if isinstance(waiting, Waiting) else None
            self._later(_Pending(caller, waiting.fd, asked, close_on_exec=bool(flags & os.O_CLOEXEC)))
        except Refused as refused:
            self._notifications.answer(caller.report, self._scout.refused(refused.refusal))
        except OSError as error:
            path = self._scout.path(caller, call, arguments) if error.errno in self._scout.telling else None
            self._notifications.answer(caller.report, error.errno or errno.EIO)
            if path is not None:
                self._scout.look(path, call, flags)
        except (ValueError, RecursionError):
            self._notifications.answer(caller.report, errno.EINVAL)
        else:
            self._finish(caller, fd, close_on_exec=bool(flags & os.O_CLOEXEC))

    def _finish(self, caller: Caller, fd: int | None, *, close_on_exec: bool) -> None:
        if fd is None:
            self._notifications.answer(caller.report, 0)
            return
        try:
            self._notifications.give(caller.report, fd, close_on_exec=close_on_exec)
        except OSError as error:
            self._notifications.answer(caller.report, error.errno or errno.EMFILE)

    # -- opens that wait

    def _later(self, item: _Pending) -> None:
        if len(self._pending) >= _MOST_PENDING:
            os.close(item.fd)
            self._notifications.answer(item.caller.report, errno.ENFILE)
        elif not self._tried(item):
            self._pending.append(item)
            self._pause = _FIRST_PAUSE

    def _try_again(self) -> None:
        if not self._pending:
            return
        kept = [item for item in self._pending if not self._tried(item)]
        self._pause = min(self._pause * 2, _LONGEST_PAUSE) if len(kept) == len(self._pending) else _FIRST_PAUSE
        self._pending = kept

    def _opened(self, item: _Pending) -> int:
        """The descriptor for the caller. Raises ``OSError``: ``ENXIO`` when it is still to wait."""
        if item.flags is not None:
            flags = item.flags & ~(os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW) | os.O_NONBLOCK
            return os.open(f"self/fd/{item.fd}", flags, dir_fd=self._world.proc)
        if not _is_written(item.fd):
            raise OSError(errno.ENXIO, "nobody writes yet")
        return os.dup(item.fd)

    def _tried(self, item: _Pending) -> bool:
        """Whether the call is over."""
        try:
            over = self._answered(item)
        except (Gone, OSError, ValueError):
            over = True  # the caller has died, or does so now
        if over:
            os.close(item.fd)
        return over

    def _answered(self, item: _Pending) -> bool:
        self._notifications.check(item.caller.report)
        try:
            fd = self._opened(item)
        except OSError as error:
            number = error.errno or errno.EIO
            if number in (errno.ENXIO, errno.EAGAIN):
                if not _interrupted(item.caller):
                    return False
                number = _ERESTARTSYS
            self._notifications.answer(item.caller.report, number)
            return True
        os.set_blocking(fd, True)
        self._finish(item.caller, fd, close_on_exec=item.close_on_exec)
        return True


def _is_written(fd: int) -> bool:
    """Whether somebody has a FIFO open for writing, or had since it was opened here."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if poll.poll(0):
        return True
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return tee(fd, write, 1) > 0
    except BlockingIOError:
        return True
    finally:
        os.close(read)
        os.close(write)


def _interrupted(caller: Caller) -> bool:
    """Whether a signal waits that the caller would notice (proc(5): SigPnd and its kin)."""
    pending = int(caller.status(b"SigPnd"), 16) | int(caller.status(b"ShdPnd"), 16)
    return bool(pending & ~int(caller.status(b"SigBlk"), 16) & ~int(caller.status(b"SigIgn"), 16))
