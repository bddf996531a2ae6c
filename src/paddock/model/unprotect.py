"""How a protected name is lifted: the entry for exactly one refusal, in words that every place of refusal uses. Pure."""

from __future__ import annotations

from paddock.model import paths
from paddock.model.record import record
from paddock.model.settings import Origin, Scope

__all__ = ["BY_PATH", "PROTECTED", "SEALED", "Lifting"]

PROTECTED = "protected names"
"""The key of the builtin rule that protects a name which ``paddock.filesystem.unprotect`` can lift."""

SEALED = "paddock's own names"
"""The key of the builtin rule about names that nothing lifts: Paddock's folder of a project and the files that policy is read from."""

_KEY = "paddock.filesystem.unprotect"


@record
class Lifting:
    """``root`` is the project, which entries that are relative start from. ``lock`` is the administrator's entry that lets only managed settings lift.

    ``read_only`` is the entry that makes the project read-only, None where it can be written.
    """

    root: str
    lock: Origin | None = None
    read_only: Origin | None = None

    def entry(self, path: str) -> str:
        """The entry of ``paddock.filesystem.unprotect`` for one protected path: as short as people write it, absolute outside of the project."""
        inside = self.root not in ("/", path) and paths.is_beneath(path, self.root)
        return paths.relative(path, self.root) if inside else path

    def lifts(self, rule: Origin | None) -> bool:
        """Whether an entry of one's own would answer this rule."""
        return self.lock is None and rule is not None and rule.key == PROTECTED and rule.scope is Scope.BUILTIN

    def remedy(self, path: str, rule: Origin | None) -> str:
        """What would lift the protection of ``path`` that ``rule`` gives it; who forbids it; or nothing where this is no matter of protected names."""
        if rule is None or rule.scope is not Scope.BUILTIN:
            return ""
        if rule.key == SEALED:
            return "nothing lifts this"
        if rule.key != PROTECTED:
            return ""
        if self.lock is not None:
            place = f"{self.lock.file}:{self.lock.line}" if self.lock.line else self.lock.file
            return f"only managed settings may lift it ({place} sets {self.lock.key})"
        entry = self.entry(path)
        return f"--unprotect {_word(entry)}, or add {_quoted(entry)} to {_KEY}"


BY_PATH = Lifting("/")
"""Without a project: entries are whole paths."""


def _word(text: str) -> str:
    """A word for the shell."""
    plain = text and all(c.isalnum() or c in "._-/+:@%~=," for c in text) and text.isascii()
    return text if plain else "'" + text.replace("'", "'\\''") + "'"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
