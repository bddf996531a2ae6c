"""Whether a path can be read under the rules for files. Spec 3.1: the most specific rule wins, and of two about the same place the one that opens."""

from __future__ import annotations

from collections.abc import Sequence

from paddock.model import paths
from paddock.model.globs import covers
from paddock.model.policy import FilesystemPolicy, PathRule

__all__ = ["Reading"]


class Reading:
    """The rules about reading, ready to be asked about many paths."""

    def __init__(self, files: FilesystemPolicy) -> None:
        self._open = _Rules(files.allow_read)
        self._closed = _Rules(files.deny_read)

    def hides(self, path: str) -> PathRule | None:
        """The rule that hides an absolute, normalised path; None when it can be read. Links are not followed."""
        for place in (path, *paths.ancestors(path)):
            if self._open.about(place) is not None:
                return None
            if (rule := self._closed.about(place)) is not None:
                return rule
        return None


class _Rules:
    """Rules by the very place that they are about, and not by what lies in it."""

    def __init__(self, rules: Sequence[PathRule]) -> None:
        self._literal = {rule.path: rule for rule in reversed(rules) if not rule.is_glob}
        self._globs = [rule for rule in rules if rule.is_glob]

    def about(self, place: str) -> PathRule | None:
        return self._literal.get(place) or next((rule for rule in self._globs if _names(rule.path, place)), None)


def _names(pattern: str, place: str) -> bool:
    return covers(pattern, place) and (place == "/" or not covers(pattern, place.rpartition("/")[0] or "/"))
