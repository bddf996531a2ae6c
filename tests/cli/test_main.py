"""The front door: verbs, help, errors and exit codes."""

from __future__ import annotations

import sys
import types

import pytest

from paddock import __version__
from paddock.cli.main import VERBS, main
from paddock.errors import CommandNotFoundError


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"paddock {__version__}\n"


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {verb} " in out for verb in VERBS)


def test_no_words_is_a_usage_error_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 125
    said = capsys.readouterr()
    assert "usage:" in said.err
    assert said.out == ""


def test_an_unknown_verb_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rnu"]) == 125
    assert "did you mean `paddock run`?" in capsys.readouterr().err


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_a_help_page(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main([verb, "--help"])
    except SystemExit as left:  # argparse leaves by itself
        code = int(left.code or 0)
    assert code == 0
    assert "usage:" in capsys.readouterr().out


def _verb(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    module = types.ModuleType("broken_verb")

    def fail(words: list[str], out: object) -> int:
        raise error

    module.main = fail  # type: ignore[attr-defined]  # modules take attributes
    monkeypatch.setitem(sys.modules, "broken_verb", module)
    monkeypatch.setitem(VERBS, "broken", ("broken_verb", "fails"))


def test_an_error_brings_its_own_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _verb(monkeypatch, CommandNotFoundError("x: command not found", hint="look again"))
    assert main(["broken"]) == 127
    said = capsys.readouterr().err
    assert "paddock: x: command not found" in said
    assert "look again" in said


def test_a_defect_ends_with_125_and_shows_where(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _verb(monkeypatch, RuntimeError("unforeseen"))
    assert main(["broken"]) == 125
    said = capsys.readouterr().err
    assert "RuntimeError: unforeseen" in said
    assert "please report" in said
