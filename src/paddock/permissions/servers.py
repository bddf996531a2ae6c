"""Which MCP servers may be loaded: ``allowedMcpServers`` and ``deniedMcpServers``. Spec 9. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from paddock.model.settings import Entry
from paddock.permissions.patterns import CommandPattern

__all__ = ["Server", "ServerVerdict", "expand", "judge_server"]


class Server(NamedTuple):
    """One server of an agent's configuration: a remote one has a ``url``, one that is started has a ``command``."""

    name: str
    command: tuple[str, ...] = ()
    url: str = ""


class ServerVerdict(NamedTuple):
    """Whether it may be loaded, why, and the entry that decided (None: none did)."""

    loads: bool
    reason: str
    entry: Entry | None = None


def judge_server(
    server: Server, allowed: Sequence[Entry] | None, denied: Sequence[Entry] | None, look_up: Callable[[str], str | None] = lambda _name: None
) -> ServerVerdict:
    """A denied server is never loaded. With a list of allowed ones (None: there is none), the strictest kind of entry for this kind of server counts.

    ``look_up`` gives the variables of the start environment, for ``${NAME}`` on both sides.
    """
    for entry in denied or ():
        if _speaks(entry, server, look_up, denies=True):
            return ServerVerdict(False, "deniedMcpServers names it", entry)
    if allowed is None:
        return ServerVerdict(True, "no list of allowed servers is set")
    key = "serverUrl" if server.url else "serverCommand"
    strict = any(key in _fields(entry) for entry in allowed)
    for entry in allowed:
        if (not strict or key in _fields(entry)) and _speaks(entry, server, look_up, denies=False):
            return ServerVerdict(True, "allowedMcpServers names it", entry)
    what = "address" if server.url else "command"
    return ServerVerdict(False, f"allowedMcpServers has no entry for its {what}" if strict else "allowedMcpServers does not name it")


def _fields(entry: Entry) -> Mapping[str, object]:
    return entry.value if isinstance(entry.value, dict) else {}


def _speaks(entry: Entry, server: Server, look_up: Callable[[str], str | None], *, denies: bool) -> bool:
    fields = _fields(entry)
    if "serverName" in fields:
        return fields["serverName"] == server.name
    command = fields.get("serverCommand")
    if isinstance(command, list) and server.command:
        wanted = [expand(str(word), look_up) for word in command]
        return wanted == [expand(word, look_up) for word in server.command]
    url = fields.get("serverUrl")
    if isinstance(url, str) and server.url:
        pattern = expand(url, look_up)
        # What a variable makes of an allowed address must not widen it.
        return (denies or _scope(pattern) == _scope(url)) and _matches(pattern, expand(server.url, look_up))
    return False


def _scope(url: str) -> tuple[str, str, str]:
    """Scheme, host and the fixed part of the path of a pattern."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return scheme, host, path.partition("*")[0].partition("$")[0]


def _matches(pattern: str, url: str) -> bool:
    """Scheme and host without regard to case, the path with; a pattern without a path means every path."""
    scheme, found, rest = pattern.partition("://")
    if not found:
        return False
    host, slash, path = rest.partition("/")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    name = (parts.hostname or "").rstrip(".").lower()
    if "@" in parts.netloc or not name or any(char in url for char in "\\\0\n\r\t "):
        return False
    shown = f"{name}:{port}" if port is not None else name
    if not CommandPattern(tuple(scheme.lower().split("*"))).matches(parts.scheme.lower()) or not _host_matches(host.lower().rstrip("."), shown):
        return False
    rest_of_url = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return not slash or CommandPattern(tuple(f"/{path}".split("*"))).matches(rest_of_url)


def _host_matches(pattern: str, host: str) -> bool:
    """``*`` stands for text without a slash; hosts hold none."""
    return CommandPattern(tuple(pattern.split("*"))).matches(host)


def expand(text: str, look_up: Callable[[str], str | None]) -> str:
    """``${NAME}`` and ``${NAME:-default}``; a variable that is not set and has no default stays as it is written."""
    out: list[str] = []
    rest = text
    while True:
        before, opening, after = rest.partition("${")
        inside, closing, behind = after.partition("}")
        if not opening or not closing:
            return "".join([*out, rest])
        name, has_default, default = inside.partition(":-")
        value = look_up(name)
        out += [before, value if value is not None else default if has_default else f"${{{inside}}}"]
        rest = behind
