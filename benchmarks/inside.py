"""Runs inside the fence: how long a small request takes, alone and beside connections whose client never finishes its greeting. Prints JSON, in seconds.

Usage: inside.py PORT COUNT
"""

from __future__ import annotations

import json
import socket
import sys
import time

# The first bytes of a TLS record (RFC 8446, section 5.1): enough to be taken for TLS, not enough to be judged, so the gate has to wait for the rest.
UNFINISHED_GREETING = b"\x16\x03\x01"
REQUEST = b"GET /small HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n"


def ask(port: int) -> float:
    """One request on a connection of its own."""
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(REQUEST % port)
        answer = b""
        while part := peer.recv(65536):
            answer += part
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"unexpected answer: {answer[:200]!r}")
    return time.perf_counter() - started


def main() -> None:
    """Measure."""
    port, count = int(sys.argv[1]), int(sys.argv[2])
    ask(port)  # the gate loads its code when the first connection comes
    alone = [ask(port) for _ in range(10)]
    held = []
    for _ in range(count):
        peer = socket.create_connection(("127.0.0.1", port), timeout=60)
        peer.sendall(UNFINISHED_GREETING)
        held.append(peer)
    crowded = [ask(port) for _ in range(10)]
    for peer in held:
        peer.close()
    print(json.dumps({"alone": alone, "crowded": crowded}))


if __name__ == "__main__":
    main()
