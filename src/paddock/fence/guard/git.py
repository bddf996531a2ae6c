"""What may come to be in a git directory: gitrepository-layout(5), git-worktree(1).

A new repository can be made inside, and what git would run or believe in it stays out: hooks are samples only, a configuration is only ever a *copy* of a file
whose content is harmless (whoever wrote the file may hold it open still), and nothing leads to a configuration elsewhere. A directory is a git directory when
it is called ``.git``, or the plan knows it, or git would take it for one; the creation that makes git take it for one is judged with all that is there already.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from paddock.fence.guard.walk import Pin
from paddock.model import paths
from paddock.model.githarmless import MAX_BYTES, harmless
from paddock.model.guard import Judge, Refusal, fold
from paddock.model.settings import Origin, Scope
from paddock.model.unprotect import PROTECTED

__all__ = ["Git"]

_GIT = ".git"
_HOOKS = "hooks"
_CONFIG = "config"
_WORKTREE_CONFIG = "config.worktree"
_COMMON = "commondir"
_COMMON_TEXT = b"../.."
_WORKTREES = "worktrees"
_COMPLETING = frozenset(("HEAD", "objects", "refs", _COMMON, _WORKTREES))
_SENSITIVE = frozenset((_HOOKS, _CONFIG, _WORKTREE_CONFIG, _COMMON))
_FOLDED = {fold(name): name for name in (*_COMPLETING, *_SENSITIVE)}

_MOST_WORKTREES = 1000

_WHY = {
    _HOOKS: "git hooks",
    _CONFIG: "configuration of git, which can name programs",
    _WORKTREE_CONFIG: "configuration of git, which can name programs",
    _COMMON: "where git looks for configuration and hooks",
}


class Git:
    """Each question gives why not, or None."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._known = judge.rules.git_folders

    # -- what is asked

    def write(self, pin: Pin, name: str) -> Refusal | None:
        """A file opened for writing."""
        if name == _GIT:
            return self._no(pin, name, "where git looks for the repository")
        if self._in_hooks(pin) is not None:
            return None if name.endswith(".sample") else self._no(pin, name, _WHY[_HOOKS])
        return self._sensitive(pin, name) or self._completion(pin, name)

    def folder(self, pin: Pin, name: str) -> Refusal | None:
        """A directory made."""
        if self._in_hooks(pin) is not None:
            return self._no(pin, name, _WHY[_HOOKS])
        if name in _SENSITIVE and name != _HOOKS:
            return self._sensitive(pin, name) or self._completion(pin, name)
        return self._completion(pin, name)

    def node(self, pin: Pin, name: str) -> Refusal | None:
        """Anything else made."""
        if name == _GIT:
            return self._no(pin, name, "where git looks for the repository")
        if self._in_hooks(pin) is not None:
            return self._no(pin, name, _WHY[_HOOKS])
        return self._sensitive(pin, name) or self._completion(pin, name)

    def source(self, pin: Pin, name: str) -> Refusal | None:
        """A file that gets a second name."""
        return self._sensitive(pin, name)

    def move(self, source: Pin, old: str, target: Pin, new: str, mode: int) -> Refusal | None:
        """Something moved to ``new``. A configuration is replaced by its copy on the way, under its old name."""
        if self._in_hooks(target) is not None:
            return self._no(target, new, _WHY[_HOOKS])
        if stat.S_ISDIR(mode) and _leads_elsewhere(source.fd, old, target.path, new):
            return self._no(target, new, _WHY[_COMMON])
        if new == _GIT:
            return self._becomes(source, old, target, new, mode)
        meant = self._meant(target, new)
        if meant is not None and not self._judge.lifted(target.path, new):
            return self._into(meant, source, old, target, new, mode)
        return self._completion(target, new)

    def words(self, pin: Pin, name: bytes, cwd: str) -> bytes | None:
        """What a file that may not be made by its maker's words may be made with, because only these words are any good: those of a new linked worktree.

        Where they lead git is judged like every git directory. A configuration may be made with no words at all, as libgit2 begins a
        repository, before anything takes the folder for one.
        """
        if self._judge.judge(pin.path, os.fsdecode(name)) is not None:
            return None  # a rule speaks against the name itself
        if name == _CONFIG.encode() and pin.path.endswith("/.git") and not any(_exists(pin.fd, entry) for entry in ("HEAD", _COMMON, _WORKTREES)):
            return b""
        if name == _GIT.encode():
            return self._of_worktree(pin, cwd)
        if name == _COMMON.encode() and pin.path.rpartition("/")[0].endswith(f"/{_WORKTREES}") and not _exists(pin.fd, _WORKTREE_CONFIG):
            return _COMMON_TEXT + b"\n"
        return None

    def _of_worktree(self, pin: Pin, cwd: str) -> bytes | None:
        """A repository at or above ``cwd`` has a folder for the worktree in ``pin``, which names it."""
        for above in (cwd, *paths.ancestors(cwd)):
            folders = paths.join(above, f"{_GIT}/{_WORKTREES}")
            if self._judge.guarded(folders) and os.path.isdir(folders):
                wanted = os.fsencode(paths.join(pin.path, _GIT))
                for name in os.listdir(folders)[:_MOST_WORKTREES]:
                    if _first_line(f"{folders}/{name}/gitdir") == wanted and "\n" not in name:
                        return os.fsencode(f"gitdir: {folders}/{name}\n")
        return None

    # -- answers

    def _no(self, pin: Pin, name: str, reason: str) -> Refusal | None:
        if self._judge.lifted(pin.path, name):
            return None
        return Refusal(paths.join(pin.path, name), f"protected: {reason}", Origin(Scope.BUILTIN, "builtin", key=PROTECTED, text=name))

    def _meant(self, pin: Pin, name: str) -> str | None:
        """The sensitive name that ``name`` is, in a git directory; whatever its case, for nobody needs another there."""
        meant = _FOLDED.get(fold(name))
        return meant if meant in _SENSITIVE and self._is_git(pin.fd, pin.path) else None

    def _sensitive(self, pin: Pin, name: str) -> Refusal | None:
        meant = self._meant(pin, name)
        return None if meant is None else self._no(pin, name, _WHY[meant])

    def _in_hooks(self, pin: Pin) -> str | None:
        """The folder of hooks that ``pin`` is or lies in."""
        if f"/{_HOOKS}" not in pin.path.casefold():
            return None
        for path in (pin.path, *paths.ancestors(pin.path)):
            above, _, name = path.rpartition("/")
            if (
                name.casefold() == _HOOKS
                and not self._judge.lifted(above, name)
                and self._is_git(pin.fd, above, "../" * (paths.depth(pin.path) - paths.depth(above)))
            ):
                return path
        return None

    def _into(self, meant: str, source: Pin, old: str, target: Pin, new: str, mode: int) -> Refusal | None:
        if meant == _CONFIG and stat.S_ISREG(mode):
            trouble = _replace(source.fd, old)
            return self._no(target, new, f"{_WHY[_CONFIG]} ({trouble})") if trouble else None
        if meant == _HOOKS and stat.S_ISDIR(mode) and _only_samples(source.fd, old):
            return None
        return self._no(target, new, _WHY[meant])

    def _becomes(self, source: Pin, old: str, target: Pin, new: str, mode: int) -> Refusal | None:
        """A directory takes the name ``.git``."""
        if not stat.S_ISDIR(mode):
            return self._no(target, new, "where git looks for the repository")
        fd = os.open(old, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=source.fd)
        try:
            trouble = self._whole(fd, paths.join(target.path, new))
        finally:
            os.close(fd)
        return self._no(target, new, f"a git directory ({trouble})") if trouble else None

    def _completion(self, pin: Pin, name: str) -> Refusal | None:
        """Whether ``name`` makes git take the directory for its own, and whether it may."""
        meant = _FOLDED.get(fold(name))
        if meant not in _COMPLETING or pin.path.endswith("/.git") or self._is_git(pin.fd, pin.path):
            return None
        there = {entry for entry in _COMPLETING if _exists(pin.fd, entry)} | {meant}
        if not _looks(there):
            return None
        trouble = self._whole(pin.fd, pin.path, making=meant)
        return self._no(pin, name, f"what makes a folder a git directory ({trouble})") if trouble else None

    # -- looking

    def _is_git(self, fd: int, path: str, way: str = "") -> bool:
        """Whether the directory ``path``, found from ``fd`` by ``way``, is a git directory."""
        if path.endswith("/.git") or path in self._known:
            return True
        return _looks({entry for entry in _COMPLETING if _exists(fd, way + entry)})

    def _whole(self, fd: int, target: str, making: str = "") -> str:
        """What is in the way of a directory that becomes a git directory at ``target``: empty when all in it is harmless. Its configuration is replaced by a
        copy then.
        """
        if _exists(fd, _WORKTREE_CONFIG):
            return _WORKTREE_CONFIG
        if (_exists(fd, _COMMON) or making == _COMMON) and not self._is_worktree(fd, target):
            return _COMMON
        if _exists(fd, _HOOKS) and not _only_samples(fd, _HOOKS):
            return "hooks that are no samples"
        return _replace(fd, _CONFIG) if _exists(fd, _CONFIG) else ""

    def _is_worktree(self, fd: int, path: str) -> bool:
        """A linked worktree's folder, whose ``commondir`` leads two folders up, where ``worktrees`` makes a git directory of what has the other parts."""
        if not path.rpartition("/")[0].endswith(f"/{_WORKTREES}"):
            return False
        return not _replace(fd, _COMMON, lambda content: "" if content.strip() == _COMMON_TEXT else "it leads elsewhere")


