"""Presets: a private mirror that stands in the tool's own configuration and nowhere else is reached with ``--tool NAME`` and nothing more.

No other registry can be reached from the machine that these tests run on, so an answer comes from the mirror or not at all. Each tool is tried with the home
folder readable and hidden; its logins are inside in neither case, the rest of its configuration is.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import must
from tests.programs.conftest import Serve, need
from tests.programs.registries import npm_registry, python_index
from tests.programs.servers import Answer, Pages, git_backend, http_server
from tests.programs.world import World

PYTHON = os.path.realpath(sys.executable)
HUSH = "hush-hush"
HIDDEN = ["--deny-read", "~/"]
BOTH = pytest.mark.parametrize("hidden", [False, True], ids=["home readable", "home hidden"])


def options(tool: str, *, hidden: bool) -> list[str]:
    return ["--tool", tool, *(HIDDEN if hidden else [])]


def shown(world: World, project: Path, file: Path, *, hidden: bool) -> str:
    """What ``cat`` shows of a file inside."""
    ran = world.run("cat", file, cwd=project, options=HIDDEN if hidden else [])
    assert ran.code == 0, ran.err
    return ran.out


def content(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)
    return file


@BOTH
def test_npm(world: World, serve: Serve, project: Path, tmp_path: Path, isolated_environment: Path, *, hidden: bool) -> None:
    need("npm", "node")
    name = f"npm-{hidden:d}.servers.example"
    team = f"team-{hidden:d}.servers.example"
    # A certificate of the company's own, kept in the home as people do.
    shutil.copy(serve.authority.certificate, isolated_environment / "company.pem")
    rc = content(
        isolated_environment / ".npmrc",
        f"registry=https://{name}/\n//{name}/:_authToken={HUSH}\n@team:registry=https://somebody:{HUSH}@{team}/\ncafile=${{HOME}}/company.pem\n"
        "audit=false\nfund=false\nfetch-retries=0\n",
    )
    (project / "package.json").write_text('{"name": "harbour", "version": "1.0.0"}\n')
    words = ["npm", "install", "tides", "@team/charts"]
    mirror, scoped = npm_registry(tmp_path, f"https://{name}"), npm_registry(tmp_path, f"https://{team}", "@team/charts")
    with serve.https(name, mirror), serve.https(team, scoped):
        twin = world.run(*words, cwd=project, options=HIDDEN if hidden else [])
        assert twin.code == 1
        assert {record["subject"] for record in twin.report["refused"] if record["area"] == "network"} == {f"{name}:443", f"{team}:443"}
        assert not mirror.asked
        ran = world.run(*words, cwd=project, options=options("npm", hidden=hidden))
        assert ran.code == 0, ran.err
    assert (project / "node_modules" / "tides" / "index.js").exists()
    assert (project / "node_modules" / "@team" / "charts" / "index.js").exists()
    inside = shown(world, project, rc, hidden=hidden)
    assert f"registry=https://{name}/" in inside
    assert f"@team:registry=https://{team}/" in inside
    assert HUSH not in inside
    assert all("authorization" not in asked.headers for asked in [*mirror.asked, *scoped.asked]), "no login went out either"


@BOTH
def test_pip(world: World, serve: Serve, project: Path, tmp_path: Path, isolated_environment: Path, *, hidden: bool) -> None:
    name = f"pip-{hidden:d}.servers.example"
    shutil.copy(serve.authority.certificate, isolated_environment / "company.pem")
    text = f"[global]\nindex-url = https://somebody:{HUSH}@{name}/simple/\ncert = {isolated_environment}/company.pem\n"
    text += "disable-pip-version-check = true\nretries = 0\n"
    conf = content(isolated_environment / ".config" / "pip" / "pip.conf", text)
    words = [PYTHON, "-m", "pip", "install", "-q", "--target", "packages", "tides"]
    index = python_index(tmp_path)
    quiet = {"PATH": "/usr/bin:/bin"}
    with serve.https(name, index):
        twin = world.run(*words, cwd=project, options=HIDDEN if hidden else [], extra=quiet)
        assert twin.code == 1
        assert twin.refused(f"{name}:443")["area"] == "network"
        ran = world.run(*words, cwd=project, options=options("pip", hidden=hidden), extra=quiet)
        assert ran.code == 0, ran.err
    assert (project / "packages" / "tides.py").exists()
    inside = shown(world, project, conf, hidden=hidden)
    assert f"https://{name}/simple/" in inside
    assert HUSH not in inside
    assert all("authorization" not in asked.headers for asked in index.asked)


@BOTH
def test_git(world: World, serve: Serve, project: Path, tmp_path: Path, isolated_environment: Path, *, hidden: bool) -> None:
    need("git")
    name = f"git-{hidden:d}.servers.example"
    source = tmp_path / "mirror" / "tides.git"
    world.unfenced("sh", "-c", MAKE_REPOSITORY, source, cwd=tmp_path).good()
    shutil.copy(serve.authority.certificate, isolated_environment / "company.pem")
    # As people do who keep their configuration in a repository of its own.
    real = content(isolated_environment / "dotfiles" / "gitconfig", GIT.replace("MIRROR", name))
    config = isolated_environment / ".gitconfig"
    config.symlink_to(real.relative_to(isolated_environment))
    words = ["git", "clone", "-q", "https://code.default.example/tides.git"]
    with serve.https(name, git_backend(tmp_path / "mirror")):
        twin = world.run(*words, "twin", cwd=project, options=HIDDEN if hidden else [])
        assert twin.code == 128
        assert twin.refused(f"{name}:443")["area"] == "network"
        ran = world.run(*words, "clone", cwd=project, options=options("git", hidden=hidden))
        assert ran.code == 0, ran.err
    assert (project / "clone" / "tides.txt").read_text() == "high\n"
    inside = shown(world, project, config, hidden=hidden)
    assert f'[url "https://{name}/"]' in inside
    assert HUSH not in inside
    assert shown(world, project, isolated_environment / "company.pem", hidden=hidden).startswith("-----BEGIN CERTIFICATE-----")


GIT = f"""\
[user]
\tname = Some Body
[url "https://somebody:{HUSH}@MIRROR/"]
\tinsteadOf = https://code.default.example/
[http "https://MIRROR/"]
\tsslCAInfo = ~/company.pem
\textraHeader = "Authorization: {HUSH}"
[credential]
\thelper = "!echo password={HUSH}"
"""
MAKE_REPOSITORY = """\
set -e
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.example GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b.example
git init -q -b main work && cd work && echo high >tides.txt && git add . && git commit -q -m Begin && git clone -q --bare . "$0"
"""


def test_apt(world: World, serve: Serve, project: Path, tmp_path: Path) -> None:
    need("apt-get")
    must(Path("/etc/apt").is_dir(), "there is no /etc/apt to stand in for")
    name = "apt.servers.example"
    index = b"Package: tides\nVersion: 1.0\nArchitecture: all\nFilename: ./tides.deb\nSize: 5\nMaintainer: nobody <a@b.example>\nDescription: tides\n"
    mirror = Pages({"/debian/./Packages": Answer(index), "/debian/Packages": Answer(index)})
    world.apt_file("sources.list", f"deb [trusted=yes] http://somebody:{HUSH}@{name}/debian ./\n")
    world.apt_file("auth.conf.d/mirror.conf", f"machine {name} login somebody password {HUSH}\n")
    folders = ["Dir::State=state", "Dir::State::status=status", "Dir::Cache=cache", "Dir::Log=log", "APT::Sandbox::User=root", "Acquire::Retries=0"]
    for folder in ("state/lists/partial", "cache/archives/partial", "log"):
        (project / folder).mkdir(parents=True)
    (project / "status").touch()
    update = [
        "apt-get",
        *(word for option in folders for word in ("-o", option.replace("=", f"={project}/", 1) if option.startswith("Dir") else option)),
        "update",
    ]
    with serve.http(name, mirror):
        twin = world.run(*update, cwd=project)
        assert twin.refused(f"{name}:80")["area"] == "network"
        assert not mirror.asked
        ran = world.run(*update, cwd=project, options=["--tool", "apt"])
    assert ran.code == 0, ran.err
    assert "Package: tides" in "".join(file.read_text() for file in (project / "state" / "lists").glob("*Packages"))
    inside = world.run("sh", "-c", "find /etc/apt -type f -exec cat {} +", cwd=project).out
    assert f"http://{name}/debian" in inside
    assert HUSH not in inside
    assert all("authorization" not in asked.headers for asked in mirror.asked)


@BOTH
def test_files_of_tools_that_may_be_absent(world: World, project: Path, isolated_environment: Path, *, hidden: bool) -> None:
    """pnpm, yarn and uv: the connection that each file leads to is open, and the file is inside without its login."""
    home = isolated_environment
    files = {
        f"pnpm-{hidden:d}": content(home / ".config" / "pnpm" / "rc", f"registry=http://pnpm-{hidden:d}.servers.example/\n//x/:_authToken={HUSH}\n"),
        f"yarn-{hidden:d}": content(home / ".yarnrc.yml", f'npmRegistryServer: "http://u:{HUSH}@yarn-{hidden:d}.servers.example"\nnpmAuthToken: {HUSH}\n'),
        f"uv-{hidden:d}": content(home / ".config" / "uv" / "uv.toml", f'index-url = "http://u:{HUSH}@uv-{hidden:d}.servers.example/simple"\n'),
    }
    for name, file in files.items():
        host = f"{name}.servers.example"
        fetch = [PYTHON, "-c", "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read())", f"http://{host}/"]
        with http_server(world.listen(world.host(host), 80), Pages({"/": Answer(b"mirror")})):
            tool = "pip" if name.startswith("uv") else "npm"
            assert world.run(*fetch, cwd=project, options=options(tool, hidden=hidden)).good().out == "b'mirror'\n"
            twin = world.run(*fetch, cwd=project, options=HIDDEN if hidden else [])
        assert twin.refused(f"{host}:80")["area"] == "network"
        inside = shown(world, project, file, hidden=hidden)
        assert f"{host}" in inside
        assert HUSH not in inside
