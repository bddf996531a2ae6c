"""``paddock hook``: what agents call around every use of a tool."""

from __future__ import annotations

import os
import sys

from paddock.cli.options import Option, help_text, parse_mixed
from paddock.cli.output import Output
from paddock.errors import PaddockError, UsageError

__all__ = ["OPTIONS", "USAGE", "main"]

OPTIONS: tuple[Option, ...] = (Option("--help", "", "this page"),)
USAGE = "paddock hook AGENT"
SUMMARY = """Reads one event of an agent from standard input and answers it on standard output. `paddock install AGENT` writes the line that calls it.
AGENT: claude-code. Exit code 0 with an answer; 2, which blocks the tool, for anything that goes wrong."""
BLOCKS = 2
AGENTS = ("claude-code",)


def main(words: list[str], out: Output) -> int:
    """0 with an answer on standard output; 2, with the reason on standard error, when there is none: the agent then blocks the tool."""
    parsed = parse_mixed(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    if len(parsed.rest) != 1 or parsed.rest[0] not in AGENTS:
        raise UsageError(f"which agent? one of: {', '.join(AGENTS)}", hint=USAGE)
    try:
        out.text(_answer())
    except PaddockError as error:
        out.error(error)
        return BLOCKS
    except Exception as error:  # noqa: BLE001 -- whatever it is: an exit code other than 2 would let the tool run
        out.note(f"this is a defect of Paddock: {type(error).__name__}: {error}")
        return BLOCKS
    return 0


def _answer() -> str:
    from json import dumps

    from paddock.agents.claude_code import answer
    from paddock.agents.event import LONGEST, parse
    from paddock.agents.fencing import own_command
    from paddock.session.logbook import state_home
    from paddock.session.tooluse import was_fenced

    event = parse(sys.stdin.buffer.read(LONGEST + 1))
    environ = dict(os.environ)
    return dumps(answer(event, environ, own_command(), lambda tool_use: was_fenced(state_home(environ), tool_use))) + "\n"
