"""MCP servers that are started through Paddock: whether one may be, and the settings that count for its fence. Spec 9."""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps

from paddock.errors import PolicyError, UsageError
from paddock.model.record import replace
from paddock.model.settings import Entry, Settings
from paddock.permissions.servers import Server, ServerVerdict, judge_server
from paddock.session.prepare import Request, load_settings

__all__ = ["POLICIES", "for_server", "judge"]

POLICIES = "paddock.mcp.servers"
_ALLOWED = "allowedMcpServers"
_DENIED = "deniedMcpServers"


def for_server(request: Request, name: str) -> Request:
    """The request with this server's own policy on top of what counts in the folder.

    Raises ``PolicyError`` for a server that may not be loaded, and what loading the settings raises. ``request.argv`` is the server's command.
    """
    if not request.argv:
        raise UsageError("no server to run", hint="paddock mcp wrap --name NAME -- SERVER ARGUMENTS")
    settings = load_settings(request)
    verdict = judge(Server(name, request.argv), settings, request.environ)
    if not verdict.loads:
        raise PolicyError(f"the MCP server {name!r} may not be loaded: {verdict.reason}{_place(verdict)}", hint="see allowedMcpServers and deniedMcpServers")
    policy = settings.map(POLICIES).get(name)
    return request if policy is None else replace(request, given=(*request.given, (f"{POLICIES}.{name}", dumps(_document(policy, name)))))


def judge(server: Server, settings: Settings, environ: Mapping[str, str]) -> ServerVerdict:
    """What the lists of servers say. A list that is set and empty allows none."""
    allowed = settings.list(_ALLOWED) if _ALLOWED in settings.lists else None
    return judge_server(server, allowed, settings.list(_DENIED), environ.get)


def _place(verdict: ServerVerdict) -> str:
    if verdict.entry is None:
        return ""
    origin = verdict.entry.origin
    return f" ({origin.scope.value} settings, {origin.file}{f':{origin.line}' if origin.line else ''})"


def _document(policy: Entry, name: str) -> object:
    """The policy as settings. Raises ``PolicyError`` for one that could change what any policy is: there is one level."""
    value = policy.value
    known = ("sandbox", "paddock", "env")
    wrong = sorted(set(value) - set(known)) if isinstance(value, dict) else []
    if wrong:
        origin = policy.origin
        raise PolicyError(f"{origin.file}:{origin.line}: {POLICIES}.{name} holds {wrong[0]!r}", hint=f"the policy of a server may hold {', '.join(known)}")
    return value
