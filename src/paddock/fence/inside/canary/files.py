"""Canaries about files: what is hidden, what cannot be written, what speaks for the whole machine."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import stat
import struct
from functools import partial

from paddock.fence.inside.canary.base import LIBC, MOST_NAMES, NUMBER, Answer, Said, apart, attempt, opened, raw, word, worst

__all__ = ["VERBS", "landlock_layers"]

PR_SET_NO_NEW_PRIVS = 38
ACCESS_FS_MAKE_BLOCK = 1 << 11
MOST_LAYERS = 16


def visible(places: list[tuple[str, str, int, int, list[str]]], shown: str, device: int, inode: int) -> Answer:
    """Each place: path, kind, and the device and inode that the host has there; for a folder the names that may be in it."""
    found = os.stat(shown)
    twin = opened(shown, os.O_RDONLY)
    if (found.st_dev, found.st_ino) != (device, inode):
        twin = "what is shown is not the host's"
    return [[path, look(path, kind, device, inode, names)] for path, kind, device, inode, names in places], twin


def look(path: str, kind: str, device: int, inode: int, names: list[str]) -> str:
    """What can be seen of a hidden place."""
    try:
        found = os.lstat(path)
        if (found.st_dev, found.st_ino) == (device, inode):
            return "in sight"
        if kind != "directory":
            return opened(path, os.O_RDONLY)
        strange = sorted(set(os.listdir(path)) - set(names))
    except OSError as error:
        return word(error)
    return f"holds {', '.join(strange[:MOST_NAMES])}" if strange else "empty"


def secret(path: str, content: str) -> Answer:
    """A file in a hidden place; its content was handed in as standard input as well."""
    os.lseek(0, 0, os.SEEK_SET)
    handed = os.read(0, 256).decode("ascii", "replace")
    return [["open", opened(path, os.O_RDONLY)]], "ok" if handed == content else "standard input is something else"


def own_tmp(path: str, token: str) -> Answer:
    """A file in the host's folder for temporary files."""
    mine = f"/tmp/{token}.own"  # noqa: S108 -- the fence's own, and the name is random
    twin = opened(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    if twin == "ok":
        twin = opened(mine, os.O_RDONLY)
        os.unlink(mine)
    return [["open", opened(path, os.O_RDONLY)]], twin


def create(path: str) -> str:
    """Make a file and take it away."""
    made = opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    if made == "ok":
        os.unlink(path)
    return made


def write(paths: list[str], twins: list[str]) -> Answer:
    """Make a file at each path; the twins lie where the plan lets the command write."""
    return [[path, create(path)] for path in paths], worst(create(path) for path in twins)


def protected(places: list[tuple[str, str]], token: str, twins: list[str]) -> Answer:
    """Write to each place: append nothing to a file, make something in a folder. The mount below must be read-only."""
    said = []
    for path, kind in places:
        refused = create(f"{path}/{token}") if kind == "directory" else opened(path, os.O_WRONLY | os.O_APPEND)
        said.append([path, refused if refused == "ok" or mount_of(path) == "ro" else f"{refused}, and its mount is writable"])
    return said, worst(create(path) for path in twins)


def absent(places: list[tuple[str, str]], twins: list[str]) -> Answer:
    """Make what does not exist yet under a protected name, as a file and as a folder, and take it away again; the twins' names are not protected."""
    return [[path, make(path, kind)] for path, kind in places], worst(make(path, kind) for path in twins for kind in ("file", "directory"))


def make(path: str, kind: str) -> str:
    """Make a file or a folder and take it away."""
    if kind != "directory":
        return create(path)
    made = attempt(os.mkdir, path)
    if made == "ok":
        os.rmdir(path)
    return made


def mount_of(path: str) -> str:
    """``ro`` or ``rw``, from the mount and not from anybody's rights."""
    try:
        return "ro" if os.statvfs(path).f_flag & os.ST_RDONLY else "rw"
    except OSError as error:
        return word(error)


def mounts(read_only: list[str], writable: list[str]) -> Answer:
    """Which mounts are read-only."""
    rw = [mount_of(path) for path in writable]
    return [[path, mount_of(path)] for path in read_only], "ok" if all(found == "rw" for found in rw) else f"a place to write in is {rw}"


def handed_in() -> Answer:
    """Standard input is a file of the host's, open for reading: reopening it must not give the right to write."""
    kind = "ro" if os.fstatvfs(0).f_flag & os.ST_RDONLY else "rw"
    return [["reopen", opened("/proc/self/fd/0", os.O_WRONLY)], ["mount", kind]], opened("/proc/self/fd/0", os.O_RDONLY)


def landlock() -> Answer:
    """Standard error is a file without a name, open for reading: no mount of the fence stands before it. And whether Landlock is there at all."""
    said = [["reopen", opened("/proc/self/fd/2", os.O_WRONLY)], ["truncate", attempt(os.truncate, "/proc/self/fd/2", 0)]]
    return [*said, ["layers", landlock_layers()]], opened("/proc/self/fd/2", os.O_RDONLY)


def landlock_layers() -> str:
    """How many rulesets are around this program: the kernel takes 16 and says E2BIG then (landlock(7)), so a child adds some until it does."""

    def work() -> Said:
        LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        attributes = ctypes.create_string_buffer(struct.pack("=Q", ACCESS_FS_MAKE_BLOCK), 8)
        ctypes.set_errno(0)
        fd = LIBC.syscall(NUMBER["landlock_create_ruleset"], attributes, ctypes.c_size_t(8), 0)
        if fd < 0:
            return [["layers", errno.errorcode.get(ctypes.get_errno(), "?")]]
        added = 0
        while added < MOST_LAYERS and raw("landlock_restrict_self", fd, 0) == "ok":
            added += 1
        return [["layers", str(MOST_LAYERS - added)]]

    return apart(work)[0][1]


def set_id(token: str) -> Answer:
    """Every way to a set-user-id or set-group-id bit, and to a device."""
    base = f"/tmp/{token}.set"  # noqa: S108 -- the fence's own, and the name is random
    os.mkdir(base)
    plain = f"{base}/plain"
    fd = os.open(plain, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    folder = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    said = [
        ["chmod", attempt(os.chmod, plain, 0o4755)],
        ["fchmod", attempt(os.fchmod, fd, 0o2755)],
        ["fchmodat", attempt(partial(os.chmod, dir_fd=folder), "plain", 0o4755)],
        ["open", opened(f"{base}/made", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o4755)],
        ["mkdir", attempt(os.mkdir, f"{base}/folder", 0o2755)],
        ["mknod", attempt(os.mknod, f"{base}/pipe", 0o4644 | stat.S_IFIFO)],
        ["device", attempt(os.mknod, f"{base}/device", 0o600 | stat.S_IFCHR, os.makedev(1, 3))],
    ]
    twin = attempt(os.chmod, plain, 0o755)
    os.close(fd)
    for name in os.listdir(folder):
        (os.rmdir if name == "folder" else os.unlink)(name, dir_fd=folder)
    os.close(folder)
    os.rmdir(base)
    return said, twin


def kernel_files(written: list[str], read_only: list[str]) -> Answer:
    """Files that speak for the whole machine."""
    said = [[path, opened(path, os.O_WRONLY)] for path in written] + [[f"mount of {path}", mount_of(path)] for path in read_only]
    return said, opened("/proc/sys/kernel/osrelease", os.O_RDONLY)


def kernel_secrets(paths: list[str]) -> Answer:
    """Files that tell about the whole machine."""
    return [[path, opened(path, os.O_RDONLY)] for path in paths], opened("/proc/uptime", os.O_RDONLY)


def devices(harmless: list[list[int]], majors: list[int]) -> Answer:
    """Every device node in ``/dev`` and in its terminals."""
    strange = []
    for folder in ("/dev", "/dev/pts"):
        for name in os.listdir(folder):
            found = os.stat(f"{folder}/{name}", follow_symlinks=False)
            number = [os.major(found.st_rdev), os.minor(found.st_rdev)]
            if stat.S_ISBLK(found.st_mode) or (stat.S_ISCHR(found.st_mode) and number not in harmless and number[0] not in majors):
                strange.append(f"{folder}/{name}")
    return [["nodes", f"holds {', '.join(strange[:MOST_NAMES])}" if strange else "none"]], opened("/dev/null", os.O_WRONLY)


def start(places: list[str]) -> Answer:
    """Programs that may not be started, and one that may: this one. None of them comes to its first instruction: it is stopped there (ptrace(2)) and ended."""
    return [[path, started(path)] for path in places], started(os.readlink("/proc/self/exe"))


def started(path: str) -> str:
    """``ok`` when the kernel executes the file, or the name of the errno."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            LIBC.ptrace(0, 0, None, None)  # PTRACE_TRACEME
            os.execv(path, [path])  # noqa: S606 -- no shell
        except OSError as error:
            os.write(writer, word(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    if os.WIFSTOPPED(status):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with open(reader, "rb") as said:
        return said.read().decode() or "ok"


VERBS = (visible, secret, start, own_tmp, write, protected, absent, mounts, handed_in, landlock, set_id, kernel_files, kernel_secrets, devices)
