"""What a run left behind that somebody outside would run or obey later: remembered before, looked for afterwards.

The planner has listed the write roots already; its listing is the memory. Afterwards each of these folders is asked for its change time (ctime, which no
program can set: inode(7)), and only those that changed are listed again; what is new in them is gone into. Known files are compared by inode and change
time, and where their content was read before, by content: a checkout that goes away and comes back changes nothing. Nothing is hashed here, and no file of the
project is read afterwards but git's own configuration and what was lifted.

Looking happens when nothing of the command runs any more, so nothing moves under it. It is bounded like the first search, and says where it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from paddock.host.files import Files, Status
from paddock.model import paths
from paddock.model.plan import Access, Kind
from paddock.model.planted import GIT, HARD_LINK, KINDS, LINK, NAME, PROGRAM, SCRIPT, TOOL, Candidate
from paddock.planner import git
from paddock.planner.git import Guarded
from paddock.planner.layout import Layout
from paddock.planner.names import DEPENDENCY_FOLDERS, NESTED, OWN_FOLDER
from paddock.planner.planted_names import AUTOSTART, SCRIPT_FOLDERS, TOOLS
from paddock.planner.scan import GIT_LOOK, MAX_FOLDERS, Findings, what_reads
from paddock.planner.view import View

__all__ = ["Before", "look", "remember"]

MAX_MARKS = 4000
"""How many known files are remembered with their change time."""

MAX_BELOW = 400
"""How many files of one protected folder are told, and how many of one folder of programs are compared."""

MAX_CANDIDATES = 5000
MAX_NAMES = 100_000
"""How many names are looked at in folders that changed: what a command can make in a second must not hold anybody up for long."""

_SMALL = 1 << 16
_TODO = "rebase-merge/git-rebase-todo"
_SECOND = 10**9
_EXECUTABLE = 0o111
_RANKS = {kind: rank for rank, kind in enumerate(KINDS)}


class Mark(NamedTuple):
    """A known file: the same when nothing of this differs, or when its content (hashed only for what a team lifted) is the same."""

    inode: tuple[int, int]
    changed: int
    content: str = ""


class Before(NamedTuple):
    """The memory. ``folders`` as they were listed; ``marks`` of known files, and by folder the names of those (``watched``); ``loose`` are protected places
    that the command may write nevertheless, with what reads them; ``git`` are the paths that git believed; ``programs`` are folders of the caller's PATH that
    the command may write; ``since`` is the beginning, by the clock of the file systems (nanoseconds).
    """

    cwd: str
    home: str
    since: int
    access: Callable[[str], Access]
    folders: Mapping[str, Mapping[str, Kind]]
    watched: Mapping[str, Sequence[str]] = MappingProxyType({})
    roots: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    git: frozenset[str] = frozenset()
    loose: Mapping[str, str] = MappingProxyType({})
    programs: tuple[str, ...] = ()
    marks: Mapping[str, Mark] = MappingProxyType({})
    gaps: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()


def remember(view: View, files: Files, layout: Layout, *, cwd: str, home: str, path: str, since: int, configs: tuple[str, ...] = ()) -> Before:
    """Make the memory of a layout. ``path`` is the caller's PATH, ``configs`` the configuration files of git that hold everywhere."""
    found = layout.searched
    loose = {name.path: name.reason for name in found.names if layout.access(name.path) is Access.WRITE}
    loose |= {item.path: item.reason for item in layout.git.guarded if layout.access(item.path) is Access.WRITE}
    programs = tuple(dict.fromkeys(_programs(view, layout, path, cwd)))
    work = _Marks(files)
    for place in loose:
        for file in _below(files, place):
            work.add(file, read=True)
    for folder in programs:
        for program, _ in sorted(files.names(folder) or ())[:MAX_BELOW]:
            work.add(paths.join(folder, program))
    watched: dict[str, list[str]] = {}
    for folder, name in _worth_a_mark(found, cwd):
        if work.add(f"{folder if folder != '/' else ''}/{name}"):
            watched.setdefault(folder, []).append(name)
    gaps = [f"{found.unreached} folders were not looked into before the run ({found.first_unreached} is the first)"] if found.unreached else []
    return Before(
        cwd,
        home,
        since,
        layout.access,
        found.folders,
        watched,
        tuple(layout.write_roots),
        tuple(found.repositories),
        tuple(found.git_folders),
        frozenset(item.path for item in layout.git.guarded),
        loose,
        programs,
        work.marks,
        (*gaps, *work.gaps),
        configs,
    )


