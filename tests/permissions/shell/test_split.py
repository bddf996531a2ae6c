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
        ("echo $((1 + $(a)))", ["echo $((1 + $(a)))", "a", "$((1 + $(a)))"]),
        ("for ((i=$(a);i<1;i++)); do b; done", ["i=$(a)", "a", "b", "((i=$(a);i<1;i++))"]),
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


@pytest.mark.parametrize(
    ("command", "safe"),
    [
        ("for y in 'a[$(x)]'; do echo $((y)); done", "for y in 1; do echo $((z)); done"),
        ("for y in 'a[$(x)]'; do [[ $y -eq 1 ]]; done", "[[ $y -eq 1 ]]"),
        ("[[ -v 'a[$(x)]' ]]", "[[ -v a ]]"),
        ("LANG='a[$(x)]'; echo $((LANG))", "LANG=5; echo $((LANG))"),
        ("echo ${y:='a[$(x)]'} $((y))", "echo ${y:-b} $((y))"),
        ("echo ${y@P}", "echo ${y@Q}"),
        ("echo ${!y}", "echo ${!y*}"),
        ("for y in a; do echo ${z[y]}; done", "echo ${z[1]} ${z[@]} ${#z[@]}"),
        ("for y in a; do echo ${z:y:1}; done", "echo ${z:1:2}"),
        ("echo $((PATH=5))", "echo $((i=5))"),
        ("echo $((PATH++))", "echo $((i++ + 1))"),
        ("f() { echo $(($1)); }", "f() { echo $(($#)); }"),
        ("read y; echo $((y))", "read y; echo $((z))"),
        ("for ((PATH=1;1;)); do b; done", "for ((i=0;i<9;i++)); do b; done"),
        ("echo $[a[$(x)]]", "echo $[a+1]"),
    ],
)
def test_text_that_becomes_code_is_a_command_that_cannot_be_told(command: str, safe: str) -> None:
    def unknown(line: str) -> list[str]:
        return [found.text for found in split(line).commands if found.words and found.words[0].value is None]

    assert unknown(command)
    assert not unknown(safe)


@pytest.mark.parametrize(("command", "name"), [("for PATH in a; do b; done", "PATH"), ("select IFS in a; do b; done", "IFS"), ("echo ${PATH:=a}", "PATH")])
def test_variables_are_set_by_more_than_assignments(command: str, name: str) -> None:
    assert [found for line in split(command).commands for found, _ in line.assignments] == [name]
    assert not [found for line in split(command.replace(name, "x")).commands for found, _ in line.assignments]


@pytest.mark.parametrize(
    ("command", "safe"),
    [
        ('a "${x:-`b`}"', 'a "${x:-b}"'),
        ("a <<E\n`b` ${c}\nE", "a <<'E'\n`b` ${c}\nE"),
        ("a `echo \\$(b)`", "a '`echo \\$(b)`'"),
        ("a <<E\n\\\\`b`\n${c}\nE", "a <<E\nb\n${c}\nE"),
    ],
)
def test_what_the_grammar_does_not_see_is_a_problem(command: str, safe: str) -> None:
    assert split(command).problem
    assert not split(safe).problem


def test_half_a_character_is_a_problem() -> None:
    assert split("a \ud800").problem
    assert not split("a \u00e9").problem


def test_guesses_are_made_for_the_whole_of_a_long_line() -> None:
    assert "rm x" in [guess.text for guess in split("#" * 15_000 + "\nrm x").guesses]


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
