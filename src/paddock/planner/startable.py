"""The list of programs that alone may be started, as files: what the kernel opens for execution when one of them is started (execve(2)).

That is the program itself, the interpreter behind ``#!`` of a script (and what ``env`` looks up for it), and the dynamic loader that an ELF file asks for.
Libraries are not executed but mapped; a loader that is started by itself maps whatever it is told to, so what may be mapped is bounded by folder as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from paddock.model import paths
from paddock.model.plan import Access, Kind, Uncovered
from paddock.model.policy import ProgramPolicy, ProgramRule
from paddock.model.programs import ONLY, Startable
from paddock.model.settings import Notice, Origin, Scope
from paddock.planner.elf import HEAD_BYTES, interpreter_of
from paddock.planner.layout import Layout
from paddock.planner.programs import Search, is_denied

__all__ = ["LIBRARIES", "startable"]

LIBRARIES = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/local/lib", "/usr/local/lib64", "/lib", "/lib32", "/lib64", "/libx32")
"""Where systems keep libraries (hier(7), ld.so(8))."""

_FIRST_LINE = 256
_BESIDE = ("lib", "lib64")


def startable(policy: ProgramPolicy, layout: Layout, search: Search) -> Startable:
    """What ``paddock.programs.only`` comes to here. Names that lead nowhere are left out; so is what the command could write, which is said."""
    work = _Work(layout, search)
    for rule in policy.only or ():
        work.take(rule.name, rule)
    folders = tuple(dict.fromkeys(found.path for found in map(search.view.resolve, (*LIBRARIES, *work.libraries)) if found.kind is Kind.DIRECTORY))
    kept = tuple(
        folder for folder in folders if not work.writable(folder) and not any(folder != other and paths.is_beneath(folder, other) for other in folders)
    )
    return Startable(tuple(sorted(work.files)), kept, policy.only_by or Origin(Scope.BUILTIN, "builtin", key=ONLY))


class _Work:
    def __init__(self, layout: Layout, search: Search) -> None:
        self.layout = layout
        self.search = search
        self.files: dict[str, None] = {}
        self.libraries: list[str] = []

    def take(self, name: str, rule: ProgramRule) -> None:
        for path in self._found(name):
            if path in self.files or is_denied(self.layout, path):
                continue
            if self.writable(path):
                text = "the command can write there: anything could be started by that name, so it is not"
                self.layout.uncovered.append(Uncovered(path, text, rule.origin))
                self.layout.notices.append(Notice(f"{path} cannot be started: {text}", rule.origin))
                continue
            self.files[path] = None
            # Programs of an installation of their own bring their libraries along (/opt/x/bin, /opt/x/lib).
            above = paths.ancestors(path)[1:2]
            self.libraries += [paths.join(folder, beside) for folder in above if folder != "/" for beside in _BESIDE]
            for needed in self._needed(path):
                if needed not in self.files:
                    self.take(needed, rule)

    def _found(self, name: str) -> Iterator[str]:
        """Every program of that name on the PATH: the first one found is not always the one that is called."""
        if name.startswith("/"):
            found = self.search.view.resolve(paths.normalise(name))
            if found.kind is Kind.FILE and self.search.view.executable(found.path):
                yield found.path
            return
        for folder in self.search.path:
            yield from self._found(paths.join(folder, name))

    def _needed(self, path: str) -> Iterator[str]:
        start = self.search.view.head(path, HEAD_BYTES)
        if start.startswith(b"#!"):
            words = start[2:_FIRST_LINE].split(b"\n")[0].split()
            names = [word.decode("utf-8", "surrogateescape") for word in words if b"\0" not in word]
            if names and names[0].startswith("/"):
                yield names[0]
                if names[0].rpartition("/")[2] == "env":
                    yield from (word for word in names[1:] if not word.startswith("-") and "=" not in word and "/" not in word)
            return
        loader = interpreter_of(start)
        if loader:
            yield loader

    def writable(self, path: str) -> bool:
        """Whether the command may write there, or could before a place was marked."""
        return self.layout.tree.standing(path).access() is Access.WRITE
