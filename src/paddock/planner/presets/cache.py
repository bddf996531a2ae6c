"""One cache folder per project, so that what one project's command puts into a cache is never run by another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256

from paddock.model import paths
from paddock.model.plan import Bind
from paddock.planner.presets.base import CACHE_ORIGIN

__all__ = ["INSIDE", "TEMPORARY", "cache", "kept"]

INSIDE = "/run/paddock/cache"
"""Where the project's cache is seen inside."""

TEMPORARY = "/tmp/cache"  # noqa: S108 -- the fence's own private folder
"""Where it is when nothing can be kept: it ends with the fence."""

# Variable -> folder below the cache. pnpm keeps its store below PNPM_HOME; its other variable for it makes npm complain.
_VARIABLES = {
    "npm_config_cache": "npm",
    "PNPM_HOME": "pnpm",
    "YARN_CACHE_FOLDER": "yarn",
    "PIP_CACHE_DIR": "pip",
    "UV_CACHE_DIR": "uv",
    "XDG_CACHE_HOME": "xdg",
}


def cache(
    project_root: str, cache_home: str, environ: Mapping[str, str], writable: Callable[[str], bool], *, possible: bool
) -> tuple[tuple[Bind, ...], dict[str, str]]:
    """``(binds, variables)``. A variable that already leads to a place which the command may write stays as it is.

    ``possible`` says whether ``cache_home`` can be made; where it cannot (no home), the caches live in the fence's own ``/tmp`` and end with it.
    """
    base = INSIDE if possible else TEMPORARY
    variables: dict[str, str] = {}
    for name, folder in _VARIABLES.items():
        # npm's variables count in any spelling: whichever the caller used is the one to replace.
        spellings = [given for given in environ if given.lower() == name.lower()] or [name]
        for spelling in spellings:
            if not _stays(environ.get(spelling, ""), writable):
                variables[spelling] = f"{base}/{folder}"
    # npm asks its registry for news of itself now and then, whatever the command: in a fresh cache that is every time.
    variables["npm_config_update_notifier"] = "false"
    if not possible:
        return (), variables
    return (Bind(kept(project_root, cache_home), INSIDE, CACHE_ORIGIN),), variables


def kept(project_root: str, cache_home: str) -> str:
    """The folder outside that holds this project's cache. What is kept beside it has a name that begins with its name."""
    name = sha256(project_root.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return paths.join(cache_home, f"projects/{name}")


def _stays(value: str, writable: Callable[[str], bool]) -> bool:
    return value.startswith("/") and "\0" not in value and writable(paths.normalise(value))
