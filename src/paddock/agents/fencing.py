"""A shell command of an agent, rewritten so that it runs under ``paddock run``.

The text goes through the agent's own shell once more, so every word of ours is quoted. The command itself is handed on as one word, and read by a shell that
already stands inside.
"""

from __future__ import annotations

import os
from shlex import quote

from paddock.errors import UsageError

__all__ = ["SHELL", "fenced", "own_command"]

SHELL = "/bin/bash"
# Inside: go to where the agent stands, then do what it asked for. As words, so that neither is read by the outer shell.
_THERE = 'cd -- "$1" && eval "$2"'


def own_command() -> str:
    """The program to be called: the one that is running. Raises ``UsageError`` where that cannot be told."""
    import sys

    found = os.path.join(os.path.dirname(sys.executable), "paddock")
    if not os.access(found, os.X_OK):
        hint = "install Paddock as a tool of its own, with pipx, uv tool, or pip in a venv"
        raise UsageError(f"there is no paddock beside the interpreter {sys.executable}", hint=hint)
    return found


def fenced(command: str, *, program: str, project: str, cwd: str, tool_use: str) -> str:
    """The command line to run instead of ``command``: in the fence of ``project``, standing in ``cwd``, its run marked with ``tool_use``."""
    shell = SHELL if os.access(SHELL, os.X_OK) else "/bin/sh"
    inside = [shell, "-c", command] if cwd == project else [shell, "-c", _THERE, shell, cwd, command]
    marked = ["--tool-use", tool_use] if tool_use else []
    words = " ".join(map(quote, (program, "run", *marked, "--", *inside)))
    return f"cd -- {quote(project)} && exec {words}"
