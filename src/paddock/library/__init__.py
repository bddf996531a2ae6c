"""Paddock for programs: ``paddock.run``, ``paddock.Policy`` and what they give.

A caller has threads, an event loop, memory of its own, and a launcher must be forked from a process that has none of this. So every run has a small helper
process: an interpreter started isolated, which reads the request, is to the fence what the ``paddock run`` process is on the command line, and writes the
outcome back. ``running`` and ``helper`` are the caller's side, ``child`` is the other.
"""

from __future__ import annotations

__all__ = ["PUBLIC", "find"]

# The public names and where each is; tests hold it against the imports for type checkers in the package's door.
PUBLIC = {
    "CalledProcessError": "paddock.library.results",
    "CommandNotExecutableError": "paddock.errors",
    "CommandNotFoundError": "paddock.errors",
    "CompletedProcess": "paddock.library.results",
    "Explanation": "paddock.library.policies",
    "InternalError": "paddock.errors",
    "LaunchError": "paddock.errors",
    "PaddockError": "paddock.errors",
    "Policy": "paddock.library.policies",
    "PolicyError": "paddock.errors",
    "SettingsError": "paddock.errors",
    "TimeoutExpired": "paddock.library.results",
    "UnsupportedError": "paddock.errors",
    "UsageError": "paddock.errors",
    "run": "paddock.library.running",
}


def find(name: str) -> object:
    """The public object called ``name``. Raises ``AttributeError``, with the nearest name."""
    place = PUBLIC.get(name)
    if place is None:
        from difflib import get_close_matches

        near = get_close_matches(name, PUBLIC, 1)
        raise AttributeError(f"module 'paddock' has no attribute {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    import sys
    from importlib import import_module

    value: object = getattr(import_module(place), name)
    setattr(sys.modules["paddock"], name, value)  # the next time it is an attribute like any other
    return value
