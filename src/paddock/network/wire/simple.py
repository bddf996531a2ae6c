"""The most frequent request, read without the machine: a whole head of a request without a body that asks for nothing unusual (RFC 9112).

Only what is certain to be read in the same way by everybody is taken here; for everything else there is no answer, and h11 reads it. A tenth of the time of
the machine, and most requests on a connection that stays open are like this.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["may_become_simple", "simple_head"]

_LONGEST: Final = 8192
_METHODS: Final = (b"GET ", b"HEAD ", b"DELETE ", b"OPTIONS ")
_LINE: Final = re.compile(rb"(GET|HEAD|DELETE|OPTIONS) (/[\x21-\x7e]*) HTTP/1\.1")
_FIELD: Final = re.compile(rb"([A-Za-z0-9-]{1,64}):[ \t]?([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)")
_SPECIAL: Final = frozenset(
    {*(b"connection", b"content-length", b"expect", b"http2-settings", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"te", b"trailer")}
    | {*(b"transfer-encoding", b"upgrade")}
)
"""Fields that change how a message is framed, or what may follow it."""

Parts = tuple[str, str, tuple[tuple[bytes, bytes], ...]]


def simple_head(head: bytes) -> Parts | None:
    """Method, target and fields of a head, which is given without its last empty line; None when it is not as simple as that."""
    if len(head) > _LONGEST:
        return None
    line, *fields = head.split(b"\r\n")
    first = _LINE.fullmatch(line)
    if first is None:
        return None
    found: list[tuple[bytes, bytes]] = []
    hosts = 0
    for field in fields:
        matched = _FIELD.fullmatch(field)
        if matched is None:
            return None
        name = matched[1].lower()
        if name in _SPECIAL:
            return None
        hosts += name == b"host"
        found.append((matched[1], matched[2]))
    if hosts != 1:
        return None
    return first[1].decode("ascii"), first[2].decode("ascii"), tuple(found)


def may_become_simple(begun: bytes) -> bool:
    """Whether the rest of a head is worth waiting for. What is malformed from its first octet on is the machine's to refuse at once."""
    if len(begun) > _LONGEST or b"\n\n" in begun or b"\n\r\n" in begun:
        return False
    return any(begun.startswith(method) or method.startswith(begun) for method in _METHODS)
