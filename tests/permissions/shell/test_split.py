"""What a line consists of. The danger is always the same: a command that the shell runs and that is not in the list."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.permissions.shell.joining import LONGEST, join_continuations
from paddock.permissions.shell.split import split
from tests.conftest import must


def texts(command: str) -> list[str]:
    return [found.text for found in split(command).simple]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("a && b || c; d | e |& f & g", ["a", "b", "c", "d", "e", "f", "g"]),
        ("a\nb", ["a", "b"]),
        ("{ a; b; }", ["a", "b"]),
        ("(a; (b))", ["a", "b"]),
        ("for i in 1 2; do a $i; done", ["a $i"]),
        ("while a; do b; done", ["a", "b"]),
        ("if a; then b; elif c; then d; else e; fi", ["a", "b", "c", "d", "e"]),
        ("case $x in y) a;; *) b;; esac", ["a", "b"]),
        ("f() { a; }; f", ["a", "f"]),
        ("function g { a; }", ["a"]),
        ("! a", ["a"]),
        ("echo $(a | b)", ["echo $(a | b)", "a", "b"]),
        ("echo `a`", ["echo `a`", "a"]),
        ('echo "x $(a "$(b)")"', ['echo "x $(a "$(b)")"', 'a "$(b)"', "b"]),
        ("diff <(a) >(b)", ["diff <(a) >(b)", "a", "b"]),
        ("a <(b <(c))", ["a <(b <(c))", "b <(c)", "c"]),
        ("X=$(a)", ["X=$(a)", "a"]),
        ("X=1 Y=2", ["X=1 Y=2"]),
        ("a=(1 $(b))", ["a=(1 $(b))", "b"]),
        ("export A=$(b)", ["export A=$(b)", "b"]),
        ("[[ -f $(a) ]] && b", ["[[ -f $(a) ]]", "a", "b"]),
        ("echo ${x:-$(a)}", ["echo ${x:-$(a)}", "a"]),
        ("echo $((1 + $(a)))", ["echo $((1 + $(a)))", "a"]),
        ("for ((i=$(a);i<1;i++)); do b; done", ["i=$(a)", "a", "b"]),
        ("a <<< $(b)", ["a <<< $(b)", "b"]),
        ("cat < $(a)", ["cat < $(a)", "a"]),
        ("cat <<E\n$(a)\nE", ["cat <<E\n$(a)\nE", "a"]),
        ("cat <<'E'\n$(a)\nE\nb", ["cat <<'E'\n$(a)\nE", "b"]),
        ("echo 'a; b'", ["echo 'a; b'"]),
        ('echo "a && b"', ['echo "a && b"']),
        ("echo a\\;b", ["echo a\\;b"]),
        ("a 2>&1", ["a 2>&1"]),
        ("a &> f", ["a &> f"]),
        ("a # b", ["a"]),
        ("ec\\\nho hi", ["echo hi"]),
        ("ls # \\\nb", ["ls", "b"]),
        ("echo 'x\\\ny'", ["echo 'x\\\ny'"]),
    ],
)
def test_every_command_is_found(command: str, expected: list[str]) -> None:
    line = split(command)
    assert [found.text for found in line.simple] == expected
    assert line.problem == ""


@pytest.mark.parametrize("command", ["cat <<E && rm x\nhi\nE", "cat <<E | rm x\nhi\nE"])
def test_what_stands_behind_the_mark_of_a_here_document_is_a_command(command: str) -> None:
    assert "rm x" in texts(command)


def test_a_line_that_is_not_understood_still_gives_deny_rules_something() -> None:
    line = split("cat <<E; rm x\nhi\nE")
    assert line.problem
    assert "rm x" in [guess.text for guess in line.guesses]
    assert split("cat; rm x").guesses == ()


def test_redirections_of_groups_are_kept() -> None:
    assert [(r.operator, r.target.value) for c in split("{ a; } > f").commands for r in c.redirects if r.target] == [(">", "f")]
    assert [(r.operator, r.target.value) for c in split("f() { a; } > g").commands for r in c.redirects if r.target] == [(">", "g")]


@pytest.mark.parametrize(
    "command",
    [
        'echo "open',
        "echo 'open",
        "a && ",
        "if a; then b",
        "exec 3<>f",
        "coproc X { a; }",
        "a\0b",
        "a\rb",
        "a\u00a0b",
        "a\u202eb",
        "a\u200bb",
        "x" * (LONGEST + 1),
        "a <<E \\\n b\nE",
        "$(" * 300 + ")" * 300,
    ],
)
def test_what_is_not_understood_is_a_problem(command: str) -> None:
    assert split(command).problem


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("rm", "rm"),
        ('"rm"', "rm"),
        ("'rm'", "rm"),
        ("r\\m", "rm"),
        ("r'm'", "rm"),
        ('"r"m', "rm"),
        ("$'rm'", "rm"),
        ("$'r\\x6d'", None),
        ("$x", None),
        ("r$x", None),
        ('"$(a)"', None),
        ("{rm,x}", None),
        ("a{1..3}", None),
        ('"\\$x"', "$x"),
        ('"a\\b"', "a\\b"),
    ],
)
def test_the_value_of_a_word(word: str, value: str | None) -> None:
    assert split(f"echo {word}").commands[0].words[1].value == value


@pytest.mark.parametrize(
    ("word", "glob", "tilde"), [("*.c", True, False), ("'*.c'", False, False), ("a\\*", False, False), ("~/x", False, True), ("'~'", False, False)]
)
def test_marks_of_a_word(word: str, *, glob: bool, tilde: bool) -> None:
    found = split(f"ls {word}").commands[0].words[1]
    assert (found.glob, found.tilde) == (glob, tilde)


def test_parts_of_the_chain_are_told_from_what_lies_deeper() -> None:
    assert [(c.text, c.top, c.inside) for c in split("a && for x in 1; do b; done; echo $(c)").commands] == [
        ("a", True, False),
        ("b", False, False),
        ("echo $(c)", True, False),
        ("c", False, True),
    ]


@given(st.text(alphabet="ab \n\\'\"$(){}<>|&;#`=!*~[]-", max_size=40))
def test_any_text_is_split_without_an_error(text: str) -> None:
    split(text)


SHELL_TEXT = st.text(alphabet="ab \n\\'\"#;", max_size=30)


@given(SHELL_TEXT)
def test_joining_keeps_what_the_shell_sees(text: str) -> None:
    """Bash itself is the judge: the words that it makes of both texts are the same."""
    bash = shutil.which("bash")
    must(bash, "needs bash")
    joined, problem = join_continuations(text)
    if problem or text == joined:
        return
    show = "printf '%s\\0' "
    before, after = (
        subprocess.run([str(bash), "-c", show + part], capture_output=True, check=False, timeout=10, env={"PATH": ""}).stdout for part in (text, joined)
    )
    assert before == after
