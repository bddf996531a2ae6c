"""The project's own code as the structure tests see it: files, parsed, with the modules they import."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "paddock"


@dataclass(frozen=True)
class Module:
    """One file of the package. ``name`` is dotted; ``room`` is the first part below ``paddock``, or empty for the package itself."""

    path: Path

    @cached_property
    def name(self) -> str:
        parts = self.path.relative_to(PACKAGE.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def room(self) -> str:
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else ""

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"), filename=str(self.path))

    @cached_property
    def lines(self) -> int:
        return len(self.path.read_text(encoding="utf-8").splitlines())

    def imports(self) -> set[str]:
        """Every dotted name this file imports, wherever the import stands, but not what only a type checker reads."""
        return set(imported_names(self.tree))

    def imports_at_load(self) -> set[str]:
        """As ``imports``, without the imports inside functions."""
        return set(imported_names(self.tree, into_functions=False))


def imported_names(tree: ast.AST, *, into_functions: bool = True) -> list[str]:
    """The dotted names of the modules imported below ``tree``."""
    names: list[str] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [target(node.module or "", alias.name) for alias in node.names]
        elif is_type_checking_block(node) or (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not into_functions):
            continue
        else:
            names += imported_names(node, into_functions=into_functions)
    return names


def target(module: str, name: str) -> str:
    """What ``from module import name`` imports: the module ``module.name`` where there is one, else ``module``."""
    below = PACKAGE.parent.joinpath(*module.split("."), name)
    return f"{module}.{name}" if below.with_suffix(".py").is_file() or (below / "__init__.py").is_file() else module


def is_type_checking_block(node: ast.AST) -> bool:
    """Whether this is ``if TYPE_CHECKING:``."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def modules() -> list[Module]:
    """Every file of the package."""
    return [Module(path) for path in sorted(PACKAGE.rglob("*.py"))]


def tracked_files() -> list[Path]:
    """Every file that belongs to the project, whether or not git is at hand."""
    skipped = {".git", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "dist", "build"}
    return [path for path in sorted(ROOT.rglob("*")) if path.is_file() and not skipped.intersection(path.relative_to(ROOT).parts)]
