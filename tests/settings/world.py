"""A person, a project and an administrator of their own, on disk, for one test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from paddock.model.settings import Settings
from paddock.settings.load import LoadRequest, load
from paddock.settings.managed import Roots
from paddock.settings.overrides import EVERY

ADMIN = {"paddock": "etc/paddock", "claude": "etc/claude-code"}


class World:
    """``write`` puts a file where a scope looks for it; ``load`` reads them all, as the person in the project."""

    def __init__(self, base: Path) -> None:
        self.base = base.resolve()
        self.system = self.folder("system")
        self.home = self.folder("home")
        self.project = self.folder("home/app")
        self.environ = {"HOME": str(self.home)}
        self.platform = "linux"

    def folder(self, name: str) -> Path:
        """A folder that only its owner can write, whatever the umask of the person who runs the tests."""
        path = self.base
        for part in Path(name).parts:
            path /= part
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
        return path

    def path(self, scope: str, family: str = "claude") -> Path:
        project = self.project / f".{family}"
        return {
            "managed": self.system / ADMIN[family] / "managed-settings.json",
            "local": project / "settings.local.json",
            "project": project / "settings.json",
            "user": self.home / (".claude" if family == "claude" else ".config/paddock") / "settings.json",
        }[scope]

    def put(self, path: Path, content: object) -> Path:
        """Write JSON, or text as it is."""
        self.folder(str(path.parent.relative_to(self.base)))
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
        path.chmod(0o644)
        return path

    def write(self, scope: str, content: object, family: str = "claude") -> Path:
        return self.put(self.path(scope, family), content)

    def drop_in(self, name: str, content: object, family: str = "claude") -> Path:
        return self.put(self.system / ADMIN[family] / "managed-settings.d" / name, content)

    def load(
        self,
        *,
        settings: tuple[str, ...] = (),
        sources: tuple[str, ...] | None = None,
        options: tuple[tuple[str, object, str], ...] = (),
        trust: bool = False,
        cwd: Path | None = None,
        overrides: frozenset[str] = EVERY,
        **more: Any,
    ) -> Settings:
        roots = Roots(str(self.system), self.platform)
        return load(LoadRequest(str(cwd or self.project), self.environ, sources, settings, options, trust, roots, overrides, **more))


def values(settings: Settings, key: str) -> list[object]:
    """The entries of a list key that people wrote, without the builtin ones."""
    return [entry.value for entry in settings.list(key) if entry.origin.file != "builtin"]
