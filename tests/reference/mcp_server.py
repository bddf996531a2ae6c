"""A small MCP server, made with the library that most servers in Python are made with."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from mcp.server.mcpserver import MCPServer

server = MCPServer("desk")


@server.tool()
def read(path: str) -> str:
    """Read a file."""
    try:
        return Path(path).read_text()
    except OSError as error:
        return f"refused: {error.strerror}"


@server.tool()
def fetch(url: str) -> str:
    """Fetch a page."""
    try:
        with urlopen(url) as answer:  # noqa: S310 -- a test names the address
            return str(answer.status)
    except URLError as error:
        return f"refused: {error}"


@server.tool()
def variable(name: str) -> str:
    """Read a variable."""
    return os.environ.get(name, "not set")


if __name__ == "__main__":
    sys.stderr.write("the desk is open\n")
    sys.stderr.flush()
    server.run()
