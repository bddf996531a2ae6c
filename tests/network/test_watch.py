from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.network.watch import Watch


def fed(data: bytes, step: int) -> Watch:
    watch = Watch()
    watch.arm()
    for i in range(0, len(data), step):
        if not watch.settled:
            watch.feed(data[i : i + step])
    watch.end()
    return watch


@pytest.mark.parametrize("step", [1, 5, 999])
@pytest.mark.parametrize(
    ("data", "switched"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x81", True),
        (b"HTTP/1.1 101 Switching Protocols\nUpgrade: x\n\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 101 OK\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nX: HTTP/1.1 101\r\n\r\nHTTP/1.1 101 OK\r\n\r\n", False),
        (b"HTTP/1.1 1010 OK\r\n\r\n", False),
        (b"HTTP/2 101 OK\r\n\r\n", False),
        (b"101\r\n\r\n", False),
        (b"HTTP/1.1 101 OK\r\n", False),
        (b"", False),
    ],
)
def test_only_a_true_101_switches(data: bytes, switched: bool, step: int) -> None:
    assert fed(data, step).switched() is switched


def test_an_endless_head_switches_nothing() -> None:
    watch = fed(b"HTTP/1.1 101 OK\r\nX: " + b"a" * 70_000, 9999)
    assert watch.settled
    assert not watch.switched()


@given(st.binary(max_size=300), st.integers(1, 50))
def test_reading_is_total(data: bytes, step: int) -> None:
    assert fed(data, step).switched() in (True, False)
