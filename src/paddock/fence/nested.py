"""A command inside a fence that stands already, with what a process can put around itself and never get rid of: no namespace, no mount.

Landlock rulesets, filters and limits stack: each can only take away from what the fence around leaves. Landlock is here for what it says about processes: the
command cannot signal those around it, nor look into them. Its rules about writing repeat what the plan says and are relied on for nothing (``planner.nested``).
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import stat
from collections.abc import Iterable
from typing import NoReturn

from paddock.errors import CommandNotExecutableError, CommandNotFoundError, LaunchError, PaddockError
from paddock.fence.handed import check_passed, standard_stream
from paddock.fence.kernel import landlock
from paddock.fence.kernel.bpf import ALLOW, Clause, Rule, assemble, equals, refuse
from paddock.fence.kernel.numbers import AUDIT_ARCH, NUMBERS, X32_BIT, X86_64
from paddock.fence.kernel.process import close_from, die_with_parent, no_new_privileges
from paddock.fence.kernel.seccomp import install
from paddock.fence.launcher.lockdown import OWN_AREAS, USABLE_LANDLOCK
from paddock.model.plan import Plan

__all__ = ["start"]

_AF_INET, _AF_INET6 = 2, 10
_MOST_LAYERS = "the kernel takes 16 Landlock rulesets on top of each other (landlock(7))"
_ALL_SIGNALS = tuple(n for n in range(1, 65) if n not in (32, 33, signal.SIGKILL, signal.SIGSTOP))  # 32 and 33 belong to the C library (nptl(7))
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def start(plan: Plan, roots: Iterable[str], passed: tuple[int, ...] = (), *, no_network: bool) -> int:
    """Start the plan's command, narrowed; gives a child's process id. ``roots`` are the only places, besides the fence's own areas, where it may write;
    ``passed`` are descriptors above 2 that it gets under their own numbers.

    Raises ``UsageError`` for a descriptor that must not get in, ``LaunchError`` for such a standard stream or when the command cannot be narrowed,
    ``CommandNotFoundError`` and ``CommandNotExecutableError``; nothing of the command has run then.
    """
    check_passed(passed)
    for fd in range(3):
        standard_stream(fd, fd)
    reading, writing = os.pipe2(os.O_CLOEXEC)
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _child(plan, tuple(roots), passed, parent, writing, no_network=no_network)
    os.close(writing)
    with open(reading, "rb") as pipe:
        failure = pipe.read()
    if not failure:
        return child
    os.waitpid(child, 0)
    step, _, number = failure.decode().partition("\0")
    raise _error(plan, step, int(number))


def _child(plan: Plan, roots: tuple[str, ...], passed: tuple[int, ...], parent: int, writing: int, *, no_network: bool) -> NoReturn:
    step = "narrow"
    try:
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)  # it has gone already
        no_new_privileges()
        _limit(plan)
        _only_write_at(roots)
        if no_network:
            install(_no_sockets())
        step = "cwd"
        os.chdir(plan.cwd)
        step = "exec"
        _forget(passed, writing)
        os.execvpe(plan.argv[0], plan.argv, dict(plan.environment))  # noqa: S606 -- a list of words, no shell
    except OSError as error:
        os.write(writing, f"{step}\0{error.errno or errno.EIO}".encode())
    except BaseException:  # noqa: BLE001 -- the end of this copy of the supervisor, whose handlers must not run
        os.write(writing, f"{step}\0{errno.EIO}".encode())
    finally:
        os._exit(125)


def _limit(plan: Plan) -> None:
    wanted = plan.limits.open_files
    if wanted is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (bound, bound))


def _only_write_at(roots: tuple[str, ...]) -> None:
    """From Landlock's version 6 on the ruleset also keeps signals in: the processes around this one are none of the command's business."""
    version = landlock.abi()
    if version < USABLE_LANDLOCK:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    rules = landlock.Ruleset(version)
    for path in (*OWN_AREAS, *roots):
        try:
            fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            if path in OWN_AREAS:
                continue  # this system has no /var/tmp
            raise
        rules.allow(fd)
        os.close(fd)
    for fd in range(3):
        if _is_given_for_writing(fd):
            rules.allow(fd)
    rules.restrict()


def _is_given_for_writing(fd: int) -> bool:
    """Whether the caller gave the right to write to this file or terminal as a standard stream: then reopening it (``/dev/stderr``) is no more than that."""
    try:
        writable = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
        return writable and stat.S_IFMT(os.fstat(fd).st_mode) in (stat.S_IFREG, stat.S_IFCHR)
    except OSError:
        return False  # closed


def _no_sockets() -> bytes:
    """A filter for a command that is to reach nothing. Landlock could refuse connect(2) for TCP, but not a connection that is opened by sending."""
    rule = Rule(("socket",), (Clause((equals(0, _AF_INET, _AF_INET6),), refuse(errno.EACCES)),), ALLOW)
    return assemble((rule,), NUMBERS, AUDIT_ARCH, X32_BIT if NUMBERS is X86_64 else None)


def _forget(passed: tuple[int, ...], writing: int) -> None:
    """Give the command the state of a program that was started afresh."""
    close_from(3, frozenset((writing, *passed)))
    for fd in passed:
        os.set_inheritable(fd, True)
    for number in _ALL_SIGNALS:
        if number in _IGNORED_BY_PYTHON or signal.getsignal(number) is not signal.SIG_IGN:  # what the caller ignores, a command inherits (execve(2))
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _error(plan: Plan, step: str, number: int) -> PaddockError:
    words = os.strerror(number)
    if step == "cwd":
        return LaunchError(f"cannot enter {plan.cwd} inside the fence: {words}", step="enter the working folder", errno=number)
    if step == "narrow":
        hint = _MOST_LAYERS if number == errno.E2BIG else "without Landlock nothing can be narrowed inside a fence" if number == errno.EOPNOTSUPP else ""
        return LaunchError(f"cannot narrow the fence around: {words}", step="put Landlock, a filter and limits around the command", errno=number, hint=hint)
    if number in (errno.ENOENT, errno.ENOTDIR):
        return CommandNotFoundError(f"{plan.argv[0]}: command not found", hint="it may lie in a place that is hidden inside, or not be on the PATH there")
    return CommandNotExecutableError(f"{plan.argv[0]}: {words}")
