"""Configuration files of git, read without git; git itself is the oracle."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.planner.gitconfig import parse, settings_of
from paddock.planner.view import View
from tests.conftest import must
from tests.planner.fakes import HOME, tree

SAMPLES = [
    "[core]\n\thooksPath = a b\n",
    '[core]\n\thooksPath = "a # b" # c\n',
    "[Core]\nHooksPath=x;y\n",
    "[core] hooksPath = one\n",
    "[core]\n\thooksPath = a\\\n  b\n",
    '[core]\n\thooksPath = "a\\tb\\\\c\\"d"\n',
    "[core]\n\thooksPath\n",
    "# c\n; d\n\n[core]\n\thooksPath =   spaced   \n",
    '[url "https://m.example/"]\n\tinsteadOf = https://o.example/\n',
    "[a.b]\n\tc = d\n",
    '[a "x \\"y\\" z"]\n\tc = d\n',
    "[core]\r\n\thooksPath = crlf\r\n",
    '[core]\n\thooksPath = one "two  three" four\n',
]


def with_git(path: Path, text: str) -> list[tuple[str, str | None]] | None:
    """``(key, value)`` as git lists them, None when git refuses the file."""
    path.write_bytes(text.encode())
    done = subprocess.run(["git", "config", "--file", str(path), "--no-includes", "--null", "--list"], capture_output=True, check=False)
    if done.returncode:
        return None
    out: list[tuple[str, str | None]] = []
    for item in done.stdout.decode().split("\0")[:-1]:
        key, found, value = item.partition("\n")
        out.append((key, value if found else None))
    return out


def ours(text: str) -> list[tuple[str, str | None]]:
    return [(".".join(filter(None, (s.section, s.subsection, s.key))), s.value) for s in parse(text)]


@pytest.mark.parametrize("text", SAMPLES)
def test_reads_what_git_reads(tmp_path: Path, text: str) -> None:
    must(shutil.which("git"), "git is not installed")
    assert ours(text) == with_git(tmp_path / "config", text)


@given(st.text('[]core.a="\\ \t\n#;x', max_size=40))
def test_never_misses_a_setting_that_git_accepts(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    must(shutil.which("git"), "git is not installed")
    theirs = with_git(tmp_path_factory.mktemp("git") / "config", f"[core]\n\thooksPath = x\n{text}")
    if theirs is not None:
        assert spaced(ours(f"[core]\n\thooksPath = x\n{text}")) == spaced(theirs)


def spaced(settings: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """Tabs inside a value without quotes became spaces until git 2.45 and are kept since."""
    return [(key, value and value.replace("\t", " ")) for key, value in settings]


def test_lines_are_counted() -> None:
    assert [s.line for s in parse("[a]\n\n\tb = 1\n\tc = 2\\\n3\n\td = 4\n")] == [3, 4, 6]


def test_includes_are_followed_and_loops_end() -> None:
    files = tree({"/srv/a": "[include]\npath = b\n[x]\na=1", "/srv/b": "[include]\npath = /srv/a\n[x]\nb=2", f"{HOME}/c": "[x]\nc=3"})
    files.add("/srv/b", "[include]\npath = /srv/a\npath = ~/c\n[x]\nb=2")
    found = [(file, s.key) for file, s in settings_of(View(files), "/srv/a", HOME) if s.section == "x"]
    assert found == [(f"{HOME}/c", "c"), ("/srv/b", "b"), ("/srv/a", "a")]
