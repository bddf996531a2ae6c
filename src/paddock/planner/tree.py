"""Rules as marks in a tree of names, and the sweep that turns them into places.

One walk over the tree gives every marked path its state (hidden, read, write); a second one, backwards, finds which folders must be pinned and which hidden
folders need a way through. Cost is linear in the number of marks, never in the size of the file system.

What a mark means, in the order of power:

- ``sealed``       never writable, whatever anybody says (Paddock's own files)
- ``deny_write``   never writable
- ``protect``      not writable; a deeper ``lift`` ends it (``.claude/worktrees`` inside ``.claude``)
- ``allow_write``  writable; also re-opens reading here when nothing deeper denies it, and not with ``write_only`` inside what an administrator hides
- ``deny_read`` and ``allow_read``: the deepest one counts, ``allow_read`` in a tie
- ``private``      a memory-backed folder of the fence: nothing of the host is seen below it unless a rule names it
- ``show_denied``  listed as hidden although it lies in a hidden region, so that touching it is refused instead of not found
"""

from __future__ import annotations

from collections.abc import Iterator

from paddock.model import paths
from paddock.model.plan import Access, Kind, Place
from paddock.model.settings import Origin, Scope

__all__ = ["Mark", "Node", "Standing", "Tree"]

Mark = tuple[Origin, str]
"""The rule and the reason in words (may be empty)."""


class Node:
    """One path that a rule names, or a folder on the way to it."""

    __slots__ = (
        "allow_read",
        "allow_write",
        "children",
        "deny_read",
        "deny_write",
        "kind",
        "lift",
        "private",
        "protect",
        "sealed",
        "show_denied",
        "state",
        "write_only",
    )

    def __init__(self) -> None:
        self.children: dict[str, Node] = {}
        self.kind = Kind.DIRECTORY
        self.deny_read: Mark | None = None
        self.allow_read: Mark | None = None
        self.allow_write: Mark | None = None
        self.deny_write: Mark | None = None
        self.protect: Mark | None = None
        self.sealed: Mark | None = None
        self.show_denied: Mark | None = None
        self.write_only = False
        self.lift = False
        self.private = False
        self.state = Access.READ


class _Seen:
    """A node's standing after the first walk, kept for the second."""

    __slots__ = ("access", "node", "outer", "parent", "path", "place", "restricted", "shown")

    def __init__(self, path: str, node: Node, parent: int, access: Access, outer: Access) -> None:
        self.path = path
        self.node = node
        self.parent = parent
        self.access = access
        self.outer = outer
        self.place: Mark | None = None
        self.restricted: Mark | None = None
        self.shown = False


class Standing:
    """What holds at a node: the rules inherited from above with the node's own put over them.

    ``hidden`` is the rule that denies reading, ``opened`` the one that re-opened it, ``private`` says that the fence's own memory is there; ``write`` allows
    writing, ``deny_write``, ``protect`` and ``sealed`` take it away again.
    """

    __slots__ = ("deny_write", "hidden", "opened", "private", "protect", "sealed", "write")

    def __init__(self, outer: Standing | None, node: Node) -> None:
        self.hidden: Mark | None = outer.hidden if outer else None
        self.opened: Mark | None = outer.opened if outer else None
        self.private: bool = outer.private if outer else False
        self.write: Mark | None = outer.write if outer else None
        self.deny_write: Mark | None = outer.deny_write if outer else None
        self.protect: Mark | None = outer.protect if outer else None
        self.sealed: Mark | None = outer.sealed if outer else None
        if node.private:
            self.private, self.hidden, self.opened, self.write = True, None, None, None
        else:
            self._read(node)
            self.write = node.allow_write or self.write
        self.deny_write = self.deny_write or node.deny_write
        self.protect = node.protect or (None if node.lift else self.protect)
        self.sealed = self.sealed or node.sealed

    def _read(self, node: Node) -> None:
        opened = node.allow_read or (None if node.write_only and self._locked(node) else node.allow_write)
        if opened:
            self.opened, self.hidden, self.private = opened, None, False
        elif node.deny_read:
            self.hidden, self.opened = node.deny_read, None

    def _locked(self, node: Node) -> bool:
        """Whether what hides this place is not the person's own to lift while only managed rules may re-open reading."""
        hidden = node.deny_read or self.hidden
        return hidden is not None and hidden[0].scope in (Scope.MANAGED, Scope.BUILTIN)

    def access(self) -> Access:
        """What the command may do here."""
        if self.hidden or self.private:
            return Access.HIDDEN
        return Access.WRITE if self.write and not (self.deny_write or self.protect or self.sealed) else Access.READ

    def why(self, access: Access, outer: Access) -> Mark | None:
        """The rule that makes the difference between ``outer`` and ``access``."""
        if access is Access.HIDDEN:
            return self.hidden
        if access is Access.WRITE:
            return self.write
        return self.opened if outer is Access.HIDDEN else self.sealed or self.deny_write or self.protect


