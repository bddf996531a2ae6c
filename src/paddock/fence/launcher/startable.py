"""Where only listed programs may be started: no mount lets a file be executed or mapped as code, but those of the listed files and of the libraries.

Landlock alone decides what is executed. But it looks neither at what is mapped nor at who asked for the loader: ``ld.so ./program`` would be a way to start
anything. From a mount with ``noexec`` the kernel maps nothing as code (mmap(2), EPERM), so the loader has libraries to load and nothing else.
"""

from __future__ import annotations

import errno
import os

from paddock.fence.kernel.files import locate
from paddock.fence.kernel.mounts import MOUNT_ATTR_NOEXEC, attach, clone_tree, set_attributes
from paddock.fence.launcher.state import State, Step
from paddock.model.paths import is_beneath
from paddock.model.plan import Plan

__all__ = ["startable_steps"]


def startable_steps(plan: Plan) -> tuple[Step, ...]:
    """When all places stand, and before the new root is entered."""
    found = plan.startable
    if found is None:
        return ()
    files = [path for path in found.files if not any(is_beneath(path, folder) for folder in found.folders)]
    return (_Nothing(), *(_Code(path) for path in (*found.folders, *files)))


class _Nothing:
    def describe(self) -> str:
        return "let nothing be executed or mapped as code"

    def execute(self, state: State) -> None:
        set_attributes(state.root, MOUNT_ATTR_NOEXEC)


class _Code:
    def __init__(self, path: str) -> None:
        self.path = path

    def describe(self) -> str:
        return f"let code be mapped from {self.path}"

    def execute(self, state: State) -> None:
        try:
            target = locate(state.root, self.path)
        except (FileNotFoundError, NotADirectoryError):
            return  # hidden, with the folder that holds it
        mount = clone_tree(target)
        try:
            set_attributes(mount, 0, clear=MOUNT_ATTR_NOEXEC, recursive=False)  # what is mounted below has been judged on its own
            attach(mount, target)
        except OSError as error:
            if error.errno != errno.EPERM:
                raise
            # The host has it mounted noexec, and nobody inside may change that: then nothing there can be executed outside either.
        finally:
            os.close(mount)
            os.close(target)
