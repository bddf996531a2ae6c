"""cargo, go and Maven: a private mirror in the tool's own configuration is reached with ``--tool NAME`` and nothing more; one in the project's waits for trust.

As in ``test_presets.py``, an answer comes from the mirror or not at all. `./dev` installs no cargo and no
Maven, so a machine without them skips quietly.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import DEVELOPER_ENVIRONMENT, applies
from tests.programs.builders import crate_registry, maven_repository, module_proxy
from tests.programs.conftest import Serve, need
from tests.programs.registries import npm_registry
from tests.programs.test_presets import BOTH, HUSH, content, options, shown
from tests.programs.world import World


@pytest.fixture
def rust() -> dict[str, str]:
    """What a cargo that rustup manages needs when the home is another."""
    applies(shutil.which("cargo"), "cargo is not installed")
    home = DEVELOPER_ENVIRONMENT.get("RUSTUP_HOME") or f"{DEVELOPER_ENVIRONMENT['HOME']}/.rustup"
    return {"RUSTUP_HOME": home} if os.path.isdir(home) else {}


@BOTH
def test_cargo(world: World, serve: Serve, project: Path, isolated_environment: Path, rust: dict[str, str], *, hidden: bool) -> None:
    name = f"cargo-{hidden:d}.servers.example"
    text = f'[source.crates-io]\nreplace-with = "mirror"\n[source.mirror]\nregistry = "sparse+http://{name}/"\n[registries.team]\n'
    text += f'index = "sparse+http://{name}/team/"\ntoken = "{HUSH}"\n[net]\nretry = 0\n'
    config = content(isolated_environment / ".cargo" / "config.toml", text)
    (project / "src").mkdir()
    (project / "src" / "lib.rs").touch()
    (project / "Cargo.toml").write_text('[package]\nname = "harbour"\nversion = "1.0.0"\n[dependencies]\ntides = "1"\n')
    registry = crate_registry(f"http://{name}")
    with serve.http(name, registry):
        twin = world.run("cargo", "fetch", cwd=project, options=options("git", hidden=hidden), extra=rust)
        assert twin.code == 101
        assert twin.refused(f"{name}:80")["area"] == "network"
        assert not registry.asked
        world.run("cargo", "fetch", cwd=project, options=options("cargo", hidden=hidden), extra=rust).good()
    assert [asked.path for asked in registry.asked] == ["/config.json", "/ti/de/tides", "/dl/tides/1.0.0/download"]
    # The server is gone: what was fetched is kept for the project.
    kept = world.run("cargo", "tree", "--offline", cwd=project, options=options("cargo", hidden=hidden), extra=rust).good()
    assert "tides v1.0.0" in kept.out
    inside = shown(world, project, config, hidden=hidden)
    assert f"sparse+http://{name}/team/" in inside
    assert HUSH not in inside


@BOTH
def test_go(world: World, serve: Serve, project: Path, isolated_environment: Path, *, hidden: bool) -> None:
    need("go")
    name = f"go-{hidden:d}.servers.example"
    env = content(isolated_environment / ".config" / "go" / "env", f"GOPROXY=http://somebody:{HUSH}@{name}\nGOSUMDB=off\nGOFLAGS=-mod=mod\n")
    (project / "go.mod").write_text("module harbour\n\nrequire harbour.example/tides v1.0.0\n")
    (project / "main.go").write_text('package main\n\nimport "harbour.example/tides"\n\nfunc main() { println(tides.Water) }\n')
    proxy = module_proxy()
    # The tests' own environment may say where modules come from.
    bare = dict.fromkeys(("GOPROXY", "GOFLAGS", "GOSUMDB", "GOMODCACHE", "GOCACHE", "GOPATH"), "")
    with serve.http(name, proxy):
        twin = world.run("go", "mod", "download", cwd=project, options=options("git", hidden=hidden), extra=bare)
        assert twin.code == 1
        assert twin.refused(f"{name}:80")["area"] == "network"
        assert not proxy.asked
        ran = world.run("go", "run", ".", cwd=project, options=options("go", hidden=hidden), extra=bare)
    assert ran.good().err.splitlines()[-1] == "high"
    assert all("authorization" not in asked.headers for asked in proxy.asked)
    # The server is gone: what was fetched is kept for the project.
    assert world.run("go", "run", ".", cwd=project, options=options("go", hidden=hidden), extra=bare).good().err.splitlines()[-1] == "high"
    inside = shown(world, project, env, hidden=hidden)
    assert f"GOPROXY=http://{name}" in inside
    assert HUSH not in inside


MAVEN = f"""\
<settings>
  <mirrors><mirror><id>company</id><mirrorOf>*</mirrorOf><url>http://somebody:{HUSH}@MIRROR</url></mirror></mirrors>
  <servers><server><id>company</id><username>somebody</username><password>{HUSH}</password></server></servers>