def _programs(view: View, layout: Layout, path: str, cwd: str) -> Iterator[str]:
    for entry in path.split(":") if path else ():
        if "\0" not in entry:
            folder = view.resolve(paths.join(cwd, entry or ".")).path
            if layout.access(folder) is Access.WRITE:
                yield folder


def _worth_a_mark(found: Findings, cwd: str) -> Iterator[tuple[str, str]]:
    """Files that matter when they change in place, as (folder, name)."""
    yield from found.links
    for folder, entries in found.folders.items():
        if not entries.keys().isdisjoint(TOOLS):
            yield from ((folder, name) for name in TOOLS.keys() & entries.keys())
    for name in SCRIPT_FOLDERS:
        folder = paths.join(cwd, name or ".")
        yield from ((folder, file) for file, kind in found.folders.get(folder, {}).items() if kind is Kind.FILE)


def _holds_scripts(folder: str, cwd: str) -> bool:
    return paths.is_beneath(folder, cwd) and paths.relative(folder, cwd) in SCRIPT_FOLDERS


class _Marks:
    def __init__(self, files: Files) -> None:
        self.files = files
        self.marks: dict[str, Mark] = {}
        self.gaps: list[str] = []

    def add(self, path: str, *, read: bool = False) -> bool:
        """Remember one file. False when it is gone, or there are too many."""
        if path in self.marks:
            return True
        if len(self.marks) >= MAX_MARKS:
            self.gaps = [f"more than {MAX_MARKS} files would have to be compared: some were not"]
            return False
        status = self.files.status(path)
        if status is not None:
            self.marks[path] = Mark((status.device, status.inode), status.changed, _content(self.files, path) if read else "")
        return status is not None


def _content(files: Files, path: str) -> str:
    data = files.read(path, _SMALL)
    return "" if data is None else sha256(data).hexdigest()


def _below(files: Files, place: str) -> Iterator[str]:
    """The files and links of a place, itself when it is one; bounded."""
    waiting, told = [place], 0
    while waiting and told < MAX_BELOW:
        path = waiting.pop(0)
        names = files.names(path) if (status := files.status(path)) is not None and status.kind is Kind.DIRECTORY else None
        if names is None:
            told += 1
            yield path
        else:
            waiting += [f"{path}/{name}" for name, _ in sorted(names)]


def look(before: Before, files: Files, *, now: int, elapsed: int) -> tuple[list[Candidate], list[str]]:
    """What is there now, and sentences about what was not looked at. ``now`` is the clock of ``before.since`` and ``elapsed`` the monotonic time since, both in
    nanoseconds: when they disagree, the clock was set back, and change times say nothing.
    """
    work = _Look(before, files, distrust=now - before.since < elapsed - _SECOND)
    work.folders()
    work.programs()
    work.loose()
    work.git()
    return sorted(work.found.values(), key=lambda item: (_RANKS[item.kind], item.path)), [*before.gaps, *work.gaps]


