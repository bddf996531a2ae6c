"""Paddock runs a command inside a fence that the operating system enforces, from the policy that a team already has checked in."""

from __future__ import annotations

TYPE_CHECKING = False  # a type checker takes it for true; importing it from typing would cost more than everything else here
if TYPE_CHECKING:
    from paddock.errors import CommandNotExecutableError as CommandNotExecutableError
    from paddock.errors import CommandNotFoundError as CommandNotFoundError
    from paddock.errors import InternalError as InternalError
    from paddock.errors import LaunchError as LaunchError
    from paddock.errors import PaddockError as PaddockError
    from paddock.errors import PolicyError as PolicyError
    from paddock.errors import SettingsError as SettingsError
    from paddock.errors import UnsupportedError as UnsupportedError
    from paddock.errors import UsageError as UsageError
    from paddock.library.policies import Explanation as Explanation
    from paddock.library.policies import Policy as Policy
    from paddock.library.results import CalledProcessError as CalledProcessError
    from paddock.library.results import CompletedProcess as CompletedProcess
    from paddock.library.results import TimeoutExpired as TimeoutExpired
    from paddock.library.running import run as run

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Find a public name when it is first asked for: importing the package loads nothing else. ``paddock.library`` holds the table."""
    if name.startswith("__"):
        raise AttributeError(f"module 'paddock' has no attribute {name!r}")
    from importlib import import_module

    return import_module("paddock.library").find(name)
