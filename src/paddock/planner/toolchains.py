"""Programs that live in a home: a policy that hides the home still means the interpreter on PATH to work.

For every folder of PATH below home the installation around it is shown read-only: what a version manager keeps beside ``bin`` or ``shims``. Folders that hold
more than programs give only the programs. Nothing that a rule hides by name is opened (``planner/layout.py`` sees to that).
"""

from __future__ import annotations

from collections.abc import Mapping

from paddock.model import paths
from paddock.model.plan import Kind
from paddock.planner.strays import Strays
from paddock.planner.view import View

__all__ = ["reopened"]

_PROGRAM_FOLDERS = frozenset({"bin", "sbin", "shims"})

# Folders of a home that hold programs among other things -> what programs started from there need besides.
_MIXED: dict[str, tuple[str, ...]] = {
    ".local": (".local/lib", ".local/share/pipx/venvs", ".local/pipx/venvs", ".local/share/uv/tools", ".local/share/uv/python", ".local/share/mise/installs"),
    ".cargo": (".cargo/env", ".rustup/toolchains", ".rustup/settings.toml"),
    "go": ("go/pkg/mod",),
    ".config": (),
    "snap": (),
}
# Shims of version managers that keep their versions elsewhere.
_ELSEWHERE: dict[str, tuple[str, ...]] = {
    ".local/share/mise": (".local/share/mise/installs",),
    ".volta": (".volta/tools",),
}


def reopened(view: View, home: str, environ: Mapping[str, str], links: Strays) -> tuple[str, ...]:
    """Existing folders and files below ``home``, resolved and sorted. What a link in the project leads to is left out: an activated environment there is on
    PATH, and commands can replace it.
    """
    found: dict[str, None] = {}
    for entry in environ.get("PATH", "").split(":"):
        if not entry.startswith("/") or "\0" in entry:
            continue
        folder = view.resolve(paths.normalise(entry))
        if folder.kind is Kind.DIRECTORY and folder.path != home and paths.is_beneath(folder.path, home) and not links.leads_out(folder):
            for path in _around(folder.path, home):
                there = view.resolve(path)
                if there.kind is not None and not links.leads_out(there):
                    found[there.path] = None
    return tuple(sorted(found))


def _around(folder: str, home: str) -> list[str]:
    parent = paths.ancestors(folder)[0]
    inner = paths.relative(parent, home) if paths.is_beneath(parent, home) else ""
    if folder.rpartition("/")[2] not in _PROGRAM_FOLDERS or not inner:
        return [folder]
    if inner in _MIXED:
        return [folder, *(paths.join(home, extra) for extra in _MIXED[inner])]
    if inner in _ELSEWHERE:
        return [parent, *(paths.join(home, extra) for extra in _ELSEWHERE[inner])]
    return [parent]
