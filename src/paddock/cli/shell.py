"""``paddock shell``: look around inside."""

from __future__ import annotations

import os
from collections.abc import Mapping

from paddock.cli.options import help_text, parse
from paddock.cli.output import Output
from paddock.cli.request import request_from
from paddock.cli.run import OPTIONS, carry_out
from paddock.model.record import replace

__all__ = ["OPTIONS", "main"]

USAGE = "paddock shell [OPTIONS] [-- SHELL [ARGUMENTS]]"
SHELLS = ("/bin/bash", "/bin/sh")
MARK = "(paddock) "


def main(words: list[str], out: Output) -> int:
    """Run an interactive shell inside the fence: SHELL, or ``$SHELL``. Exit code: the shell's, otherwise as with ``run``."""
    parsed = parse(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, "Runs a shell inside the fence that this project's settings describe: SHELL, or $SHELL.", OPTIONS))
        return 0
    parsed.rest = parsed.rest or [own_shell(os.environ)]
    if not parsed.has("--quiet") and not parsed.has("--dry-run"):
        out.note(f"a shell inside the fence: {parsed.rest[0]}; `exit` leaves it")
    return carry_out(parsed, replace(request_from(parsed), environ=marked(os.environ, parsed.rest[0])), out)


def own_shell(environ: Mapping[str, str]) -> str:
    """``$SHELL`` where that names a program by its whole path, otherwise the first of ``SHELLS`` that is here."""
    candidates = (environ.get("SHELL", ""), *SHELLS)
    return next((path for path in candidates if os.path.isabs(path) and os.access(path, os.X_OK)), SHELLS[-1])


def marked(environ: Mapping[str, str], shell: str) -> dict[str, str]:
    """The environment with a prompt that says where one is, as far as a shell takes its prompt from there.

    bash sets its own in start-up files, so the mark is put in front afterwards (PROMPT_COMMAND in bash(1)), once, whatever else runs there.
    """
    if os.path.basename(shell) != "bash":
        return {**environ, "PS1": f"{MARK}{'#' if os.geteuid() == 0 else '$'} "}
    mark = f'case $PS1 in "{MARK}"*) ;; *) PS1="{MARK}$PS1" ;; esac'
    before = environ.get("PROMPT_COMMAND")
    return {**environ, "PROMPT_COMMAND": f"{before}\n{mark}" if before else mark}
