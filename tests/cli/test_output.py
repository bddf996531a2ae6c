from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys

import pytest

from paddock.cli.output import Output
from paddock.errors import LaunchError, PaddockError, PolicyError, Problem, SettingsError, UnsupportedError, UsageError


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    return stream


def outputs(environ: dict[str, str] | None = None) -> tuple[Output, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Output(out, err, environ=environ or {}), out, err


def test_table_is_aligned_and_escaped() -> None:
    output, out, _ = outputs()
    output.table([("read", "~/x\x1b[2J"), ("connect", "日本.test")], ("act", "subject"))
    assert out.getvalue() == "  act      subject\n  read     ~/x\\x1b[2J\n  connect  日本.test\n"


def test_table_counts_columns_not_characters() -> None:
    output, out, _ = outputs()
    output.table([("日本", "a"), ("abcd", "b"), ("e\u0301", "c")])
    assert out.getvalue() == "  日本  a\n  abcd  b\n  e\u0301     c\n"


def test_error_with_hint() -> None:
    output, out, err = outputs()
    output.error(UsageError("unknown verb 'rum\x1b'", hint="did you mean `paddock run`?"))
    assert (out.getvalue(), err.getvalue()) == ("", "paddock: unknown verb 'rum\\x1b'\n  hint: did you mean `paddock run`?\n")


def test_every_problem_of_the_settings_has_its_place() -> None:
    output, _, err = outputs()
    output.error(SettingsError([Problem("a.json", 3, 7, "unknown key", "did you mean x?"), Problem("b.json", 0, 0, "cannot be read")]))
    assert err.getvalue() == "paddock: a.json:3:7: unknown key\npaddock: b.json: cannot be read\n  hint: a.json:3:7: did you mean x?\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UnsupportedError("no fence", cause="sysctl says no"), "  cause: sysctl says no"),
        (LaunchError("step failed", step="mount", hint="try this"), "  hint: try this"),
    ],
)
def test_error_says_why(error: PaddockError, line: str) -> None:
    output, _, err = outputs()
    output.error(error)
    assert line in err.getvalue().splitlines()


def test_note_and_warning() -> None:
    output, out, err = outputs()
    output.note("one\ntwo")
    output.warn("careful")
    assert (out.getvalue(), err.getvalue()) == ("", "paddock: one\\x0atwo\npaddock: warning: careful\n")


def test_json_is_one_document_in_ascii() -> None:
    output, out, _ = outputs()
    output.json({"name": "é\udcff"})
    assert out.getvalue().isascii()
    assert json.loads(out.getvalue()) == {"name": "é\udcff"}


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": ""}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, False)],
)
def test_colour_only_on_terminals_that_want_it(terminal: io.StringIO, environ: dict[str, str], *, coloured: bool) -> None:
    output = Output(io.StringIO(), terminal, environ=environ)
    assert (output.paint("bad", "x") == "\x1b[31mx\x1b[0m") is coloured
    assert output.paint("bad", "x", err=False) == "x"


def test_width_of_the_terminal(terminal: io.StringIO) -> None:
    assert Output(io.StringIO(), io.StringIO(), environ={"COLUMNS": "77"}).columns is None
    assert Output(io.StringIO(), terminal, environ={"COLUMNS": "77"}).columns == 77
    main, side = pty.openpty()
    try:
        os.set_blocking(main, False)
        with open(side, "w", closefd=False) as stream:
            import fcntl
            import struct
            import termios

            fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 91, 0, 0))
            assert Output(None, stream, environ={}).columns == 91
    finally:
        os.close(main)
        os.close(side)


def test_a_character_that_the_encoding_lacks_is_shown_by_its_number() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Output(stream, None).text("\N{MULTIPLICATION SIGN}3\n")
    assert raw.getvalue() == b"\\xd73\n"


def test_without_streams_nothing_happens() -> None:
    output = Output(None, None, environ={})
    output.text("x")
    output.error(UsageError("y"))
    assert output.columns is None


PRINTER = """
import sys
from paddock.cli.output import Output
out = Output(sys.stdout, sys.stderr)
sys.stdin.readline()
for n in range(1000):
    out.line("x" * 1000)
out.note("still here")
"""


def test_a_reader_that_went_away_is_no_error() -> None:
    child = subprocess.Popen([sys.executable, "-c", PRINTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.close()
    child.stdout = None
    _, err = child.communicate("go\n", timeout=60)
    assert (child.returncode, err) == (0, "paddock: still here\n")


def test_a_line_break_in_a_message_makes_no_second_line() -> None:
    err = io.StringIO()
    Output(None, err).error(PolicyError("/srv/a\npaddock: all is well\u2028x: cannot be shown"))
    assert err.getvalue() == "paddock: /srv/a\\x0apaddock: all is well\\u2028x: cannot be shown\n"
