"""Addresses in the configuration of tools: RFC 3986 as far as a host and a login are concerned, and the short ssh form of git-clone(1)."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Target", "target_of", "without_login", "without_logins"]

_PORTS = {"https": 443, "http": 80, "ssh": 22, "git": 9418, "git+ssh": 22, "ssh+git": 22, "git+https": 443, "ftp": 21, "ftps": 990}
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")


class Target(NamedTuple):
    """A host (an IPv6 address without brackets) and a port."""

    host: str
    port: int

    def pattern(self) -> str:
        """As an entry of a domain list."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _authority(url: str) -> tuple[str, str, str]:
    """``(scheme with ://, authority, rest)``; empty strings when there is no authority."""
    scheme, found, rest = url.partition("://")
    if not found or not scheme.replace("+", "").isalnum():
        return "", "", url
    end = min((i for i in (rest.find(c) for c in "/?#") if i >= 0), default=len(rest))
    return f"{scheme}://", rest[:end], rest[end:]


def without_login(url: str) -> str:
    """The same address without ``user:password@``. A bare user name of an ssh address stays: it says which account, not who may use it."""
    scheme, authority, rest = _authority(url)
    login, found, _ = authority.rpartition("@")
    if found and scheme.startswith(("ssh", "git+ssh")) and ":" not in login:
        return f"{scheme}{authority}{without_logins(rest)}"
    return without_logins(url)  # whatever it is: some reader may find an address further inside


def without_logins(text: str) -> str:
    """Any text, with the login taken out of every address in it. For files whose readers never take an account's bare name for a secret."""
    first, *parts = text.split("://")
    for part in parts:
        end = next((i for i, c in enumerate(part) if c in "/?#" or c.isspace()), len(part))
        first += f"://{part[:end].rpartition('@')[2]}{part[end:]}"
    return first


def target_of(url: str) -> Target | None:
    """Where an address leads. None for local paths, patterns and anything that is not plainly an address."""
    url = url.strip()
    scheme, authority, _ = _authority(url)
    if not scheme:
        return _short_ssh(url)
    host, port = _split(authority.rpartition("@")[2])
    default = _PORTS.get(scheme[:-3].lower())
    # Readers disagree about a backslash: for some it ends the host (WHATWG URL), for others it belongs to the login.
    if default is None or not _plausible(host) or "\\" in authority or not authority.isprintable():
        return None
    if port and not (port.isdecimal() and 0 < int(port[:6]) < 65536):
        return None
    return Target(host.lower(), int(port) if port else default)


def _split(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        host, _, rest = authority[1:].partition("]")
        return host, rest.removeprefix(":")
    host, _, port = authority.partition(":")
    return host, port


def _short_ssh(url: str) -> Target | None:
    """``user@host:path``: git's short form. A slash before the colon makes it a path."""
    head, found, _ = url.partition(":")
    login, at, host = head.rpartition("@")
    if not found or not at or "/" in head or not login or not _plausible(host):
        return None
    return Target(host.lower(), 22)


def _plausible(host: str) -> bool:
    lower = host.lower()
    if ":" in lower:
        return set(lower) <= set("0123456789abcdef:.")
    return bool(lower) and lower[0] not in "-." and _HOST.issuperset(lower)
