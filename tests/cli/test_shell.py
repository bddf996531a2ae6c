"""``paddock shell``: a shell inside, on a terminal and without one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from paddock.cli.shell import MARK, SHELLS, marked, own_shell
from tests.session.terminals import Desk, desk

__all__ = ["desk"]

OPTIONS = ("--setting-sources", "cli")


def test_a_shell_with_a_mark_in_its_prompt(desk: Desk) -> None:
    with desk.screen([desk.paddock, "shell", *OPTIONS], SHELL="/bin/bash") as screen:
        screen.expect("a shell inside the fence: /bin/bash")
        screen.expect(r"\(paddock\) ")
        screen.send("echo $PADDOCK $0\r")
        screen.expect("1 /bin/bash\r\n.*\\(paddock\\) ")
        screen.send("touch here ../there; ls\r")
        screen.expect("there.*Read-only file system.*here")
        screen.send("exit 7\r")
        assert screen.end() == 7
    assert (desk.project / "here").exists()


def test_a_prompt_of_a_start_up_file_is_marked_too(desk: Desk) -> None:
    (Path(os.environ["HOME"]) / ".bashrc").write_text("PS1='my own> '\nPROMPT_COMMAND=\"${PROMPT_COMMAND:+$PROMPT_COMMAND;}echo before\"\n")
    with desk.screen([desk.paddock, "shell", *OPTIONS], SHELL="/bin/bash") as screen:
        screen.expect(r"before\r\n[^\n]*\(paddock\) my own> ")
        screen.send("bash\r")
        screen.expect(r"before\r\n[^\n]*\(paddock\) my own> ")
        screen.send("exit\r")
        screen.expect(r"before\r\n[^\n]*\(paddock\) my own> ")
        screen.send("exit\r")
        assert screen.end() == 0


def test_another_shell(desk: Desk) -> None:
    with desk.screen([desk.paddock, "shell", *OPTIONS, "--quiet", "--", "sh", "-i"]) as screen:
        screen.expect(r"\(paddock\) [$#] ")
        assert b"inside the fence" not in screen.shown
        screen.send("exit 3\r")
        assert screen.end() == 3


def test_without_a_terminal_it_reads_its_standard_input(desk: Desk) -> None:
    argv = [desk.paddock, "shell", *OPTIONS, "--quiet"]
    ran = subprocess.run(argv, cwd=desk.project, input="echo $PADDOCK; exit 5\n", capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (5, "1\n", "")


def test_a_shell_that_is_not_there(desk: Desk) -> None:
    argv = [desk.paddock, "shell", *OPTIONS, "--quiet", "--", "no-such-shell"]
    assert subprocess.run(argv, cwd=desk.project, capture_output=True, check=False).returncode == 127


@pytest.mark.parametrize(
    ("value", "shell"),
    [("/bin/sh", "/bin/sh"), ("", SHELLS[0]), ("sh", SHELLS[0]), ("/no/such/shell", SHELLS[0]), ("../sh", SHELLS[0])],
)
def test_which_shell(value: str, shell: str) -> None:
    assert own_shell({"SHELL": value} if value else {}) == shell


def test_the_mark_changes_nothing_else() -> None:
    before = {"A": "b", "PROMPT_COMMAND": "history -a"}
    assert {**marked(before, "/bin/bash"), "PROMPT_COMMAND": "history -a"} == before
    assert marked(before, "/usr/bin/bash")["PROMPT_COMMAND"].startswith("history -a\n")
    assert {**before, "PS1": marked(before, "zsh")["PS1"]} == marked(before, "zsh")
    assert marked({}, "zsh")["PS1"].startswith(MARK)
