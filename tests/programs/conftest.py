"""The machine that real programs run on, and what they need there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import must
from tests.programs.servers import Authority, Responder, http_server
from tests.programs.world import World


def need(*programs: str) -> None:
    """Skip loudly when a program is missing."""
    for program in programs:
        must(shutil.which(program), f"{program} is not installed")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One machine for all tests; each test uses names of its own."""
    need("unshare", "nsenter", "ip")
    made = World(tmp_path_factory.mktemp("world"))
    must(not made.problem, f"no namespaces for a machine of our own: {made.problem}")
    yield made
    made.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    need("openssl")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


class Serve:
    """Starts servers under names of their own."""

    def __init__(self, world: World, authority: Authority) -> None:
        self.world = world
        self.authority = authority

    @contextmanager
    def http(self, name: str, responder: Responder) -> Iterator[str]:
        """On port 80. Yields the address that ``name`` has."""
        address = self.world.host(name)
        with http_server(self.world.listen(address, 80), responder):
            yield address

    @contextmanager
    def https(self, name: str, responder: Responder) -> Iterator[str]:
        """On port 443, for a ``name`` below ``servers.example``. Yields the address."""
        address = self.world.host(name)
        with http_server(self.world.listen(address, 443), responder, self.authority.context):
            yield address


@pytest.fixture
def serve(world: World, authority: Authority) -> Serve:
    return Serve(world, authority)
