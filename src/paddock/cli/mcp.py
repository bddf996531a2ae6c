"""``paddock mcp``: MCP servers in fences of their own."""

from __future__ import annotations

from paddock.cli.options import Option, help_text, parse
from paddock.cli.output import Output
from paddock.cli.request import request_from
from paddock.cli.run import OPTIONS as RUN
from paddock.cli.run import carry_out
from paddock.errors import UsageError

__all__ = ["OPTIONS", "USAGE", "main"]

_NOT_HERE = ("--agent", "--tool-use", "--help")
OPTIONS: tuple[Option, ...] = (
    Option("--name", "NAME", "what the agent calls the server; without it the name of its program"),
    *(option for option in RUN if option.name not in _NOT_HERE),
    Option("--help", "", "this page"),
)
USAGE = "paddock mcp wrap [OPTIONS] [--] SERVER [ARGUMENTS]"
SUMMARY = """Runs an MCP server that speaks over standard input and output inside a fence, with the settings of this folder and its own from
paddock.mcp.servers.NAME. `paddock install mcp` puts this before the servers of your agent. A server that the lists of servers do not allow is not started."""


def main(words: list[str], out: Output) -> int:
    """The server's exit code; those of ``run`` otherwise."""
    if not words or words[0] not in ("wrap", "--help"):
        raise UsageError("what about MCP?", hint=USAGE)
    parsed = parse(words[words[0] == "wrap" :], OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    from paddock.session.mcp import for_server

    request = request_from(parsed)
    name = parsed.last("--name") or (parsed.rest[0].rpartition("/")[2] if parsed.rest else "")
    return carry_out(parsed, for_server(request, name), out)
