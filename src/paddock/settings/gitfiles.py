"""Git's own files, read without running git: where a repository's root is, and whether a file is tracked.

No git process is started, because git acts on configuration that the repository brings along. Sources: gitrepository-layout(5), gitformat-index(5).
"""

from __future__ import annotations

import os
import stat

from paddock.model.paths import ancestors, is_beneath, join, relative

__all__ = ["Repository", "find_repository", "in_main_checkout", "is_tracked"]

_POINTER_LIMIT = 4096  # a gitfile and a commondir file hold one path
_INDEX_LIMIT = 64 * 1024 * 1024
_ENTRY_FIXED = 62  # bytes of an index entry before its name: ten 32-bit fields, a 20-byte SHA-1, 16 bits of flags
_EXTENDED = 0x4000  # flag: 16 more bits follow (version 3 and later)
_NAME_LENGTH = 0x0FFF


class Repository:
    """``root`` is the working tree, ``git_dir`` its own git directory, ``main_root`` the main checkout (the same, except in a linked worktree)."""

    __slots__ = ("git_dir", "main_root", "root")

    def __init__(self, root: str, git_dir: str, main_root: str) -> None:
        self.root = root
        self.git_dir = git_dir
        self.main_root = main_root


def find_repository(start: str) -> Repository | None:
    """The repository that a directory is in: the nearest ``.git`` upwards that is a git directory or points at one."""
    for root in (start, *ancestors(start)):
        dot_git = join(root, ".git")
        try:
            mode = os.lstat(dot_git).st_mode
        except OSError:
            continue
        if stat.S_ISDIR(mode) and os.path.exists(f"{dot_git}/HEAD"):
            return Repository(root, dot_git, root)
        if stat.S_ISREG(mode):
            found = _through_gitfile(root, dot_git)
            if found is not None:
                return found
    return None


def in_main_checkout(folder: str) -> str:
    """The folder of the main checkout that a folder of a linked worktree stands for; anywhere else the folder itself."""
    repository = find_repository(folder)
    if repository is None or repository.root == repository.main_root:
        return folder
    return join(repository.main_root, relative(folder, repository.root))


def _through_gitfile(root: str, dot_git: str) -> Repository | None:
    """A linked worktree or a submodule: its ``.git`` is a file that names the git directory."""
    line = _one_line(dot_git)
    if not line.startswith("gitdir: "):
        return None
    git_dir = os.path.realpath(join(root, line.removeprefix("gitdir: ")))
    if not os.path.exists(f"{git_dir}/HEAD"):
        return None
    common = _one_line(f"{git_dir}/commondir")
    if not common:
        return Repository(root, git_dir, root)
    common_dir = os.path.realpath(join(git_dir, common))
    # A worktree names its own gitfile back. Without that anybody's gitfile could claim to belong to a repository elsewhere.
    if os.path.realpath(_one_line(f"{git_dir}/gitdir") or "/") != os.path.realpath(dot_git):
        return None
    bare = not common_dir.endswith("/.git")
    return Repository(root, git_dir, root if bare else common_dir.removesuffix("/.git"))


def _one_line(path: str) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return ""
        return os.fsdecode(os.read(fd, _POINTER_LIMIT)).partition("\n")[0].strip()
    except OSError:
        return ""
    finally:
        os.close(fd)


def is_tracked(path: str) -> bool:
    """Whether a file is in the index of the repository it lies in. True when that cannot be told: an unknown index format is no proof of an untracked file."""
    repository = find_repository(path.rpartition("/")[0] or "/")
    if repository is None or not is_beneath(path, repository.root):
        return False
    name = os.fsencode(relative(path, repository.root))
    try:
        with open(f"{repository.git_dir}/index", "rb") as file:
            data = file.read(_INDEX_LIMIT + 1)
    except FileNotFoundError:
        return False  # a repository without an index tracks nothing yet
    except OSError:
        return True
    return len(data) > _INDEX_LIMIT or _in_index(data, name)


def _in_index(data: bytes, name: bytes) -> bool:
    version = int.from_bytes(data[4:8], "big")
    if data[:4] != b"DIRC" or version not in (2, 3, 4):
        return True
    try:
        return _in_compressed(data, name) if version == 4 else _in_plain(data, name)
    except (IndexError, ValueError):
        return True


def _in_plain(data: bytes, name: bytes) -> bool:
    """Versions 2 and 3 hold whole names, each behind its flags and before a NUL, so one search at C speed finds the only place that can be an entry."""
    at = data.find(name + b"\0")
    while at >= 0:
        if data[at - 1 : at] != b"/":  # "sub/<name>" is another file
            return True
        at = data.find(name + b"\0", at + 1)
    # The entries themselves are only walked when the file could be a split index, which keeps its names elsewhere.
    return b"link" in data and _has_link(data, _plain_end(data))


def _plain_end(data: bytes) -> int:
    """Offset behind the last entry: each is padded with one to eight NULs to a multiple of eight bytes."""
    at = 12
    for _ in range(int.from_bytes(data[8:12], "big")):
        flags = int.from_bytes(data[at + 60 : at + 62], "big")
        end = data.index(b"\0", at + _ENTRY_FIXED + (2 if flags & _EXTENDED else 0))
        at += (end - at + 8) & ~7
    return at


def _has_link(data: bytes, at: int) -> bool:
    """Whether the extensions from ``at`` on include ``link`` (a split index), or make no sense."""
    while at < len(data) - 20:  # a checksum of at least 20 bytes ends the file
        if data[at : at + 4] == b"link":
            return True
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    return at > len(data)


def _in_compressed(data: bytes, name: bytes) -> bool:
    """Version 4: each name is the previous one, shortened by a variable-length number, plus a suffix."""
    at, previous = 12, b""
    for _ in range(int.from_bytes(data[8:12], "big")):
        flags = int.from_bytes(data[at + 60 : at + 62], "big")
        strip, at = _varint(data, at + _ENTRY_FIXED + (2 if flags & _EXTENDED else 0))
        end = data.index(b"\0", at)
        current = previous[: max(0, len(previous) - strip)] + data[at:end]
        mistaken = strip > len(previous) or (len(current) < _NAME_LENGTH and len(current) != flags & _NAME_LENGTH)
        if mistaken or current == name:  # mistaken: not SHA-1 entries, and nothing after this can be believed
            return True
        previous, at = current, end + 1
    return _has_link(data, at)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The offset encoding of pack files: seven bits a byte, most significant first, one added at each continuation."""
    byte = data[at]
    value = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = data[at]
        value = ((value + 1) << 7) | (byte & 0x7F)
    return value, at + 1
