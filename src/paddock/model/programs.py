"""Programs that may not, or alone may, be started inside: the words that the plan, the fence and the reports share. Pure."""

from __future__ import annotations

from paddock.model.record import record
from paddock.model.settings import Origin, Scope

__all__ = ["DENIED", "EXECUTE", "FROM_RULES", "NOT_LISTED", "ONLY", "Startable", "remedy"]

FROM_RULES = "paddock.programs.fromRules"
ONLY = "paddock.programs.only"

DENIED = "a program that a rule denies"
"""The reason of a place that is hidden because a deny rule names the program."""

NOT_LISTED = "not among the only programs that may be started"

EXECUTE = "execute"
"""The act of a refused start in events."""


@record
class Startable:
    """``files`` are all that may be executed: programs, the interpreters of those that are scripts, and the dynamic loader that the kernel opens for them
    (execve(2)). ``folders`` hold libraries: from there, and from nowhere else, code may be mapped as well. Paths are resolved. ``why`` is the list.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
    why: Origin


def remedy(path: str, rule: Origin | None) -> str:
    """What would let the program at ``path`` start."""
    name = path.rpartition("/")[2]
    if rule is None:
        return ""
    if rule.key == ONLY:
        return f"only the administrator can list it ({rule})" if rule.scope is Scope.MANAGED else f'add "{name}" to {ONLY}, in every file that sets it'
    if rule.scope is Scope.MANAGED:
        return f"only the administrator can take the rule out ({rule})"
    return f'take "{rule.text}" out of {rule.key}, or set {FROM_RULES} to false'
