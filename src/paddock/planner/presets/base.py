"""What a preset is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from paddock.model import paths
from paddock.model.plan import Bind, PrivateFile
from paddock.model.policy import HostRule
from paddock.model.record import field, record, slotted
from paddock.model.settings import Entry, Notice, Origin, Scope
from paddock.planner.presets.urls import Target, target_of
from paddock.planner.view import View

__all__ = ["CACHE_ORIGIN", "KEY", "Given", "Gives", "found_program"]

KEY = "paddock.network.tools"

CACHE_ORIGIN = Origin(Scope.BUILTIN, "builtin", key="presets", text="a cache private to the project")


@record
class Given:
    """``writable`` says whether a (resolved) path belongs to the project, or the command could have written it: what stands there is not the user's word.
    ``programs`` are the folders of PATH. ``hidden`` says whether the rules hide a (resolved) path;
    ``uid`` is the caller's user id. ``trusts`` says whether somebody accepted a host that a file of the project names.

    ``caches`` is the folder inside where tools find their caches, ``homes`` the one for tools that keep cache and configuration in one place, ``kept`` what a
    folder of ours outside begins with that is kept for this project alone (empty when there is none). ``networked`` says whether any host can be reached.
    """

    view: View
    home: str
    project_root: str
    config_home: str
    environ: Mapping[str, str]
    programs: tuple[str, ...]
    writable: Callable[[str], bool]
    hidden: Callable[[str], bool] = lambda _: False
    uid: int = 0
    trusts: Callable[[Entry], bool] = lambda _: False
    caches: str = "/run/paddock/cache"
    homes: str = "/run/paddock"
    kept: str = ""
    networked: bool = True

    def variable(self, name: str) -> str:
        """A variable of the caller, under its own name or in capitals; empty when there is none."""
        return self.environ.get(name) or self.environ.get(name.upper()) or ""

    def keeps_own(self, name: str) -> bool:
        """Whether a variable of the caller already leads to a place which the command may write: then it stays as it is."""
        value = self.environ.get(name, "")
        return value.startswith("/") and "\0" not in value and self.writable(self.view.resolve(paths.normalise(value)).path)


@slotted
class Gives:
    """The parts of a plan that presets add. ``environment`` overrides what the caller had; ``links`` are hidden links on the way to ``files``.

    ``waiting`` are hosts that files of the project name and nobody accepted, ``accepted`` those that somebody did.
    """

    files: list[PrivateFile] = field(default_factory=list)
    links: list[tuple[str, Origin]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    hosts: list[HostRule] = field(default_factory=list)
    waiting: list[Entry] = field(default_factory=list)
    accepted: list[Entry] = field(default_factory=list)
    binds: list[Bind] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def host(self, target: Target, origin: Origin) -> None:
        """Add a host once."""
        pattern = target.pattern()
        if all(rule.pattern != pattern for rule in self.hosts):
            self.hosts.append(HostRule(pattern, origin))

    def user_file(self, given: Given, path: str, content: bytes, text: str = "without logins") -> bool:
        """Add a copy of a user's file, at the place where the file really is. False where nothing is, or where the command owns the place anyway."""
        found = given.view.resolve(path)
        if found.kind is None or given.writable(found.path):
            return False
        why = Origin(Scope.BUILTIN, "builtin", key="presets", text=f"{path} {text}")
        self.files.append(PrivateFile(found.path, content, 0o444, why))
        # Configuration is often a link into a folder of its own: in a hidden home the way there has to be shown as well.
        self.links += [(link, why) for link in found.links if given.hidden(link)]
        return True

    def address(self, given: Given, url: str, file: str, line: int, tool: str) -> bool:
        """Add the host of an address that a tool is configured for. False when it is no address, or a file of the project's that nobody accepted names it."""
        target = target_of(url)
        if target is None:
            return False
        if file.startswith("/") and given.writable(given.view.resolve(file).path):
            return self._project_host(given, target, file, line, tool)
        self.host(target, Origin(Scope.USER, file, line, key=KEY, text=f"{tool}: {target.pattern()}"))
        return True

    def _project_host(self, given: Given, target: Target, file: str, line: int, tool: str) -> bool:
        """A host in a file that came with the project, or that the command could have written: it counts when this very content was accepted."""
        from hashlib import sha256  # only for projects that bring such a file

        digest = sha256(given.view.read(file) or b"").hexdigest()
        short = f"./{paths.relative(file, given.project_root)}" if paths.is_beneath(file, given.project_root) else file
        entry = Entry(target.pattern(), Origin(Scope.PROJECT, file, line, key=KEY, text=f"{tool}: {target.pattern()} (from {short}, sha256 {digest})"))
        trusted = given.trusts(entry)
        group = self.accepted if trusted else self.waiting
        if all(other.origin.text != entry.origin.text for other in group):
            group.append(entry)
        if trusted:
            self.host(target, entry.origin)
        return trusted

    # -- caches

    def cache_variable(self, given: Given, name: str, folder: str) -> None:
        """Point a variable at a folder of the project's cache."""
        if not given.keeps_own(name):
            self.environment[name] = f"{given.caches}/{folder}"

    def tool_home(self, given: Given, name: str, tool: str, kept: tuple[str, ...]) -> str:
        """Give a tool that keeps cache and configuration in one place such a place of its own; returns it, empty where the caller's stays.

        Only the folders ``kept`` outlast the run. They lie beside the project's cache and not in it: what the command may write is never the way to a mount.
        """
        if given.keeps_own(name):
            return ""
        home = self.environment[name] = f"{given.homes}/{tool}"
        if given.kept:
            self.binds += [Bind(f"{given.kept}-{tool}-{folder}", f"{home}/{folder}", CACHE_ORIGIN) for folder in kept]
        return home

    def made_file(self, path: str, content: bytes, what: str) -> None:
        """A file below a ``tool_home``, where the host has nothing."""
        self.files.append(PrivateFile(path, content, 0o444, Origin(Scope.BUILTIN, "builtin", key="presets", text=what)))


def found_program(given: Given, *names: str) -> str:
    """Where a program really is: the first of ``names`` on PATH, links followed. Empty when there is none, or when the command could have put it there."""
    for folder in given.programs:
        for name in names:
            found = given.view.resolve(paths.join(folder, name))
            if found.kind is not None and not given.writable(found.path) and given.view.executable(found.path):
                return found.path
    return ""
