"""Protected names: what the scan and the look into repositories found, as marks; what could not be found, as words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from paddock.model import paths
from paddock.model.plan import Kind, Uncovered
from paddock.model.policy import FilesystemPolicy
from paddock.model.settings import Notice, Origin, Scope
from paddock.model.unprotect import PROTECTED, SEALED
from paddock.planner import git
from paddock.planner.names import ANYWHERE, OWN_FOLDER, SETTINGS_FILES
from paddock.planner.scan import Finding, Findings, scan
from paddock.planner.tree import Tree
from paddock.planner.view import View

__all__ = ["MAX_NODES", "SHELL_FILES", "Report", "origin", "protect"]

MAX_NODES = 900
"""How many marks protection may add to a layout, folders on the way included: each costs a mount."""

SHELL_FILES = (".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile", ".zshrc", ".zshenv", ".zprofile", ".zlogin", ".inputrc")
"""Start-up files of shells in a home."""


class Report(Protocol):
    """Where words go, and what was found."""

    uncovered: list[Uncovered]
    notices: list[Notice]
    searched: Findings
    git: git.GitFindings


def origin(name: str, *, sealed: bool = False) -> Origin:
    """The builtin rule that protects ``name``."""
    return Origin(Scope.BUILTIN, "builtin", key=SEALED if sealed else PROTECTED, text=name)


def protect(tree: Tree, view: View, policy: FilesystemPolicy, roots: list[str], report: Report, *, cwd: str, home: str, configs: Sequence[str] = ()) -> None:
    """Mark everything protected in the write roots. ``roots`` are resolved; ``configs`` are the configuration files of git that hold everywhere."""
    work = _Protect(tree, view, policy, roots, report, cwd, home)
    work.configs = configs
    folders = [root for root in roots if view.kind(root) is Kind.DIRECTORY]
    found = report.searched = scan(view, work.first_folders(folders))
    work.repositories(found)
    for name in found.names:
        work.name(name)
    work.head()
    for linked in found.linked:
        work.mark(linked.path, linked.kind, linked.reason)
    work.named_roots()
    work.lift_inside()
    work.say(found)


class _Protect:
    def __init__(self, tree: Tree, view: View, policy: FilesystemPolicy, roots: list[str], report: Report, cwd: str, home: str) -> None:
        self.tree = tree
        self.view = view
        self.roots = roots
        self.report = report
        self.cwd = cwd
        self.home = home
        self.read_only = policy.project_read_only
        self.lifted_names = frozenset(rule.path.rpartition("/")[2] for rule in policy.unprotect if rule.is_glob)
        self.lifted_paths = frozenset(view.resolve(rule.path).path for rule in policy.unprotect if not rule.is_glob)
        self.limit = tree.size + MAX_NODES
        self.configs: Sequence[str] = ()
        self.left_out: list[str] = []

    def writable(self, path: str) -> bool:
        return any(paths.is_beneath(path, root) for root in self.roots)

    def first_folders(self, roots: list[str]) -> list[str]:
        """Where the scan begins: the working folder, the folders above it that can be written, the other roots."""
        above = [folder for folder in paths.ancestors(self.cwd) if self.writable(folder)]
        return [folder for folder in (self.cwd, *above) if self.writable(folder)] + roots

    def mark(self, path: str, kind: Kind, reason: str, *, sealed: bool = False) -> bool:
        """Protect one path. False when the budget is used up or the path was lifted."""
        if not sealed and (path in self.lifted_paths or path.rpartition("/")[2] in self.lifted_names):
            return False
        if not self.writable(path):
            return False
        if self.tree.size >= self.limit:
            self.left_out.append(path)
            return False
        node = self.tree.at(path, kind)
        mark = (origin(path.rpartition("/")[2], sealed=sealed), f"protected: {reason}")
        if sealed:
            node.sealed = node.sealed or mark
        else:
            node.protect = node.protect or mark
        return True

    def name(self, found: Finding) -> None:
        name = found.path.rpartition("/")[2]
        self.mark(found.path, found.kind, found.reason, sealed=name == OWN_FOLDER)
        for kept in found.kept:
            self.tree.at(kept, Kind.DIRECTORY).lift = True
        for inner in SETTINGS_FILES.get(name, ()):
            path = f"{found.path}/{inner}"
            kind = self.view.kind(path) if found.kind is Kind.DIRECTORY else None
            if kind is not None:
                self.mark(path, kind, "policy of this project", sealed=True)
        if found.kind is Kind.SYMLINK:
            end = self.view.resolve(found.path)
            if end.kind is not None:
                self.mark(end.path, end.kind, found.reason)

    def named_roots(self) -> None:
        """Places that a rule makes writable in a project that is not, and whose own name is protected: naming a place to write lifts nothing."""
        for root in [root for root in self.roots if root != self.cwd and paths.is_beneath(root, self.cwd)]:
            for name in paths.relative(root, self.cwd).split("/"):
                reason = ANYWHERE.get(name)
                if reason is not None or name == OWN_FOLDER:
                    self.mark(root, self.view.kind(root) or Kind.DIRECTORY, reason or "settings of Paddock", sealed=name == OWN_FOLDER)

    def lift_inside(self) -> None:
        """Single paths that ``unprotect`` names inside a protected folder."""
        for path in self.lifted_paths:
            kind = self.view.kind(path)
            above = (self.tree.find(folder) for folder in paths.ancestors(path))
            if kind is not None and any(node is not None and node.protect is not None for node in above):
                self.tree.at(path, kind).lift = True

    def head(self) -> None:
        """A file ``HEAD`` in the working folder: without one that git understands the folder is no bare repository, so what is there stays (spec 2.2)."""
        path = paths.join(self.cwd, "HEAD")
        if self.view.kind(path) is Kind.FILE:
            self.mark(path, Kind.FILE, "what makes a folder a git directory")

    def repositories(self, found: Findings) -> None:
        folders = list(found.repositories)
        own = frozenset(folder for folder in (self.cwd, *paths.ancestors(self.cwd)) if folder in folders)
        if not own:
            own = self.repository_above(folders)
        findings = self.report.git = git.look_at(
            self.view, folders, home=self.home, own=own, writable=self.writable, bare=found.git_folders, configs=self.configs
        )
        for grant in () if self.read_only else findings.grants:
            self.grant(grant)
        for guarded in findings.guarded:
            if guarded.chosen and any(paths.is_beneath(root, guarded.path) for root in self.roots):
                self.report.uncovered.append(Uncovered(guarded.path, f"{guarded.reason}: not kept, it would close a whole write root", origin("")))
            else:
                self.mark(guarded.path, guarded.kind, guarded.reason)
        self.report.notices.extend(Notice(text) for text in findings.refused)

    def repository_above(self, folders: list[str]) -> frozenset[str]:
        """A repository whose folder is above the write roots: its git directory is not opened, and that is said."""
        for folder in paths.ancestors(self.cwd):
            if self.view.kind(paths.join(folder, ".git")) is not None and folder not in folders and not self.writable(folder):
                text = f"the repository {folder} is above the working folder: its git directory stays read-only, so commits fail (allowWrite can name it)"
                self.report.notices.append(Notice(text, level="info"))
                break
        return frozenset()

    def grant(self, grant: git.GitGrant) -> None:
        node = self.tree.at(grant.path, Kind.DIRECTORY)
        node.allow_write = node.allow_write or (Origin(Scope.BUILTIN, "builtin", key="git directory", text=grant.reason), grant.reason)
        self.roots.append(grant.path)

    def say(self, found: Findings) -> None:
        if found.unreached:
            text = f"{found.unreached} folders or more are not searched for protected names ({found.first_unreached} is the first)"
            self.report.uncovered.append(Uncovered(found.first_unreached, text, origin("")))
        if found.unasked:
            text = f"{found.unasked} files were not asked whether they have another name outside: a write to such a file is seen there"
            self.report.uncovered.append(Uncovered(self.cwd, text, origin("")))
        if self.left_out:
            first = self.left_out[0]
            text = f"{len(self.left_out)} protected names are beyond the budget of {MAX_NODES} mounts ({first} is the first)"
            self.report.uncovered.append(Uncovered(first, text, origin("")))
        if self.report.git.unreached:
            first = self.report.git.unreached[0]
            text = f"{len(self.report.git.unreached)} repositories, or folders of submodules, are not looked into ({first} is the first)"
            self.report.uncovered.append(Uncovered(first, text, origin("")))
