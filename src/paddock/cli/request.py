"""From parsed words to a request of the session."""

from __future__ import annotations

import os
from collections.abc import Sequence

from paddock.cli.options import Parsed
from paddock.errors import UsageError
from paddock.session.prepare import Request

__all__ = ["request_from", "working_folder"]

LONGEST = 200
"""Characters of a name."""
MAX_DESCRIPTOR = 1 << 20
"""As many as Linux gives one process by default (``fs.nr_open``, proc(5))."""


def request_from(parsed: Parsed) -> Request:
    """The shared options as a request of the session."""
    sources = tuple(s for s in parsed.last("--setting-sources").split(",") if s) if parsed.has("--setting-sources") else None
    given, closed = _profiles(parsed.values.get("--profile", ()))
    return Request(
        argv=tuple(parsed.rest),
        cwd=working_folder(),
        environ=dict(os.environ),
        settings=tuple(parsed.values.get("--settings", ())),
        sources=sources,
        options=tuple(parsed.settings),
        trust_project=parsed.has("--trust-project"),
        allow_home=parsed.has("--allow-home"),
        tool_use=_name(parsed.last("--tool-use")),
        given=given,
        closed=closed,
        passed=tuple(dict.fromkeys(_descriptor(word) for word in parsed.values.get("--pass-fd", ()))),
    )


def _profiles(names: Sequence[str]) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The settings of profiles, and whether one of them lets no file widen."""
    if not names:
        return (), False
    from paddock.session.profiles import closes, given  # most runs name none

    return given(names), closes(names)


def _name(text: str) -> str:
    """A name for a call: the log keeps it as it is, so it has to be short and plain."""
    if len(text) <= LONGEST and text.isascii() and text.isprintable():
        return text
    raise UsageError(f"--tool-use needs at most {LONGEST} printable ASCII characters")


def _descriptor(word: str) -> int:
    if word.isascii() and word.isdigit() and 2 < int(word) < MAX_DESCRIPTOR:
        return int(word)
    raise UsageError(f"--pass-fd needs the number of a descriptor above 2, not {word!r}", hint="0, 1 and 2 are passed anyway")


def working_folder() -> str:
    """The working folder with every link resolved. Raises ``UsageError`` when it is gone or cannot be entered."""
    try:
        return os.getcwd()
    except OSError as error:
        raise UsageError(f"the working folder cannot be used: {error.strerror}", hint="change to a folder that exists") from error
