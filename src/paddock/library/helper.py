"""The caller's side of one helper process: starting it isolated, ending it, and reading what it leaves."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from binascii import a2b_base64
from typing import IO, Any, Self

from paddock.errors import InternalError, UnsupportedError
from paddock.library.results import UNKNOWN, Flow, RunReport, Violation
from paddock.library.wire import error_from_json, origin_from_json
from paddock.model.record import names
from paddock.model.usage import Usage

__all__ = ["Helper", "Stream"]

Stream = None | int | IO[Any]

# How long a helper may take to end its fence and to write its outcome after it was told to, before it is killed, which ends the fence as well.
STOP_SECONDS = 10.0

# Nothing is importable in the helper but the standard library and these, each from the one folder where the caller has it: a folder of packages that commands
# may write to (an environment inside the project) holds whatever the last command has put there.
_PACKAGES = ("paddock", "h11", "dns")
_START = """
import _signal, gc, sys
from importlib.machinery import PathFinder
gc.set_threshold(50_000, 20, 20)  # as bin/paddock does
if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # a key at the terminal while this loads: the caller is told by its own
folders = dict(zip(sys.argv[4::2], sys.argv[5::2]))
class Listed:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return PathFinder.find_spec(name, [folders[name]]) if path is None and name in folders else None
sys.meta_path.append(Listed)
from paddock.library.child import main
main(*map(int, sys.argv[1:4]))
"""


def start_line(request: int, outcome: int, lifeline: int) -> list[str]:
    """The words that start a helper. ``-I -S`` as the command has it; ``-X utf8`` because the helper's locale is no part of the request.

    The interpreter is the real one behind every link: a link in an environment is a file that somebody may replace. Raises ``UnsupportedError`` without one.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        cause = "sys.executable is the program itself" if sys.executable else "sys.executable is empty"
        raise UnsupportedError("this program does not say which interpreter runs it", cause=cause, hint="start it with python3, or call the paddock command")
    words = [os.path.realpath(sys.executable), "-I", "-S", "-X", "utf8", "-c", _START, str(request), str(outcome), str(lifeline)]
    for name in _PACKAGES:
        if folder := _folder(name):
            words += (name, folder)
    return words


def _folder(name: str) -> str:
    """Where a package is found from here, without importing it; empty for nowhere."""
    from importlib.util import find_spec

    spec = find_spec(name)
    return os.path.dirname(os.path.dirname(os.path.realpath(spec.origin))) if spec is not None and spec.origin else ""


class Helper:
    """One helper process with its streams. Use it in a ``with`` statement: whatever happens, it is gone at the end, and its fence with it."""

    def __init__(self, request: bytes, stdin: Stream, stdout: Stream, stderr: Stream) -> None:
        self._outcome = _above_streams(os.memfd_create("paddock-outcome", os.MFD_CLOEXEC))
        asked = _above_streams(os.memfd_create("paddock-request", os.MFD_CLOEXEC))
        self._lifeline, theirs = (socket.socket(fileno=_above_streams(end.detach())) for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM))
        try:
            _write_all(asked, request)
            handed = (asked, self._outcome, theirs.fileno())
            # The helper's environment is empty and its folder the root: what the command gets is in the request.
            self.process = subprocess.Popen(start_line(*handed), stdin=stdin, stdout=stdout, stderr=stderr, cwd="/", env={}, pass_fds=handed)
        except BaseException:
            self._lifeline.close()
            os.close(self._outcome)
            raise
        finally:
            theirs.close()
            os.close(asked)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.process.poll() is None:
                self.cut()
                self._wait_or_kill()
        finally:
            self._lifeline.close()  # should even this have been interrupted, end of file ends the helper
            os.close(self._outcome)
            self._close_pipes()

    def cut(self) -> None:
        """Tell the helper to end everything inside at once."""
        try:
            self._lifeline.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has gone by itself

    def communicate(self, data: bytes | None, timeout: float | None) -> tuple[bytes | None, bytes | None]:
        """As ``Popen.communicate``."""
        return self.process.communicate(data, timeout)

    def finish(self) -> tuple[bytes | None, bytes | None]:
        """After ``cut``: what came out until the end. A helper that does not leave is killed."""
        try:
            return self.process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.communicate()

    def outcome(self) -> tuple[int, RunReport]:
        """The return code as ``subprocess`` counts and the report of a helper that has ended. Raises what the run failed with."""
        data = os.pread(self._outcome, os.fstat(self._outcome).st_size, 0)
        try:
            value = json.loads(data)
        except ValueError:
            raise InternalError(f"the process that held the fence {_how(self.process.returncode)}; everything inside has ended with it") from None
        if "error" in value:
            raise error_from_json(value["error"])
        if "stopped" in value:
            return -signal.SIGKILL, UNKNOWN
        return _return_code(value), _report(value["report"])

    def _wait_or_kill(self) -> None:
        try:
            self.process.wait(STOP_SECONDS)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _close_pipes(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # input that nobody has read


def _above_streams(fd: int) -> int:
    """The same with a number above 2: in a program that has closed a standard stream, a new descriptor takes its place, and would be the command's."""
    if fd > 2:
        return fd
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(fd)
    return moved


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _how(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"left with {code} and said nothing"


def _return_code(value: dict[str, Any]) -> int:
    """A limit's own code stands, whatever signal it used; what Paddock was told to end has ended by that signal."""
    code: int = value["report"]["exit"]
    ended: int = value["signal"]
    cause = value["report"]["cause"]
    if cause == "signal":
        return 128 - code
    return -ended if ended and cause == "command" else code


def _report(document: dict[str, Any]) -> RunReport:
    known = set(names(Usage))
    return RunReport(
        run_id=document["run"],
        plan_digest=document["plan"],
        cause=document["cause"],
        violations=tuple(map(_violation, document["refused"])),
        flows=tuple(Flow(record["id"], record["time"], _subject(record), record.get("detail", {})) for record in document["flows"]),
        usage=Usage(**{name: figure for name, figure in document["usage"].items() if name in known}),
        published=tuple(document["published"]),
        notices=tuple(notice["text"] for notice in document["notices"] if notice["level"] == "warning"),
        removed_variables=tuple(variable["name"] for variable in document["removed_variables"]),
    )


def _violation(record: dict[str, Any]) -> Violation:
    return Violation(
        id=record["id"],
        time=record["time"],
        area=record["area"],
        act=record.get("act", ""),
        subject=_subject(record),
        reason=record.get("reason", ""),
        rule=origin_from_json(record.get("rule")),
        remedy=record.get("remedy", ""),
        count=record.get("count", 1),
        detail=record.get("detail", {}),
    )


def _subject(record: dict[str, Any]) -> str:
    """The exact bytes where the text could not hold them."""
    encoded = record.get("subject_b64")
    return os.fsdecode(a2b_base64(encoded)) if encoded else str(record.get("subject", ""))
