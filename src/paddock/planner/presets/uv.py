"""uv's own file (TOML): a copy without logins, and the indexes in it."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.model import paths
from paddock.model.settings import Notice
from paddock.planner.presets.base import Given, Gives
from paddock.planner.presets.urls import without_login

__all__ = ["configure", "hosts"]

# Places of the person's own, programs, and proxies that cannot be reached.
_LEFT = frozenset({"cache-dir", "keyring-provider", "http-proxy", "https-proxy", "publish-url"})
_INDEXES = ("index-url", "extra-index-url", "find-links")


def configure(given: Given, gives: Gives) -> None:
    """A copy of the user's file; an unreadable one becomes empty, as what it holds cannot be told."""
    file = _user_file(given)
    content = given.view.read(file)
    if content is not None:
        kept = {key: value for key, value in _parsed(content).items() if key not in _LEFT}
        gives.user_file(given, file, "".join(f"{_quoted(key)} = {_written(value)}\n" for key, value in kept.items()).encode("utf-8", "replace"))


def hosts(given: Given, gives: Gives) -> bool:
    """Add the indexes of the user's file and the system's. True when one of them names a default index."""
    replaced = False
    for file in (_user_file(given), "/etc/uv/uv.toml"):
        content = given.view.read(file)
        data = _parsed(content) if content is not None else {}
        if content and content.strip() and not data:
            gives.notices.append(Notice(f"{file} cannot be read as TOML: it adds no hosts"))
        for url, default in _indexes(data):
            added = gives.address(given, url, file, 0, "uv")
            replaced = replaced or (added and default)
    return replaced


def _user_file(given: Given) -> str:
    return paths.join(given.config_home, "uv/uv.toml")


def _parsed(content: bytes) -> dict[str, object]:
    """Empty for a file that is no TOML: that is uv's to complain about."""
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8", "replace"))
    except tomllib.TOMLDecodeError:
        return {}


def _indexes(data: dict[str, object]) -> Iterator[tuple[str, bool]]:
    """``(address, whether it is the default)``."""
    pip = data.get("pip")
    for table in (data, pip if isinstance(pip, dict) else {}):
        for key in _INDEXES:
            value = table.get(key)
            for word in value if isinstance(value, list) else [value]:
                if isinstance(word, str):
                    yield word, key == "index-url"
        indexes = table.get("index")
        for index in indexes if isinstance(indexes, list) else ():
            if isinstance(index, dict) and isinstance(index.get("url"), str):
                yield index["url"], index.get("default") is True


def _written(value: object) -> str:
    """A value as TOML on one line, logins taken out of addresses. Dates and other kinds that uv's settings do not have become text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)} = {_written(inner)}" for key, inner in value.items()) + "}"
    return _quoted(_clean(str(value)))


def _clean(text: str) -> str:
    """``NAME=ADDRESS`` or an address."""
    name, found, url = text.partition("=")
    return f"{name}={without_login(url)}" if found and "://" not in name else without_login(text)


def _quoted(text: str) -> str:
    """A basic string: JSON's escapes are TOML's too, except for DEL (TOML 1.0, "String")."""
    from json import dumps

    return dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
