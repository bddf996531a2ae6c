"""From file rules to places: what this host has at the paths that the policy names, and what follows for everything around them.

The order matters only for the words of a report, never for the result: marks are collected in a tree (``planner/tree.py``), which decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from paddock.errors import PolicyError
from paddock.model import paths
from paddock.model.plan import Access, Kind, Place, Uncovered
from paddock.model.policy import FilesystemPolicy, PathRule
from paddock.model.record import field, record, slotted
from paddock.model.settings import Notice, Origin, Scope
from paddock.planner import globs, otherways, protect, sockets
from paddock.planner.git import GitFindings
from paddock.planner.scan import Findings, what_reads
from paddock.planner.strays import Strays
from paddock.planner.tree import Mark, Node, Tree
from paddock.planner.view import Resolved, View

__all__ = ["PRIVATE_FOLDERS", "Ground", "Layout", "lay_out"]

PRIVATE_FOLDERS = ("/tmp", "/var/tmp", "/run", "/dev", "/dev/shm", "/proc")  # noqa: S108 -- these are made anew inside, whatever the host has there
"""Folders that the fence fills itself. A rule can show something of the host below some of them; the folders themselves stay the fence's."""
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 -- as above

_SOCKETS = Origin(Scope.BUILTIN, "builtin", text="sockets of the host")
_FENCE = Origin(Scope.BUILTIN, "builtin", text="the fence itself")
_TOOLCHAINS = Origin(Scope.BUILTIN, "builtin", text="toolchains on PATH")

# How many refused secrets are listed one by one in a folder that is hidden as a whole.
MAX_SHOWN_SECRETS = 60


@record
class Ground:
    """The fixed points of one layout. ``own`` are Paddock's installation and interpreter, ``state`` its configuration, state and cache folders.

    ``git_configs`` are the configuration files of git that hold in every repository. ``reopened`` are folders that programs on PATH
    need although they lie in a hidden home.
    """

    cwd: str
    home: str
    project_root: str
    own: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    allow_home: bool = False
    git_configs: tuple[str, ...] = ()


@slotted
class Layout:
    """What became of the rules. ``tree`` can still take marks; ``places`` is read when there are no more.

    ``searched`` and ``git`` are what looking for protected names found, ``write_roots`` where it looked. ``outputs`` are
    folders of a read-only project that are named to be written and missing. ``absent`` are paths where nothing is and nothing may be made (path, rule, reason).
    """

    uncovered: list[Uncovered] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    tree: Tree = field(default_factory=Tree)
    searched: Findings = field(default_factory=Findings)
    git: GitFindings = field(default_factory=GitFindings)
    write_roots: list[str] = field(default_factory=list)
    outputs: list[tuple[str, PathRule]] = field(default_factory=list)
    absent: list[tuple[str, Origin, str]] = field(default_factory=list)

    def places(self) -> tuple[Place, ...]:
        """The layout, sorted by depth."""
        return self.tree.sweep()

    def show_private(self, path: str, why: Origin) -> None:
        """Make sure that a private file has a place to stand on, in a folder that is hidden as a whole."""
        if self.tree.access(path) is Access.HIDDEN:
            self.tree.at(path, Kind.FILE).show_denied = (why, "")

    def show_link(self, path: str, why: Origin) -> None:
        """Show a link that leads to a private file."""
        node = self.tree.at(path, Kind.SYMLINK)
        node.allow_read = node.allow_read or (why, "the way to a file that is shown")

    def access(self, path: str) -> Access:
        """What the command may do at ``path``, which must be resolved."""
        return self.tree.access(path)


def refuse_wide_folder(ground: Ground) -> None:
    """The working folder is writable as a whole: it may not hold the home of the person. Raises ``PolicyError``."""
    if not ground.allow_home and paths.is_beneath(ground.home, ground.cwd):
        what = "the home folder" if ground.cwd == ground.home else "a folder above the home folder"
        raise PolicyError(
            f"the working folder {ground.cwd} is {what}: the command could write everything in it",
            hint="start in a project folder, or allow it with --allow-home",
        )


