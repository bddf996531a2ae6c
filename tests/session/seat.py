"""A person at a project, with an administrator of their own: the whole way from files to answers, without this machine's policy."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import paddock.session.prepare as preparing
from paddock.session.prepare import Request
from paddock.settings.load import LoadRequest, load
from paddock.settings.managed import Roots
from tests.settings.world import World

if TYPE_CHECKING:
    import pytest


@dataclass
class Seat:
    """``world`` writes files; ``request`` asks as the person in the project."""

    world: World
    environ: dict[str, str] = field(default_factory=dict)

    def request(self, **more: object) -> Request:
        return Request((), str(self.world.project), self.environ, **more)  # type: ignore[arg-type]  # the remaining fields of a request


def take_seat(base: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    """The process stands in the project from here on, with the world's home and system."""
    world = World(base)
    roots = Roots(str(world.system))

    def load_here(request: LoadRequest) -> object:
        return load(request._replace(roots=roots))

    monkeypatch.setattr(preparing, "load", load_here)
    monkeypatch.chdir(world.project)
    environ = {"HOME": str(world.home), "PATH": "/usr/bin:/bin", "LANG": "C"}
    for name in list(os.environ):
        if name.startswith("XDG_"):
            monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return Seat(world, environ)
