"""pip and npm: an install from a registry that is listed, and none from one that is not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.programs.conftest import Serve, need
from tests.programs.registries import npm_registry, python_index
from tests.programs.world import World

PIP = (os.path.realpath(sys.executable), "-m", "pip")


def test_pip(world: World, serve: Serve, project: Path, tmp_path: Path) -> None:
    index = python_index(tmp_path)
    host = "index.servers.example"
    # A PATH without the developer's own tools: pip asks a Rust compiler for its version, and some of those want to write into the home.
    extra = {"PATH": "/usr/bin:/bin", "PIP_CERT": str(serve.authority.certificate), "PIP_INDEX_URL": f"https://{host}/simple/"}
    extra |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_RETRIES": "0"}
    words = [*PIP, "install", "-q", "--no-cache-dir", "--target", "packages", "tides"]
    with serve.https(host, index):
        world.run(*words, cwd=project, allow=[host], extra=extra).good()
        assert (project / "packages" / "tides.py").read_text() == "WATER = 'high'\n"
        twin = world.run(*words, "--upgrade", cwd=project, extra=extra)
    assert twin.code == 1
    assert twin.refused(f"{host}:443")["area"] == "network"
    assert [asked.path for asked in index.asked] == ["/simple/tides/", "/files/tides-1.0-py3-none-any.whl"], "the refused one asked nothing"


def test_npm(world: World, serve: Serve, project: Path, tmp_path: Path) -> None:
    need("npm", "node")
    host = "registry.servers.example"
    registry = npm_registry(tmp_path, f"https://{host}")
    (project / "package.json").write_text('{"name": "harbour", "version": "1.0.0"}\n')
    words = ["npm", "install", "--no-audit", "--no-fund", f"--registry=https://{host}", "--fetch-retries=0", f"--cafile={serve.authority.certificate}"]
    with serve.https(host, registry):
        world.run(*words, "tides", cwd=project, allow=[host]).good()
        assert (project / "node_modules" / "tides" / "index.js").read_text() == "module.exports = 'high water'\n"
        twin = world.run(*words, "--prefer-online", "tides@latest", cwd=project)
    assert twin.code == 1
    assert twin.refused(f"{host}:443")["area"] == "network"
    assert [asked.path for asked in registry.asked] == ["/tides", "/tides/-/tides-1.0.0.tgz"], "the refused one asked nothing"
