"""go: module proxies and the checksum database (go.dev/ref/mod, "Environment variables").

A setting comes from the environment, else from the file of ``go env -w``, else from ``go.env`` of the toolchain, else from what was compiled in, whose source
text comes with the toolchain.
"""

from __future__ import annotations

from paddock.model import paths
from paddock.model.plan import Kind
from paddock.model.settings import Notice, Origin, Scope
from paddock.planner.presets.base import KEY, Given, Gives, found_program
from paddock.planner.presets.secret import looks_secret
from paddock.planner.presets.urls import target_of, without_logins

__all__ = ["configure", "hosts"]

_CACHES = {"GOMODCACHE": "go-mod", "GOCACHE": "go-build"}
_COMPILED_IN = "src/cmd/go/internal/cfg/cfg.go"
_PRIVATE = ("GOPRIVATE", "GONOPROXY")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")


def configure(given: Given, gives: Gives) -> None:
    """A copy of the user's file, addresses of the environment without logins, and caches."""
    file = _user_file(given)
    content = given.view.read(file) if file else None
    if content is not None:
        kept = [without_logins(line) for line in content.decode("utf-8", "surrogateescape").split("\n") if _keeps(line.partition("=")[0].strip())]
        gives.user_file(given, file, "".join(f"{line}\n" for line in kept).encode("utf-8", "surrogateescape"))
    proxies = given.environ.get("GOPROXY", "")
    clean = without_logins(proxies)
    if clean != proxies:
        gives.environment["GOPROXY"] = clean
        gives.notices.append(Notice("the login in GOPROXY stays outside", level="info"))
    if not found_program(given, "go"):
        return
    before = _filled(given)
    for name, folder in _CACHES.items():
        gives.cache_variable(given, name, folder)
    if before and "GOMODCACHE" in gives.environment:
        # What was fetched before stays usable: a module cache is laid out as a proxy is (go.dev/ref/mod, "Module cache").
        usual = without_logins(_setting(given, "GOPROXY")[0])
        if usual:
            gives.environment["GOPROXY"] = f"file://{before}/cache/download,{usual}"


def hosts(given: Given, gives: Gives) -> None:
    """The proxies, the checksum database, and the hosts of modules that go around both."""
    before = len(gives.hosts)
    proxies, file, line = _setting(given, "GOPROXY")
    for word in proxies.replace("|", ",").split(","):
        _add(given, gives, word.strip(), file, line)
    if any(word.strip() not in ("", "off") for word in proxies.split(",")):
        _checksums(given, gives)
    for name in _PRIVATE:
        value, file, line = _setting(given, name)
        for pattern in value.split(","):
            host = pattern.strip().partition("/")[0]
            if "." in host and not any(char in host for char in "*?[\\"):
                _add(given, gives, f"https://{host}/", file, line)
    if len(gives.hosts) == before:
        text = "the preset go gives no host: no proxy is configured and go's own default was not found; list the host of a proxy and name it in GOPROXY"
        gives.notices.append(Notice(text, Origin(Scope.BUILTIN, "builtin", key=KEY, text="go")))


def _filled(given: Given) -> str:
    """The module cache that the caller has, when it can be read inside. Empty when it cannot, or could not be written in a list of addresses."""
    own = given.environ.get("GOPATH", "").split(":")[0] or paths.join(given.home, "go")
    folder = given.environ.get("GOMODCACHE", "") or f"{own}/pkg/mod"
    if not folder.startswith("/") or not _PLAIN.issuperset(folder):
        return ""
    found = given.view.resolve(paths.normalise(f"{folder}/cache/download"))
    return paths.normalise(folder) if found.kind is Kind.DIRECTORY and not given.hidden(found.path) and not given.writable(found.path) else ""


def _checksums(given: Given, gives: Gives) -> None:
    """``GOSUMDB``: ``NAME``, ``NAME+KEY`` or either with an address after it."""
    value, file, line = _setting(given, "GOSUMDB")
    words = value.split()
    if words and words[0] != "off" and "off" not in _setting(given, "GONOSUMCHECK")[0].split():
        _add(given, gives, words[1] if len(words) > 1 else f"https://{words[0].partition('+')[0]}/", file, line)


def _add(given: Given, gives: Gives, url: str, file: str, line: int) -> None:
    target = target_of(url) if "://" in url else None
    if target is None:
        return  # ``direct``, ``off``, a folder
    root = _root(given)
    if root and paths.is_beneath(file, root) and not given.writable(given.view.resolve(file).path):
        gives.host(target, Origin(Scope.BUILTIN, file, line, key=KEY, text=f"go: {target.pattern()}"))
    else:
        gives.address(given, url, file, line, "go")


def _setting(given: Given, name: str) -> tuple[str, str, int]:
    """``(value, file or variable, line)``; empty strings when nothing says."""
    value = given.environ.get(name, "")
    if value:
        return value, name, 0
    root = _root(given)
    for file in (_user_file(given), paths.join(root, "go.env") if root else ""):
        content = given.view.read(file) if file else None
        for number, line in enumerate((content or b"").decode("utf-8", "replace").split("\n"), 1):
            key, found, value = line.strip().partition("=")
            if found and key.strip() == name and value.strip():
                return value.strip(), file, number
    return _compiled_in(given, root, name)


def _compiled_in(given: Given, root: str, name: str) -> tuple[str, str, int]:
    """The default in the toolchain's source: ``NAME = envOr("NAME", "value")``."""
    if not root:
        return "", "", 0
    file = paths.join(root, _COMPILED_IN)
    for number, line in enumerate((given.view.read(file) or b"").decode("utf-8", "replace").split("\n"), 1):
        head, found, rest = line.partition(f'envOr("{name}", "')
        if found and head.strip().startswith(name):
            return rest.partition('"')[0], file, number
    return "", "", 0


def _root(given: Given) -> str:
    """The toolchain's folder: ``bin/go`` lies in it. Nothing that the command could have written."""
    program = found_program(given, "go")
    root = paths.ancestors(program)[1] if program.count("/") > 2 else ""
    return root if root and not given.writable(root) else ""


def _user_file(given: Given) -> str:
    """``GOENV``, or ``go/env`` in the folder of os.UserConfigDir."""
    moved = given.environ.get("GOENV", "")
    if moved:
        return paths.normalise(moved) if moved.startswith("/") and "\0" not in moved else ""
    return paths.join(given.config_home, "go/env")


def _keeps(name: str) -> bool:
    return bool(name) and not name.startswith("#") and not looks_secret(name)
