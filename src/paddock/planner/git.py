"""What git would run or believe, and must therefore not be written: gitrepository-layout(5), git-worktree(1), git-submodule(1).

Everything else in a git directory stays ordinary, so that commits, branches and rebases work. No git process is started: the files are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from paddock.model import paths
from paddock.model.plan import Kind
from paddock.model.record import field, record, slotted
from paddock.planner.gitconfig import Setting, expand, settings_of
from paddock.planner.gitprograms import named_path
from paddock.planner.view import View

__all__ = ["LOOK", "GitFindings", "GitGrant", "Guarded", "look_at"]

# Names inside a git directory -> what they decide.
_GUARDED = {
    "hooks": "git hooks",
    "config": "configuration of git, which can name programs",
    "config.worktree": "configuration of git, which can name programs",
    "commondir": "where git looks for configuration and hooks",
    "gitdir": "where git looks for the working folder",
}
# The same in a folder that is both a git directory and perhaps a working folder (a bare repository, or the look of one).
LOOK = "what makes a folder a git directory"
_GUARDED_BARE = {**_GUARDED, "HEAD": LOOK}

MAX_MODULE_FOLDERS = 400
MAX_REPOSITORIES = 400
"""How many repositories are looked into, the working folder's own first."""
SMALL = 4096


@record
class Guarded:
    """An existing path that git believes. A link is guarded itself; its target is an entry of its own. ``chosen`` paths come from a configuration file."""

    path: str
    kind: Kind
    reason: str
    chosen: bool = False


@record
class GitGrant:
    """A git directory outside the write roots that this working folder needs, confirmed by the repository itself."""

    path: str
    reason: str


@slotted
class GitFindings:
    """``refused`` are sentences about git directories that were named and not confirmed. ``folders`` are all the git directories that were looked into, and
    ``absent`` what git would believe at a place where nothing is yet (path, reason). ``unreached`` are repositories, and folders of submodules'
    git directories, that were known and not looked into.
    """

    guarded: list[Guarded] = field(default_factory=list)
    grants: list[GitGrant] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    absent: list[tuple[str, str]] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)


