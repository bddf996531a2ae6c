"""Settings that a program hands over as a value: the same grammar, checks and messages as a file, but there is no line to point at."""

from __future__ import annotations

from paddock.errors import Problem
from paddock.model.record import replace
from paddock.model.settings import Entry, Scope
from paddock.settings.gathered import Gathered
from paddock.settings.layer import Family

__all__ = ["take_given"]


def take_given(out: Gathered, name: str, text: str) -> None:
    """Use JSON text called ``name`` as a source of the command line's scope. What is wrong with it joins ``out.problems``, without line and column."""
    before = len(out.problems)
    layer = out.take(Scope.CLI, Family.PADDOCK, name, text)
    out.problems[before:] = [Problem(problem.file, 0, 0, problem.message, problem.hint) for problem in out.problems[before:]]
    if layer is None:
        return
    layer.lists = {key: [_unplaced(entry) for entry in entries] for key, entries in layer.lists.items()}
    layer.scalars = {key: _unplaced(entry) for key, entry in layer.scalars.items()}
    layer.maps = {key: {inner: _unplaced(entry) for inner, entry in members.items()} for key, members in layer.maps.items()}
    out.layers.append(layer)


def _unplaced(entry: Entry) -> Entry:
    return Entry(entry.value, replace(entry.origin, line=0, column=0))
