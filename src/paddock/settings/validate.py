"""A parsed file against the table: problems with places, and the entries of what is right.

Unknown names below ``sandbox``, ``permissions`` and ``paddock`` are problems in every file, because a misspelt restriction that is silently ignored is worse
than a refused run. Unknown names at the top belong to other readers of the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from paddock.errors import Problem, UsageError
from paddock.model.settings import Entry, Origin, Scope
from paddock.settings.document import Document, Node
from paddock.settings.layer import Family, Layer
from paddock.settings.table import KEYS, SECTIONS, Key, Merge
from paddock.settings.types import check

__all__ = ["option_layer", "read_layer", "relative_path"]


def read_layer(document: Document, scope: Scope, family: Family) -> tuple[Layer, list[Problem]]:
    """The entries of one file and everything that is wrong with it. A key with a problem contributes no entry."""
    layer = Layer(scope, family, document.file)
    root = document.root.value
    if not isinstance(root, dict):
        return layer, [document.problem(document.root.start, "settings are one JSON object", "write {} for no settings")]
    return layer, list(_walk(document, layer, root, ""))


def _walk(document: Document, layer: Layer, members: dict[str, Node], prefix: str) -> Iterator[Problem]:
    for name, node in members.items():
        dotted = prefix + name
        key = KEYS.get(dotted)
        if key is not None:
            yield from _take(document, layer, key, node)
        elif dotted in SECTIONS:
            if isinstance(node.value, dict):
                yield from _walk(document, layer, node.value, dotted + ".")
            else:
                yield document.problem(node.start, f"{dotted} is an object of settings")
        elif prefix:
            from paddock.settings.mistakes import explain  # only when there is an error to explain

            message, hint = explain(dotted)
            yield document.problem(node.key, message, hint)


def _take(document: Document, layer: Layer, key: Key, node: Node) -> Iterator[Problem]:
    found = False
    for fault in check(key.shape, node):
        found = True
        at = fault.node.key if fault.on_name and fault.node.key >= 0 else fault.node.start
        yield document.problem(at, f"{key.name}: {fault.message}", fault.hint)
    if found:
        return
    if layer.scope is Scope.MANAGED and key.shape.is_path:
        yield from _relative_in_managed(document, key, node)
    _store(document, layer, key, node)


def _relative_in_managed(document: Document, key: Key, node: Node) -> Iterator[Problem]:
    # No base is documented for the administrator's relative paths (spec 3.1): a guess could protect the wrong place.
    for item in node.value if isinstance(node.value, list) else ():
        if relative_path(item.plain()):
            yield document.problem(item.start, f"{key.name}: a relative path has no meaning in a managed file", "write it from / or from ~/")


def relative_path(value: object) -> bool:
    """Whether a path entry (a string, or an object with ``path``) depends on a base folder."""
    written = value.get("path") if isinstance(value, dict) else value
    return isinstance(written, str) and not written.startswith(("/", "~"))


def _store(document: Document, layer: Layer, key: Key, node: Node) -> None:
    value = node.value
    if key.merge is Merge.SCALAR:
        layer.scalars[key.name] = _entry(document, layer, key.name, node)
    elif key.merge is Merge.MAP and isinstance(value, dict):
        layer.maps[key.name] = {name: _named(document, layer, key.name, name, member) for name, member in value.items()}
    elif key.merge is Merge.LISTS and isinstance(value, dict):
        for name, member in value.items():
            dotted = f"{key.name}.{name}"
            items = member.value if isinstance(member.value, list) else []
            layer.lists[dotted] = [_entry(document, layer, dotted, item) for item in items]
    elif isinstance(value, list):
        layer.lists[key.name] = [_entry(document, layer, key.name, item) for item in value]


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
    listed = key.merge in (Merge.UNION, Merge.MANAGED_LIST)
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
