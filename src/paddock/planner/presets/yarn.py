"""yarn's own files, line by line: which registry, and which for a scope. Everything else in them may be a login or a program and stays outside.

The first yarn has ``.yarnrc``, lines of a key and a value; the later ones have ``.yarnrc.yml``, of which only the block form of YAML is understood: a registry
written in any other way is left out, and yarn says that it cannot reach its default.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from paddock.model import paths
from paddock.planner.presets.base import Given, Gives
from paddock.planner.presets.urls import without_logins

__all__ = ["configure", "hosts"]

_KEPT = frozenset({"npmRegistryServer", "registry", "nodeLinker", "enableTelemetry", "enableGlobalCache"})
_SCOPES = "npmScopes"
_NAMES = (".yarnrc", ".yarnrc.yml")


class _Line(NamedTuple):
    """A line to keep, with its number. ``registry`` is its address, empty for other settings; ``heads`` are the lines above that it belongs to."""

    number: int
    text: str
    registry: str
    heads: tuple[str, ...] = ()


def configure(given: Given, gives: Gives) -> None:
    """Copies of the user's files."""
    for path in _files(given):
        content = given.view.read(path)
        if content is None:
            continue
        kept: list[str] = []
        heads: tuple[str, ...] = ()
        for line in _lines(path, content):
            # A head is written once, before the first line below it: one without any would say that there is nothing.
            kept += [head for depth, head in enumerate(line.heads) if line.heads[: depth + 1] != heads[: depth + 1]]
            kept.append(line.text)
            heads = line.heads
        gives.user_file(given, path, "".join(f"{line}\n" for line in kept).encode("utf-8", "surrogateescape"))


def hosts(given: Given, gives: Gives) -> None:
    """The registries that the user's files and the project's name."""
    for path in (*_files(given), *(paths.join(given.project_root, name) for name in _NAMES)):
        for line in _lines(path, given.view.read(path) or b""):
            if line.registry:
                gives.address(given, line.registry, path, line.number, "yarn")


def _files(given: Given) -> Iterator[str]:
    for name in _NAMES:
        yield paths.join(given.home, name)


def _lines(path: str, content: bytes) -> Iterator[_Line]:
    text = content.decode("utf-8", "surrogateescape")
    yield from _block(text) if path.endswith(".yml") else _flat(text)


def _flat(text: str) -> Iterator[_Line]:
    for number, raw in enumerate(text.split("\n"), 1):
        key, _, value = raw.partition(" ")
        name = key.strip('"')
        if name in _KEPT or (name.startswith("@") and name.endswith(":registry")):
            yield _Line(number, f"{key} {_clean(value)}", _plain(value) if name.endswith("registry") else "")


def _block(text: str) -> Iterator[_Line]:
    """Top-level settings, and the registries two levels below ``npmScopes``."""
    scopes = scope = ""
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip("\r")
        key, found, value = line.partition(":")
        name = key.strip().strip("\"'")
        if not found or name.startswith("#"):
            continue
        if not key.startswith((" ", "\t")):
            scopes, scope = (line, "") if name == _SCOPES and not value.strip() else ("", "")
            if name in _KEPT:
                yield _Line(number, f"{key}:{_clean(value)}", _plain(value) if name == "npmRegistryServer" else "")
        elif scopes and not value.strip():
            scope = line
        elif scopes and scope and name == "npmRegistryServer":
            yield _Line(number, f"{key}:{_clean(value)}", _plain(value), (scopes, scope))


def _clean(value: str) -> str:
    """The value without a login; quotes around the address do not matter for that."""
    return without_logins(value)


def _plain(value: str) -> str:
    return value.strip().strip("\"'")
