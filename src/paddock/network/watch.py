"""Seeing a true 101: the one answer after which a plain HTTP connection stops being HTTP (RFC 9110 15.2.2)."""

from __future__ import annotations

import re
from threading import Event
from typing import Final

__all__ = ["Watch"]

HEAD_LIMIT: Final = 65_536
SWITCHING: Final = 101
EMPTY_LINE: Final = re.compile(rb"\n\r?\n")


class Watch:
    """Shared by the two threads of one connection: the request side arms it before it forwards an upgrade request, the response side feeds it.

    ``settled`` means that the response side need not look any more. Anything that cannot be read as a response head counts as "not switched": the request side
    then goes on checking requests.
    """

    def __init__(self) -> None:
        self.armed = False
        self.settled = False
        self._switched = False
        self._decided = Event()
        self._head = bytearray()
        self._searched = 0

    def arm(self) -> None:
        """Look for the answer to a request that is about to be forwarded."""
        self.armed = True

    def settle(self) -> None:
        """Nothing to look for."""
        self.settled = True
        self._decided.set()

    def feed(self, data: bytes) -> None:
        """Bytes from the server, in order, while armed and not settled."""
        self._head += data
        while True:
            head = self._next_head()
            if head is None:
                if len(self._head) > HEAD_LIMIT:
                    self.settle()
                return
            status = _status(head)
            if 100 <= status < 200 and status != SWITCHING:
                continue
            self._switched = status == SWITCHING
            self.settle()
            return

    def _next_head(self) -> bytes | None:
        """The octets before the first empty line, which are then done with; every octet is looked at once, however slowly they come."""
        found = EMPTY_LINE.search(self._head, self._searched)
        if found is None:
            self._searched = max(0, len(self._head) - 2)
            return None
        head = bytes(self._head[: found.start()])
        del self._head[: found.end()]
        self._searched = 0
        return head

    def end(self) -> None:
        """The server side ended: whatever was not seen by now will not come."""
        self._decided.set()

    def switched(self) -> bool:
        """Wait for the answer; whether the connection now speaks another protocol."""
        self._decided.wait()
        return self._switched


def _status(head: bytes) -> int:
    words = head.split(b"\n", 1)[0].rstrip(b"\r").split(b" ")
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or len(words[1]) != 3 or not words[1].isdigit():
        return 0
    return int(words[1])
