"""Whether a path can be read under the rules for files. Spec 3.1: the most specific rule wins, and of two about the same place the one that opens."""

from __future__ import annotations

from paddock.model import paths
from paddock.model.globs import covers
from paddock.model.policy import FilesystemPolicy, PathRule

__all__ = ["hiding"]


def hiding(files: FilesystemPolicy, path: str) -> PathRule | None:
    """The rule that hides an absolute, normalised path; None when it can be read. Links are not followed."""
    for place in (path, *paths.ancestors(path)):
        if any(_names(rule, place) for rule in files.allow_read):
            return None
        for rule in files.deny_read:
            if _names(rule, place):
                return rule
    return None


def _names(rule: PathRule, place: str) -> bool:
    """Whether a rule is about this very place, and not only about a folder above it."""
    if not rule.is_glob:
        return rule.path == place
    return covers(rule.path, place) and (place == "/" or not covers(rule.path, place.rpartition("/")[0] or "/"))
