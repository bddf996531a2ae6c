"""Single entries changed in the text of a file: what is meant changes as asked, and nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paddock.errors import SettingsError
from paddock.settings.document import Document, Node, parse
from paddock.settings.rewrite import Action, rewrite

REMOVE = Action("remove")


def place(text: str, what: str) -> tuple[int, int]:
    return parse("f", text).place(text.index(what))


@pytest.mark.parametrize(
    ("text", "removed", "left"),
    [
        ('{"a": ["x"]}', ["x"], '{"a": []}'),
        ('{"a": [\n  "x",\n  "y"\n]}', ["x"], '{"a": [\n  "y"\n]}'),
        ('{"a": [\n  "x",\n  "y"\n]}', ["y"], '{"a": [\n  "x"\n]}'),
        ('{"a": ["x" , "y","z"]}', ["y"], '{"a": ["x" , "z"]}'),
        ('{"a": ["x", "y","z"]}', ["y", "z"], '{"a": ["x"]}'),
        ('{"a": ["x", "y","z"]}', ["x", "y"], '{"a": ["z"]}'),
        ('{"a": [\n"x",\n"y"\n]}', ["x", "y"], '{"a": []}'),
        ('{"a": ["x", "y", "z", "w"]}', ["x", "z"], '{"a": ["y", "w"]}'),
        ('{\r\n\t"a": ["x"],\r\n\t"b": true\r\n}\r\n', ["b"], '{\r\n\t"a": ["x"]\r\n}\r\n'),
        ('{"b": true, "a": 1}', ["b"], '{"a": 1}'),
        ('{"b": true}', ["b"], "{}"),
    ],
)
def test_removing(text: str, removed: list[str], left: str) -> None:
    assert rewrite(parse("f", text), {place(text, f'"{name}"'): REMOVE for name in removed}) == left


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('["x"]', '["x", "n"]'),
        ('["x", "y"]', '["x", "n", "y"]'),
        ('["y","x"]', '["y","x","n"]'.replace(',"n"', ', "n"')),
        ('[\n  "x"\n]', '[\n  "x",\n  "n"\n]'),
        ('[\n  "y",\n  "x"\n]', '[\n  "y",\n  "x",\n  "n"\n]'),
        ('[\n  "x",\n  "y"\n]', '[\n  "x",\n  "n",\n  "y"\n]'),
    ],
)
def test_a_neighbour_is_written_the_way_the_list_is(text: str, after: str) -> None:
    assert rewrite(parse("f", text), {place(text, '"x"'): Action("beside", "n")}) == after


def test_replacing_writes_a_string_and_keeps_every_other_byte() -> None:
    text = '{ "é" : [ "\\u0041" ,\t"x" ] }\n\n'
    assert rewrite(parse("f", text), {place(text, '"x"'): Action("replace", 'q"\\ü')}) == '{ "é" : [ "\\u0041" ,\t"q\\"\\\\ü" ] }\n\n'


def test_a_scalar_is_found_by_its_value_and_a_member_by_its_name() -> None:
    text = '{"mode": "a", "b": 1}'
    assert rewrite(parse("f", text), {place(text, '"a"'): Action("replace", "c")}) == '{"mode": "c", "b": 1}'
    assert rewrite(parse("f", text), {place(text, '"a"'): REMOVE}) == '{"b": 1}'
    assert rewrite(parse("f", text), {place(text, '"mode"'): REMOVE}) == '{"b": 1}'


@pytest.mark.parametrize("where", [(1, 1), (9, 1), (0, 0), (1, 400)])
def test_a_place_without_an_entry_is_refused(where: tuple[int, int]) -> None:
    with pytest.raises(SettingsError, match="no entry begins"):
        rewrite(parse("f", '{"a": ["x"]}'), {where: REMOVE})


SPACE = st.text(" \t\n\r", max_size=3)
WORDS = st.text('ab,:[]{}\\"é\u2028', max_size=5)


@st.composite
def documents(draw: st.DrawFn, depth: int = 3) -> str:
    """JSON text with every kind of spacing."""
    space = draw(SPACE)
    if depth == 0 or draw(st.booleans()):
        return space + json.dumps(draw(WORDS), ensure_ascii=draw(st.booleans())) + draw(SPACE)
    members = draw(st.lists(documents(depth - 1), max_size=4))
    if draw(st.booleans()):
        return f"{space}[{','.join(members) or draw(SPACE)}]{draw(SPACE)}"
    named = [f"{draw(SPACE)}{json.dumps(f'k{at}')}{draw(SPACE)}:{member}" for at, member in enumerate(members)]
    return f"{space}{{{','.join(named) or draw(SPACE)}}}{draw(SPACE)}"


def strings(node: Node) -> Iterator[Node]:
    """Strings that stand in a list."""
    members = node.value if isinstance(node.value, list) else list(node.value.values()) if isinstance(node.value, dict) else []
    for member in members:
        if isinstance(node.value, list) and isinstance(member.value, str):
            yield member
        yield from strings(member)


def expected(node: Node, actions: dict[int, Action]) -> object:
    if isinstance(node.value, dict):
        return {name: expected(member, actions) for name, member in node.value.items()}
    if not isinstance(node.value, list):
        return node.value
    out: list[object] = []
    for member in node.value:
        action = actions.get(member.start)
        out += [expected(member, actions)] if action is None or action.kind == "beside" else []
        out += [action.text] if action is not None and action.kind != "remove" else []
    return out


@settings(max_examples=200)
@given(documents(), st.data())
def test_what_is_meant_changes_as_asked_and_the_rest_stays(text: str, data: st.DataObject) -> None:
    document = parse("f", text)
    found = list(strings(document.root))
    chosen = {node.start: data.draw(st.sampled_from([REMOVE, Action("replace", "R"), Action("beside", "B"), None])) for node in found}
    actions = {start: action for start, action in chosen.items() if action is not None}
    after = rewrite(document, {Document("f", text).place(start): action for start, action in actions.items()})
    assert json.loads(after) == expected(document.root, actions)
    if not actions:
        assert after == text
    elif all(action.kind == "replace" for action in actions.values()):
        assert remainder(after) == remainder(text)


def remainder(text: str) -> str:
    """Everything outside of strings."""
    out, inside, escaped = [], False, False
    for char in text:
        if not inside:
            out.append(char)
            inside = char == '"'
        elif escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            inside = False
    return "".join(out)
