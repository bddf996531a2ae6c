"""What follows from wrong values in a file: an error, or, where the documented semantics say so and no restriction can be lost, a repair. Spec 1.7.

Imported only when something is wrong.
"""

from __future__ import annotations

from paddock.errors import Problem
from paddock.model.settings import Entry, Notice, Origin, Scope
from paddock.settings.document import Document, Node
from paddock.settings.layer import Layer
from paddock.settings.overrides import BROKEN_FILES, MANAGED_BROKEN, UNKNOWN_KEYS
from paddock.settings.table import Class, Key, Merge
from paddock.settings.types import check
from paddock.settings.validate import Wrong, faults, store

__all__ = ["Judgement", "judge"]

_CREDENTIALS = ("sandbox.credentials.files", "sandbox.credentials.envVars")


class Judgement:
    """``problems`` stop the run; ``notices`` tell of what was repaired; a file that is not ``usable`` contributes nothing."""

    __slots__ = ("notices", "problems", "usable")

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.notices: list[Notice] = []
        self.usable = True


def judge(document: Document, layer: Layer, wrongs: list[Wrong], overrides: frozenset[str]) -> Judgement:
    """Decide about everything that is wrong in one file. Repaired values are put into the layer."""
    out = Judgement()
    repaired: set[str] = set()
    for wrong in wrongs:
        if wrong.key is None and wrong.node is None:
            if UNKNOWN_KEYS in overrides:
                out.problems.append(wrong.problem)
        elif _stops(layer.scope, wrong.key, overrides):
            out.problems.append(wrong.problem)
        elif wrong.key is None or wrong.node is None:
            out.usable = out.usable and layer.scope is Scope.MANAGED  # a section that is none: of a managed file the rest counts
            out.notices.append(_notice(layer, wrong.problem, ""))
        elif wrong.key.name not in repaired:
            repaired.add(wrong.key.name)
            found = [other.problem for other in wrongs if other.key is wrong.key]
            out.notices += [_notice(layer, problem, wrong.key.name) for problem in found]
            if not _repair(document, layer, wrong.key, wrong.node) and layer.scope is not Scope.MANAGED:
                out.usable = False
    return out


def _stops(scope: Scope, key: Key | None, overrides: frozenset[str]) -> bool:
    if scope is Scope.CLI:
        return True  # the person is there, and has just typed it
    if scope is Scope.MANAGED:
        return MANAGED_BROKEN in overrides and (key is None or key.cls is not Class.TOOL_LAYER)
    return BROKEN_FILES in overrides


def _notice(layer: Layer, problem: Problem, key: str) -> Notice:
    return Notice(f"{problem.message}: not used", Origin(layer.scope, problem.file, problem.line, problem.column, key))


def _repair(document: Document, layer: Layer, key: Key, node: Node) -> bool:
    """Keep what is right of a value: good items of a list, good members of a map, or what the table puts in place of an unusable value. False when nothing is
    left of it.
    """
    if isinstance(node.value, list) and key.shape.item is not None:
        kept = [fixed for item in node.value if (fixed := _item(key, layer.scope, item)) is not None]
        store(document, layer, key, Node(kept, node.start, node.end))
        return True
    if isinstance(node.value, dict) and key.merge is Merge.MAP:
        members = {name: member for name, member in node.value.items() if not any(True for _ in faults(key, _alone(node, {name: member}), layer.scope))}
        store(document, layer, key, _alone(node, members))
        return True
    if layer.scope is not Scope.MANAGED or not key.broken:
        return False
    origin = Origin(layer.scope, layer.file, *document.place(node.start), key.name, document.source(node))
    if isinstance(key.broken[0], list) and key.merge is not Merge.SCALAR:
        layer.lists[key.name] = []
    else:
        layer.scalars[key.name] = Entry(key.broken[0], origin)
    return True


def _alone(node: Node, value: object) -> Node:
    return Node(value, node.start, node.end)


def _item(key: Key, scope: Scope, item: Node) -> Node | None:
    """A good item as it is, a damaged credential as a denial, None for anything else."""
    if not any(True for _ in faults(key, _alone(item, [item]), scope)):
        return item
    if key.name not in _CREDENTIALS or not isinstance(item.value, dict) or key.shape.item is None:
        return None
    mode = item.value.get("mode")
    if mode is None or mode.value not in ("deny", "mask"):
        return None
    subject = {name: item.value[name] for name in ("path", "name") if name in item.value}
    denied = _alone(item, {**subject, "mode": Node("deny", mode.start, mode.end)})
    return None if any(True for _ in check(key.shape.item, denied)) else denied
