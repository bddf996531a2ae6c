"""uv's own file (TOML): a copy without logins, and the indexes in it."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.model import paths
from paddock.model.settings import Notice
from paddock.planner.presets.base import Given, Gives
from paddock.planner.presets.toml import line_of, parsed, written

__all__ = ["configure", "hosts"]

# Places of the person's own, programs, and proxies that cannot be reached.
_LEFT = frozenset({"cache-dir", "keyring-provider", "http-proxy", "https-proxy", "publish-url"})
_NAME, _PROJECT = "uv.toml", "pyproject.toml"
_INDEXES = ("index-url", "extra-index-url", "find-links")


def configure(given: Given, gives: Gives) -> None:
    """A copy of the user's file; an unreadable one becomes empty, as what it holds cannot be told."""
    file = _user_file(given)
    content = given.view.read(file)
    if content is not None:
        kept = {key: value for key, value in parsed(content).items() if key not in _LEFT}
        gives.user_file(given, file, written(kept))


def hosts(given: Given, gives: Gives) -> bool:
    """Add the indexes of the project's files, the user's and the system's. True when one of them names a default index."""
    replaced = False
    for file in (*(paths.join(given.project_root, name) for name in (_NAME, _PROJECT)), _user_file(given), f"/etc/uv/{_NAME}"):
        content = given.view.read(file)
        data = parsed(content) if content is not None else {}
        if content and content.strip() and not data:
            gives.notices.append(Notice(f"{file} cannot be read as TOML: it adds no hosts"))
        text = (content or b"").decode("utf-8", "replace")
        for url, default in _indexes(_own(data) if file.endswith(_PROJECT) else data):
            added = gives.address(given, url, file, line_of(text, url), "uv")
            replaced = replaced or (added and default)
    return replaced


def _own(project: dict[str, object]) -> dict[str, object]:
    """The table ``tool.uv`` of a ``pyproject.toml``."""
    tools = project.get("tool")
    own = tools.get("uv") if isinstance(tools, dict) else None
    return own if isinstance(own, dict) else {}


def _user_file(given: Given) -> str:
    return paths.join(given.config_home, "uv/uv.toml")


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
