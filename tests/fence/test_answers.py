"""A process 1 that is not ours any more: whatever it answers, the supervisor goes on, ends the run, and says why."""

from __future__ import annotations

import errno
import os
import re
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.fence import answers, namespaces
from paddock.fence.inside import keeper
from paddock.fence.namespaces import Fence
from tests.network.support import Sink


def packet(kind: int = keeper.ANSWERED, request: int = 1, first: int = 0, second: int = 0, extra: bytes = b"") -> bytes:
    return keeper.ANSWER.pack(kind, request, first, second) + extra


class Captured:
    """A fence whose process 1 is the test."""

    def __init__(self) -> None:
        ours, self.keeper = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sink = Sink()
        self.fence = Fence(None, self.sink, (0, 1, 2), ours, -1, -1)  # type: ignore[arg-type]  # no plan: nothing is started

    def will_say(self, data: bytes, fds: tuple[int, ...] = ()) -> None:
        socket.send_fds(self.keeper, [data], list(fds))

    def distrusted(self) -> None:
        assert self.fence.exit_code == 137
        (event,) = self.sink.of("notice")
        assert "does not answer as it should" in event.reason


@pytest.fixture
def captured() -> Iterator[Captured]:
    made = Captured()
    yield made
    made.keeper.close()
    made.fence._control.close()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


NONSENSE = [b"\x01", b"\x07" + bytes(30), packet(kind=200), packet()[:-1]]


@pytest.mark.parametrize("data", [*NONSENSE, packet(extra=b"\0"), packet(extra=b"\0\0"), packet(extra=b"\1\0" * 200)])
def test_a_list_of_ports_that_is_none(captured: Captured, data: bytes) -> None:
    captured.will_say(data)
    with pytest.raises(ConnectionResetError):
        captured.fence.inside_listeners()
    captured.distrusted()
    with pytest.raises(ConnectionResetError):
        captured.fence.inside_listeners()


def test_a_list_of_ports(captured: Captured) -> None:
    captured.will_say(packet(extra=struct.pack("=3H", 80, 70, 80)))
    assert captured.fence.inside_listeners() == [70, 80]


@pytest.mark.parametrize("status", [-1, 0x7F, 1 << 40, 0xFF])
def test_an_end_that_is_none(captured: Captured, status: int) -> None:
    captured.will_say(packet(keeper.EXITED, 0, 5, status))
    captured.fence.handle_control()
    captured.distrusted()


@pytest.mark.parametrize(("status", "code"), [(0, 0), (3 << 8, 3), (9, 137)])
def test_an_end(captured: Captured, status: int, code: int) -> None:
    captured.will_say(packet(keeper.EXITED, 0, 5, status))
    assert captured.fence.handle_control() == code


@pytest.mark.parametrize(("number", "told"), [(errno.ECONNREFUSED, errno.ECONNREFUSED), (0, errno.EIO), (-5, errno.EIO), (1 << 62, errno.EIO)])
def test_a_refused_connection(captured: Captured, number: int, told: int) -> None:
    captured.will_say(packet(first=-1, second=number))
    with pytest.raises(OSError, match=re.escape(os.strerror(told))) as caught:
        captured.fence.dial(80)
    assert caught.value.errno == told


def test_a_connection(captured: Captured) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as given:
        captured.will_say(packet(), (given.fileno(),))
        got = socket.socket(fileno=captured.fence.dial(80))
        assert got.getpeername() == server.getsockname()
        got.close()


@pytest.mark.parametrize("count", [0, 2, 9])
def test_descriptors_that_nobody_asked_for_are_closed(captured: Captured, count: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        before = descriptors()
        captured.will_say(packet(extra=b"\1\0"), (given.fileno(),) * 5)
        assert captured.fence.inside_listeners() == [1]
        captured.will_say(packet(request=2), (given.fileno(),) * count)
        with pytest.raises(ConnectionResetError):
            captured.fence.dial(80)
        assert descriptors() == before
    captured.distrusted()


def test_what_is_no_socket_is_no_connection(captured: Captured) -> None:
    read, write = os.pipe()
    one, other = socket.socketpair()
    before = descriptors()
    captured.will_say(packet(), (read,))
    with pytest.raises(ConnectionResetError):
        captured.fence.dial(80)
    captured.fence._distrusted = False
    captured.will_say(packet(request=2), (one.fileno(),))  # a socket of the host's files instead of the fence's network
    with pytest.raises(ConnectionResetError):
        captured.fence.dial(80)
    assert descriptors() == before
    os.close(read)
    os.close(write)
    one.close()
    other.close()


def test_silence_and_chatter_have_an_end(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fence._answer, "__defaults__", (0.05,))
    assert namespaces._ANSWER_SECONDS > 1
    captured.will_say(packet(request=77))
    with pytest.raises(ConnectionResetError):
        captured.fence.inside_listeners()
    captured.distrusted()


@given(st.binary(max_size=60))
def test_reading_is_total(data: bytes) -> None:
    try:
        answer = answers.read(data, [])
    except ValueError:
        return
    assert isinstance(answers.error_of(answer), OSError)
    for reader in (answers.exit_code, answers.ports, answers.stop_signal):
        try:
            reader(answer)
        except ValueError:
            continue
