"""Steps for the places of a plan: shown, written, hidden, bound, made up."""

from __future__ import annotations

import errno
import os
import stat

from paddock.fence.kernel.files import locate
from paddock.fence.kernel.mounts import MOUNT_ATTR_NOEXEC, attach, clone_tree, new_filesystem, set_attributes
from paddock.fence.launcher.areas import PROC, area_steps
from paddock.fence.launcher.startable import startable_steps
from paddock.fence.launcher.state import Changed, State, Step
from paddock.fence.launcher.streams import stream_steps
from paddock.fence.launcher.tree import HIDDEN_DIRECTORY, HIDDEN_FILE, HIDDEN_PROGRAM, READ, WRITE, first_steps, last_steps, mountpoint, owner, private_name
from paddock.model.paths import ancestors, depth
from paddock.model.plan import Access, Bind, Kind, Place, Plan, PrivateFile
from paddock.model.programs import DENIED

__all__ = ["mount_steps"]

_EXECUTABLE = 0o111


def mount_steps(plan: Plan) -> tuple[Step, ...]:
    """What process 1 does about mounts, in order: a place comes after every place above it, and after the fence's own area at the same path."""
    places: list[tuple[str, Step]] = [(p.path, _Hide(p) if p.access is Access.HIDDEN else _Show(p)) for p in plan.layout if p.path != "/"]
    binds: list[tuple[str, Step]] = [(b.target, _Bind(b)) for b in plan.binds]
    files: list[tuple[str, Step]] = [(f.path, _PrivateFile(f, n)) for n, f in enumerate(plan.private_files)]
    middle = sorted([*area_steps(plan), *places, *binds, *files], key=lambda entry: depth(entry[0]))
    return (*first_steps(plan), *stream_steps(), *(step for _, step in middle), *startable_steps(plan), *last_steps())


def _kind(fd: int) -> Kind:
    mode = os.fstat(fd).st_mode
    return Kind.DIRECTORY if stat.S_ISDIR(mode) else Kind.SYMLINK if stat.S_ISLNK(mode) else Kind.FILE


def _check(fd: int, path: str, kind: Kind) -> None:
    found = _kind(fd)
    if found is not kind:
        raise Changed(f"{path} was a {kind.value} and is now a {found.value}")


def _source(state: State, path: str) -> int:
    try:
        return locate(state.host, path)
    except FileNotFoundError as error:
        raise Changed(f"{path} is not there any more") from error


def _put(state: State, mount: int, target: int, path: str) -> None:
    attach(mount, target)
    os.close(mount)
    os.close(target)
    state.own[path] = False


class _Show:
    """The host's own place, read-only or writable."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def describe(self) -> str:
        return f"show {self.place.path} ({'writable' if self.place.access is Access.WRITE else 'read-only'})"

    def execute(self, state: State) -> None:
        place = self.place
        source = _source(state, place.path)
        try:
            _check(source, place.path, place.kind)
            if place.kind is Kind.SYMLINK and self._copied(state, source):
                return
            mount = clone_tree(source)
        finally:
            os.close(source)
        set_attributes(mount, WRITE if place.access is Access.WRITE else READ)
        _put(state, mount, mountpoint(state, place.path, place.kind), place.path)

    def _copied(self, state: State, source: int) -> bool:
        """Below an area of ours a link is simply made again."""
        if not state.own.get(owner(state, self.place.path)):
            return False
        os.close(mountpoint(state, self.place.path, Kind.SYMLINK, os.readlink("", dir_fd=source)))
        return True


class _Hide:
    """Something in front of the host's place that cannot be read, or an empty directory that only leads to places shown again."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def describe(self) -> str:
        return f"{'empty' if self.place.skeleton else 'hide'} {self.place.path}"

    def execute(self, state: State) -> None:
        place = self.place
        holder = owner(state, place.path)
        if not place.skeleton and self._absent(state, place.path) and (state.own.get(holder) or holder == PROC):
            return  # the host's place is not in this area of ours: nothing is there to hide
        target = mountpoint(state, place.path, place.kind)
        _check(target, place.path, place.kind)
        if place.skeleton:
            mount = new_filesystem("tmpfs", WRITE, size="1m", mode="0755")
            state.seal.append(os.dup(mount))
        else:
            file = HIDDEN_PROGRAM if place.reason == DENIED else HIDDEN_FILE
            mount = clone_tree(state.stage, HIDDEN_DIRECTORY if place.kind is Kind.DIRECTORY else file, recursive=False)
        _put(state, mount, target, place.path)
        state.own[place.path] = place.skeleton

    @staticmethod
    def _absent(state: State, path: str) -> bool:
        try:
            os.close(locate(state.root, path))
        except FileNotFoundError:
            return True
        return False


class _Bind:
    """A directory of the host's, made when it is missing, writable at another path."""

    def __init__(self, bind: Bind) -> None:
        self.bind = bind

    def describe(self) -> str:
        return f"show {self.bind.source} at {self.bind.target} (writable)"

    def execute(self, state: State) -> None:
        for path in (*reversed(ancestors(self.bind.source)), self.bind.source):
            if os.path.lexists(path):
                continue
            try:
                os.mkdir(path, 0o700)
            except FileExistsError:  # another run was faster; what it made is checked like everything else
                continue
        source = _source(state, self.bind.source)
        _check(source, self.bind.source, Kind.DIRECTORY)
        self._own(source)
        mount = clone_tree(source)
        os.close(source)
        set_attributes(mount, WRITE)
        _put(state, mount, mountpoint(state, self.bind.target, Kind.DIRECTORY), self.bind.target)

    def _own(self, source: int) -> None:
        """Where others may write, one of them can have been there first: what is kept in it would be theirs to change."""
        found = os.fstat(source)
        if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            os.close(source)
            raise OSError(errno.EACCES, f"{self.bind.source} belongs to another user, or others can write it")


class _PrivateFile:
    """A file of ours, read-only, in front of the host's.

    Where the host has none, it is made only below an area or an emptied directory of ours; elsewhere there is nowhere to put it, and the program that would
    look for it finds none, as on the host.
    """

    def __init__(self, file: PrivateFile, number: int) -> None:
        self.file = file
        self.number = number

    def describe(self) -> str:
        return f"put a private {self.file.path} ({len(self.file.content)} bytes)"

    def execute(self, state: State) -> None:
        try:
            target = mountpoint(state, self.file.path, Kind.FILE)
        except Changed:
            return
        mount = clone_tree(state.stage, private_name(self.number), recursive=False)
        if self.file.mode & _EXECUTABLE:
            set_attributes(mount, READ, clear=MOUNT_ATTR_NOEXEC)  # nothing else of the stage is a program
        _put(state, mount, target, self.file.path)