class _Look:
    def __init__(self, before: Before, files: Files, *, distrust: bool) -> None:
        self.before = before
        self.files = files
        self.distrust = distrust
        self.view = View(files)
        self.found: dict[str, Candidate] = {}
        self.gaps: list[str] = ["the clock was set back during the run: every folder was compared by its names"] if distrust else []
        self.repositories: list[str] = []
        self.bare: list[str] = []
        self.queue: list[str] = []
        self.changed: set[str] = set()
        self.suspects: set[str] = set()
        self.extra_names: dict[tuple[int, int], list[tuple[str, int]]] = {}
        self.left_out: list[str] = []
        self.left = MAX_NAMES
        self.too_many = False

    def recent(self, when: int) -> bool:
        """Whether a time of a file is in the run. Some file systems keep whole seconds."""
        return when >= self.before.since or (when % _SECOND == 0 and when // _SECOND >= self.before.since // _SECOND)

    def add(self, path: str, kind: str, reason: str, *, made: bool, target: str = "") -> None:
        if kind == PROGRAM or (path not in self.found and len(self.found) < MAX_CANDIDATES):
            self.found[path] = Candidate(path, made, kind, reason, target)

    def same(self, path: str, status: Status) -> bool:
        """Whether a known file is what it was."""
        mark = self.before.marks.get(path)
        if mark is None:
            return False
        if mark.inode == (status.device, status.inode) and mark.changed == status.changed:
            return True
        return bool(mark.content) and status.kind is Kind.FILE and mark.content == _content(self.files, path)

    # -- the folders of the write roots

    def folders(self) -> None:
        for folder, entries in self.before.folders.items():
            status = self.files.status(folder)
            if status is not None and status.kind is Kind.DIRECTORY:
                self.known_folder(folder, entries, status)
        at = 0
        while at < len(self.queue) and at < MAX_FOLDERS:
            self.relist(self.queue[at], {}, swapped=True)
            at += 1
        if at < len(self.queue):
            self.gaps.append(f"{len(self.queue) - at} new folders were not looked into ({self.queue[at]} is the first)")
        if self.left_out:
            self.gaps.append(f"new folders of dependencies were not looked into ({self.left_out[0]} is the first)")
        for names in self.extra_names.values():
            for path, count in names:
                if len(names) < count:
                    self.add(path, HARD_LINK, f"has {count} names, of which {len(names)} were found here", made=True)

    def known_folder(self, folder: str, entries: Mapping[str, Kind], status: Status) -> None:
        above = folder.rpartition("/")[0] or "/"
        recent = self.distrust or self.recent(status.changed)
        # A rename changes the folder that is renamed (and the one above), and nothing below it: what stands there now may be older than the run.
        suspect = above in self.suspects or (recent and above in self.changed)
        if self.distrust or self.recent(status.modified) or recent:
            self.changed.add(folder)
        if suspect:
            self.suspects.add(folder)
        if recent or suspect:
            self.relist(folder, entries, swapped=False)
            return
        for name in self.before.watched.get(folder, ()):
            self.entry(folder, name, entries[name], known=True)

    def relist(self, folder: str, entries: Mapping[str, Kind], *, swapped: bool) -> None:
        names = self.view.names(folder) or {}
        if names.keys() >= GIT_LOOK:
            self.bare.append(folder)
            return
        self.left -= len(names)
        if self.left < 0:
            if not self.too_many:
                self.too_many = True
                self.gaps.append(f"more than {MAX_NAMES} names are new or beside new ones: the rest was not looked at ({folder} is the first)")
            return
        for name, kind in names.items():
            self.entry(folder, name, kind, known=not swapped and entries.get(name) is kind)

    def entry(self, folder: str, name: str, kind: Kind, *, known: bool) -> None:
        path = f"{folder}/{name}" if folder != "/" else f"/{name}"
        if name == ".git":
            if not known:
                self.repositories.append(folder)
            return
        reason = what_reads(name) or self.nested(folder, name)
        if reason is not None:
            if not known and path not in self.before.loose and self.before.access(path) is Access.WRITE:
                self.protected(path, reason)
        elif kind is Kind.DIRECTORY:
            if not known:
                (self.left_out if name in DEPENDENCY_FOLDERS else self.queue).append(path)
        else:
            self.file(path, name, kind, known=known)

    def nested(self, folder: str, name: str) -> str | None:
        parent = folder.rpartition("/")[2]
        reason = NESTED.get(parent, {}).get(name)
        return reason or (AUTOSTART.get(parent, {}).get(name) if folder == f"{self.before.home}/{parent}" else None)

    def protected(self, place: str, reason: str) -> None:
        if place.rpartition("/")[2] == OWN_FOLDER:
            reason = "settings of Paddock"
        for path in _below(self.files, place):
            self.add(path, NAME, reason, made=True)

    def file(self, path: str, name: str, kind: Kind, *, known: bool) -> None:
        tool = TOOLS.get(name)
        folder = path[: -len(name) - 1] or "/"
        script = kind is Kind.FILE and tool is None and _holds_scripts(folder, self.before.cwd)
        if known and not (tool or script or kind is Kind.SYMLINK):
            return
        status = self.files.status(path)
        if status is None or self.same(path, status):
            return
        made = path not in self.before.marks
        if kind is Kind.SYMLINK:
            self.link(path, made=made)
        elif tool is not None:
            self.add(path, TOOL, tool, made=made)
        elif script and status.mode & _EXECUTABLE and self.begins_as_script(path):
            self.add(path, SCRIPT, "an executable script", made=made)
        if not known and kind is Kind.FILE and status.names > 1 and len(self.extra_names) < MAX_MARKS:
            self.extra_names.setdefault((status.device, status.inode), []).append((path, status.names))

    def begins_as_script(self, path: str) -> bool:
        return self.files.begins(path, b"#!")

    def link(self, path: str, *, made: bool) -> None:
        end = self.view.resolve(path)
        if self.before.access(end.path) is not Access.WRITE and not self.is_interpreter(path, end.path):
            self.add(path, LINK, "leads out of what the command may write", made=made, target=self.view.readlink(path))

    def is_interpreter(self, path: str, target: str) -> bool:
        """Whether a link is the ``bin/python`` of a virtual environment: every new one has it, and it leads to nothing that the command made."""
        folder, _, name = path.rpartition("/")
        above, _, bin_folder = folder.rpartition("/")
        named = bin_folder == "bin" and name.startswith("python") and target.rpartition("/")[2].startswith("python")
        return named and self.view.kind(f"{above}/pyvenv.cfg") is Kind.FILE

    # -- folders of programs, and what was lifted

    def programs(self) -> None:
        for folder in self.before.programs:
            names = self.files.names(folder) or []
            if len(names) > MAX_BELOW:
                self.gaps.append(f"{folder} holds {len(names)} names, of which {MAX_BELOW} were compared")
            for name, _ in sorted(names)[:MAX_BELOW]:
                self.program(paths.join(folder, name))

    def program(self, path: str) -> None:
        status = self.files.status(path)
        if status is None or status.kind is Kind.DIRECTORY or self.same(path, status):
            return
        if status.kind is Kind.SYMLINK or status.mode & _EXECUTABLE:
            target = self.view.readlink(path) if status.kind is Kind.SYMLINK else ""
            self.add(path, PROGRAM, "a program in a folder of PATH", made=path not in self.before.marks, target=target)

    def loose(self) -> None:
        for place, reason in self.before.loose.items():
            kind = GIT if place in self.before.git else NAME
            for path in _below(self.files, place):
                status = self.files.status(path)
                if status is not None and not self.same(path, status):
                    self.add(path, kind, reason, made=path not in self.before.marks)

    # -- repositories

    def git(self) -> None:
        folders = [*self.before.repositories, *self.repositories]
        own = frozenset(folder for folder in (self.before.cwd, *paths.ancestors(self.before.cwd)) if folder in self.before.repositories)
        bare = [*self.before.bare, *self.bare]
        if not folders and not bare:
            return
        for folder in folders:
            self.todo(f"{folder}/.git/{_TODO}")
        findings = git.look_at(self.view, folders, home=self.before.home, own=own, writable=self.in_roots, bare=bare, configs=self.before.configs)
        done = set(self.before.git)
        for item in findings.guarded:
            if item.path in done or item.reason == git.LOOK or any(paths.is_beneath(root, item.path) for root in self.before.roots):
                continue
            done.add(item.path)
            if self.in_roots(item.path) and self.before.access(item.path) is Access.WRITE:
                self.believed(item)

    def todo(self, path: str) -> None:
        """A rebase that was begun in the run, or whose list was changed in it: each line of the list may be a command (git-rebase(1), ``exec``)."""
        status = self.files.status(path)
        if status is not None and (self.distrust or self.recent(status.changed)) and self.before.access(path) is Access.WRITE:
            self.add(path, GIT, "what git rebase --continue does next, commands included", made=True)

    def believed(self, item: Guarded) -> None:
        target = self.view.readlink(item.path) if item.kind is Kind.SYMLINK else ""
        for path in _below(self.files, item.path):
            if not path.endswith(".sample") and not self.is_plain_configuration(path, item):
                self.add(path, GIT, item.reason, made=True, target=target)

    def is_plain_configuration(self, path: str, item: Guarded) -> bool:
        """Whether this is the configuration of a new repository, with nothing in it but what git itself writes there."""
        if path.rpartition("/")[2] != "config" or item.kind is not Kind.FILE:
            return False
        from paddock.model.githarmless import MAX_BYTES, harmless  # few runs make a repository

        content = self.files.read(path, MAX_BYTES)
        return content is not None and not harmless(content)

    def in_roots(self, path: str) -> bool:
        return any(paths.is_beneath(path, root) for root in self.before.roots)
