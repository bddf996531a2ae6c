"""Links that commands can make must not decide what the next command gets.

A rule that opens something is somebody's word about a path. Where a link on that path lies in the project, or in another place that commands write, whoever
wrote the project or ran in it chooses where it leads: a repository can bring the link along, a command can turn it round after the rule was accepted, or while
the next run is being planned. So such a rule opens what lies in those places and nothing else; the target itself can be named.
"""

from __future__ import annotations

from collections.abc import Iterable

from paddock.model import paths
from paddock.model.policy import PathRule
from paddock.planner import globs
from paddock.planner.view import Resolved, View

__all__ = ["Strays"]


class Strays:
    """``folders`` are resolved and always count; of ``rules`` (what may be written) those count that no link in a counting place leads to."""

    def __init__(self, view: View, folders: Iterable[str], rules: Iterable[PathRule] = ()) -> None:
        self._view = view
        written = [view.resolve(rule.path) for rule in rules if not rule.is_glob]
        self._places = (*folders, *(found.path for found in written if not found.links))
        self._places += tuple(found.path for found in written if found.links and not self.leads_out(found))

    def leads_out(self, found: Resolved) -> bool:
        """Whether a link in one of the places was followed to somewhere else."""
        return not self._within(found.path) and any(self._within(link) for link in found.links)

    def strays(self, rule: PathRule, found: Resolved) -> bool:
        """The same for what a rule named; of a pattern the folder that it begins with counts too."""
        return self.leads_out(found) or (rule.is_glob and self.leads_out(self._view.resolve(globs.split(rule.path)[0])))

    def _within(self, path: str) -> bool:
        return any(paths.is_beneath(path, place) for place in self._places)
