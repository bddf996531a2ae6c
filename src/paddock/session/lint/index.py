"""Many rules, asked which of them could contain another one: by the first word of a command, by the folders above a path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from paddock.model import paths
from paddock.model.globs import literal_prefix
from paddock.model.settings import Entry
from paddock.permissions.covering import Placed

__all__ = ["Index"]

_Rule = tuple[Entry, Placed]
_Handle = tuple[str, ...]
_OTHERS: _Handle = ("others",)
_MOST = 1000
"""Rules without a handle (hosts, servers, fields) that are tried for each; the first ones of a file."""


class Index:
    """``candidates`` leaves out only rules that cannot contain the one that is asked about."""

    def __init__(self, rules: Sequence[_Rule]) -> None:
        self._by: dict[_Handle, list[_Rule]] = {}
        for rule in rules:
            self._by.setdefault(_handle(rule[1]), []).append(rule)

    def candidates(self, narrow: Placed) -> Iterator[_Rule]:
        """Every rule that may contain this one, perhaps itself."""
        for handle in _handles(narrow):
            yield from islice(self._by.get(handle, ()), _MOST)


def _handle(rule: Placed) -> _Handle:
    if rule.path is not None:
        return ("glob",) if rule.path.is_glob else ("path", rule.path.path)
    return _OTHERS if rule.pattern is None else ("word", rule.pattern.first_word)


def _handles(narrow: Placed) -> Iterator[_Handle]:
    yield _OTHERS
    if narrow.path is not None:
        yield ("glob",)
        start = literal_prefix(narrow.path.path) if narrow.path.is_glob else narrow.path.path
        # Denials of reading are kept in lower case.
        for place in dict.fromkeys((start, start.lower())):
            yield from (("path", folder) for folder in (place, *paths.ancestors(place)))
    if narrow.pattern is not None:
        # A rule with a first word of its own matches nothing else, so one that has none is contained by its like only.
        yield from (("word", word) for word in dict.fromkeys(("", narrow.pattern.first_word)))
