"""MCP servers of an agent's configuration, started through ``paddock mcp wrap``. https://code.claude.com/docs/en/mcp.

Only servers that speak over standard input and output are programs that are started here; remote ones stay as they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import ClassVar

from paddock.agents.configuration import Change, Document, edit_json, read
from paddock.agents.target import Coverage, Target
from paddock.errors import UsageError

__all__ = ["McpServers"]

WRAP = ["mcp", "wrap", "--name"]
"""The first arguments of a server that is wrapped."""
_READ_BEFORE_US = frozenset({"BASH_ENV", "ENV", "GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH", "NLSPATH"})
"""Variables that shells and the C library read before Paddock's first line runs, beside those of the loader. ld.so(8), sh(1), environ(7)."""


class McpServers(Target):
    """See ``Target``."""

    name: ClassVar[str] = "mcp"
    title: ClassVar[str] = "MCP servers"
    scopes: ClassVar[tuple[str, ...]] = ("user", "project")
    every_scope: ClassVar[bool] = True
    words: ClassVar[tuple[str, str, str, str]] = ("now start inside", "start inside already", "start as before", "do not start through Paddock")
    coverage: ClassVar[tuple[Coverage, ...]] = (
        Coverage("servers that are programs (stdio)", "run inside a fence each, with paddock.mcp.servers.NAME", "tested with a real server and client"),
        Coverage("remote servers (http, sse)", "not covered: they run elsewhere, and the agent talks to them", ""),
        Coverage("servers of plugins and of managed-mcp.json", "not covered: their files are not changed", ""),
        Coverage("servers that are added later", "not covered until this is run again", ""),
    )

    def path(self, scope: str, *, project: str, environ: Mapping[str, str]) -> str:
        """``.mcp.json`` of the project, or ``.claude.json`` of the person."""
        if scope == "project":
            return os.path.realpath(f"{project}/.mcp.json")
        folder = environ.get("CLAUDE_CONFIG_DIR") or environ.get("HOME", "")
        if not folder.startswith("/"):
            raise UsageError("no home folder: HOME is not set", hint="set HOME, or choose --scope project")
        return os.path.realpath(f"{folder}/.claude.json")

    def install(self, path: str, program: str) -> Change:
        """The file with every server that is a program wrapped once."""
        before = read(path)
        if before is None:
            return Change(path, None, None)

        def wrap_all(document: Document) -> None:
            for name, server in _servers(document):
                _check(name, server)
                if _is_wrapped(server):
                    server["command"] = program  # its options may be somebody's own
                else:
                    _wrap(name, server, program)

        # A file without servers keeps its spelling.
        return Change(path, before, edit_json(path, before, wrap_all) if _names(path, before) else before)

    def remove(self, path: str) -> Change:
        """The file with the servers as they were."""
        before = read(path)
        if before is None:
            return Change(path, None, None)
        found: list[str] = []

        def unwrap_all(document: Document) -> None:
            found.extend(name for name, server in _servers(document) if _unwrap(server))

        after = edit_json(path, before, unwrap_all)
        return Change(path, before, after if found else before)

    def notes(self, path: str) -> list[str]:
        """Servers need hosts, which are closed until somebody lists them; and who wrote the file may have opened more than that."""
        found = read(path)
        names = _names(path, found) if found is not None else []
        if found is None or not names:
            return []
        hosts = '{"sandbox": {"network": {"allowedDomains": […]}}}'
        notes = [f'what {names[0]} reaches has to be listed: "paddock": {{"mcp": {{"servers": {{"{names[0]}": {hosts}}}}}}}']

        def look(document: Document) -> None:
            for name, server in _servers(document):
                options = _options(server)
                if options:
                    notes.append(f"{name} has options in this file that Paddock did not write, and they count: {' '.join(options)}")

        edit_json(path, found, look)
        return notes


def _names(path: str, data: bytes) -> list[str]:
    found: list[str] = []
    edit_json(path, data, lambda document: found.extend(name for name, server in _servers(document) if _is_program(server)))
    return found


def _servers(document: Document) -> Iterator[tuple[str, Document]]:
    """Every server of a file: at the top, and in what it keeps for single projects."""
    projects = document.get("projects")
    for holder in (document, *(projects.values() if isinstance(projects, dict) else ())):
        servers = holder.get("mcpServers") if isinstance(holder, dict) else None
        if isinstance(servers, dict):
            yield from ((name, server) for name, server in servers.items() if isinstance(server, dict))


def _check(name: str, server: Document) -> None:
    """Refuse what cannot be wrapped, or what would only look as if it were. Raises ``UsageError``."""
    given, variables = server.get("args", []), server.get("env", {})
    if not isinstance(given, list) or not isinstance(variables, dict):
        raise UsageError(f"the server {name!r} has args or env of another kind", hint="the file is left as it is; mend it and try again")
    loud = [variable for variable in variables if variable.startswith("LD_") or variable in _READ_BEFORE_US]
    if loud and _is_program(server):
        hint = "the file is left as it is; set it in paddock.mcp.servers, as env"
        raise UsageError(f"the server {name!r} is given {loud[0]}, which would load its code into Paddock, outside the fence", hint=hint)


def _is_program(server: Document) -> bool:
    return server.get("type", "stdio") == "stdio" and isinstance(server.get("command"), str)


def _wrap(name: str, server: Document, program: str) -> None:
    given, variables = server.get("args", []), server.get("env", {})
    if not _is_program(server) or not isinstance(given, list) or not isinstance(variables, dict):
        return
    # What the file gives the server by name is meant for it, also where it looks like a secret.
    kept = [word for variable in variables for word in ("--keep-env", variable)]
    server["args"] = [*WRAP, name, *kept, "--", server["command"], *given]
    server["command"] = program


def _is_wrapped(server: Document) -> bool:
    given = server.get("args")
    ours = os.path.basename(str(server.get("command", ""))) == "paddock"
    return ours and isinstance(given, list) and given[: len(WRAP)] == WRAP and "--" in given[:-1]


def _unwrap(server: Document) -> bool:
    """Take our words away again. Returns whether there were any."""
    given = server.get("args")
    if not isinstance(given, list) or not _is_wrapped(server):
        return False
    inner = given[given.index("--") + 1 :]
    server["command"] = inner[0]
    if inner[1:]:
        server["args"] = inner[1:]
    else:
        del server["args"]
    return True


def _options(server: Document) -> list[str]:
    """The options of a wrapped server beside the ones that ``install`` writes."""
    given = server.get("args")
    if not isinstance(given, list) or not _is_wrapped(server):
        return []
    found = [str(word) for word in given[len(WRAP) + 1 : given.index("--")]]
    named = [word for variable in _variables(server) for word in ("--keep-env", variable)]
    return [] if found == named else found


def _variables(server: Document) -> list[str]:
    variables = server.get("env", {})
    return list(variables) if isinstance(variables, dict) else []
