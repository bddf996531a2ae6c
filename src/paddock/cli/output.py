"""The only place that prints.

Results go to standard output, everything Paddock says about itself to standard error with ``paddock:`` in front. Text from elsewhere is escaped here; what
``text`` and ``block`` get was made from escaped parts already. A reader that goes away (``paddock log | head``) is no error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TextIO

from paddock.errors import LaunchError, PaddockError, SettingsError, UnsupportedError
from paddock.model.text import escape, pad, width

__all__ = ["Output", "escape"]

# Select Graphic Rendition (ECMA-48 8.3.117). Colours of the terminal's own palette: they follow the person's theme.
_STYLES = {"bad": "31", "good": "32", "warn": "33", "strong": "1", "dim": "2"}
_GAP = "  "


class Output:
    """Standard output and standard error of one command. ``columns`` is the width of the terminal that shows standard error, None when it is none."""

    def __init__(self, out: TextIO | None, err: TextIO | None, *, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self._out = out
        self._err = err
        self._colour_out = _wants_colour(out, environ)
        self._colour_err = _wants_colour(err, environ)
        self.columns = _columns(err, environ)

    def text(self, text: str) -> None:
        """Write to standard output as it stands, without adding a line end."""
        self._out = _write(self._out, text)

    def line(self, text: str = "") -> None:
        """Escape and write one line to standard output."""
        self.text(escape(text) + "\n")

    def table(self, rows: Sequence[Sequence[str]], heads: Sequence[str] = ()) -> None:
        """Columns under dim heads, each as wide as its widest cell; cells are escaped."""
        cells = [[escape(cell) for cell in row] for row in rows]
        count = max((len(row) for row in [*cells, list(heads)]), default=0)
        widths = [max((width(row[i]) for row in [*cells, list(heads)] if i < len(row)), default=0) for i in range(count)]
        lines = [_GAP + _GAP.join(pad(cell, widths[i]) for i, cell in enumerate(row)).rstrip() for row in cells]
        if any(heads):
            lines.insert(0, self.paint("dim", _GAP + _GAP.join(pad(head, widths[i]) for i, head in enumerate(heads)).rstrip(), err=False))
        self.text("".join(line + "\n" for line in lines))

    def json(self, document: object) -> None:
        """Write one JSON document to standard output, in ASCII: every reader agrees on it."""
        from json import dumps

        self.text(dumps(document, indent=2) + "\n")

    def note(self, text: str) -> None:
        """Say something on standard error."""
        self.block(f"paddock: {escape(text)}\n")

    def warn(self, text: str) -> None:
        """Say something on standard error that a person should look at."""
        self.block(self.paint("warn", f"paddock: warning: {escape(text)}") + "\n")

    def error(self, error: PaddockError) -> None:
        """Say what is wrong, where, why and what would help, a line each."""
        lines = [self.paint("bad", f"paddock: {escape(text)}") for text in _messages(error)]
        if isinstance(error, LaunchError) and error.step:
            lines.append(f"  step: {escape(error.step)}")
        if isinstance(error, UnsupportedError) and error.cause:
            lines.append(f"  cause: {escape(error.cause)}")
        lines += [f"  hint: {escape(hint)}" for hint in _hints(error)]
        self.block("".join(line + "\n" for line in lines))

    def block(self, text: str) -> None:
        """Write to standard error as it stands, without adding a line end."""
        self._err = _write(self._err, text)

    def paint(self, style: str, text: str, *, err: bool = True) -> str:
        """``text`` in one of the styles ``bad``, ``good``, ``warn``, ``strong``, ``dim``, where the stream shows colours; ``err`` says which stream."""
        if not text or not (self._colour_err if err else self._colour_out):
            return text
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def _messages(error: PaddockError) -> list[str]:
    if isinstance(error, SettingsError) and error.problems:
        return [f"{_place(p.file, p.line, p.column)}: {p.message}" for p in error.problems]
    return [str(error) or type(error).__name__]  # one line, whatever a name in it holds


def _hints(error: PaddockError) -> list[str]:
    hints = [error.hint] if error.hint else []
    if isinstance(error, SettingsError):
        hints += [f"{_place(p.file, p.line, p.column)}: {p.hint}" if len(error.problems) > 1 else p.hint for p in error.problems if p.hint]
    return hints


def _place(file: str, line: int, column: int) -> str:
    return f"{file}:{line}:{column}" if line else file


def _wants_colour(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Only terminals, and neither with ``NO_COLOR`` set to anything (no-color.org) nor on one that cannot (``TERM=dumb``)."""
    return stream is not None and stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM", "dumb") != "dumb"


def _columns(stream: TextIO | None, environ: Mapping[str, str]) -> int | None:
    if stream is None or not stream.isatty():
        return None
    if environ.get("COLUMNS", "").isdigit() and int(environ["COLUMNS"]) > 0:
        return int(environ["COLUMNS"])
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):  # a stream that says it is a terminal and has no descriptor
        return None


def _write(stream: TextIO | None, text: str) -> TextIO | None:
    """Write and flush. Returns the stream, or None once nobody reads it any more."""
    if stream is None:
        return None
    encoding = stream.encoding or "utf-8"
    try:
        # Whatever the locale: a character that it lacks is shown by its number, and never ends in an exception.
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        _discard(stream)
        return None
    return stream


def _discard(stream: TextIO) -> None:
    """What is still buffered goes nowhere; otherwise the interpreter would complain about it when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
