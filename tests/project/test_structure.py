"""The rooms keep their walls: who imports whom, no cycles, and files and functions that fit on a few screens."""

from __future__ import annotations

import ast
import sys

import pytest

from tests.project.source import PACKAGE, Module, modules

MODULES = modules()
NAMES = {module.name for module in MODULES}

# room -> rooms it may import, besides itself. The package door and the error tree are open to all.
MAY_IMPORT = {
    "": set[str](),
    "errors": set(),
    "model": {"errors"},
    "permissions": {"model", "errors"},
    "settings": {"model", "errors"},
    "host": {"model", "errors"},
    "planner": {"settings", "permissions", "host", "model", "errors"},
    "fence": {"model", "errors"},
    "network": {"model", "errors"},
    "credentials": {"model", "errors"},
    "events": {"model", "errors"},
    "session": {"planner", "settings", "permissions", "host", "fence", "network", "credentials", "events", "model", "errors"},
    "library": {"session", "model", "errors"},
    "agents": {"session", "model", "errors"},
    "cli": {"agents", "session", "model", "errors"},
}
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60


def room_of(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and (f"paddock.{parts[1]}" in NAMES) else ""


def own_imports(module: Module, *, at_load: bool = False) -> set[str]:
    """The modules of the package that this one imports, as far as they exist."""
    names = module.imports_at_load() if at_load else module.imports()
    return {name for name in names if name in NAMES} - {module.name}


def ids(module: Module) -> str:
    return module.name


def test_there_is_a_package_to_look_at() -> None:
    assert {"paddock", "paddock.errors", "paddock.cli.main"} <= NAMES


@pytest.mark.parametrize("module", MODULES, ids=ids)
def test_a_room_imports_only_what_it_may(module: Module) -> None:
    assert module.room in MAY_IMPORT, f"{module.name}: an unknown room; add it to the table and to the architecture page"
    allowed = MAY_IMPORT[module.room] | {module.room, ""}
    wrong = {name for name in own_imports(module) if room_of(name) not in allowed}
    assert not wrong, f"{module.name} imports {sorted(wrong)}"


@pytest.mark.parametrize("module", [m for m in MODULES if m.name.startswith("paddock.fence.inside")], ids=ids)
def test_what_runs_inside_imports_only_the_standard_library_and_its_neighbours(module: Module) -> None:
    inside = "paddock.fence.inside"
    wrong = {n for n in module.imports() if n.split(".")[0] not in sys.stdlib_module_names and n != inside and not n.startswith(inside + ".")}
    # A neighbour may also be imported by its bare name: the keeper's folder is a program of its own.
    neighbours = {m.name.rpartition(".")[2] for m in MODULES if m.name.startswith(inside + ".")}
    wrong = {n for n in wrong if n.split(".")[0] not in neighbours}
    assert not wrong, f"{module.name} imports {sorted(wrong)}"


def reachable_cycle(graph: dict[str, set[str]]) -> list[str]:
    """One cycle of the graph, or nothing (depth first; grey nodes are on the current path)."""
    state: dict[str, int] = {}
    path: list[str] = []

    def visit(node: str) -> list[str]:
        state[node] = 1
        path.append(node)
        for after in sorted(graph[node]):
            if state.get(after) == 1:
                return [*path[path.index(after) :], after]
            if after not in state and (found := visit(after)):
                return found
        state[node] = 2
        path.pop()
        return []

    for node in sorted(graph):
        if node not in state and (found := visit(node)):
            return found
    return []


def test_no_import_cycle_even_through_imports_inside_functions() -> None:
    cycle = reachable_cycle({m.name: own_imports(m) for m in MODULES})
    assert not cycle, " -> ".join(cycle)


def test_the_cycle_finder_finds_one() -> None:
    assert reachable_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert reachable_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("module", MODULES, ids=ids)
def test_size_and_words(module: Module) -> None:
    assert module.lines <= MAX_FILE_LINES, f"{module.path} has {module.lines} lines: split it by noun"
    assert ast.get_docstring(module.tree), f"{module.path} does not say what it is for"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{module.path}:{node.lineno} {node.name} has {length} lines"


@pytest.mark.parametrize("module", MODULES, ids=ids)
def test_annotations_are_never_evaluated(module: Module) -> None:
    if module.tree.body[1:]:
        assert "__future__" in module.imports(), f"{module.path} lacks `from __future__ import annotations`"


def test_the_door_of_the_package_stays_a_door() -> None:
    door = Module(PACKAGE / "__init__.py")
    assert door.lines <= 40
    assert not [n for n in door.tree.body if isinstance(n, ast.FunctionDef) and n.name != "__getattr__"]
