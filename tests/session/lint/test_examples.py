"""Every rule has a file that triggers it, a near miss that does not, and a change that silences it; and the safe fixes are proved on the same files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paddock.model.settings import Scope
from paddock.session.lint.examples import EXAMPLES, Example
from paddock.session.lint.finding import Finding
from paddock.session.lint.mend import mend, write
from paddock.session.lint.reading import Question, lint
from paddock.session.lint.table import RULES
from paddock.settings.managed import Roots
from tests.settings.world import World

SCOPES = {Scope.PROJECT: "project", Scope.USER: "user", Scope.MANAGED: "managed"}
BY_ID = {rule.id: rule for rule in RULES}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def question(world: World) -> Question:
    environ = {**world.environ, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/bin:/bin"}
    return Question(str(world.project), environ, roots=Roots(str(world.system), "linux"))


def put(world: World, example: Example, content: object) -> Path:
    for name, text in example.present:
        (world.project / name).write_text(text)
    return world.write(SCOPES[example.scope], content)


def found(world: World, rule: str) -> list[Finding]:
    return [item for item in lint(question(world)) if item.id == rule]


def test_every_rule_has_an_example_and_says_why() -> None:
    assert list(EXAMPLES) == [rule.id for rule in RULES]
    assert all(rule.id == rule.id.lower() and " " not in rule.id for rule in RULES)
    assert all(rule.why.endswith(".") and rule.level in ("error", "warning", "info") for rule in RULES)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_it_is_found_at_its_place(world: World, rule: str) -> None:
    path = put(world, EXAMPLES[rule], EXAMPLES[rule].found)
    items = found(world, rule)
    assert items
    for item in items:
        assert item.level == BY_ID[rule].level
        assert item.reason
        assert item.remedy
        if EXAMPLES[rule].present:
            assert (item.file, item.line) == (str(world.project / EXAMPLES[rule].present[0][0]), 0)
            continue
        assert item.file == str(path)
        line = path.read_text().splitlines()[item.line - 1]
        assert line[item.column - 1 :].startswith(('"', "[", "t", "f", "5")), line


@pytest.mark.parametrize("rule", EXAMPLES)
def test_a_near_miss_is_not_found(world: World, rule: str) -> None:
    put(world, EXAMPLES[rule], EXAMPLES[rule].near)
    assert not found(world, rule)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_what_is_advised_silences_it(world: World, rule: str) -> None:
    put(world, EXAMPLES[rule], EXAMPLES[rule].silent)
    assert not found(world, rule)


@pytest.mark.parametrize("rule", [rule.id for rule in RULES if rule.fix])
def test_a_rule_with_a_fix_fixes_its_example(world: World, rule: str) -> None:
    path = put(world, EXAMPLES[rule], EXAMPLES[rule].found)
    before = json.loads(path.read_text())
    mended = mend(question(world))
    assert rule in [item.id for item in mended.fixed]
    assert json.loads(path.read_text()) == before, "nothing is written by finding out what would be"
    write(mended.changes)
    assert not found(world, rule)
    assert not mend(question(world)).changes


@pytest.mark.parametrize("rule", [rule.id for rule in RULES if not rule.fix])
def test_a_rule_without_a_fix_changes_nothing(world: World, rule: str) -> None:
    put(world, EXAMPLES[rule], EXAMPLES[rule].found)
    assert rule not in [item.id for item in mend(question(world)).fixed]
