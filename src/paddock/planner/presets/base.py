"""What a preset is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from paddock.model import paths
from paddock.model.plan import PrivateFile
from paddock.model.policy import HostRule
from paddock.model.settings import Notice, Origin, Scope
from paddock.planner.presets.urls import Target, target_of
from paddock.planner.view import View

__all__ = ["Given", "Gives", "found_program"]

KEY = "paddock.network.tools"


@dataclass(frozen=True, slots=True)
class Given:
    """``writable`` says whether a (resolved) path belongs to the project, or the command could have written it: what stands there is not the user's word.
    ``programs`` are the folders of PATH. ``hidden`` says whether the rules hide a (resolved) path;
    ``uid`` is the caller's user id.
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

    def variable(self, name: str) -> str:
        """A variable of the caller, under its own name or in capitals; empty when there is none."""
        return self.environ.get(name) or self.environ.get(name.upper()) or ""


@dataclass(slots=True)
class Gives:
    """The parts of a plan that presets add. ``environment`` overrides what the caller had; ``links`` are hidden links on the way to ``files``."""

    files: list[PrivateFile] = field(default_factory=list)
    links: list[tuple[str, Origin]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    hosts: list[HostRule] = field(default_factory=list)
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
        """Add the host of an address that a tool is configured for. False when it is no address, or stands where the command can write.

        What stands in a project's file widens only what that project was trusted with, so it is named and not added.
        """
        target = target_of(url)
        if target is None:
            return False
        if file.startswith("/") and given.writable(given.view.resolve(file).path):
            text = (
                f"{tool} is set up for {target.pattern()} in a file of the project ({file}:{line}): list the host in sandbox.network.allowedDomains to reach it"
            )
            self.notices.append(Notice(text, Origin(Scope.PROJECT, file, line, key=KEY, text=tool), "info"))
            return False
        self.host(target, Origin(Scope.USER, file, line, key=KEY, text=f"{tool}: {target.pattern()}"))
        return True


def found_program(given: Given, *names: str) -> str:
    """Where a program really is: the first of ``names`` on PATH, links followed. Empty when there is none, or when the command could have put it there."""
    for folder in given.programs:
        for name in names:
            found = given.view.resolve(paths.join(folder, name)).path
            if not given.writable(found) and given.view.executable(found):
                return found
    return ""
