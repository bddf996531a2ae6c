"""The short way to read a request must never say anything else than the machine does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.network.wire import http
from paddock.network.wire.http import Body, End, Head, HttpError, RequestReader
from paddock.network.wire.simple import may_become_simple, simple_head

HEAD = b"GET /a?b HTTP/1.1\r\nHost: a.example\r\nAccept: */*"


def test_a_plain_request_is_simple() -> None:
    assert simple_head(HEAD) == ("GET", "/a?b", ((b"Host", b"a.example"), (b"Accept", b"*/*")))


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace(b"GET", b"POST"),
        HEAD.replace(b"GET", b"get"),
        HEAD.replace(b"/a?b", b"http://b.example/"),
        HEAD.replace(b"/a?b", b"/a b"),
        HEAD.replace(b"1.1", b"1.0"),
        HEAD.replace(b"\r\n", b"\n"),
        HEAD.replace(b"Host: a.example\r\n", b""),
        HEAD + b"\r\nHost: b.example",
        HEAD + b"\r\nhost: b.example",
        HEAD + b"\r\n continued",
        HEAD + b"\r\nX : y",
        HEAD + b"\r\nX_Y: z",
        HEAD + b"\r\nX:\ty\x00",
        HEAD + b"\r\nX: y\rz",
        HEAD + b"\r\nX: \xff",
        HEAD + b"\r\nX:",
        HEAD + b"\r\n",
        *(HEAD + b"\r\n" + name + b": 1" for name in (b"Content-Length", b"Transfer-Encoding", b"Connection", b"Upgrade", b"Expect", b"TE", b"Trailer")),
        HEAD + b"\r\nX: " + b"y" * 9000,
    ],
)
def test_anything_unusual_is_not(head: bytes) -> None:
    assert simple_head(head) is None


@pytest.mark.parametrize(
    ("begun", "may"), [(b"G", True), (b"GET /", True), (b"POST", False), (b"\x16\x03", False), (b"GET /\n\n", False), (b"GET " + b"x" * 9000, False)]
)
def test_what_is_waited_for(begun: bytes, *, may: bool) -> None:
    assert may_become_simple(begun) is may


Part = Head | Body | End | str
SIZED = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
PIECES = st.sampled_from(
    [
        *(HEAD, b"\r\n\r\n", b"\r\n", b"\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", SIZED, CHUNKED, LAST, b"abc", b" ", b"X: y\r\n", b"\x00", b"\xff"),
        *(b"DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy", b"GET /\thttp", b"HEAD /a HTTP/1.1\r\nhost:a\r\n\r\n", b"Host: b\r\n"),
    ]
)


def read(chunks: list[bytes]) -> list[Part]:
    """Everything that a reader says until it wants more at the end, or fails. Body octets are joined: how they are cut says nothing."""
    reader = RequestReader()
    found: list[Part] = []
    try:
        for chunk in (*chunks, b""):
            reader.feed(chunk)
            while (part := reader.next()) is not None:
                if isinstance(part, Body) and found and isinstance(found[-1], Body):
                    found[-1] = Body(found[-1].data + part.data)
                else:
                    found.append(part)
            if not chunk:
                break
    except HttpError as error:
        found.append(f"refused with {error.status}")
    return found


@given(st.lists(PIECES, max_size=6), st.lists(st.integers(1, 60), max_size=20))
def test_both_ways_say_the_same(pieces: list[bytes], cuts: list[int]) -> None:
    data, chunks = b"".join(pieces), []
    for size in cuts:
        chunks.append(data[:size])
        data = data[size:]
    chunks = [chunk for chunk in (*chunks, data) if chunk]
    short = read(chunks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "simple_head", lambda _head: None)
        patch.setattr(http, "may_become_simple", lambda _begun: False)
        long = read(chunks)
    assert short == long
