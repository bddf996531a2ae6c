"""The fence's view of the file system, put together: the stage, the new root, the way to a place, the pivot.

The new tree is built beside the host's, out of copies of the host's mounts taken by descriptor; the host's own mounts are never touched. Where a place lies
below an area of our own (a project below ``/tmp``), the way to it is made there.
"""

from __future__ import annotations

import os

from paddock.fence.kernel.files import locate
from paddock.fence.kernel.mounts import (
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_RDONLY,
    attach,
    clone_tree,
    detach,
    make_private,
    new_filesystem,
    pivot_root,
    set_attributes,
)
from paddock.fence.kernel.process import CLONE_NEWNS, unshare
from paddock.fence.launcher.state import Changed, State, Step
from paddock.model.paths import ancestors, relative
from paddock.model.plan import Access, Kind, Plan

__all__ = [
    "HARMLESS",
    "HIDDEN_DIRECTORY",
    "HIDDEN_FILE",
    "HIDDEN_PROGRAM",
    "READ",
    "SCRATCH",
    "WRITE",
    "first_steps",
    "last_steps",
    "mountpoint",
    "owner",
    "private_name",
    "write_file",
]

HARMLESS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV
READ = MOUNT_ATTR_RDONLY | HARMLESS
WRITE = HARMLESS

# Names in the stage.
HIDDEN_FILE = "hidden-file"
HIDDEN_DIRECTORY = "hidden-directory"
HIDDEN_PROGRAM = "hidden-program"
SCRATCH = "scratch"
_NEW_ROOT = "root"

_STAGE_SIZE = "16m"
_SMALL = "1m"


def first_steps(plan: Plan) -> tuple[Step, ...]:
    """What comes before any place."""
    return (_Stage(plan), _Root(plan))


def last_steps() -> tuple[Step, ...]:
    """What comes after every place."""
    return (_Pivot(),)


def owner(state: State, path: str) -> str:
    """The nearest mounted place that holds ``path``: itself or above it."""
    return next((above for above in (path, *ancestors(path)) if above in state.own), "/")


def mountpoint(state: State, path: str, kind: Kind, link: str = "") -> int:
    """An ``O_PATH`` descriptor of ``path`` in the new root, made there (as a symbolic link to ``link`` for that kind) when its holder is our own.

    Raises ``Changed`` when it is missing in the host's tree.
    """
    try:
        return locate(state.root, path)
    except FileNotFoundError as error:
        holder = owner(state, path)
        if not state.own.get(holder):
            raise Changed(f"{path} is not there any more") from error
    base = locate(state.root, holder)
    try:
        *above, name = relative(path, holder).split("/")
        way = ""
        for part in above:
            way += part + "/"
            _make_directory(base, way)
        _make(base, way + name, kind, link)
    finally:
        os.close(base)
    return locate(state.root, path)


def _make_directory(base: int, name: str) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=base)
    except FileExistsError:
        return  # made on the way to an earlier place


def _make(base: int, name: str, kind: Kind, link: str) -> None:
    if kind is Kind.DIRECTORY:
        _make_directory(base, name)
    elif kind is Kind.SYMLINK:
        os.symlink(link, name, dir_fd=base)
    else:
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=base))


class _Stage:
    """A memory file system beside everything, with the masks and the private files."""

    def __init__(self, plan: Plan) -> None:
        self.files = plan.private_files

    def describe(self) -> str:
        return "make a mount namespace without propagation, and a stage for the new root"

    def execute(self, state: State) -> None:
        # Here and not with the others: the launcher's parent half stays in the host's, where pivot_root(2) does not move its root under its feet.
        unshare(CLONE_NEWNS)
        make_private()
        os.umask(0)
        state.host = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        stage = state.stage = new_filesystem("tmpfs", HARMLESS | MOUNT_ATTR_NOEXEC, size=_STAGE_SIZE, mode="0755")
        write_file(stage, HIDDEN_FILE, b"", 0)
        # Shells look at the mode before they try: what they do not try could not be told about. That it is not executed is the mount's doing (noexec).
        write_file(stage, HIDDEN_PROGRAM, b"", 0o111)
        # It can be listed and is empty: tools that walk a project (test runners, linters, searches) go past it instead of failing.
        os.mkdir(HIDDEN_DIRECTORY, 0o555, dir_fd=stage)
        for name in (_NEW_ROOT, SCRATCH):
            os.mkdir(name, 0o755, dir_fd=stage)
        for number, file in enumerate(self.files):
            write_file(stage, private_name(number), file.content, file.mode)
        set_attributes(stage, MOUNT_ATTR_RDONLY)


def private_name(number: int) -> str:
    """The name in the stage of the private file with this place in the plan."""
    return f"private-{number}"


def write_file(base: int, name: str, content: bytes, mode: int) -> None:
    """Make a file with exactly this mode (the umask is 0 in this process)."""
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=base)
    while content:
        content = content[os.write(fd, content) :]
    os.close(fd)


class _Root:
    """The new root: the host's tree read-only, unless the plan names ``/`` itself."""

    def __init__(self, plan: Plan) -> None:
        self.place = next((place for place in plan.layout if place.path == "/"), None)
        self.access = self.place.access if self.place else Access.READ

    def describe(self) -> str:
        return {Access.READ: "copy the host's tree read-only", Access.WRITE: "copy the host's tree", Access.HIDDEN: "start from an empty tree"}[self.access]

    def execute(self, state: State) -> None:
        if self.access is Access.HIDDEN:
            state.root = new_filesystem("tmpfs", HARMLESS, size=_SMALL, mode="0755")
            state.seal.append(state.root)
        else:
            state.root = clone_tree(state.host)
            set_attributes(state.root, READ if self.access is Access.READ else WRITE)
        # The stage goes on top of the host's root, after that was copied: this process keeps looking through the root below, so nothing disappears from its
        # view, and no directory of the host's has to exist for it.
        attach(state.stage, state.host)
        target = os.open(_NEW_ROOT, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=state.stage)
        attach(state.root, target)
        os.close(target)
        state.own["/"] = self.access is Access.HIDDEN


class _Pivot:
    """Seal what is only a way to other places, enter the new root, and let go of the old one."""

    def describe(self) -> str:
        return "enter the new root and detach the host's"

    def execute(self, state: State) -> None:
        for mount in state.seal:
            set_attributes(mount, MOUNT_ATTR_RDONLY, recursive=False)
        os.fchdir(state.root)
        pivot_root()
        detach()  # the stage, which lies on top of the host's root
        detach()  # the host's root, which lies on top of the new one
        os.chdir("/")
        for fd in {*state.seal, state.host, state.stage} - {state.root}:
            os.close(fd)