class _Look:
    def __init__(self, view: View, home: str, writable: Callable[[str], bool]) -> None:
        self.view = view
        self.home = home
        self.writable = writable
        self.out = GitFindings()
        self.done: set[str] = set()
        self.configured: set[tuple[str, str]] = set()

    def guard(self, path: str, reason: str, *, chosen: bool = False) -> None:
        """Guard what is at ``path``, every link on the way to it and the end of them."""
        end = self.view.resolve(path)
        self.out.guarded.extend(Guarded(link, Kind.SYMLINK, reason, chosen) for link in end.links)
        if end.kind is not None:
            self.out.guarded.append(Guarded(end.path, end.kind, reason, chosen))
        elif chosen:
            self.out.absent.append((end.path, reason))

    def repository(self, folder: str, *, may_grant: bool) -> None:
        entry = paths.join(folder, ".git")
        kind = self.view.kind(entry)
        if kind is Kind.DIRECTORY:
            self.git_folder(entry, folder)
        elif kind is Kind.SYMLINK:
            end = self.view.resolve(entry)
            self.out.guarded.extend(Guarded(link, Kind.SYMLINK, "where git looks for the repository") for link in end.links)
            if end.kind is Kind.DIRECTORY:
                self.git_folder(end.path, folder)
            elif end.kind is Kind.FILE:
                self.guard(end.path, "where git looks for the repository")
        elif kind is Kind.FILE:
            self.guard(entry, "where git looks for the repository")
            self.linked(entry, folder, may_grant=may_grant)

    def git_folder(self, git: str, work: str, names: dict[str, str] = _GUARDED) -> None:
        """Guard one git directory and those inside it. ``work`` is what relative hook paths are relative to; worktrees share one directory."""
        if (git, work) not in self.configured:
            self.configured.add((git, work))
            self.configuration(git, work)
        if git in self.done:
            return
        self.done.add(git)
        self.out.folders.append(git)
        for name, reason in names.items():
            self.guard(paths.join(git, name), reason)
        for worktree in self.folders(paths.join(git, "worktrees")):
            for name in ("gitdir", "commondir", "config.worktree"):
                self.guard(paths.join(worktree, name), _GUARDED[name])
        self.modules(paths.join(git, "modules"))

    def folders(self, path: str) -> Iterator[str]:
        for name, kind in (self.view.names(path) or {}).items() if self.view.kind(path) is Kind.DIRECTORY else ():
            if kind is Kind.DIRECTORY:
                yield paths.join(path, name)

    def modules(self, top: str) -> None:
        """Git directories of submodules; their names may hold slashes, so folders without the look of one are gone into."""
        waiting, seen = list(self.folders(top)), 0
        while waiting and seen < MAX_MODULE_FOLDERS:
            seen += 1
            folder = waiting.pop()
            if any(self.view.kind(paths.join(folder, name)) is not None for name in ("HEAD", "config", "hooks")):
                self.git_folder(folder, self.work_of(folder))
            else:
                waiting.extend(self.folders(folder))
        if waiting:
            self.out.unreached.append(waiting[0])

    def work_of(self, git: str) -> str:
        """The working folder of a submodule's git directory (``core.worktree``); the directory itself when it names none."""
        values = [s.value for _, s in settings_of(self.view, paths.join(git, "config"), self.home) if (s.section, s.key) == ("core", "worktree")]
        return self.view.resolve(expand(values[-1], git, self.home)).path if values and values[-1] else git

    def configuration(self, git: str, work: str) -> None:
        for name in ("config", "config.worktree"):
            config = paths.join(git, name)
            self.believed(config, settings_of(self.view, config, self.home), work)

    def believed(self, config: str, settings: Iterable[tuple[str, Setting]], work: str) -> None:
        """What a configuration file includes, where it has hooks, and the programs that it names by path: relative ones from the top of the working folder."""
        for file, setting in settings:
            if file != config:
                self.guard(file, "configuration of git, which can name programs", chosen=True)
            if setting.section == "core" and setting.key == "hookspath" and setting.value:
                self.guard(expand(setting.value, work, self.home), "git hooks (core.hooksPath)", chosen=True)
            elif program := named_path(setting):
                self.guard(expand(program, work, self.home), f"run by git ({setting.section}.{setting.key})", chosen=True)

    def linked(self, entry: str, folder: str, *, may_grant: bool) -> None:
        """A ``.git`` file: a linked worktree or a submodule. Its text may have been planted, so the other side has to confirm it before anything is opened."""
        git = self.pointer(entry, b"gitdir:", folder)
        if git is None or self.view.kind(git) is not Kind.DIRECTORY:
            return
        common = self.pointer(paths.join(git, "commondir"), b"", git) or git
        if self.writable(git) and self.writable(common):
            self.git_folder(git, folder)
            self.git_folder(common, folder)
            return
        if not may_grant:
            return
        if not (self.confirmed_worktree(git, common, entry) or self.confirmed_submodule(git, common, folder)):
            self.out.refused.append(f"{entry} names the git directory {git}, which does not name this folder in return: it stays read-only")
            return
        self.out.grants.append(GitGrant(common, "the repository of this working folder"))
        self.git_folder(common, folder)
        self.git_folder(git, folder)

    def pointer(self, file: str, prefix: bytes, base: str) -> str | None:
        """The path in a one-line file, resolved."""
        content = self.view.read(file, SMALL)
        if content is None or not content.startswith(prefix):
            return None
        text = content[len(prefix) :].strip(b" \t\r\n").decode("utf-8", "surrogateescape")
        if not text or "\n" in text or "\0" in text:
            return None
        found = self.view.resolve(paths.join(base, text))
        return found.path if found.kind is not None else None

    def confirmed_worktree(self, git: str, common: str, entry: str) -> bool:
        parent = paths.ancestors(git)[0] if git != "/" else "/"
        return parent == paths.join(common, "worktrees") and self.pointer(paths.join(git, "gitdir"), b"", git) == entry

    def confirmed_submodule(self, git: str, common: str, folder: str) -> bool:
        return git == common and self.work_of(git) == folder


def look_at(
    view: View, folders: list[str], *, home: str, own: frozenset[str], writable: Callable[[str], bool], bare: list[str], configs: Sequence[str] = ()
) -> GitFindings:
    """Everything to guard in the repositories of ``folders`` (each has an entry ``.git``) and in the git directories ``bare``.

    ``own`` are the folders whose repository the working folder belongs to: only for them a git directory outside the write roots may be opened. ``writable``
    says whether a resolved path lies in a write root. ``configs`` are configuration files that hold in every repository.
    """
    look = _Look(view, home, writable)
    general = [(config, list(settings_of(view, config, home))) for config in configs]
    for config in configs:
        look.guard(config, "configuration of git, which can name programs")
    for folder in sorted(folders, key=lambda folder: folder not in own)[:MAX_REPOSITORIES]:
        look.repository(folder, may_grant=folder in own)
        for config, settings in general:
            look.believed(config, settings, folder)
    look.out.unreached += folders[MAX_REPOSITORIES:]
    for git in bare:
        look.git_folder(git, git, _GUARDED_BARE)
    return look.out
