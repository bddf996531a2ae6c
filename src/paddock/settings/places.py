"""Where a person's and a project's settings live: home, XDG folders, the git root. The only file of this room that reads the caller's environment for paths."""

from __future__ import annotations

import os
from collections.abc import Mapping

from paddock.errors import UsageError
from paddock.model.paths import join
from paddock.model.settings import Context
from paddock.settings.foreign import foreign_link
from paddock.settings.gitfiles import find_repository

__all__ = ["context_for", "local_root"]


def context_for(cwd: str, environ: Mapping[str, str]) -> Context:
    """The places that relative entries refer to. ``cwd`` must be absolute and exist.

    Raises ``UsageError`` when the working folder is gone or no home can be found.
    """
    real_cwd = _directory(cwd)
    home = _own(_home(environ))
    repository = find_repository(real_cwd)
    return Context(
        cwd=real_cwd,
        project_root=real_cwd,
        git_root=repository.main_root if repository is not None else "",
        home=home,
        config_home=_own(_absolute(environ, "CLAUDE_CONFIG_DIR") or join(home, ".claude")),
        paddock_config_home=_own(join(_xdg(environ, "XDG_CONFIG_HOME", home, ".config"), "paddock")),
        state_home=_own(join(_xdg(environ, "XDG_STATE_HOME", home, ".local/state"), "paddock")),
        cache_home=_own(join(_xdg(environ, "XDG_CACHE_HOME", home, ".cache"), "paddock")),
    )


def _own(path: str) -> str:
    """A place of this person's, resolved. Raises ``UsageError`` when another user's link would lead there."""
    real = os.path.realpath(path)
    if real != path and (link := foreign_link(path)):  # most paths hold no link, and pay nothing
        raise UsageError(
            f"{path} cannot be used: {link} is a link that belongs to user {os.lstat(link).st_uid}",
            hint="name another folder by HOME or the XDG variables, or remove the link",
        )
    return real


def _directory(cwd: str) -> str:
    try:
        real = os.path.realpath(cwd, strict=True)
    except OSError as error:
        raise UsageError(f"the working folder {cwd} cannot be used: {error.strerror}") from None
    if not cwd.startswith("/") or not os.path.isdir(real):
        raise UsageError(f"the working folder {cwd} is not an absolute path of a directory")
    return real


def _home(environ: Mapping[str, str]) -> str:
    home = _absolute(environ, "HOME")
    if home:
        return home
    import pwd  # the database is asked only when the environment does not say

    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        raise UsageError("no home folder: HOME is not set and the user is not in the password database", hint="set HOME") from None


def _xdg(environ: Mapping[str, str], name: str, home: str, default: str) -> str:
    """A base directory; relative values are invalid and ignored (XDG Base Directory Specification)."""
    return _absolute(environ, name) or join(home, default)


def _absolute(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    return value if value.startswith("/") else ""


def local_root(context: Context) -> str:
    """The folder whose ``settings.local.json`` counts: the git root of the main checkout, or the start folder (spec 1.1).

    It stays in the start folder outside git, when the repository's root is home, and when root, ``.git`` or ``.claude`` belong to somebody else: that person
    could otherwise hand settings to everybody who works below.
    """
    root = context.git_root
    if not root or root in (context.home, context.project_root):
        return context.project_root
    uid = os.geteuid()
    for path in (root, f"{root}/.git", f"{root}/.claude", f"{root}/.paddock"):
        try:
            if os.lstat(path).st_uid != uid:
                return context.project_root
        except FileNotFoundError:
            continue
        except OSError:
            return context.project_root
    return root