def _leads_elsewhere(folder: int, name: str, target: str, new: str) -> bool:
    """Whether a directory, or one right in it, has a ``commondir``, which would lead somewhere else from where it comes to be."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except PermissionError:
        return True  # its owner can open it again afterwards
    try:
        if _exists(fd, _COMMON):
            return not target.endswith(f"/{_WORKTREES}")
        return new != _WORKTREES and any(_has_common(fd, entry) for entry in os.listdir(fd))
    finally:
        os.close(fd)


def _has_common(folder: int, name: str) -> bool:
    try:
        os.stat(f"{name}/{_COMMON}", dir_fd=folder, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _looks(entries: set[str]) -> bool:
    """What git asks of a directory (setup.c, ``is_git_directory``), with or without a ``commondir`` that leads to the rest; or of what worktrees lead to."""
    return ("HEAD" in entries and _COMMON in entries) or ({"objects", "refs"} <= entries and bool({"HEAD", _WORKTREES} & entries))


def _exists(fd: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _first_line(path: str) -> bytes:
    content = _read(-1, path)
    return b"" if content is None else content.rstrip(b"\n")


def _only_samples(folder: int, name: str) -> bool:
    """Whether ``name`` is a directory that holds nothing but samples."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return False
    try:
        return all(entry.endswith(".sample") and stat.S_ISREG(os.stat(entry, dir_fd=fd, follow_symlinks=False).st_mode) for entry in os.listdir(fd))
    finally:
        os.close(fd)


