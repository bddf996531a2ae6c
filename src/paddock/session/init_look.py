"""What a project is made of, as far as its file names and the scripts of its ``package.json`` tell. Nothing of it is run, links are not followed, and the look
is bounded: a project may be anything.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator

from paddock.model.record import field, record, slotted
from paddock.planner.names import ANYWHERE

__all__ = ["DEEPEST", "MOST_ENTRIES", "Found", "Server", "look"]

DEEPEST = 2
"""Folders below the project's: monorepositories keep their packages there."""
MOST_ENTRIES = 5000
MOST_PACKAGES = 50
LARGEST_PACKAGE = 1 << 20

_LANGUAGES = {
    **dict.fromkeys(("package.json", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock"), "web"),
    **dict.fromkeys(("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", "uv.lock", "poetry.lock", "pdm.lock", "tox.ini"), "python"),
    **dict.fromkeys(("Cargo.toml", "Cargo.lock"), "rust"),
    **dict.fromkeys(("go.mod", "go.work"), "go"),
    **dict.fromkeys(("pom.xml", "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"), "java"),
}
_CONTAINERS = frozenset(
    ("Dockerfile", "Containerfile", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml", "docker-bake.hcl", ".devcontainer")
)
_SETTINGS = (".paddock/settings.json", ".paddock/settings.local.json", ".claude/settings.json", ".claude/settings.local.json", ".mcp.json")
_SECRETS = re.compile(
    r"\.env\.(prod|production|staging)|id_(rsa|ed25519|ecdsa)|terraform\.tfstate|.+\.(key|p12|pfx|jks|keystore|kdbx)|service[-_]account.*\.json"
)
_SECRET_FOLDERS = frozenset(("secrets", ".secrets"))
"""In the project's own folder only: further down, a folder of that name is as likely to be source code."""
_SKIPPED = frozenset(
    ("node_modules", "bower_components", "vendor", "third_party", "target", "dist", "build", "out", "venv", "env", "__pycache__", "site-packages")
) | frozenset(("test", "tests", "testdata", "fixtures", "examples", "docs"))

# What a development server is started with -> the port that it takes when nothing else is said, by its own documentation.
_SERVERS = {
    "vite": 5173,
    "next dev": 3000,
    "nuxt dev": 3000,
    "nuxi dev": 3000,
    "react-scripts start": 3000,
    "remix dev": 3000,
    "astro dev": 4321,
    "ng serve": 4200,
    "webpack serve": 8080,
    "webpack-dev-server": 8080,
    "vue-cli-service serve": 8080,
    "parcel": 1234,
    "gatsby develop": 8000,
    "http-server": 8080,
    "storybook dev": 6006,
}
_SERVING_NAMES = frozenset(("dev", "develop", "serve", "start:dev", "dev:server"))
"""Names of scripts that start a server, whatever it is."""
_NOT_SERVING = re.compile(r"\b(vite|parcel)\s+(build|optimize|watch)\b")
_PORT = re.compile(r"(?:(?:--port|-p)[ =]|\bPORT=)(\d{2,5})\b")


@record
class Server:
    """A development server: its port, 0 when that is not known, and where it was found."""

    port: int
    place: str


@slotted
class Found:
    """``languages``: profile to the files that stand for it. ``java``: which of Maven and Gradle. All paths are relative to the project.

    ``settings`` are settings files that are there; ``protected`` are names that no command inside can write, with why; ``cut``: there was more than is
    looked at.
    """

    languages: dict[str, list[str]] = field(default_factory=dict)
    java: set[str] = field(default_factory=set)
    servers: list[Server] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    protected: list[tuple[str, str]] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    cut: bool = False


def look(root: str) -> Found:
    """Look at the project in the folder ``root``. Raises nothing about what lies there: what cannot be read is listed."""
    found = Found()
    packages: list[str] = []
    for relative, is_folder in _entries(root, found):
        name = relative.rpartition("/")[2]
        if not is_folder and name in _LANGUAGES:
            found.languages.setdefault(_LANGUAGES[name], []).append(relative)
            found.java |= {"maven" if name == "pom.xml" else "gradle"} if _LANGUAGES[name] == "java" else set()
        if not is_folder and name == "package.json":
            packages.append(relative)
        if not is_folder and name == "manage.py":
            found.servers.append(Server(8000, relative))
        if name in _CONTAINERS or name.endswith(".Dockerfile"):
            found.containers.append(relative)
        if _SECRETS.fullmatch(name) or relative in _SECRET_FOLDERS:
            found.secrets.append(relative)
        if name in (".env", ".env.local"):
            found.environment.append(relative)
        if name in ANYWHERE and relative == name:
            found.protected.append((relative, ANYWHERE[name]))
    for relative in packages[:MOST_PACKAGES]:
        _scripts(root, relative, found)
    found.settings = [path for path in _SETTINGS if os.path.lexists(f"{root}/{path}")]
    return found


def _entries(root: str, found: Found) -> Iterator[tuple[str, bool]]:
    """(path, whether it is a folder) of what lies in the project, by name, the upper levels first. Only files and folders, and no links."""
    left = MOST_ENTRIES
    folders = [""]
    for _ in range(DEEPEST + 1):
        below: list[str] = []
        for folder in folders:
            for entry in _listed(root, folder, left, found):
                left -= 1
                relative = f"{folder}/{entry.name}" if folder else entry.name
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder or entry.is_file(follow_symlinks=False):
                    yield relative, is_folder
                if is_folder and not entry.name.startswith(".") and entry.name not in _SKIPPED and relative not in _SECRET_FOLDERS:
                    below.append(relative)
        folders = below


def _listed(root: str, folder: str, left: int, found: Found) -> list[os.DirEntry[str]]:
    out: list[os.DirEntry[str]] = []
    try:
        with os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                if len(out) >= left:
                    found.cut = True
                    break
                out.append(entry)
    except OSError:
        found.unreadable.append(folder or ".")
    return sorted(out, key=lambda entry: entry.name)


def _scripts(root: str, relative: str, found: Found) -> None:
    """Development servers that the scripts of a ``package.json`` start."""
    try:
        document = json.loads(_read(f"{root}/{relative}"))
        scripts = document.get("scripts", {})
        commands = [(str(name), text) for name, text in scripts.items() if isinstance(text, str)]
    except (OSError, ValueError, RecursionError, AttributeError):
        found.unreadable.append(relative)
        return
    for name, text in commands:
        port = _port(name, text[:4096])
        if port is not None and not (port and port in [server.port for server in found.servers]):
            found.servers.append(Server(port, f"{relative}: scripts.{name}"))


def _port(name: str, command: str) -> int | None:
    """The port of the server that a script starts, 0 when it may be any, None when it starts none that is known."""
    if _NOT_SERVING.search(command):
        return None
    known = [port for words, port in _SERVERS.items() if re.search(rf"(^|[\s;&|/]){re.escape(words)}($|\s)", command)]
    if not known and name not in _SERVING_NAMES:
        return None
    said = _PORT.search(command)
    port = int(said[1]) if said else known[0] if known else 0
    return port if port < 65536 else 0


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY)
    with open(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_PACKAGE:
            raise ValueError("no ordinary file of a sensible size")
        return file.read(LARGEST_PACKAGE)
