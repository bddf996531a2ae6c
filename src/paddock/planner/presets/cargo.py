"""cargo: registries and replaced sources (The Cargo Book, "Configuration" and "Source Replacement")."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.model import paths
from paddock.model.settings import Notice, Origin, Scope
from paddock.planner.presets import certificates
from paddock.planner.presets.base import KEY, Given, Gives, found_program
from paddock.planner.presets.secret import looks_secret
from paddock.planner.presets.toml import line_of, parsed, written
from paddock.planner.presets.urls import target_of

__all__ = ["configure", "hosts"]

_SPARSE = "sparse+"
_MAIN = "crates-io"
"""cargo's name for the source that it has without any configuration."""

# Folders of a cargo home that hold what was fetched and installed.
_KEPT = ("bin", "git", "registry")
# Programs that answer with logins, and proxies that cannot be reached.
_LEFT = frozenset({"credential-provider", "global-credential-providers", "proxy"})

# The program is large; it is read only when the preset is asked for and nothing replaces the default (bytes).
_PROGRAM_BYTES = 96 << 20
_URL = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789.-")


def configure(given: Given, gives: Gives) -> None:
    """Copies of the user's files without logins, and a home of the project's own for what cargo fetches."""
    home = _home(given)
    copies: dict[str, bytes] = {}
    for file in _files(home):
        content = given.view.read(file)
        if content is None:
            continue
        table = parsed(content)
        if content.strip() and not table:
            gives.notices.append(Notice(f"{file} cannot be read as TOML: inside it is empty"))
        copies[file] = written(_clean(table))
        gives.user_file(given, file, copies[file])
        http = table.get("http")
        if isinstance(http, dict) and isinstance(http.get("cainfo"), str):
            certificates.show(given, gives, http["cainfo"])
    # Without a network nothing is fetched: then what the caller's home holds is worth more than a place to write.
    if not given.networked or not found_program(given, "cargo"):
        return
    moved = gives.tool_home(given, "CARGO_HOME", "cargo", _KEPT)
    # A project below the folder that holds ``.cargo`` finds the file by walking up, and lists of a file that is found twice are joined.
    if moved and not (home.endswith("/.cargo") and paths.is_beneath(given.project_root, paths.ancestors(home)[0])):
        for content in list(copies.values())[:1]:
            gives.made_file(f"{moved}/config.toml", content, "cargo's configuration without logins")


def hosts(given: Given, gives: Gives) -> None:
    """The indexes that environment, project and user name, the hosts that these say their packages are at, and the default's when nothing replaces it."""
    before = len(gives.hosts)
    replaced = False
    for name, value in given.environ.items():
        if name.startswith(("CARGO_REGISTRIES_", "CARGO_REGISTRY_")) and name.endswith("_INDEX"):
            _add(given, gives, value, name, 0)
    for folder in (paths.join(given.project_root, ".cargo"), _home(given)):
        for file in _files(folder):
            content = given.view.read(file)
            table = parsed(content) if content is not None else {}
            added = False
            text = (content or b"").decode("utf-8", "replace")
            for url in _indexes(table):
                added = _add(given, gives, url, file, line_of(text, url)) or added
            replaced = replaced or (_replaces(table) and (added or not given.writable(given.view.resolve(file).path)))
    if not replaced:
        _builtin(given, gives)
    if len(gives.hosts) == before and not replaced:
        text = "the preset cargo gives no host: no registry is configured and cargo's own default was not found; list the hosts of its index and its packages"
        gives.notices.append(Notice(text, Origin(Scope.BUILTIN, "builtin", key=KEY, text="cargo")))


def _home(given: Given) -> str:
    moved = given.environ.get("CARGO_HOME", "")
    return paths.normalise(moved) if moved.startswith("/") and "\0" not in moved else paths.join(given.home, ".cargo")


def _files(folder: str) -> Iterator[str]:
    """The old name wins where both exist."""
    yield paths.join(folder, "config")
    yield paths.join(folder, "config.toml")


