"""The second lifeline. Process 1 leaves when the supervisor's end of the control socket closes; should it be unable to (it waits for somebody who will never
answer), the launcher ends it.

The supervisor holds the writing end of a pipe and lets go of it when it closes the fence, or ends in whatever way. The kernel then sends the launcher a signal
(fcntl(2), ``O_ASYNC``), which reaches it in whatever call it waits.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal

__all__ = ["hold"]


def hold(leash: int, keeper: int) -> None:
    """From now on kill process 1 (``keeper`` is a pidfd of it, which has to stay open) as soon as nobody holds the other end of ``leash``."""

    def let_go(_number: int, _frame: object) -> None:
        try:
            signal.pidfd_send_signal(keeper, signal.SIGKILL)
        except ProcessLookupError:
            return  # it has left by itself

    signal.signal(signal.SIGIO, let_go)
    fcntl.fcntl(leash, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(leash, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    poll = select.poll()
    poll.register(leash, 0)
    if poll.poll(0):  # it was let go of before anybody could have been told
        let_go(signal.SIGIO, None)