class Tree:
    """Marks by path. Paths are resolved and exist; the caller sees to that."""

    def __init__(self) -> None:
        self.root = Node()
        self.size = 0

    def at(self, path: str, kind: Kind | None = None) -> Node:
        """The node of ``path``, made when it is missing; its folders are directories."""
        node = self.root
        if path != "/":
            for name in path[1:].split("/"):
                child = node.children.get(name)
                if child is None:
                    child = node.children[name] = Node()
                    self.size += 1
                node = child
        if kind is not None:
            node.kind = kind
        return node

    def find(self, path: str) -> Node | None:
        """The node of exactly ``path``, None when nothing was marked there or below."""
        node: Node | None = self.root
        for name in path[1:].split("/") if path != "/" else ():
            node = node.children.get(name) if node is not None else None
        return node

    def standing(self, path: str) -> Standing:
        """The rules that hold at any path, marked or not; no sweep is needed before."""
        node, rules = self.root, Standing(None, self.root)
        for name in path[1:].split("/") if path != "/" else ():
            child = node.children.get(name)
            if child is None:
                break
            node, rules = child, Standing(rules, child)
        return rules

    def access(self, path: str) -> Access:
        """The state of any path after a sweep: that of the deepest marked folder above it."""
        node = self.root
        if path != "/":
            for name in path[1:].split("/"):
                child = node.children.get(name)
                if child is None:
                    break
                node = child
        return node.state

    def sweep(self) -> tuple[Place, ...]:
        """The layout of the marks so far: sorted by depth, then by name."""
        seen = self._walk()
        found = [place for item in reversed(seen) for place in self._close(item, seen)]
        found.sort(key=lambda place: (paths.depth(place.path), place.path))
        return tuple(found)

    def _walk(self) -> list[_Seen]:
        seen: list[_Seen] = []
        stack: list[tuple[str, Node, Standing | None, int, Access]] = [("/", self.root, None, -1, Access.READ)]
        while stack:
            path, node, above, parent, outer = stack.pop()
            rules = Standing(above, node)
            access = rules.access()
            item = _Seen(path, node, parent, access, outer)
            node.state = access
            if not node.private and (access is not outer or node.show_denied):
                item.place = rules.why(access, outer) if access is not outer else node.show_denied
            seen.append(item)
            index = len(seen) - 1
            base = path if path != "/" else ""
            stack.extend((f"{base}/{name}", child, rules, index, access) for name, child in node.children.items())
        return seen

    def _close(self, item: _Seen, seen: list[_Seen]) -> Iterator[Place]:
        """The places of one node, when everything below it is known; what matters above is handed to the parent."""
        parent = seen[item.parent] if item.parent >= 0 else None
        if item.place is not None:
            why, reason = item.place
            skeleton = item.access is Access.HIDDEN and item.shown
            yield Place(item.path, item.access, item.node.kind, why, reason, skeleton=skeleton)
            if item.access is not Access.WRITE:
                item.restricted = item.place
        elif item.restricted is not None and item.access is Access.WRITE and item.outer is Access.WRITE:
            why, reason = item.restricted
            yield Place(item.path, Access.WRITE, item.node.kind, why, f"keeps its name: {reason or why.text}", pin=True)
        if parent is not None:
            parent.restricted = parent.restricted or item.restricted
            parent.shown = parent.shown or item.shown or item.access is not Access.HIDDEN or item.node.show_denied is not None
