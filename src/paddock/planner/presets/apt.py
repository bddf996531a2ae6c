"""apt: the mirrors of the system's source lists (sources.list(5)). They belong to root, so they are the administrator's word."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.model import paths
from paddock.model.settings import Notice, Origin, Scope
from paddock.planner.presets.base import KEY, Given, Gives
from paddock.planner.presets.urls import without_logins

__all__ = ["configure", "hosts"]

FOLDER = "/etc/apt"


def configure(given: Given, gives: Gives) -> None:
    """Copies of the lists that hold a login (apt-transport-http(1)): every user of the machine can read them, and so could the command."""
    for file in _files(given):
        content = given.view.read(file)
        if content is None or b"@" not in content:
            continue
        text = content.decode("utf-8", "surrogateescape")
        clean = without_logins(text)
        if clean != text:
            gives.user_file(given, file, clean.encode("utf-8", "surrogateescape"))


def hosts(given: Given, gives: Gives) -> None:
    """Every mirror that is switched on."""
    before = len(gives.hosts)
    for file in _files(given):
        content = given.view.read(file)
        text = (content or b"").decode("utf-8", "replace")
        found = _deb822(text) if file.endswith(".sources") else _one_line(text)
        for number, url in found:
            gives.address(given, url, file, number, "apt")
    if len(gives.hosts) == before:
        gives.notices.append(Notice("the preset apt gives no host: no source list names one", Origin(Scope.BUILTIN, "builtin", key=KEY, text="apt")))


def _files(given: Given) -> Iterator[str]:
    yield paths.join(FOLDER, "sources.list")
    folder = paths.join(FOLDER, "sources.list.d")
    for name in given.view.names(folder) or ():
        if name.endswith((".list", ".sources")):
            yield paths.join(folder, name)


def _one_line(text: str) -> Iterator[tuple[int, str]]:
    """``deb [ options ] address suite components``."""
    for number, line in enumerate(text.split("\n"), 1):
        words = line.partition("#")[0].strip().split(None, 1)
        if len(words) == 2 and words[0] in ("deb", "deb-src"):
            rest = words[1]
            if rest.startswith("["):
                rest = rest.partition("]")[2].strip()
            yield number, rest.split()[0] if rest.split() else ""


def _deb822(text: str) -> Iterator[tuple[int, str]]:
    """Paragraphs of fields; ``Enabled: no`` switches one off."""
    found: list[tuple[int, str]] = []
    enabled = True
    field = ""
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.startswith("#"):
            continue
        if not line.strip():
            if enabled:
                yield from found
            found, enabled, field = [], True, ""
            continue
        value = line
        if line[0] not in " \t":
            name, _, value = line.partition(":")
            field = name.strip().lower()
        if field == "uris":
            found += [(number, word) for word in value.split()]
        elif field == "enabled":
            enabled = value.strip().lower() not in ("no", "false", "0", "off", "without", "disable")
