"""Servers of this machine that stand in for an attacker's: they answer, and they remember what reached them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Canary:
    """One server. ``got`` holds what arrived."""

    address: str
    got: list[bytes] = field(default_factory=list)


@contextmanager
def tcp_canary(answer: bytes) -> Iterator[Canary]:
    """Listens, reads once, answers, closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        canary = Canary(f"127.0.0.1:{listener.getsockname()[1]}")

        def serve() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:  # closed: the test is over
                    return
                with peer:
                    canary.got.append(peer.recv(65536))
                    peer.sendall(answer)

        with running(serve, lambda: listener.shutdown(socket.SHUT_RDWR)):
            yield canary


@contextmanager
def dns_canary() -> Iterator[Canary]:
    """Answers every question with one TXT record that says ``instructions``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        canary = Canary(f"127.0.0.1:{listener.getsockname()[1]}")

        def serve() -> None:
            while True:
                query, peer = listener.recvfrom(4096)
                if query == b"stop":
                    return
                canary.got.append(query)
                listener.sendto(txt_answer(query, b"instructions"), peer)

        def stop() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"stop", listener.getsockname())

        with running(serve, stop):
            yield canary


def txt_answer(query: bytes, text: bytes) -> bytes:
    """The answer (RFC 1035, section 4) to a query with one question: the question again, then a TXT record that points to its name at offset 12."""
    end = query.index(b"\0", 12) + 5  # the name's final zero, then type and class
    record = b"\xc0\x0c" + b"\x00\x10\x00\x01" + b"\x00\x00\x00\x3c" + (len(text) + 1).to_bytes(2, "big") + bytes([len(text)]) + text
    return query[:2] + b"\x81\x80" + b"\x00\x01\x00\x01\x00\x00\x00\x00" + query[12:end] + record


@contextmanager
def running(serve: Callable[[], None], stop: Callable[[], object]) -> Iterator[None]:
    """A thread for the time of the block."""
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()
