"""Readers of what process 1 says and of the log, which a torn write or another program may have spoilt."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Hashable
from typing import Final

from fuzz.engine import Disagreement, Target
from paddock.events.reader import LINE_LIMIT, _lines_backwards, _parse
from paddock.fence import answers
from paddock.model import paths

__all__ = ["TARGETS"]


def _answers(data: bytes) -> Hashable:
    answer = answers.read(data, [])
    error = answers.error_of(answer)
    if not 0 < (error.errno or 0) <= 4095:
        raise Disagreement(f"an error with the number {error.errno}")
    happened: list[Hashable] = []
    for reader in (answers.exit_code, answers.ports, answers.stream):
        try:
            value = reader(answer)
        except ValueError:
            happened.append(None)
            continue
        happened.append(type(value).__name__)
        if isinstance(value, int) and not 0 <= value <= 255:
            raise Disagreement(f"an exit code of {value}")
    return answer.kind, tuple(happened)


def _log(data: bytes) -> Hashable:
    fd = os.memfd_create("log")
    try:
        os.write(fd, data)
        lines = list(_lines_backwards(fd))
    finally:
        os.close(fd)
    if len(data) <= LINE_LIMIT and lines != [line for line in reversed(data.split(b"\n")) if line]:
        raise Disagreement("lines that are not the file's")
    return tuple((record is not None and (record.count > 1, bool(record.event.subject), record.event.rule is not None)) for record in map(_parse, lines[:4]))


PATH_MAX: Final = 4096
"""What is read of a path, at most."""


def _paths(data: bytes) -> Hashable:
    """What the observer does with a path of a fenced program: the C library's own function is the oracle."""
    text = os.fsdecode(data[:PATH_MAX])
    normal = paths.normalise(text)
    if normal != posixpath.normpath(text).replace("//", "/", 1):
        raise Disagreement(f"{normal!r} against {posixpath.normpath(text)!r}")
    above = paths.ancestors(normal)
    if len(above) != paths.depth(normal) or not all(paths.is_beneath(normal, folder) for folder in above):
        raise Disagreement(f"{normal!r} below {above}")
    return min(len(above), 5), normal == text


def _deep(size: int) -> bytes:
    return b"/" + b"a/../" * (size // 5)


TARGETS: Final = (
    Target("answers", _answers, (ValueError,), (b"\1", b"\2", b"\0" * 4, b"\1\0\0\0", b"\xff" * 8, b"\0" * 8)),
    Target(
        "log",
        _log,
        words=(b'{"schema":', b'"id": "', b'"kind": "violation"', b'"detail": {', b'"subject_b64": "', b"\n", b"1e999", b"\\ud800", b"[" * 200),
        cost=2,
    ),
    Target("paths", _paths, (ValueError,), (b"/", b"..", b".", b"//", b"/../", b"\xff", b"\xed\xa0\x80"), (_deep,)),
)
