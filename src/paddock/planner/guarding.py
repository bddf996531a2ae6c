"""What the guard needs to know, from the layout and the rules: pure data, part of the plan."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.model import paths
from paddock.model.globs import escape
from paddock.model.guard import Denial, GuardRules
from paddock.model.plan import Access, Place
from paddock.model.policy import FilesystemPolicy
from paddock.model.settings import Scope
from paddock.planner import globs, names, protect
from paddock.planner.layout import PRIVATE_FOLDERS, Layout
from paddock.planner.view import View

__all__ = ["guard_rules"]


def guard_rules(policy: FilesystemPolicy, layout: Layout, places: tuple[Place, ...], view: View) -> GuardRules:
    """The rules for one plan. ``places`` are the layout's, which must take no more marks."""
    roots = tuple(place.path for place in places if place.access is Access.WRITE and not place.pin and place.path not in PRIVATE_FOLDERS)
    return GuardRules(
        roots=roots,
        denied=(*_absent(layout, roots), *_patterns(policy, layout, view)),
        hidden=tuple(_hidden(policy, layout, view)),
        lifted_names=frozenset(rule.path.rpartition("/")[2] for rule in policy.unprotect if rule.is_glob),
        lifted_paths=frozenset(view.resolve(rule.path).path for rule in policy.unprotect if not rule.is_glob),
        anywhere=names.ANYWHERE,
        prefixes=names.PREFIXES,
        nested=names.NESTED,
        kept=names.KEPT_WRITABLE,
        settings_files=names.SETTINGS_FILES,
        dependency_folders=names.DEPENDENCY_FOLDERS,
        own_folder=names.OWN_FOLDER,
        git_folders=frozenset(layout.git.folders),
    )


def _absent(layout: Layout, roots: tuple[str, ...]) -> Iterator[Denial]:
    hooks = [(path, protect.origin(path.rpartition("/")[2]), f"protected: {reason}") for path, reason in layout.git.absent]
    for path, why, reason in (*layout.absent, *hooks):
        if any(paths.is_beneath(path, root) for root in roots):
            yield Denial(path, why, reason)


def _hidden(policy: FilesystemPolicy, layout: Layout, view: View) -> Iterator[Denial]:
    """What may not be read and is not there yet, or may come: the guard then looks at every open, so only for rules that somebody wrote."""
    for rule in policy.deny_read:
        if rule.origin.scope is Scope.BUILTIN:
            continue
        if rule.is_glob:
            start, rest = globs.split(rule.path)
            found = view.resolve(start).path
            if start != "/" and layout.access(found) is not Access.HIDDEN:
                yield Denial("/".join((escape(found).rstrip("/"), *rest)), rule.origin, is_glob=True, shown=tuple(_shown(policy, view, found)))
            continue
        at = view.resolve(rule.path)
        if at.kind is None:
            yield Denial(at.path, rule.origin, shown=tuple(_shown(policy, view, at.path)))


def _shown(policy: FilesystemPolicy, view: View, below: str) -> Iterator[tuple[str, bool]]:
    """What rules open again below a place."""
    for rule in policy.allow_read:
        if rule.is_glob:
            yield rule.path, True
        elif paths.is_beneath(path := view.resolve(rule.path).path, below):
            yield path, False


def _patterns(policy: FilesystemPolicy, layout: Layout, view: View) -> Iterator[Denial]:
    """Patterns hold for what is made later too, where the command could make it."""
    for rule in (*policy.deny_write, *policy.deny_read):
        start, rest = globs.split(rule.path)
        if not rule.is_glob or start == "/":
            continue
        found = view.resolve(start).path
        if layout.access(found) is Access.WRITE:
            yield Denial("/".join((escape(found).rstrip("/"), *rest)), rule.origin, is_glob=True)
