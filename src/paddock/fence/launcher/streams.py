"""A step for what the command gets as standard input, output and error, where that is a file of the host's."""

from __future__ import annotations

import fcntl
import os
import stat

from paddock.fence.kernel.files import locate
from paddock.fence.kernel.mounts import MOUNT_ATTR_RDONLY, clone_tree, set_attributes
from paddock.fence.launcher import report
from paddock.fence.launcher.state import State, Step

__all__ = ["stream_steps"]


def stream_steps() -> tuple[Step, ...]:
    """The one step: in process 1, before the host's tree is let go of."""
    return (_ReadOnlyStreams(),)


class _ReadOnlyStreams:
    """A file opened for reading carries the host's writable mount: its mode and times could be changed through it, and on older kernels it could be cut off.

    So the same file is opened again through a read-only mount of its own. The position goes along, and comes back when the fence ends.
    """

    def describe(self) -> str:
        return "open files that are passed in for reading again, through read-only mounts"

    def execute(self, state: State) -> None:
        for number, fd in enumerate(state.stdio):
            if _is_read_only_file(fd):
                again = _open_again(state, fd)
                if again >= 0:
                    report.send(state.control, report.STREAM, bytes((number,)), (again,))
                    os.close(again)
                    state.replaced.add(number)


def _is_read_only_file(fd: int) -> bool:
    found = os.fstat(fd)
    return stat.S_ISREG(found.st_mode) and found.st_nlink > 0 and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY


def _open_again(state: State, fd: int) -> int:
    """-1 when the file has no path here, or may not be opened by its path any more: then Landlock alone stands before it."""
    try:
        source = locate(state.host, os.readlink(f"/proc/self/fd/{fd}"))
    except OSError:
        return -1
    mount = -1
    try:
        if not os.path.samestat(os.fstat(source), os.fstat(fd)):
            return -1
        mount = clone_tree(source, recursive=False)
        set_attributes(mount, MOUNT_ATTR_RDONLY)
        again = os.open(f"/proc/self/fd/{mount}", os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        return -1
    finally:
        os.close(source)
        if mount >= 0:
            os.close(mount)
    os.lseek(again, os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
    return again
