"""Path entries as people write them, to absolute patterns. Spec 3.1: prefixes, bases per scope, what is stripped. Pure: links are resolved by whoever acts on
a path.
"""

from __future__ import annotations

from paddock.errors import PolicyError
from paddock.model.globs import escape, is_glob
from paddock.model.paths import normalise
from paddock.model.policy import PathRule
from paddock.model.settings import Context, Entry, Origin, Scope

__all__ = ["base_of", "resolve", "resolve_entry"]


def resolve_entry(entry: Entry, context: Context) -> PathRule:
    """A path entry (a string, or an object with ``path``) as an absolute, normalised path or glob.

    Raises ``PolicyError`` for a relative entry of a managed file, which has no base, and for another user's home.
    """
    value = entry.value.get("path") if isinstance(entry.value, dict) else entry.value
    if not isinstance(value, str):
        raise PolicyError(f"{entry.origin}: {entry.origin.key} holds {value!r}, which is not a path")
    path, glob = resolve(value, entry.origin, context)
    return PathRule(path, entry.origin, glob)


def resolve(written: str, origin: Origin, context: Context) -> tuple[str, bool]:
    """The absolute form of ``written``, as found at ``origin``, and whether it is a glob. A trailing ``/`` or ``/**`` is dropped: a directory covers its
    contents.
    """
    base, rest = _split(written, origin, context)
    # Without its "." parts first, so that they hide no tail.
    rest = _without_tail("/".join(part for part in rest.split("/") if part != "."))
    glob = is_glob(rest)
    # Only what was written can be a wildcard: a working folder that is called "app[1]" is that folder.
    return normalise(f"{escape(base) if glob else base}/{rest}"), glob


def _split(written: str, origin: Origin, context: Context) -> tuple[str, str]:
    if written == "~" or written.startswith("~/"):
        return context.home, written[2:]
    if written.startswith("/"):
        return "", written
    if written.startswith("~"):
        raise PolicyError(f"{origin}: {written!r} names another user's home", hint='write "~/…" or an absolute path', code="other_user_home")
    return base_of(origin, context), written


def _without_tail(rest: str) -> str:
    while True:
        shorter = rest.rstrip("/")
        if shorter == "**" or shorter.endswith("/**"):
            shorter = shorter[:-2]
        if shorter == rest:
            return rest
        rest = shorter


def base_of(origin: Origin, context: Context) -> str:
    """The folder that relative entries of a source refer to (spec 3.1).

    Raises ``PolicyError`` for managed sources: no base is documented for them, and a guess could protect the wrong place.
    """
    if origin.scope is Scope.PROJECT:
        return context.project_root
    if origin.scope in (Scope.LOCAL, Scope.CLI):
        return context.cwd
    if origin.scope is Scope.USER:
        return context.paddock_config_home if _is_ours(origin.file, context) else context.config_home
    if origin.scope is Scope.BUILTIN:
        return context.home
    message = f"{origin}: the relative path {origin.text!r} has no meaning in a managed file"
    raise PolicyError(message, hint="write it from / or from ~/", code="relative_path_in_managed")


def _is_ours(file: str, context: Context) -> bool:
    return file.rpartition("/")[0] == context.paddock_config_home
