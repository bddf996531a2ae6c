"""A package each for cargo, go and Maven, where their clients look for it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile

from tests.programs.servers import Answer, Pages

__all__ = ["crate_registry", "maven_repository", "module_proxy"]


def crate_registry(address: str, name: str = "tides") -> Pages:
    """A sparse index at ``address`` (without a final slash) and version 1.0.0 of a crate (The Cargo Book, "Registry Index")."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in {"Cargo.toml": f'[package]\nname = "{name}"\nversion = "1.0.0"\n', "src/lib.rs": 'pub const WATER: &str = "high";\n'}.items():
            member = tarfile.TarInfo(f"{name}-1.0.0/{path}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    crate = packed.getvalue()
    line = {"name": name, "vers": "1.0.0", "deps": [], "cksum": hashlib.sha256(crate).hexdigest(), "features": {}, "yanked": False}
    return Pages(
        {
            "/config.json": Answer(json.dumps({"dl": f"{address}/dl"}).encode(), "application/json"),
            f"/{name[:2]}/{name[2:4]}/{name}": Answer(json.dumps(line).encode() + b"\n"),
            f"/dl/{name}/1.0.0/download": Answer(crate, "application/gzip"),
        }
    )


def module_proxy(module: str = "harbour.example/tides") -> Pages:
    """A module proxy with v1.0.0 of ``module`` (go.dev/ref/mod, "GOPROXY protocol")."""
    mod = f"module {module}\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{module}@v1.0.0/go.mod", mod)
        archive.writestr(f"{module}@v1.0.0/tides.go", 'package tides\n\nconst Water = "high"\n')
    base = f"/{module}/@v/v1.0.0"
    info = json.dumps({"Version": "v1.0.0", "Time": "2024-01-01T00:00:00Z"}).encode()
    return Pages({f"{base}.info": Answer(info), f"{base}.mod": Answer(mod.encode()), f"{base}.zip": Answer(packed.getvalue(), "application/zip")})


def maven_repository(group: str = "harbour", name: str = "parent") -> Pages:
    """A repository with one parent project (maven.apache.org, "Repository Layout")."""
    identity = f"<groupId>{group}</groupId><artifactId>{name}</artifactId><version>1.0</version>"
    pom = f"<project><modelVersion>4.0.0</modelVersion>{identity}<packaging>pom</packaging></project>"
    path = f"/{group}/{name}/1.0/{name}-1.0.pom"
    return Pages({path: Answer(pom.encode(), "text/xml"), f"{path}.sha1": Answer(hashlib.sha1(pom.encode(), usedforsecurity=False).hexdigest().encode())})
