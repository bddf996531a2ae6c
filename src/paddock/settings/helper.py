"""The administrator's policy helper: a program that prints the managed settings. Spec 1.4.

It is started by an argument list, with a fixed environment, without input, and bounded in output and time. Only a managed file or an operating system's policy
can name one, and what it names has to pass the same checks of ownership as a managed file. Imported only when one is named.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence

from paddock.errors import Problem, SettingsError
from paddock.settings.document import parse

__all__ = ["MAX_OUTPUT", "REFERENCE_VERSION", "TIMEOUT", "envelope", "run"]

MAX_OUTPUT = 1_000_000
"""Bytes that a helper may print (spec 1.4: 1 MB)."""
TIMEOUT = 10.0
"""Seconds that a helper may take. The format names no limit; a start that hangs for longer is taken for one that failed."""
REFERENCE_VERSION = "2.1.240"
"""The release whose documented semantics this room implements, which helpers are told."""

_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "CLAUDE_CODE_VERSION": REFERENCE_VERSION}


def envelope(path: str, arguments: Sequence[str]) -> str:
    """The text of ``managedSettings`` in what the helper printed; empty when it printed none. Raises ``SettingsError``."""
    document = parse(path, run(path, arguments))
    if not isinstance(document.root.value, dict):
        raise _failure(path, "printed something else than an object")
    node = document.root.value.get("managedSettings")
    return "" if node is None else document.text[node.start : node.end]


def run(path: str, arguments: Sequence[str], *, timeout: float = TIMEOUT) -> bytes:
    """What the helper printed. Raises ``SettingsError`` when it cannot be started, fails, prints too much or takes too long."""
    deadline = time.monotonic() + timeout
    try:
        # A session of its own, so that whatever it starts ends with it.
        process = subprocess.Popen(
            [path, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=_ENVIRONMENT, cwd="/", start_new_session=True, close_fds=True
        )
    except OSError as error:
        raise _failure(path, f"cannot be started: {error.strerror}") from None
    with process:
        try:
            output = _read(path, process, deadline)
            _wait(path, process.pid, deadline)
        except subprocess.TimeoutExpired:
            raise _failure(path, f"took longer than {timeout:g} seconds") from None
        finally:
            # Not reaped yet, so the number is still this session's, whoever is left in it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    if code != 0:
        raise _failure(path, f"ended with {code}" if code > 0 else f"was ended by signal {-code}")
    return output


def _read(path: str, process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """Everything up to the end of the output. Raises ``TimeoutExpired`` at the deadline."""
    if process.stdout is None:
        return b""
    parts: list[bytes] = []
    left = MAX_OUTPUT + 1
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while left > 0:
            rest = deadline - time.monotonic()
            if rest <= 0 or not selector.select(rest):
                raise subprocess.TimeoutExpired(path, rest)
            part = os.read(process.stdout.fileno(), min(left, 65536))
            if not part:
                return b"".join(parts)
            parts.append(part)
            left -= len(part)
    raise _failure(path, f"printed more than {MAX_OUTPUT} bytes")


def _wait(path: str, pid: int, deadline: float) -> None:
    """Until the helper has ended; it is left to be reaped. Raises ``TimeoutExpired`` at the deadline."""
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() >= deadline:
            raise subprocess.TimeoutExpired(path, 0.0)
        time.sleep(0.002)


def _failure(path: str, message: str) -> SettingsError:
    return SettingsError([Problem(path, 0, 0, f"the policy helper {message}", "managed settings come from it: ask the administrator")])