</settings>
"""


@BOTH
def test_maven(world: World, serve: Serve, project: Path, isolated_environment: Path, *, hidden: bool) -> None:
    applies(shutil.which("mvn"), "mvn is not installed")
    name = f"maven-{hidden:d}.servers.example"
    settings = content(isolated_environment / ".m2" / "settings.xml", MAVEN.replace("MIRROR", name))
    parent = "<parent><groupId>harbour</groupId><artifactId>parent</artifactId><version>1.0</version><relativePath/></parent>"
    (project / "pom.xml").write_text(f"<project><modelVersion>4.0.0</modelVersion>{parent}<artifactId>tides</artifactId><packaging>pom</packaging></project>")
    repository = maven_repository()
    # Java takes the home from the table of accounts and not from HOME.
    extra = {"MAVEN_OPTS": f"-Duser.home={isolated_environment}"}
    with serve.http(name, repository):
        twin = world.run("mvn", "-B", "validate", cwd=project, options=options("git", hidden=hidden), extra=extra)
        assert twin.code == 1
        assert twin.refused(f"{name}:80")["area"] == "network"
        assert not repository.asked
        ran = world.run("mvn", "-B", "-U", "validate", cwd=project, options=options("maven", hidden=hidden), extra=extra)
    assert ran.code == 0, ran.out
    assert repository.asked[0].path == "/harbour/parent/1.0/parent-1.0.pom"
    assert all("authorization" not in asked.headers for asked in repository.asked)
    again = world.run("mvn", "-B", "-o", "validate", cwd=project, options=options("maven", hidden=hidden), extra=extra)
    assert again.code == 0, again.out
    inside = shown(world, project, settings, hidden=hidden)
    assert f"http://{name}" in inside
    assert HUSH not in inside


def test_a_projects_own_file_counts_once_it_was_accepted_and_only_as_it_was(world: World, serve: Serve, project: Path, tmp_path: Path) -> None:
    need("npm", "node")
    name, other = "own.servers.example", "own-2.servers.example"
    rc = project / ".npmrc"
    rc.write_text(f"registry=http://{name}/\naudit=false\nfund=false\nfetch-retries=0\n")
    (project / "package.json").write_text('{"name": "harbour", "version": "1.0.0"}\n')
    settings = project / ".paddock" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"paddock": {"network": {"tools": ["npm"]}}}\n')
    words = ["npm", "install", "tides"]
    (tmp_path / "second").mkdir()
    mirror, second = npm_registry(tmp_path, f"http://{name}"), npm_registry(tmp_path / "second", f"http://{other}")
    with serve.http(name, mirror), serve.http(other, second):
        waiting = world.run(*words, cwd=project)
        assert waiting.refused(f"{name}:80")["area"] == "network"
        assert not mirror.asked
        shown_first = world.paddock("trust", "--list", cwd=project)
        assert shown_first.code == 1
        assert f"npm: {name}:80 (from ./.npmrc, sha256 " in shown_first.out
        assert world.paddock("trust", "--yes", cwd=project).code == 0
        world.run(*words, cwd=project).good()
        assert (project / "node_modules" / "tides" / "index.js").exists()
        plan = world.paddock("policy", "show", "--plan", cwd=project).out
        assert any(f"{name}:80" in line and "project .npmrc:1" in line for line in plan.splitlines())

        rc.write_text(rc.read_text().replace(name, other))
        changed = world.run(*words, "--prefer-online", cwd=project)
        assert changed.refused(f"{other}:80")["area"] == "network"
        assert not second.asked
        difference = world.paddock("trust", "--list", cwd=project)
        assert difference.code == 1
        rows = [line.split()[0] for line in difference.out.splitlines() if "sha256" in line]
        assert rows == ["new", "gone"]
        for_the_run = world.run(*words, "--prefer-online", cwd=project, options=["--trust-project"])
        assert second.asked, for_the_run.err

        # The same for a preset that only the command line names.
        settings.unlink()
        assert world.paddock("trust", "--list", cwd=project).code == 0
        by_option = ["--tool", "npm"]
        assert world.run(*words, "--prefer-online", cwd=project, options=by_option).refused(f"{other}:80")["area"] == "network"
        assert world.paddock("trust", "--yes", *by_option, cwd=project).code == 0
        asked = len(second.asked)
        world.run(*words, "--prefer-online", cwd=project, options=by_option).good()
        assert len(second.asked) > asked
