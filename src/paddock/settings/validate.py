"""A parsed file against the table: what is wrong with places, and the entries of what is right.

Unknown names below ``sandbox``, ``permissions`` and ``paddock`` are wrong in every file, because a misspelt restriction that is silently ignored is worse
than a refused run. Unknown names at the top belong to other readers of the file. What follows from something wrong is decided in ``sources``.
"""

from __future__ import annotations

from collections.abc import Iterator

from paddock.errors import Problem, UsageError
from paddock.model.settings import Entry, Origin, Scope
from paddock.settings.document import Document, Node
from paddock.settings.layer import Family, Layer
from paddock.settings.table import ALSO, KEYS, SECTIONS, Key, Merge
from paddock.settings.types import Fault, check

__all__ = ["COMMENT", "Wrong", "faults", "option_layer", "read_entries", "read_layer", "relative_path", "store"]

COMMENT = "//"
"""The name that a comment has in every object of settings: JSON has none of its own, and with this the file stays JSON for whoever else reads it."""


class Wrong:
    """Something wrong in a file. ``key`` is None for a name that nobody knows; ``node`` is the key's whole value."""

    __slots__ = ("key", "node", "problem")

    def __init__(self, problem: Problem, key: Key | None = None, node: Node | None = None) -> None:
        self.problem = problem
        self.key = key
        self.node = node


def read_layer(document: Document, scope: Scope, family: Family) -> tuple[Layer, list[Problem]]:
    """The entries of one file and everything that is wrong with it, as problems."""
    layer, wrongs = read_entries(document, scope, family)
    return layer, [wrong.problem for wrong in wrongs]


def read_entries(document: Document, scope: Scope, family: Family) -> tuple[Layer, list[Wrong]]:
    """The entries of one file and everything that is wrong with it. A key with something wrong contributes no entry."""
    layer = Layer(scope, family, document.file)
    root = document.root.value
    if not isinstance(root, dict):
        problem = document.problem(document.root.start, "settings are one JSON object", "write {} for no settings")
        return layer, [Wrong(problem, node=document.root)]
    return layer, list(_walk(document, layer, root, ""))


def _walk(document: Document, layer: Layer, members: dict[str, Node], prefix: str) -> Iterator[Wrong]:
    for name, node in members.items():
        if name == COMMENT:
            yield from _comment(document, node) if prefix else ()
            continue
        dotted = prefix + name
        key = KEYS.get(dotted)
        if key is not None:
            yield from _take(document, layer, key, node)
        elif dotted in SECTIONS:
            if isinstance(node.value, dict):
                yield from _walk(document, layer, node.value, dotted + ".")
            else:
                yield Wrong(document.problem(node.start, f"{dotted} is an object of settings"), node=node)
        elif prefix:
            from paddock.settings.mistakes import explain  # only when there is an error to explain

            message, hint = explain(dotted)
            yield Wrong(document.problem(node.key, message, hint))
        elif dotted in ALSO:
            yield from _take(document, layer, KEYS[ALSO[dotted]], node)
        elif dotted != "$schema":
            layer.others.append(dotted)


def _comment(document: Document, node: Node) -> Iterator[Wrong]:
    """Only text: settings that somebody moved in there would look as if they counted."""
    lines = node.value if isinstance(node.value, list) else [node]
    if not all(isinstance(line.value, str) for line in lines):
        yield Wrong(document.problem(node.start, f'"{COMMENT}" is a comment: a text, or a list of texts', "settings do not count in it"))


def _take(document: Document, layer: Layer, key: Key, node: Node) -> Iterator[Wrong]:
    found = False
    for fault in faults(key, node, layer.scope):
        found = True
        at = fault.node.key if fault.on_name and fault.node.key >= 0 else fault.node.start
        yield Wrong(document.problem(at, f"{key.name}: {fault.message}", fault.hint), key, node)
    if not found:
        store(document, layer, key, node)


def faults(key: Key, node: Node, scope: Scope) -> Iterator[Fault]:
    """What is wrong with the value of a key in a file of this scope."""
    yield from check(key.shape, node)
    if scope is Scope.MANAGED and key.shape.is_path:
        # No base is documented for the administrator's relative paths (spec 3.1): a guess could protect the wrong place.
        for item in node.value if isinstance(node.value, list) else ():
            if relative_path(item.plain()):
                yield Fault(item, "a relative path has no meaning in a managed file", "write it from / or from ~/")


