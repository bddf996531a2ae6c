from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.network.wire.http import HEAD_LIMIT, Body, End, Head, HttpError, RequestReader, frame, last_chunk


def parts(data: bytes, step: int = 65_536) -> list[Head | Body | End]:
    reader, out = RequestReader(), []
    for i in range(0, len(data), step):
        reader.feed(data[i : i + step])
        while (part := reader.next()) is not None:
            out.append(part)
    return out


def rebuilt(data: bytes, step: int) -> bytes:
    """What the gate would send on."""
    out, head = b"", None
    for part in parts(data, step):
        if isinstance(part, Head):
            head = part
            out += part.encode()
        elif isinstance(part, Body):
            assert head is not None
            out += frame(head, part.data)
        else:
            assert head is not None
            out += last_chunk(head, part)
    return out


GET = b"GET /a HTTP/1.1\r\nHost: a.example\r\nX-Case: Kept\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize("request_bytes", [GET, POST], ids=["simple", "with a body"])
def test_a_reader_is_idle_between_requests_only(request_bytes: bytes) -> None:
    reader = RequestReader()
    assert reader.is_idle
    for octet in request_bytes[:-1]:
        reader.feed(bytes((octet,)))
        while reader.next() is not None:
            pass
        assert not reader.is_idle
    reader.feed(request_bytes[-1:] + b"\r\n")
    while reader.next() is not None:
        pass
    assert reader.is_idle


def test_text_in_values_is_kept() -> None:
    data = "GET / HTTP/1.1\r\nHost: a\r\nX-Name: \u00c5ngstr\u00f6m\tx\r\n\r\n".encode()
    assert rebuilt(data, 65_536) == data


@pytest.mark.parametrize("step", [1, 7, 65_536])
def test_empty_lines_between_requests_are_passed_over(step: int) -> None:
    assert rebuilt(b"\r\n" + GET + b"\r\n\n" + POST + b"\r\n\r\n" + GET + b"\r\n", step) == GET + POST + GET


@pytest.mark.parametrize("step", [1, 7, 65_536])
def test_pipelined_requests_come_out_as_they_went_in(step: int) -> None:
    assert rebuilt(GET + POST + GET, step) == GET + POST + GET


def test_heads_are_read() -> None:
    head, end, *_ = parts(GET)
    assert isinstance(head, Head)
    assert (head.method, head.target, head.version, head.values(b"host")) == ("GET", "/a", "1.1", [b"a.example"])
    assert end == End()


def test_chunks_and_trailers_keep_their_meaning() -> None:
    data = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n0\r\nX-T: 1\r\n\r\n" + GET
    assert rebuilt(data, 65_536) == b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n" + GET


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 005\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close, content-LENGTH\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: transfer-encoding\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer_encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-length: 5\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\x1cHost: b\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: \x1e\r\n\r\n",
        b"GET / HTTP/1.9\r\nHost: a\r\n\r\n",
        b"GET / HTTP/0.9\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n",
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffffffff\r\nhello\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\rHost: b\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_ambiguity_is_refused(data: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        parts(data)
    assert 400 <= caught.value.status < 600


def test_long_heads_are_refused_with_431() -> None:
    with pytest.raises(HttpError) as caught:
        parts(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * HEAD_LIMIT + b"\r\n\r\n")
    assert caught.value.status == 431
    assert parts(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (HEAD_LIMIT - 100) + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("version", "connection", "alive"),
    [("1.1", b"", True), ("1.1", b"close", False), ("1.0", b"", False), ("1.0", b"Keep-Alive", True), ("1.1", b"x, Close", False)],
)
def test_keeping_alive(version: str, connection: bytes, alive: bool) -> None:
    fields = ((b"Connection", connection),) if connection else ()
    assert Head("GET", "/", version, fields).keeps_alive is alive


def test_an_end_within_a_request_is_an_error() -> None:
    reader = RequestReader()
    reader.feed(POST[:-1])
    while reader.next() is not None:
        pass
    reader.feed(b"")
    with pytest.raises(HttpError):
        reader.next()


def test_an_end_between_requests_is_none() -> None:
    reader = RequestReader()
    reader.feed(GET)
    assert isinstance(reader.next(), Head)
    assert isinstance(reader.next(), End)
    reader.feed(b"")
    assert reader.next() is None


@given(st.binary(max_size=300) | st.lists(st.sampled_from([GET, POST, b"\r\n", b"0\r\n\r\n", b"Host: b\r\n", b"\0", b"HTTP/1.1"]), max_size=6).map(b"".join))
def test_reading_is_total(data: bytes) -> None:
    with contextlib.suppress(HttpError):
        assert isinstance(parts(data, 11), list)
