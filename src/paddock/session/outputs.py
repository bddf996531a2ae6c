"""Output folders of a read-only project: made when they are missing, because nothing inside could make them.

Each step opens the folder before it by descriptor and follows no link: whatever else runs in the project, an entry makes folders in the project and nowhere
else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from paddock.errors import PolicyError
from paddock.model import paths
from paddock.model.policy import PathRule

__all__ = ["make_outputs"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_outputs(project: str, missing: Iterable[tuple[str, PathRule]]) -> bool:
    """Make every folder of ``missing``, which lie below ``project`` and are resolved. Returns whether there is a new one. Raises ``PolicyError``."""
    made = False
    for folder, rule in missing:
        try:
            made |= _make(project, paths.relative(folder, project).split("/"))
        except OSError as error:
            raise PolicyError(
                f"the output folder {folder} of a read-only project cannot be made: {error.strerror}", hint=f"make it, or take it out of {rule.origin}"
            ) from error
    return made


def _make(project: str, parts: list[str]) -> bool:
    made = False
    here = os.open(project, _FOLDER)
    try:
        for part in parts:
            try:
                os.mkdir(part, dir_fd=here)
                made = True
            except FileExistsError:  # on the way to it, or made meanwhile: opening says whether it is a folder
                made |= False
            below = os.open(part, _FOLDER, dir_fd=here)
            os.close(here)
            here = below
    finally:
        os.close(here)
    return made