def relative_path(value: object) -> bool:
    """Whether a path entry (a string, or an object with ``path``) depends on a base folder."""
    written = value.get("path") if isinstance(value, dict) else value
    return isinstance(written, str) and not written.startswith(("/", "~"))


def store(document: Document, layer: Layer, key: Key, node: Node) -> None:
    """Take the value of a key, which must be right, into the layer."""
    value = node.value
    if key.merge is Merge.SCALAR:
        entry = _entry(document, layer, key.name, node)
        for spelling, meant in key.spellings:
            entry = Entry(meant, entry.origin) if entry.value == spelling else entry
        layer.scalars[key.name] = entry
    elif key.merge is Merge.MAP and isinstance(value, dict):
        layer.maps[key.name] = {name: _named(document, layer, key.name, name, member) for name, member in value.items()}
    elif key.merge is Merge.LISTS and isinstance(value, dict):
        for name, member in value.items():
            dotted = f"{key.name}.{name}"
            items = member.value if isinstance(member.value, list) else []
            layer.lists[dotted] = [entry for item in items for entry in _split(document, layer, key, dotted, item)]
    elif isinstance(value, list):
        layer.lists[key.name] = [_entry(document, layer, key.name, item) for item in value]


def _split(document: Document, layer: Layer, key: Key, dotted: str, node: Node) -> Iterator[Entry]:
    """An item as one entry, or as one for each member of its inner list: the same handler of two files is then the same entry (spec 1.2)."""
    inner = node.value.get(key.split) if isinstance(node.value, dict) and key.split else None
    if inner is None or not isinstance(inner.value, list):
        yield _entry(document, layer, dotted, node)
        return
    around = {name: member.plain() for name, member in node.value.items()} if isinstance(node.value, dict) else {}
    for member in inner.value:
        entry = _entry(document, layer, dotted, member)
        yield Entry({**around, key.split: [entry.value]}, entry.origin)


def _entry(document: Document, layer: Layer, key: str, node: Node) -> Entry:
    line, column = document.place(node.start)
    written = node.value if isinstance(node.value, str) else document.source(node)
    return Entry(node.plain(), Origin(layer.scope, layer.file, line, column, key, written))


def _named(document: Document, layer: Layer, key: str, name: str, node: Node) -> Entry:
    # The text is the name alone: values of variables are secrets often enough, and texts end in reports.
    line, column = document.place(node.key)
    return Entry(node.plain(), Origin(layer.scope, layer.file, line, column, key, name))


def option_layer(key_name: str, value: object, option: str) -> Layer:
    """A single option of the command line as a source of its own. Raises ``UsageError`` when the value does not fit the key.

    For a list key the value is one item or a list of them; for a map key an object.
    """
    key = KEYS[key_name]
    listed = key.merge in (Merge.UNION, Merge.MANAGED_LIST, Merge.INTERSECTION)
    items = value if isinstance(value, (list, tuple)) else [value]
    node = _node(list(items) if listed else value)
    for fault in check(key.shape, node):
        raise UsageError(f"{option}: {fault.message}", hint=fault.hint or key.about)
    layer = Layer(Scope.CLI, Family.OPTION, option)
    if listed:
        layer.lists[key_name] = [_option_entry(item, option, key_name) for item in items]
    elif key.merge is Merge.MAP and isinstance(value, dict):
        layer.maps[key_name] = {name: Entry(item, Origin(Scope.CLI, option, key=key_name, text=name)) for name, item in value.items()}
    else:
        layer.scalars[key_name] = _option_entry(value, option, key_name)
    return layer


def _option_entry(value: object, option: str, key: str) -> Entry:
    return Entry(value, Origin(Scope.CLI, option, key=key, text=str(value)))


def _node(value: object) -> Node:
    """A plain value as a parsed one, without a place, so that options pass the same checks as files."""
    if isinstance(value, dict):
        return Node({name: _node(item) for name, item in value.items()}, 0, 0)
    if isinstance(value, list):
        return Node([_node(item) for item in value], 0, 0)
    return Node(value, 0, 0)
