"""The resolver's sockets: datagrams in one thread, a thread for each TCP connection and for each query that has to be asked for outside."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Sequence
from threading import BoundedSemaphore, Thread
from typing import TYPE_CHECKING, Final

from paddock.network.relay import readable_within

if TYPE_CHECKING:
    from paddock.network.dns import Answerer

__all__ = ["DatagramDoor", "serve_dns_tcp"]

IDLE: Final = 10.0
"""Seconds for which a TCP connection may be silent (RFC 7766 6.2.3 asks for "a few seconds")."""
QUERIES: Final = 1000
"""Queries over one TCP connection."""
DATAGRAM: Final = 4096
Sender = tuple[str, int] | tuple[str, int, int, int]
WAITING: Final = 16
"""Queries that wait for the host's resolver at once; more are dropped and asked again by the client."""


class DatagramDoor:
    """Answers datagrams until it is stopped."""

    def __init__(self, sockets: Sequence[socket.socket], answerer: Answerer) -> None:
        self._sockets = {sock.fileno(): sock for sock in sockets}
        self._answerer = answerer
        self._waiting = BoundedSemaphore(WAITING)

    def run(self, wake: int) -> None:
        """Serve; ``wake`` is a descriptor that becomes readable when the gate stops."""
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        for fd in self._sockets:
            poll.register(fd, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == wake:
                    return
                self._one(self._sockets[fd])

    def _one(self, sock: socket.socket) -> None:
        try:
            wire, sender = sock.recvfrom(DATAGRAM, socket.MSG_DONTWAIT)
        except OSError:
            return  # an ICMP error of an earlier answer, or nothing there after all: no query, nothing to answer
        if not self._answerer.waits(wire):
            self._reply(sock, wire, sender)
        elif self._waiting.acquire(blocking=False):
            Thread(target=self._reply_later, args=(sock, wire, sender), name="paddock-dns", daemon=True).start()

    def _reply_later(self, sock: socket.socket, wire: bytes, sender: Sender) -> None:
        try:
            self._reply(sock, wire, sender)
        finally:
            self._waiting.release()

    def _reply(self, sock: socket.socket, wire: bytes, sender: Sender) -> None:
        answer = self._answerer.answer(wire, udp=True)
        if answer is not None:
            with contextlib.suppress(OSError):  # the client is gone, or its buffer is full: a datagram may get lost
                sock.sendto(answer, socket.MSG_DONTWAIT, sender)


def serve_dns_tcp(answerer: Answerer, client: socket.socket) -> None:
    """Carry one TCP connection (RFC 1035 4.2.2) to its end. Raises ``OSError``."""
    held = b""
    for _ in range(QUERIES):
        deadline = time.monotonic() + IDLE
        while len(held) < 2 or len(held) < 2 + int.from_bytes(held[:2], "big"):
            if not readable_within(client, deadline - time.monotonic()):
                return
            data = client.recv(DATAGRAM)
            if not data:
                return
            held += data
        end = 2 + int.from_bytes(held[:2], "big")
        answer = answerer.answer(held[2:end], udp=False)
        held = held[end:]
        if answer is None:
            return
        client.sendall(len(answer).to_bytes(2, "big") + answer)
