from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paddock.network import relay
from paddock.network.relay import PIPE_SIZE, Direction, readable_within, reset
from paddock.network.watch import Watch
from tests.network.support import TIMEOUT, is_reset, read_all

Pair = tuple[socket.socket, socket.socket]


def tcp_pair() -> Pair:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname()[:2], timeout=TIMEOUT)
        far, _ = listener.accept()
    far.settimeout(None)
    return near, far


@pytest.fixture
def route() -> Iterator[tuple[socket.socket, Direction, socket.socket]]:
    """A writer, a direction that carries what it writes, and a reader."""
    writer, source = tcp_pair()
    reader, sink = tcp_pair()
    yield writer, Direction(source, sink), reader
    for sock in (writer, source, reader, sink):
        sock.close()


def carried(route: tuple[socket.socket, Direction, socket.socket], data: bytes) -> bytes:
    writer, direction, reader = route
    moving = threading.Thread(target=direction.run)
    moving.start()

    def write() -> None:
        writer.sendall(data)
        writer.shutdown(socket.SHUT_WR)

    writing = threading.Thread(target=write)
    writing.start()
    out = read_all(reader)
    writing.join()
    moving.join()
    return out


@pytest.mark.parametrize("size", [0, 1, 65_536, 262_143, 262_144, 262_145, 3_000_001])
def test_every_size_arrives(route: tuple[socket.socket, Direction, socket.socket], size: int) -> None:
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    assert carried(route, data) == data
    assert (route[1].moved, route[1].failed) == (size, False)


def test_without_descriptors_for_a_pipe_bytes_are_copied(route: tuple[socket.socket, Direction, socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: int) -> tuple[int, int]:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pipe2", none_left)
    assert carried(route, b"x" * 2_000_000) == b"x" * 2_000_000


def test_pipes_are_returned(route: tuple[socket.socket, Direction, socket.socket]) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    carried(route, b"x" * 1_000_000)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    with contextlib.ExitStack() as stack:
        for _ in range(relay.LARGE_PIPES + 3):
            assert stack.enter_context(relay._pipe()) is not None
    assert relay._large_pipes.acquire(blocking=False)
    relay._large_pipes.release()


def test_a_reset_source_is_a_failure(route: tuple[socket.socket, Direction, socket.socket]) -> None:
    writer, direction, _ = route
    reset(writer)
    direction.run()
    assert direction.failed


def test_a_dead_sink_is_a_failure(route: tuple[socket.socket, Direction, socket.socket]) -> None:
    writer, direction, reader = route
    reset(reader)
    writer.sendall(b"x" * 1000)
    moving = threading.Thread(target=direction.run)
    moving.start()
    with contextlib.suppress(OSError):
        while not direction.failed:
            writer.sendall(b"x" * 1000)
    moving.join()
    assert direction.failed


@pytest.mark.parametrize("size", [10, PIPE_SIZE * 3])
def test_a_counted_part_is_carried_and_no_more(route: tuple[socket.socket, Direction, socket.socket], size: int) -> None:
    writer, direction, reader = route
    writing = threading.Thread(target=lambda: writer.sendall(b"x" * size + b"rest"))
    writing.start()
    whole: list[bool] = []
    moving = threading.Thread(target=lambda: whole.append(direction.run_exactly(size)))
    moving.start()
    seen = 0
    while seen < size:
        seen += len(reader.recv(65_536))
    moving.join()
    writing.join()
    assert (seen, whole) == (size, [True])
    assert direction.source.recv(4) == b"rest"


@pytest.mark.parametrize("size", [10, PIPE_SIZE * 3])
def test_a_part_that_ends_early_is_told(route: tuple[socket.socket, Direction, socket.socket], size: int) -> None:
    writer, direction, _ = route
    writer.sendall(b"short")
    writer.shutdown(socket.SHUT_WR)
    assert direction.run_exactly(size) is False


def test_a_sink_can_be_kept_open(route: tuple[socket.socket, Direction, socket.socket]) -> None:
    writer, direction, reader = route
    direction.keep_sink = True
    writer.shutdown(socket.SHUT_WR)
    direction.run()
    direction.sink.sendall(b"last word")
    assert reader.recv(99) == b"last word"


def test_a_watched_direction_shows_what_comes_after_arming(route: tuple[socket.socket, Direction, socket.socket]) -> None:
    writer, direction, reader = route
    watch = Watch()
    moving = threading.Thread(target=direction.run, args=(watch,))
    moving.start()
    writer.sendall(b"HTTP/1.1 101 too early\r\n\r\n")
    assert reader.recv(99).startswith(b"HTTP/1.1 101 too early")
    watch.arm()
    writer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    assert watch.switched() is False
    writer.shutdown(socket.SHUT_WR)
    assert read_all(reader) == b"HTTP/1.1 200 OK\r\n\r\n"
    moving.join()


def test_waiting_for_nothing_ends() -> None:
    near, far = tcp_pair()
    with near, far:
        assert not readable_within(near, 0.0)
        assert not readable_within(near, -1.0)
        far.sendall(b"x")
        assert readable_within(near, None)


def test_a_reset_is_seen_as_one() -> None:
    near, far = tcp_pair()
    with near:
        reset(far)
        assert is_reset(near)
