"""What every canary is made of: acts that give one word, children that take what they change with them."""

from __future__ import annotations

import ctypes
import errno
import json
import os
from collections.abc import Callable, Iterable

__all__ = ["LIBC", "MOST_NAMES", "NUMBER", "Answer", "Said", "apart", "attempt", "called", "child", "opened", "raw", "raw_twin", "word", "worst"]

MOST_NAMES = 20
"""Names that one answer lists."""

Said = list[list[str]]
"""What was tried, and the word for what came of it."""
Answer = tuple[Said, str]
"""And the word for the twin."""

LIBC = ctypes.CDLL(None, use_errno=True)
NUMBER: dict[str, int] = {}
"""System call numbers of this machine, from outside."""


def word(error: OSError) -> str:
    """The name of an error's number."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return "silence"
    return errno.errorcode.get(error.errno or 0, str(error))


def attempt(call: Callable[..., object], *arguments: object) -> str:
    """``ok``, or the name of the errno."""
    try:
        call(*arguments)
    except OSError as error:
        return word(error)
    return "ok"


def opened(path: str, flags: int, mode: int = 0o600) -> str:
    """Open and close."""
    return attempt(lambda: os.close(os.open(path, flags | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK, mode)))


def called(name: str, *arguments: int) -> str:
    """A function of the C library that gives -1 and sets errno."""
    ctypes.set_errno(0)
    if LIBC[name](*(ctypes.c_long(value) for value in arguments)) == -1:
        return errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))
    return "ok"


def raw(name: str, *arguments: int) -> str:
    """A system call."""
    return called("syscall", NUMBER[name], *arguments)


def apart(work: Callable[[], Said]) -> Said:
    """Have ``work`` done by a child, so that nothing it changes in itself stays."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, json.dumps(work()).encode())
        except OSError as error:
            os.write(writer, json.dumps([["child", word(error)]]).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as said:
        text = said.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else [["child", "ended"]]


def raw_twin() -> str:
    """The same way of calling, for a call that everybody may make."""
    return raw("unshare", 0)


def worst(words: Iterable[str]) -> str:
    """``ok`` when all are, else the first that is not."""
    return next((said for said in words if said != "ok"), "ok")


def child(work: Callable[[int], str]) -> str:
    """What ``work`` says about a child of ours that waits."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    try:
        return work(pid)
    finally:
        os.close(writer)
        os.waitpid(pid, 0)
