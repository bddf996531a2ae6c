from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.network.wire.socks import Greeting, Reply, Request, SocksError, SocksReader, reply

HELLO = b"\x05\x01\x00"


def talk(data: bytes, step: int) -> list[Greeting | Request]:
    reader, out = SocksReader(), []
    for i in range(0, len(data), step):
        message = reader.feed(data[i : i + step])
        while message is not None:
            out.append(message)
            message = reader.feed(b"") if isinstance(message, Greeting) else None
    return out


@pytest.mark.parametrize("step", [1, 3, 999])
@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (b"\x05\x01\x00\x03\x09a.example\x01\xbb", Request(b"a.example", b"", 443)),
        (b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50", Request(b"", b"\x7f\0\0\x01", 80)),
        (b"\x05\x01\x00\x04" + bytes(15) + b"\x01\x00\x50", Request(b"", bytes(15) + b"\x01", 80)),
        (b"\x05\x01\x00\x03\x03a\0b\x00\x50", Request(b"a\0b", b"", 80)),
    ],
)
def test_greeting_then_request(request_bytes: bytes, expected: Request, step: int) -> None:
    assert talk(b"\x05\x02\x00\x02" + request_bytes, step) == [Greeting(b"\x05\x00"), expected]


def test_octets_after_the_request_are_kept() -> None:
    reader = SocksReader()
    assert isinstance(reader.feed(HELLO), Greeting)
    assert isinstance(reader.feed(b"\x05\x01\x00\x03\x01a\x00\x50GET"), Request)
    assert reader.rest == b"GET"


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", b"\x00\x5b" + bytes(6)),
        (b"GET / HTTP/1.1\r\n", b""),
        (b"\x05\x01\x02", b"\x05\xff"),
        (b"\x05\x00", b"\x05\xff"),
        (HELLO + b"\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50", reply(Reply.COMMAND_NOT_SUPPORTED)),
        (HELLO + b"\x05\x03\x00\x01\x7f\x00\x00\x01\x00\x50", reply(Reply.COMMAND_NOT_SUPPORTED)),
        (HELLO + b"\x05\x01\x00\x02\x7f\x00\x00\x01\x00\x50", reply(Reply.ADDRESS_NOT_SUPPORTED)),
        (HELLO + b"\x04\x01\x00\x01\x7f\x00\x00\x01\x00\x50", reply(Reply.GENERAL_FAILURE)),
    ],
)
def test_what_is_not_carried_out_is_answered(data: bytes, answer: bytes) -> None:
    with pytest.raises(SocksError) as caught:
        talk(data, 999)
    assert caught.value.answer == answer


@given(st.binary(max_size=400))
def test_reading_is_total(data: bytes) -> None:
    try:
        talk(data, 5)
    except SocksError:
        return
