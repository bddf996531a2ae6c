from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.network.wire.sniff import LIMIT, Protocol, Sniffer, sniff


@pytest.mark.parametrize(
    ("data", "protocol"),
    [
        (b"", Protocol.UNKNOWN),
        (b"\x16", Protocol.TLS),
        (b"\x16\x03\x01", Protocol.TLS),
        (b"\x16\x04\x01", Protocol.TLS),
        (b"GET / HTTP/1.1\r\n", Protocol.HTTP),
        (b"GET / HTTP/1", Protocol.HTTP),
        (b"GET / HT", Protocol.UNKNOWN),
        (b"GE", Protocol.UNKNOWN),
        (b"\r\n\r\nGET / HTTP/1.1\r\n", Protocol.HTTP),
        (b" \tGET / http/1.1\r\n", Protocol.HTTP),
        (b"get\t/\tHTTP/1.1\n", Protocol.HTTP),
        (b"\x80 / HTTP/1.1\r\n", Protocol.HTTP),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Protocol.HTTP),
        (b"GET /\r\n", Protocol.HTTP),
        (b"GET http://a.example/\n", Protocol.HTTP),
        (b"\r\nPOST\t/x\n", Protocol.HTTP),
        (b"GET key\r\n", Protocol.OPAQUE),
        (b"get /key\r\n", Protocol.OPAQUE),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n", Protocol.HTTP),
        (b"PROXY TCP4", Protocol.UNKNOWN),
        (b"\r\n\r\n\0\r\nQUIT\n", Protocol.HTTP),
        (b"\r\n\r\n\0\r\nQU", Protocol.UNKNOWN),
        (b"\r\n\r\n\0\r\nNO", Protocol.OPAQUE),
        (b"\x80\x2e\x01\x03\x01", Protocol.TLS),
        (b"\x80\x2e\x01", Protocol.UNKNOWN),
        (b"\x80\x00\x00\x28", Protocol.OPAQUE),
        (b"\x80\x00\x01\x03", Protocol.OPAQUE),
        (b"\x80\x2e\x04\x00", Protocol.OPAQUE),
        (b"\xff\xfb\x01", Protocol.OPAQUE),
        (b"EHLO a.example\r\n", Protocol.OPAQUE),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Protocol.OPAQUE),
        (b"\x00\x00\x00\x08\x04\xd2\x16\x2f", Protocol.OPAQUE),
        (b"*1\r\n$4\r\nPING\r\n", Protocol.OPAQUE),
        (b"A" * 41, Protocol.UNKNOWN),
        (b"A" * 41 + b" / HTTP/1.1\r\n", Protocol.HTTP),
        (b"GET\x0b", Protocol.UNKNOWN),
        (b"GET\xa0", Protocol.UNKNOWN),
        (b"\x1cGET", Protocol.UNKNOWN),
        (b"AMQP\x00\x00\x09\x01", Protocol.OPAQUE),
        (b"A" * LIMIT, Protocol.HOPELESS),
        (b"GET /" + b"a" * LIMIT, Protocol.HOPELESS),
        (b"\r\n" * (LIMIT // 2), Protocol.HOPELESS),
    ],
)
def test_first_bytes(data: bytes, protocol: Protocol) -> None:
    assert sniff(data) is protocol


@given(st.binary(max_size=200))
def test_sniffing_is_total(data: bytes) -> None:
    assert isinstance(sniff(data), Protocol)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_a_verdict_stands_whatever_comes_later(head: bytes, tail: bytes) -> None:
    verdict = sniff(head)
    if verdict is Protocol.OPAQUE and b"http/" not in (head + tail).lower():
        assert sniff(head + tail) is Protocol.OPAQUE
    if verdict in (Protocol.TLS, Protocol.HTTP):
        assert sniff(head + tail) is verdict


STARTS = st.sampled_from(
    [b"", b"\r\n", b"GET", b" / HT", b"TP/1.1\r\n", b"\x80\x2e", b"\x01\x03", b"\x85", b"\r\n\r\n\0", b"\r\nQUIT\n", b"PROXY", b" x\n", b"\x0b", b"/\n"]
)


@given(st.lists(STARTS | st.binary(max_size=4), max_size=8))
def test_pieces_make_no_difference(pieces: list[bytes]) -> None:
    sniffer, sent = Sniffer(), b""
    for piece in pieces:
        sent += piece
        verdict = sniffer.feed(piece)
        assert verdict is sniff(sent)
        if verdict is not Protocol.UNKNOWN:
            return
