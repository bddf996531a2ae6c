"""The front door of the command line: pick a verb, run it, turn errors into a message and an exit code.

Verbs are imported when they are chosen, so that ``paddock run`` pays for nothing that only ``paddock log`` needs.
"""

from __future__ import annotations

import sys

from paddock import __version__
from paddock.cli.output import Output
from paddock.errors import InternalError, PaddockError, UsageError

__all__ = ["VERBS", "main"]

# verb -> (module, summary). The reference documentation and the help text are made from this table.
VERBS: dict[str, tuple[str, str]] = {
    "run": ("paddock.cli.run", "run a command inside the fence"),
    "shell": ("paddock.cli.shell", "look around inside the fence with a shell"),
    "init": ("paddock.cli.init", "write this project's first policy, from what it is made of"),
    "trust": ("paddock.cli.trust", "accept what this project's settings widen"),
    "policy": ("paddock.cli.policy", "show what is in force and why; explain, validate, schema"),
    "lint": ("paddock.cli.lint", "find settings that do not do what they seem to, and mend them"),
    "check": ("paddock.cli.check", "may an agent do this, by which rule, and would it be fenced"),
    "install": ("paddock.cli.install", "make an agent ask Paddock before it uses a tool"),
    "uninstall": ("paddock.cli.uninstall", "put an agent's configuration back as it was"),
    "hook": ("paddock.cli.hook", "answer an agent that is about to use a tool"),
    "mcp": ("paddock.cli.mcp", "run an MCP server in a fence of its own"),
    "status": ("paddock.cli.status", "is a command here fenced, how strongly, and who could change that"),
    "verify": ("paddock.cli.verify", "try from inside what the fence must not allow"),
    "log": ("paddock.cli.log", "list what happened in past runs"),
    "why": ("paddock.cli.why", "tell the whole story of one event"),
    "doctor": ("paddock.cli.doctor", "try every step of the fence and name the first that fails"),
    "setup": ("paddock.cli.setup", "install missing system packages, or say which"),
}


def usage() -> str:
    """The help text of ``paddock`` itself."""
    width = max(len(v) for v in VERBS)
    lines = ["usage: paddock VERB [OPTIONS] [ARGUMENTS]", "", "verbs:"]
    lines += [f"  {verb:<{width}}  {summary}" for verb, (_, summary) in VERBS.items()]
    lines += ["", "paddock VERB --help tells more about a verb. paddock --version prints the version.", "Exit codes: docs/reference/exit-codes.md."]
    return "\n".join(lines) + "\n"


def main(argv: list[str]) -> int:
    """Run one verb. ``argv`` is the words after the program's name. Returns the exit code; never raises: what nobody foresaw ends with 125, shown whole."""
    out = Output(sys.stdout, sys.stderr)
    try:
        return dispatch(argv, out)
    except PaddockError as error:
        out.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except Exception:  # noqa: BLE001 -- the last line of defence: exit code 1 would be taken for the command's own
        from traceback import format_exc

        out.block(format_exc())
        out.error(InternalError("this is a defect of Paddock", hint="please report it with the lines above"))
        return InternalError.exit_code


def dispatch(argv: list[str], out: Output) -> int:
    """Find the verb and call it. Raises ``UsageError`` for an unknown one."""
    if not argv or argv[0] in ("-h", "--help", "help"):
        (out.text if argv else out.block)(usage())
        return 0 if argv else UsageError.exit_code
    if argv[0] in ("-V", "--version"):
        out.text(f"paddock {__version__}\n")
        return 0
    if argv[0] not in VERBS:
        raise UsageError(f"unknown verb {argv[0]!r}", hint=suggest(argv[0]))
    module = __import__(VERBS[argv[0]][0], fromlist=["main"])
    code = module.main(argv[1:], out)
    if not isinstance(code, int):
        raise TypeError(f"verb {argv[0]} returned {code!r}")
    return code


def suggest(word: str) -> str:
    """The nearest verb, or where to look."""
    from difflib import get_close_matches

    near = get_close_matches(word, VERBS, 1)
    return f"did you mean `paddock {near[0]}`?" if near else "`paddock --help` lists the verbs; to run a command: `paddock run -- COMMAND`"
