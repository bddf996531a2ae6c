"""A server on this machine's loopback for the benchmarks: a small page and a large file, sent by the kernel; patient with clients that say nothing."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["serving"]


def answer(peer: socket.socket, large: int, size: int) -> None:
    """Requests and answers until the client asks for the large file, wants to close or leaves."""
    with peer, suppress(OSError):  # a client that leaves early is no news to a benchmark
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting = b""
        while part := peer.recv(65536):
            waiting += part
            while b"\r\n\r\n" in waiting:
                request, _, waiting = waiting.partition(b"\r\n\r\n")
                if request.startswith(b"GET /large "):
                    _send_large(peer, large, size)
                    return
                if b"connection: close" in request.lower():
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
                    return
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")


def _send_large(peer: socket.socket, large: int, size: int) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size)
    sent = 0
    while sent < size:
        sent += os.sendfile(peer.fileno(), large, sent, size - sent)


@contextmanager
def serving(folder: Path, size: int, address: str = "127.0.0.1") -> Iterator[int]:
    """The server for the time of the block. Yields its port. ``size`` is that of the large file, in bytes; it is sparse and takes no disk."""
    path = folder / "large"
    with path.open("wb") as file:
        file.truncate(size)
    large = os.open(path, os.O_RDONLY)
    with socket.create_server((address, 0), backlog=512) as listener:
        port = listener.getsockname()[1]

        def accept() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:  # shut down: the benchmarks are over
                    return
                threading.Thread(target=answer, args=(peer, large, size), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield int(port)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            os.close(large)