def _indexes(table: dict[str, object]) -> Iterator[str]:
    for section, keys in (("source", ("registry", "git")), ("registries", ("index",))):
        tables = table.get(section)
        for inner in tables.values() if isinstance(tables, dict) else ():
            for key in keys:
                if isinstance(inner, dict) and isinstance(inner.get(key), str):
                    yield inner[key]
    registry = table.get("registry")
    if isinstance(registry, dict) and isinstance(registry.get("index"), str):
        yield registry["index"]


def _replaces(table: dict[str, object]) -> bool:
    """Whether the default source is replaced by another."""
    sources = table.get("source")
    main = sources.get(_MAIN) if isinstance(sources, dict) else None
    return isinstance(main, dict) and isinstance(main.get("replace-with"), str)


def _add(given: Given, gives: Gives, url: str, file: str, line: int) -> bool:
    plain = url.removeprefix(_SPARSE)
    added = gives.address(given, plain, file, line, "cargo")
    # What an index of the project's answered once is not what somebody accepted: its other hosts have to be listed.
    if added and not (file.startswith("/") and given.writable(given.view.resolve(file).path)):
        _downloads(given, gives, plain)
    return added


def _downloads(given: Given, gives: Gives, url: str) -> bool:
    """An index says where its packages are (The Cargo Book, "Index Format"): in ``config.json``, which cargo keeps of every index it has used."""
    import json

    target = target_of(url)
    folder = paths.join(_home(given), "registry/index")
    found = False
    for name in given.view.names(folder) or () if target is not None else ():
        if target is None or name.rpartition("-")[0] != target.host:
            continue
        file = paths.join(folder, f"{name}/config.json")
        try:
            config = json.loads(given.view.read(file) or b"{}")
        except (ValueError, RecursionError):
            continue
        if isinstance(config, dict) and isinstance(config.get("dl"), str):
            found = gives.address(given, config["dl"], file, 0, "cargo") or found
    return found


def _builtin(given: Given, gives: Gives) -> None:
    """The default index, out of the program's own text."""
    for program in _programs(given):
        content = given.view.read(program, _PROGRAM_BYTES) or b""
        start = content.find(b"sparse+https://")
        while start >= 0:
            url = content[start + len(_SPARSE) : start + 200]
            end = next((i for i, byte in enumerate(url[8:], 8) if byte not in _URL), len(url))
            target = target_of(url[:end].decode("ascii", "replace"))
            if target is not None and "." in target.host and url[end : end + 1] == b"/":
                gives.host(target, Origin(Scope.BUILTIN, program, key=KEY, text=f"cargo: {target.pattern()}"))
                if not _downloads(given, gives, f"https://{target.host}/"):
                    text = f"cargo learns from {target.host} where packages are, and has not asked on this machine: list that host if it is another"
                    gives.notices.append(Notice(text, Origin(Scope.BUILTIN, program, key=KEY, text="cargo"), "info"))
                return
            start = content.find(b"sparse+https://", start + 1)


def _programs(given: Given) -> Iterator[str]:
    """The program on PATH, and those of rustup when that is what stands there (The rustup Book, "Toolchains")."""
    program = found_program(given, "cargo")
    if program and not program.endswith("/rustup"):
        yield program
        return
    base = given.environ.get("RUSTUP_HOME", "")
    folder = paths.join(paths.normalise(base) if base.startswith("/") and "\0" not in base else paths.join(given.home, ".rustup"), "toolchains")
    for name in given.view.names(folder) or () if program else ():
        inner = given.view.resolve(paths.join(folder, f"{name}/bin/cargo")).path
        if not given.writable(inner):
            yield inner


def _clean(table: dict[str, object]) -> dict[str, object]:
    """Without programs and settings about logins, however deep. Names of tables are anybody's choice and tell nothing."""
    return {name: _cleaned(value) for name, value in table.items() if isinstance(value, dict) or not (name in _LEFT or looks_secret(name))}


def _cleaned(value: object) -> object:
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    return _clean(value) if isinstance(value, dict) else value
