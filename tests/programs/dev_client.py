"""What a browser, a curl and a test runner do with a dev server, one after the other. A program of its own: ``HOST PORT``, on either side of the fence.

Prints one line for each thing that worked; the first that does not ends it.
"""

from __future__ import annotations

import hashlib
import http.client
import socket
import sys
import threading

SIZE = 16 << 20
TOGETHER = 50


def connection(host: str, port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(host, port, timeout=30)


def kept_alive(host: str, port: int) -> None:
    one = connection(host, port)
    for _ in range(3):
        one.request("GET", "/hello")
        assert one.getresponse().read() == b"hello\n"
    name = one.sock.getsockname()
    one.request("GET", "/hello")
    one.getresponse().read()
    assert one.sock.getsockname() == name
    one.close()


def upgraded(host: str, port: int) -> None:
    with socket.create_connection((host, port), timeout=30) as raw:
        raw.sendall(b"GET /live HTTP/1.1\r\nHost: %b:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" % (host.encode(), port))
        head = b""
        while b"\r\n\r\n" not in head:
            head += raw.recv(1)
        assert head.startswith(b"HTTP/1.1 101 "), head
        for word in (b"one", b"GET / HTTP/1.1\r\nHost: other.example\r\n\r\n"):
            raw.sendall(word)
            got = b""
            while len(got) < len(word):
                got += raw.recv(999)
            assert got == word.upper(), got


def large(host: str, port: int) -> None:
    block = hashlib.sha256(b"seed").digest() * 32_768
    one = connection(host, port)
    one.request("POST", "/sum", block * (SIZE // len(block)))
    assert one.getresponse().read().decode() == hashlib.sha256(block * (SIZE // len(block))).hexdigest()
    one.request("GET", f"/big?{SIZE}")
    assert hashlib.sha256(one.getresponse().read()).hexdigest() == hashlib.sha256(b"x" * SIZE).hexdigest()
    one.close()


def half_closed(host: str, port: int) -> None:
    with socket.create_connection((host, port + 1), timeout=30) as raw:
        raw.sendall(b"\0" * 3_000_000)
        raw.shutdown(socket.SHUT_WR)
        got = b""
        while data := raw.recv(999):
            got += data
        assert got == b"3000000", got


def together(host: str, port: int) -> None:
    """All of them are open before the first one asks."""
    opened = threading.Barrier(TOGETHER)
    wrong: list[object] = []

    def one() -> None:
        try:
            mine = connection(host, port)
            mine.connect()
            opened.wait(30)
            mine.request("GET", "/hello")
            answer = mine.getresponse().read()
            if answer != b"hello\n":
                wrong.append(answer)
            mine.close()
        except (OSError, threading.BrokenBarrierError) as error:
            wrong.append(error)

    threads = [threading.Thread(target=one) for _ in range(TOGETHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong


if __name__ == "__main__":
    for check in (kept_alive, upgraded, large, half_closed, together):
        check(sys.argv[1], int(sys.argv[2]))
        sys.stdout.write(f"{check.__name__}\n")
        sys.stdout.flush()
