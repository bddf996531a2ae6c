"""The vectors' runner: that it runs what a run runs, and that it can fail."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

import pytest

from scripts.vectors import KINDS, LATER, Outcome, main, matches

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "paddock"
OWN = Path(__file__).with_name("vectors.json")
VECTORS = json.loads(OWN.read_text())


def test_our_own_vectors_pass_and_cover_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert {vector["kind"] for vector in VECTORS} >= set(KINDS)
    assert main([str(OWN)]) == 0
    assert capsys.readouterr().out.splitlines() == ["skipped 1 of kind telemetry_event: telemetry", f"{len(VECTORS) - 1} passed, 0 failed"]
    assert not set(KINDS) & set(LATER)


def test_a_failure_is_named_with_both_values_and_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [{**VECTORS[0], "id": "turned", "expected": {"model": "u"}}, VECTORS[0]]
    (tmp_path / "v.json").write_text(json.dumps(wrong))
    assert main([str(tmp_path / "v.json")]) == 1
    assert capsys.readouterr().out == 'turned: expected {"model": "u"}, got {"model": "l"}\n1 passed, 1 failed\n'


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["kind"] in KINDS], ids=lambda vector: vector["id"])
def test_every_vector_can_fail(vector: dict[str, object]) -> None:
    outcome = Outcome()
    outcome.run([{**vector, "expected": {"no such": "outcome"}}])
    assert [name for name, _, _ in outcome.failed] == [vector["id"]]


def test_what_a_function_raises_is_a_failure_and_not_the_end() -> None:
    outcome = Outcome()
    outcome.run([{"id": "broken", "kind": "merge", "expected": {}}, VECTORS[0]])
    assert outcome.passed == 1
    assert outcome.failed[0][2] == "KeyError: 'layers'"
    outcome.run([{"id": "name", "kind": "merge", "layers": {}, "expected": {"misspelt": 1}}])
    assert outcome.failed[1][2] == {"misspelt": "misspelt is no key and no question"}


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"b": 2}, False),
        ({}, {"a": 1}, False),
        ({}, {}, True),
        ({"set": [1, 2]}, [2, 1], True),
        ({"set": [1, 2]}, [2, 1, 1], True),
        ({"set": [1, 2], "length": 2}, [2, 1, 1], False),
        ({"set": [{"a": 1}]}, [{"a": 1}], True),
        ({"set": [1]}, [1, 2], False),
        ([1, 2], [2, 1], False),
        (True, 1, False),
        (None, None, True),
        ({"a": {"b": None}}, {"a": {"b": None, "c": 1}}, True),
    ],
)
def test_the_comparison_of_the_format(expected: object, actual: object, same: bool) -> None:
    assert matches(expected, actual) is same


def test_wrong_use_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main([str(tmp_path / "missing.json")]) == 2
    (tmp_path / "text").write_text("{")
    assert main([str(tmp_path / "text")]) == 2
    assert capsys.readouterr().out == ""


def test_it_runs_as_a_script() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts/vectors.py", OWN], capture_output=True, text=True, check=False, timeout=120, cwd="/")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"{len(VECTORS) - 1} passed, 0 failed"), done.stderr


# -- no code of its own


def functions_of(trees: Iterable[ast.Module]) -> tuple[dict[str, set[str]], set[str]]:
    """The names that each function mentions, by function name, and the names that are mentioned outside of functions."""
    inside: dict[str, set[str]] = {}
    outside: set[str] = set()

    def names(node: ast.AST) -> set[str]:
        found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        return found | {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inside.setdefault(child.name, set()).update(*(names(part) for part in child.body))
                outside.update(*(names(part) for part in child.decorator_list))
            elif isinstance(child, ast.ClassDef):
                visit(child)
            else:
                outside.update(names(child))

    for tree in trees:
        visit(tree)
    return inside, outside


def reachable(trees: Iterable[ast.Module], start: str) -> set[str]:
    """Every function name that can be reached from one function, by name: coarse, but what nobody mentions is never in it."""
    inside, outside = functions_of(trees)
    found: set[str] = set()
    # Nobody mentions __init__ and its like by name: whoever makes an object runs them.
    pending = {start, *outside, *(name for name in inside if name.startswith("__"))}
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending |= inside.get(name, set()) - found
    return found


def executed() -> set[tuple[str, str]]:
    """(file, function) of the package for everything that the runner runs."""
    seen: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            seen.add((frame.f_code.co_filename, frame.f_code.co_name))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        Outcome().run(VECTORS)
    finally:
        sys.setprofile(before)
    return seen


AHEAD = {"permissions/hooks.py", "permissions/hosts.py", "permissions/servers.py"}
"""Parts of the rule engine that the adapters of agents will ask and do not ask yet."""


def test_the_finder_knows_what_nobody_calls() -> None:
    tree = ast.parse("X = used_at_load\ndef main(): one()\ndef one(): two.three()\ndef three(): pass\ndef lonely(): alone()\ndef alone(): pass\n")
    assert reachable([tree], "main") >= {"main", "one", "three", "used_at_load"}
    assert not reachable([tree], "main") & {"lonely", "alone"}


def test_everything_that_vectors_run_is_reached_by_the_command_line() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]
    known = reachable(trees, "main")
    ran = {(file, name) for file, name in executed() if not name.startswith(("<", "__"))}
    assert {"settle", "judge_path", "select", "lay_out", "start", "switches", "parse_pattern", "judge", "envelope"} <= {name for _, name in ran}
    unused = sorted((str(Path(file).relative_to(PACKAGE)), name) for file, name in ran if name not in known)
    only = [f"{file}: {name}" for file, name in unused if file not in AHEAD]
    assert not only, "run by test vectors and by nothing else"


def test_without_its_caller_a_function_is_found_out() -> None:
    """The twin: with the one line away that calls it, ``judge_path`` would be code that only vectors use."""
    text = (PACKAGE / "permissions/rule.py").read_text(encoding="utf-8")
    assert text.count("judge_path(") == 1
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py") if path.name != "rule.py"]
    assert "judge_path" in reachable([*trees, ast.parse(text)], "main")
    assert "judge_path" not in reachable([*trees, ast.parse(text.replace("judge_path(", "nothing("))], "main")
