"""Package registries with one package each, as npm and pip expect them, and packages made on the spot."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import zipfile
from pathlib import Path

from tests.programs.servers import Answer, Pages

__all__ = ["npm_registry", "python_index"]


def npm_registry(folder: Path, address: str, name: str = "tides") -> Pages:
    """A registry at ``address`` (without a final slash) with version 1.0.0 of ``name``, packed by npm."""
    source = folder / f"source-{name.replace('/', '-')}"
    source.mkdir()
    manifest = {"name": name, "version": "1.0.0", "main": "index.js"}
    (source / "package.json").write_text(json.dumps(manifest))
    (source / "index.js").write_text("module.exports = 'high water'\n")
    packed = subprocess.run(["npm", "pack", "--silent", "--offline", str(source)], cwd=folder, check=True, capture_output=True, text=True)
    tarball = (folder / packed.stdout.strip()).read_bytes()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    path = f"/{name}/-/{name.rpartition('/')[2]}-1.0.0.tgz"
    version = manifest | {"dist": {"tarball": address + path, "integrity": integrity}}
    document = {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    return Pages({f"/{name.replace('/', '%2f')}": Answer(json.dumps(document).encode(), "application/json"), path: Answer(tarball, "application/octet-stream")})


def python_index(folder: Path, name: str = "tides") -> Pages:
    """A simple index (PEP 503) below ``/simple/`` with one wheel of ``name``."""
    file = f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    contents = {
        f"{name}.py": "WATER = 'high'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*contents, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / file, "w") as wheel:
        for path, text in contents.items():
            wheel.writestr(path, text)
    page = f'<!DOCTYPE html><a href="/files/{file}">{file}</a>\n'
    return Pages({f"/simple/{name}/": Answer(page.encode(), "text/html"), f"/files/{file}": Answer((folder / file).read_bytes(), "application/zip")})
