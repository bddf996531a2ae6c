from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.errors import Problem, SettingsError
from paddock.settings.document import MAX_DEPTH, Document, Node, parse

SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def outcome(text: bytes | str) -> tuple[object, list[Problem]]:
    """The value, or the problems; any other exception ends the test."""
    try:
        return parse("f", text).root.plain(), []
    except SettingsError as error:
        return None, error.problems


@given(VALUES, st.booleans(), st.none() | st.integers(0, 3))
def test_reads_what_the_standard_library_wrote(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert parse("f", text.encode()).root.plain() == value


@given(st.text(alphabet='{}[]",:\\ \n\tu0123456789eE+-.truefalsn/*#') | st.text())
def test_accepts_nothing_that_the_standard_library_refuses(text: str) -> None:
    read, problems = outcome(text)
    assert read == json.loads(text) if not problems else all(problem.line >= 1 and problem.column >= 1 for problem in problems)


@given(st.binary())
def test_bytes_end_in_a_value_or_in_a_settings_error(data: bytes) -> None:
    document, problems = outcome(data)
    assert problems or json.loads(data) == document


@given(VALUES)
def test_every_place_is_the_place_of_the_value(value: object) -> None:
    document = parse("f", json.dumps({"outer": [value, {"k": value}]}, indent=1))
    lines = document.text.split("\n")

    def visit(node: Node) -> None:
        line, column = document.place(node.start)
        assert document.text[node.start] == lines[line - 1][column - 1]
        assert json.loads(document.text[node.start : node.end]) == node.plain()
        children = node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else ()
        for child in children:
            visit(child)

    visit(document.root)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "empty"),
        ("  \n ", 2, 2, "empty"),
        ("\n]", 2, 1, "a value"),
        ('{"a": 1,}', 1, 8, "comma"),
        ('{"a": [1,\n]}', 1, 9, "comma"),
        ('{"a": 1', 1, 8, "ends"),
        ('{\n // words\n "a": 1}', 2, 2, "no comments"),
        ('{"a": 1 /* x */}', 1, 9, "no comments"),
        ("{'a': 1}", 1, 2, "double quotes"),
        ('{"a": 1} {}', 1, 10, "after the end"),
        ('{"a": True}', 1, 7, "a value"),
        ('{"a": 01}', 1, 7, "zero"),
        ('{"a": .5}', 1, 7, "a value"),
        ('{"a": 1.}', 1, 9, "digit"),
        ('{"a": -}', 1, 8, "digit"),
        ('{"a": 1e}', 1, 9, "digit"),
        ('{"a": 1e999}', 1, 7, "too large"),
        ('{"a": ' + "9" * 100 + "}", 1, 7, "too long"),
        ('{"a": NaN}', 1, 7, "a value"),
        ('{"a": "x\ny"}', 1, 9, "control character"),
        ('{"a": "\\q"}', 1, 8, "escape"),
        ('{"a": "\\u12g4"}', 1, 8, "hexadecimal"),
        ('{"a": "\\ud800"}', 1, 8, "surrogate"),
        ('{"a": "\\udc00\\ud800"}', 1, 8, "surrogate"),
        ('{"a": "open}', 1, 7, "closing quote"),
        ('{"a": "open\\"}', 1, 7, "closing quote"),
        ('{"a" 1}', 1, 6, "':'"),
        ('{"a": 1 "b": 2}', 1, 9, "','"),
        ("[" * (MAX_DEPTH + 1), 1, MAX_DEPTH + 1, "inside each other"),
    ],
)
def test_each_error_says_where_and_what(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse("team.json", text)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == ("team.json", line, column)
    assert words in f"{problem.message} {problem.hint}"


def test_the_deepest_allowed_value_is_read() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse("f", text).root.plain() == json.loads(text)


def test_every_duplicate_name_is_told_with_the_line_of_the_first() -> None:
    with pytest.raises(SettingsError) as caught:
        parse("f", '{"a": 1,\n"b": {"c": 1, "c": 2},\n"a": 3}')
    assert [(p.line, p.column) for p in caught.value.problems] == [(2, 15), (3, 1)]
    assert "line 1" in caught.value.problems[1].message
    assert parse("f", '{"a": {"c": 1}, "b": {"c": 2}}').root.plain() == {"a": {"c": 1}, "b": {"c": 2}}


@pytest.mark.parametrize(
    ("data", "line", "column", "words"),
    [(b'\xef\xbb\xbf{"a": 1}', 1, 1, "byte order mark"), (b'{\n"\xc3\xa4": "\xff"}', 2, 7, "0xff"), (b'{"a": "\xed\xa0\x80"}', 1, 8, "0xed")],
)
def test_only_utf_8(data: bytes, line: int, column: int, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse("f", data)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (line, column)
    assert words in problem.message


def test_what_a_file_holds_does_not_act_on_a_terminal() -> None:
    with pytest.raises(SettingsError) as caught:
        parse("f", '{"\\u001b[2J": 1, "\\u001b[2J": 2}')
    assert caught.value.problems[0].message.isprintable()


def test_source_is_the_text_as_written() -> None:
    document = parse("f", '{"a": {"path":\n   "x",  "n": 1.50}}')
    members = document.root.value
    assert isinstance(members, dict)
    assert document.source(members["a"]) == '{"path": "x", "n": 1.50}'
    assert isinstance(document, Document)


def test_a_string_full_of_escapes_is_read_in_one_pass() -> None:
    text = '"' + '\\"\\\\\\u0041' * 100_000 + '"'
    assert parse("f", text).root.plain() == json.loads(text)


def test_places_are_right_in_any_order_of_asking() -> None:
    document = parse("f", "[1,\n2,\n\n3]")
    assert [document.place(at) for at in (9, 1, 4, 8, 0, 5)] == [(4, 2), (1, 2), (2, 1), (4, 1), (1, 1), (2, 2)]