def lay_out(policy: FilesystemPolicy, ground: Ground, view: View) -> Layout:
    """The whole layout. Raises ``PolicyError`` for a working folder that is too wide."""
    refuse_wide_folder(ground)
    work = _Work(policy, ground, view)
    work.private()
    work.reads()
    work.writes()
    work.protected()
    work.own()
    work.other_ways()
    work.secrets(work.tree.sweep())
    work.judge_absent()
    refuse_hidden_folder(work)
    return work.out


def refuse_hidden_folder(work: _Work) -> None:
    """A command cannot start in a folder that it may not see. Raises ``PolicyError`` with the rule that hides it."""
    if work.tree.access(work.ground.cwd) is not Access.HIDDEN:
        return
    above = (work.tree.find(path) for path in (work.ground.cwd, *paths.ancestors(work.ground.cwd)))
    rule = next((node.deny_read[0] for node in above if node is not None and node.deny_read), _FENCE)
    raise PolicyError(
        f"the working folder {work.ground.cwd} is hidden by {rule.key or rule} {rule.text!r} ({rule})",
        hint="start in another folder, or have the rule's owner re-open this one with allowRead",
    )


class _Work:
    def __init__(self, policy: FilesystemPolicy, ground: Ground, view: View) -> None:
        self.policy = policy
        self.ground = ground
        self.view = view
        self.out = Layout()
        self.tree = self.out.tree
        self.write_roots = self.out.write_roots
        self.absent: list[tuple[str, str, PathRule]] = []
        self.links = Strays(view, (ground.cwd, ground.project_root), policy.allow_write)

    def private(self) -> None:
        for folder in PRIVATE_FOLDERS:
            self.tree.at(folder).private = True

    # -- rules

    def reads(self) -> None:
        for rule, found in self.expanded(self.policy.deny_read, "denyRead"):
            if found.kind is None:
                self.absent.append((found.path, "read", rule))
            elif not self.in_own_folder(found.path):
                node = self.tree.at(found.path, found.kind)
                node.deny_read = node.deny_read or (rule.origin, rule.origin.text if rule.origin.scope is Scope.BUILTIN else "")
        for rule, found in self.expanded(self.policy.allow_read, "allowRead"):
            if not self.strays(rule, found, "allowRead"):
                self.show(found, (rule.origin, ""))
        self.sockets()
        self.surroundings()
        shown: list[str] = []
        for folder in () if self.policy.reads_locked else self.ground.reopened:
            if self.hidden_with_home(folder):
                shown.append(folder)
                self.show(self.view.resolve(folder), (_TOOLCHAINS, "programs on PATH"))
        if shown:
            names = ", ".join("~/" + paths.relative(folder, self.ground.home) for folder in shown)
            self.out.notices.append(Notice(f"the home folder is hidden; programs on PATH below it stay readable: {names}", _TOOLCHAINS, "info"))

    def hidden_with_home(self, folder: str) -> bool:
        """Whether ``folder`` is hidden only because home, or something above it, is. A rule that names the folder itself stands."""
        hidden = False
        for path in (folder, *paths.ancestors(folder)):
            node = self.tree.find(path)
            if node is None:
                continue
            if node.allow_read:
                return False
            if node.deny_read:
                hidden = paths.is_beneath(self.ground.home, path)
                break
        return hidden

    def sockets(self) -> None:
        """Hide the sockets of the host's programs, unless a rule names one: connecting needs no right to write to the folder that holds it."""
        known = sockets.bound(self.view)
        if known is None:
            self.out.uncovered.append(Uncovered(sockets.TABLE, "cannot be read: sockets of the host that have a path can be connected to", _SOCKETS))
        for path in known or ():
            found = self.view.resolve(path)
            if not self.in_own_folder(found.path) and self.view.socket(found.path):
                node = self.tree.at(found.path, Kind.FILE)
                node.deny_read = node.deny_read or (_SOCKETS, "a socket of a program outside")

    def surroundings(self) -> None:
        """A project somewhere below ``/tmp`` sees what lies around it there, as it would anywhere else; what others keep in ``/tmp`` stays out of sight."""
        # Right below /tmp the project shows itself, unless nothing makes it writable.
        nearest = 1 if self.policy.project_read_only else 2
        if paths.is_beneath(self.ground.cwd, "/tmp") and paths.depth(self.ground.cwd) > nearest:  # noqa: S108 -- named to be told apart
            first = "/".join(self.ground.cwd.split("/")[:3])
            node = self.tree.find(first)
            if node is not None and node.deny_read:
                return  # a rule that names the folder stands
            self.show(self.view.resolve(first), (_FENCE, "the folder in /tmp that holds the project"))

    def strays(self, rule: PathRule, found: Resolved, key: str) -> bool:
        """Whether a rule would open what a link in the project leads to; that is said."""
        if found.kind is None or not self.links.strays(rule, found):
            return False
        text = f"{key} {rule.path}: a link that commands can change leads to {found.path}, which is not opened by it; name the target itself"
        self.out.notices.append(Notice(text, rule.origin))
        return True

    def show(self, found: Resolved, mark: Mark) -> None:
        """Re-open reading at a place and at the links that lead to it."""
        if found.kind is None or self.in_own_folder(found.path):
            return
        for path, kind in ((found.path, found.kind), *((link, Kind.SYMLINK) for link in found.links)):
            node = self.tree.at(path, kind)
            node.allow_read = node.allow_read or mark

    def writes(self) -> None:
        for rule in self.policy.allow_write:
            self.allow_write(rule)
        for rule, found in self.expanded(self.policy.deny_write, "denyWrite"):
            self.hold(found, rule)

    def allow_write(self, rule: PathRule) -> None:
        if rule.is_glob:
            self.out.notices.append(Notice(f"allowWrite {rule.path}: patterns are not carried out for writing; name the folder itself", rule.origin))
            return
        found = self.view.resolve(rule.path)
        if self.strays(rule, found, "allowWrite"):
            return
        if found.kind is None and self.is_output(found):
            self.out.outputs.append((found.path, rule))
            self.out.notices.append(
                Notice(f"allowWrite {rule.path}: this folder of a read-only project is missing, and made when a run starts", rule.origin, "info")
            )
        elif found.kind is None:
            self.out.notices.append(Notice(f"allowWrite {rule.path}: there is nothing at this path, so nothing becomes writable", rule.origin, "info"))
        elif found.path in PRIVATE_FOLDERS:
            self.out.notices.append(Notice(f"allowWrite {rule.path}: inside, {found.path} is the fence's own and not the host's", rule.origin, "info"))
        elif not self.in_own_folder(found.path):
            node = self.tree.at(found.path, found.kind)
            managed = rule.origin.scope is Scope.MANAGED
            node.write_only = self.policy.reads_locked and not managed and (node.write_only or node.allow_write is None)
            node.allow_write = node.allow_write or (rule.origin, "")
            self.write_roots.append(found.path)

    def is_output(self, found: Resolved) -> bool:
        """Whether a missing place is a folder for results: in a project that is read-only, under no protected name, and reached through no link."""
        root = self.ground.project_root
        if not self.policy.project_read_only or found.links or found.path == root or not paths.is_beneath(found.path, root):
            return False
        return not any(name == ".git" or what_reads(name) for name in paths.relative(found.path, root).split("/"))

    def hold(self, found: Resolved, rule: PathRule) -> None:
        """Keep a path from being written, and every link that leads to it from being replaced."""
        for link in found.links:
            node = self.tree.at(link, Kind.SYMLINK)
            node.deny_write = node.deny_write or (rule.origin, "a link to a path that may not be written")
        if found.kind is None:
            self.absent.append((found.path, "write", rule))
            return
        node = self.tree.at(found.path, found.kind)
        node.deny_write = node.deny_write or (rule.origin, "")

    def expanded(self, rules: Sequence[PathRule], key: str) -> Iterable[tuple[PathRule, Resolved]]:
        """Every rule with what it names here; patterns become what exists."""
        patterns: list[PathRule] = []
        for rule in rules:
            if rule.is_glob:
                patterns.append(rule)
            else:
                yield rule, self.view.resolve(rule.path)
        if patterns:
            yield from globs.expand(self.view, patterns, key, self.out.uncovered)

    def in_own_folder(self, path: str) -> bool:
        """Devices and processes: what is there inside is never the host's. Below ``/dev/shm`` are ordinary files."""
        if paths.is_beneath(path, _SHARED_MEMORY):
            return path == _SHARED_MEMORY
        return paths.is_beneath(path, "/dev") or paths.is_beneath(path, "/proc")

    # -- what is protected without a rule

    def protected(self) -> None:
        protect.protect(
            self.tree, self.view, self.policy, self.write_roots, self.out, cwd=self.ground.cwd, home=self.ground.home, configs=self.ground.git_configs
        )

    def own(self) -> None:
        """Paddock itself: the last word, after every rule. Raises ``PolicyError`` when the installation cannot be kept (a zip file in the project)."""
        for folder in self.ground.own:
            self.seal(folder, "Paddock's own installation")
        for folder in self.ground.state:
            found = self.seal(folder, "Paddock's own state")
            if found is not None:
                found.deny_read = (_FENCE, "Paddock's own state")

    def other_ways(self) -> None:
        """What is hidden may be mounted a second time."""
        for path, place in otherways.hide(self.tree, self.view, (self.ground.cwd, *self.write_roots)):
            self.out.uncovered.append(
                Uncovered(path, f"is another way to {place.path}, which is hidden; it stays open because the command may write there", place.why)
            )

    def seal(self, folder: str, reason: str) -> Node | None:
        found = self.view.resolve(folder)
        if found.kind is None:
            if any(paths.is_beneath(found.path, root) for root in self.write_roots) and folder in self.ground.own:
                raise PolicyError(
                    f"Paddock runs from {folder}, which the command could write and which cannot be kept from it",
                    hint="install Paddock as a tool of its own, outside the project",
                )
            self.out.absent.append((found.path, _FENCE, reason))
            return None
        node = self.tree.at(found.path, found.kind)
        node.sealed = (_FENCE, reason)
        for link in found.links:
            self.tree.at(link, Kind.SYMLINK).sealed = (_FENCE, reason)
        return node

    # -- what the sweep has to be known for

    def judge_absent(self) -> None:
        """Rules about paths that do not exist: no placeholder is ever made on the host; where the command could make them, the guard keeps it from that."""
        for path, _, rule in self.absent:
            if self.tree.access(path) is Access.WRITE:
                self.out.absent.append((path, rule.origin, ""))

    def secrets(self, places: tuple[Place, ...]) -> None:
        """Secrets in a folder that is hidden as a whole but has something shown in it: listed, so that touching one is refused by name."""
        ways = [place for place in places if place.skeleton]
        count = 0
        for found, mark in self._secrets() if ways else ():
            way = next((place for place in ways if found.path != place.path and paths.is_beneath(found.path, place.path)), None)
            if way is None or self.tree.access(found.path) is not Access.HIDDEN:
                continue
            if count >= MAX_SHOWN_SECRETS:
                break
            node = self.tree.at(found.path, found.kind)
            if node.show_denied is None:
                count += 1
                node.show_denied = mark or (way.why, way.reason)

    def _secrets(self) -> Iterable[tuple[Resolved, Mark | None]]:
        """What exists, with its own rule, the team's before ours; start-up files of shells have none, they are hidden by the rule that hides the folder."""
        for rule in sorted(self.policy.deny_read, key=lambda rule: rule.origin.scope is Scope.BUILTIN):
            if not rule.is_glob:
                found = self.view.resolve(rule.path)
                if found.kind is not None:
                    yield found, (rule.origin, rule.origin.text if rule.origin.scope is Scope.BUILTIN else "")
        for name in protect.SHELL_FILES:
            found = self.view.resolve(paths.join(self.ground.home, name))
            if found.kind is not None and not found.links:
                yield found, None
