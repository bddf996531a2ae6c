"""Programs that git's configuration names by path: git-config(1). What lies where the command may write must not be changed by it, because git outside
runs it.

Only what git starts by itself is looked for, and no alias or tool that a person asks for by name. The first word of a command line counts; a word without a
slash is found on the PATH and is nobody's file here.
"""

from __future__ import annotations

from paddock.planner.gitconfig import Setting

__all__ = ["named_path"]

_SINGLE = frozenset(
    {
        *(("core", key) for key in ("fsmonitor", "sshcommand", "gitproxy", "pager", "editor", "askpass", "alternaterefscommand")),
        *(("diff", "external"), ("sequence", "editor"), ("gpg", "program"), ("gpg", "defaultkeycommand"), ("credential", "helper")),
        *(("uploadpack", "packobjectshook"), ("interactive", "difffilter")),
    }
)
_FAMILIES = frozenset(
    {
        *(("filter", key) for key in ("clean", "smudge", "process")),
        *(("diff", key) for key in ("command", "textconv")),
        *(("merge", "driver"), ("credential", "helper"), ("gpg", "program")),
        *(("remote", key) for key in ("uploadpack", "receivepack")),
    }
)
_WORDS_OF_SHELL = ("exec", "command", "env", "sh", "bash", "python", "python3", "node", "perl", "ruby")


def named_path(setting: Setting) -> str:
    """The path that a setting has git run (or, for ``init.templateDir``, copy hooks from), as written; empty when it names none."""
    if not setting.value:
        return ""
    if (setting.section, setting.key) == ("init", "templatedir"):
        return setting.value  # a path, not a command
    wanted = _FAMILIES if setting.subsection else _SINGLE
    return _program(setting.value.removeprefix("!")) if (setting.section, setting.key) in wanted else ""


def _program(line: str) -> str:
    """The first word that is a path, behind the name of an interpreter at most."""
    words = line.replace('"', " ").replace("'", " ").split()
    if words and words[0] in _WORDS_OF_SHELL:
        words = words[1:]
    first = words[0] if words else ""
    return first if "/" in first and not first.startswith("-") else ""
