"""ssh: the drop-in files of the system's client configuration, as files that ssh accepts.

ssh refuses a file that it includes unless root or the caller owns it (ssh_config(5), "Include"). In a user namespace that maps the caller alone, what root owns
has an owner without a name, so a single drop-in, which several distributions ship, would end every ssh inside. A private copy belongs to the caller.
"""

from __future__ import annotations

from paddock.model import paths
from paddock.planner.presets.base import Given, Gives

__all__ = ["configure"]

FOLDER = "/etc/ssh/ssh_config.d"


def configure(given: Given, gives: Gives) -> None:
    """Copies of the drop-ins, unless the caller is root."""
    if given.uid == 0:
        return
    for name in given.view.names(FOLDER) or ():
        path = paths.join(FOLDER, name)
        content = given.view.read(path) if name.endswith(".conf") else None
        if content is not None:
            gives.user_file(given, path, content, "as a file of the caller's")
