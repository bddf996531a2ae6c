"""pip and its relative uv."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.model import paths
from paddock.model.settings import Notice, Origin, Scope
from paddock.planner.presets import certificates, uv
from paddock.planner.presets.base import KEY, Given, Gives, found_program
from paddock.planner.presets.ini import Line, lines
from paddock.planner.presets.urls import target_of, without_login

__all__ = ["configure", "hosts"]

# Options of pip that say what to fetch and how to build. Left outside: ``proxy`` (cannot be reached), ``client-cert``, ``keyring-provider``, ``log``,
# ``cache-dir``, ``target``, ``prefix``, ``python``, ``src``.
_KEPT = frozenset(
    {
        "abi", "break-system-packages", "cert", "config-settings", "constraint", "default-timeout", "disable-pip-version-check", "extra-index-url",
        "find-links", "format", "ignore-installed", "implementation", "index-url", "no-binary", "no-build-isolation", "no-cache-dir", "no-compile",
        "no-deps", "no-index", "no-input", "no-warn-script-location", "only-binary", "platform", "pre", "prefer-binary", "progress-bar", "quiet",
        "require-hashes", "require-virtualenv", "resume-retries", "retries", "root-user-action", "timeout", "trusted-host", "upgrade-strategy",
        "use-feature", "use-pep517", "user", "verbose",
    }
)  # fmt: skip
_INDEXES = frozenset({"index-url", "extra-index-url", "find-links", "index"})
_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS")
_MAIN = frozenset({"index-url", "PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"})


def configure(given: Given, gives: Gives) -> None:
    """Copies of the user's files without logins; the same for addresses in the environment."""
    for path in _user_files(given):
        _copy(given, gives, path)
    uv.configure(given, gives)
    for name in _VARIABLES:
        value = given.environ.get(name, "")
        clean = " ".join(_clean(word) for word in value.split())
        if "@" in value and clean != value:
            gives.environment[name] = clean
            gives.notices.append(Notice(f"the login in {name} stays outside", level="info"))


def hosts(given: Given, gives: Gives) -> None:
    """The indexes of the environment, the user's files and the system's; the one built into pip when no other replaces it."""
    replaced = False
    for name in _VARIABLES:
        for word in given.environ.get(name, "").split():
            added = gives.address(
                given, word.partition("=")[2] if name in ("UV_INDEX", "UV_DEFAULT_INDEX") and "=" in word.partition("://")[0] else word, name, 0, "pip"
            )
            replaced = replaced or (added and name in _MAIN)
    for file in (*_environments(given), *_user_files(given), "/etc/pip.conf", "/etc/xdg/pip/pip.conf"):
        for line in _settings(given, file):
            for word in line.value.split():
                added = line.key in _INDEXES and gives.address(given, word, file, line.number, "pip")
                replaced = replaced or (added and line.key in _MAIN)
    replaced = uv.hosts(given, gives) or replaced
    if not replaced:
        _builtin(given, gives)


def _user_files(given: Given) -> Iterator[str]:
    """Pip's documentation, "Configuration files": the legacy file, the user's file, the one that the environment names."""
    moved = given.environ.get("PIP_CONFIG_FILE", "")
    if moved.startswith("/"):
        yield paths.normalise(moved)
    yield paths.join(given.home, ".pip/pip.conf")
    yield paths.join(given.config_home, "pip/pip.conf")


def _environments(given: Given) -> Iterator[str]:
    """The file of a virtual environment ("site" in pip's documentation): the active one's, and those at the usual places of a project."""
    active = given.environ.get("VIRTUAL_ENV", "")
    folders = [paths.normalise(active)] if active.startswith("/") and "\0" not in active else []
    folders += [paths.join(given.project_root, name) for name in (".venv", "venv")]
    for folder in dict.fromkeys(folders):
        yield paths.join(folder, "pip.conf")


def _settings(given: Given, file: str) -> Iterator[Line]:
    content = given.view.read(file)
    for line in lines((content or b"").decode("utf-8", "surrogateescape"), continued=True):
        yield line._replace(key=line.key.lower().replace("_", "-"))


def _copy(given: Given, gives: Gives, path: str) -> None:
    if given.view.read(path) is None:
        return
    out: list[str] = []
    section = None
    for line in _settings(given, path):
        if line.key not in _KEPT:
            continue
        if line.section != section:
            section = line.section
            out.append(f"[{section}]")
        if line.key == "cert":
            certificates.show(given, gives, line.value)
        words = "\n    ".join(" ".join(_clean(word) for word in part.split()) for part in line.value.split("\n"))
        out.append(f"{line.key} = {words}")
    gives.user_file(given, path, "".join(f"{line}\n" for line in out).encode("utf-8", "surrogateescape"))


def _clean(word: str) -> str:
    name, found, url = word.partition("=")
    return f"{name}={without_login(url)}" if found and "://" not in name else without_login(word)


def _builtin(given: Given, gives: Gives) -> None:
    for file in _index_files(given):
        content = None if given.writable(given.view.resolve(file).path) else given.view.read(file)
        found = _default_index((content or b"").decode("utf-8", "replace"))
        for number, url in found:
            target = target_of(url)
            if target is not None:
                gives.host(target, Origin(Scope.BUILTIN, file, number, key=KEY, text=f"pip: {target.pattern()}"))
        if found:
            return
    gives.notices.append(
        Notice(
            "the preset pip gives no host: no index is configured and pip's own default was not found", Origin(Scope.BUILTIN, "builtin", key=KEY, text="pip")
        )
    )


def _index_files(given: Given) -> Iterator[str]:
    """``pip/_internal/models/index.py`` of the installations that PATH leads to: beside the interpreter, and where distributions put it."""
    seen: set[str] = set()
    for program in (found_program(given, "pip3", "pip"), found_program(given, "python3", "python")):
        base = paths.ancestors(program)[1] if program.count("/") > 1 else ""
        # A version manager's shims stand beside its versions.
        roots = [base]
        if base:
            roots += [paths.join(base, f"versions/{name}") for name in given.view.names(paths.join(base, "versions")) or ()]
        for root in roots:
            yield from _inside(given, root, seen)
    yield from _inside(given, "/usr", seen)


def _inside(given: Given, root: str, seen: set[str]) -> Iterator[str]:
    if not root or root in seen:
        return
    seen.add(root)
    for library in given.view.names(paths.join(root, "lib")) or ():
        if library.startswith("python3"):
            for packages in ("site-packages", "dist-packages"):
                yield paths.join(root, f"lib/{library}/{packages}/pip/_internal/models/index.py")


def _default_index(text: str) -> list[tuple[int, str]]:
    """``(line, address)`` of the default index and of the host that keeps its files."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("PyPI = PackageIndex("):
            quoted = line.split('"')[1::2]
            return [(number, word if "://" in word else f"https://{word}") for word in quoted]
    return []