def _open(folder: int, name: str) -> int:
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder if folder >= 0 else None)


def _read(folder: int, name: str) -> bytes | None:
    """The content of a regular file, up to one byte more than is ever accepted; None when it is none or cannot be read."""
    try:
        fd = _open(folder, name)
    except OSError:
        return None
    try:
        return _content(fd) if stat.S_ISREG(os.fstat(fd).st_mode) else None
    finally:
        os.close(fd)


def _content(fd: int) -> bytes:
    out = b""
    while len(out) <= MAX_BYTES and (part := os.read(fd, MAX_BYTES + 1 - len(out))):
        out += part
    return out


def _replace(folder: int, name: str, judge: Callable[[bytes], str] = harmless) -> str:
    """Put a fresh copy in the place of a file, so that whoever holds the file open for writing holds another one. Gives what is in the way."""
    content = _read(folder, name)
    if content is None:
        return "it is no ordinary file that can be read"
    trouble = judge(content)
    if trouble:
        return trouble
    mode = stat.S_IMODE(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    os.unlink(name, dir_fd=folder)
    before = os.umask(0)
    try:
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode & 0o777, dir_fd=folder)
    finally:
        os.umask(before)
    try:
        while content:
            content = content[os.write(fd, content) :]
    finally:
        os.close(fd)
    return ""
