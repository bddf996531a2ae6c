"""Rules that allow more than they look like."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.errors import PolicyError
from paddock.model.settings import Scope
from paddock.permissions.classify import classify
from paddock.permissions.commandline import INTERPRETERS
from paddock.permissions.grammar import Rule
from paddock.permissions.shell.wrappers import SHELLS as SHELL_PROGRAMS
from paddock.permissions.tools import SHELLS
from paddock.session.lint.finding import INFO, WARNING, Case, Found
from paddock.session.lint.finding import Rule as LintRule
from paddock.session.lint.known import EXECUTORS
from paddock.settings.rewrite import Action

__all__ = ["RULES", "allows_anything"]

_MODE = "permissions.defaultMode"
_UNPROTECT = "paddock.filesystem.unprotect"
_EMPTY = {
    "allowedMcpServers": ("an empty list allows no server at all", "remove the key to allow all, or name the servers"),
    "deniedMcpServers": ("an empty list denies no server", "remove the key"),
    "availableModels": ("an empty list leaves no model to choose", "remove the key, or name the models"),
    "sandbox.enabledPlatforms": ("an empty list means no platform: an agent's own sandbox stays off everywhere", "remove the key, or name the platforms"),
    "paddock.programs.only": ("an empty list means that no program may be started", "remove the key, or name the programs"),
    "sandbox.filesystem.denyRead": ("an empty list closes nothing, and takes nothing away from what other files close", "remove the key"),
    "sandbox.filesystem.denyWrite": ("an empty list closes nothing, and takes nothing away from what other files close", "remove the key"),
    "sandbox.network.deniedDomains": ("an empty list closes nothing, and takes nothing away from what other files close", "remove the key"),
    "permissions.deny": ("an empty list denies nothing, and takes nothing away from what other files deny", "remove the key"),
}
"""Lists of which an empty one surprises: (what it means, what to do)."""


def too_broad(case: Case) -> Iterator[Found]:
    """``Bash``, ``Bash(python *)``."""
    for entry in case.list("permissions.allow"):
        try:
            found = classify(str(entry.value), "allow")
        except PolicyError:
            continue
        tool, inside = found.rule.tool, found.rule.specifier
        if reason := allows_anything(found.rule):
            yield Found(entry, f"{reason}, unasked", "name the commands that agents need here: Bash(npm test), Bash(git status *)")
        elif inside is None and tool in ("Agent", "Write", "Edit", "MultiEdit", "WebFetch"):
            yield Found(entry, f"it allows every use of {tool}, unasked", f"name what is meant: {tool}({_example(tool)})")


def _example(tool: str) -> str:
    return {"Agent": "NAME", "WebFetch": "domain:HOST"}.get(tool, "src/**")


def allows_anything(rule: Rule) -> str:
    """Why an allow rule means any code, or an empty string."""
    if rule.tool not in SHELLS:
        return ""
    return "it allows every command" if rule.specifier is None else _runs_anything(rule.specifier)


def _runs_anything(pattern: str) -> str:
    """Why a command pattern means any code, or an empty string."""
    head, star, _ = pattern.removesuffix(":*").partition("*") if not pattern.endswith(":*") else (pattern[:-2] + " ", "*", "")
    if not star:
        return ""
    words = head.split()
    if not words:
        return "it allows every command that ends this way" if pattern.strip(" *") else "it allows every command"
    program = words[0].rpartition("/")[2]
    if head[-1:] not in (" ", "") and len(words) == 1:
        # A prefix without a word's end: python* is python3 as well.
        names = [name for name in (*INTERPRETERS, *SHELL_PROGRAMS) if name.startswith(program)]
        return f"it allows {names[0]} with any code" if names and len(program) > 1 else ""
    options = all(word.startswith("-") for word in words[1:])
    if options and program in (INTERPRETERS | SHELL_PROGRAMS):
        return f"{program} runs any code that its arguments name or hold"
    runner = next((name for name in EXECUTORS if [program, *words[1:]] == name.split()), "")
    return f"{runner} runs any code that its arguments name or hold" if runner else ""


def bypass_in_project(case: Case) -> Iterator[Found]:
    """``defaultMode: bypassPermissions`` where everybody who opens the project gets it."""
    for entry in case.entries.get(_MODE, ()):
        if entry.value == "bypassPermissions" and entry.origin.scope is Scope.PROJECT:
            reason = "everybody who opens this project would start without questions"
            yield Found(entry, reason, 'write "default" here; who wants no questions says so in a file of their own', Action("replace", "default"))


def unprotect_family(case: Case) -> Iterator[Found]:
    """A protected name without a path."""
    for entry in case.list(_UNPROTECT):
        text = str(entry.value).removeprefix("./").rstrip("/")
        if "/" not in text and not text.startswith("~"):
            reason = f"every {text} at any depth can be written then, and what reads it runs outside"
            yield Found(entry, reason, f'name the one path that is needed, such as "docs/{text}"')


def empty_list(case: Case) -> Iterator[Found]:
    """Lists of which an empty one means all, or nothing."""
    for key, (meaning, remedy) in _EMPTY.items():
        for entry in case.empty.get(key, ()):
            yield Found(entry, meaning, remedy)


RULES = (
    LintRule(
        "allow-too-broad", WARNING, "An allow rule for every command, or for a program that runs any code, leaves nothing for the other rules to do.", too_broad
    ),
    LintRule(
        "mode-bypass-in-project",
        WARNING,
        "A mode without questions in a project's file is a decision for everybody who opens it.",
        bypass_in_project,
        'the mode "default"',
    ),
    LintRule("unprotect-family", WARNING, "Lifting a protected name lifts it everywhere in the project; a path lifts one place.", unprotect_family),
    LintRule("list-empty", INFO, "An empty list is not the same as no list: for some keys it means nothing, for others it takes nothing away.", empty_list),
)
