"""The words of one permission rule, and the places that its path means. Spec 4.1 and 3.2. Pure."""

from __future__ import annotations

from typing import NamedTuple

from paddock.errors import PolicyError
from paddock.model.globs import escape, is_glob, unescape
from paddock.model.paths import normalise
from paddock.model.settings import Context, Origin, Scope

__all__ = ["Rule", "parse", "path_pattern"]


class Rule(NamedTuple):
    """``specifier`` is None for a bare rule (``Bash``, ``Bash(*)``). ``text`` is the rule as it was written."""

    text: str
    tool: str
    specifier: str | None = None


def parse(text: str) -> Rule:
    """Read ``Tool`` or ``Tool(specifier)``. Raises ``PolicyError`` for anything else."""
    tool, parenthesis, rest = text.partition("(")
    name = tool.strip()
    if not name or ")" in name or not text.isprintable():
        raise PolicyError(f"{text!r} is not a permission rule", hint="write Tool or Tool(specifier)")
    if not parenthesis:
        return Rule(text, name)
    rest = rest.rstrip()
    if not rest.endswith(")"):
        raise PolicyError(f"{text!r} is not a permission rule: the closing parenthesis is missing", hint="write Tool(specifier)")
    specifier = rest[:-1]
    if not specifier.strip():
        raise PolicyError(f"{text!r} is not a permission rule: there is nothing between the parentheses", hint=f"write {name} for every use of the tool")
    return Rule(text, name, None if specifier == "*" else specifier)


def path_pattern(specifier: str, list_name: str, origin: Origin, context: Context) -> tuple[str, bool]:
    """The path of a ``Read`` or ``Edit`` rule as an absolute path or glob, and which of the two. Spec 3.2; gitignore(5).

    A name without a slash matches at any depth below its anchor. ``dir/**`` with a single name does so too in deny and ask lists, but in an allow list it is
    the one below the anchor. A directory covers what is in it.
    """
    base, rest, anchored = _anchor(specifier, origin, context)
    # Without its "." parts first, so that they hide no tail.
    stripped, covers_contents = _without_tail("/".join(part for part in rest.split("/") if part != "."))
    single = "/" not in stripped
    dotted = specifier.startswith("./")
    if not anchored and single and stripped and stripped != "**":
        # "./name" is one place and "name" is every place; for "dir/**" the two spellings are documented as one form.
        any_depth = list_name != "allow" if covers_contents else not dotted
        if any_depth:
            return normalise(f"{escape(base)}/**/{stripped}"), True
    if is_glob(stripped):
        return normalise(f"{escape(base)}/{stripped}"), True
    return normalise(f"{base}/{unescape(stripped)}"), False


def _anchor(specifier: str, origin: Origin, context: Context) -> tuple[str, str, bool]:
    """The folder that a path starts from, the rest, and whether a prefix said so."""
    if specifier.startswith("//"):
        return "", specifier[2:], True
    if specifier == "~" or specifier.startswith("~/"):
        return context.home, specifier[2:], True
    if specifier.startswith("/"):
        return _source_folder(specifier, origin, context), specifier[1:], True
    if specifier.startswith("~"):
        raise PolicyError(f"{specifier!r} names another user's home", hint="write ~/… or //…")
    return context.cwd, specifier.removeprefix("./"), False


def _source_folder(specifier: str, origin: Origin, context: Context) -> str:
    """Where ``/x`` starts: it is the folder of the settings source, not the root of the file system."""
    if origin.scope is Scope.MANAGED:
        raise PolicyError(f"{specifier!r} starts with one slash, which has no meaning in a managed file", hint=f"write /{specifier} for an absolute path")
    if origin.scope is Scope.PROJECT:
        return context.project_root
    folder = origin.file.rpartition("/")[0]
    if origin.scope is Scope.USER:
        return folder if folder == context.paddock_config_home else context.config_home
    if origin.scope is Scope.CLI and origin.file.startswith("/"):
        return folder or "/"
    return context.cwd


def _without_tail(rest: str) -> tuple[str, bool]:
    """The path without a trailing ``/`` or ``/**``, and whether ``/**`` was there."""
    covers_contents = False
    while True:
        shorter = rest.rstrip("/")
        if shorter.endswith("/**"):
            shorter = shorter[:-3]
            covers_contents = True
        if shorter == rest:
            return ("" if rest == "**" else rest), covers_contents
        rest = shorter
