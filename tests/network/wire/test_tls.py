from __future__ import annotations

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.network.wire.tls import LIMIT, ClientHello, HelloReader, RetryGuard, TlsError
from tests.network.wire import hellos


def read(data: bytes) -> ClientHello | None:
    return HelloReader().feed(data)


@pytest.mark.parametrize("name", ["allowed.test", None])
def test_a_real_greeting(name: str | None) -> None:
    data = hellos.real(name)
    found = read(data)
    assert found is not None
    assert found.server_name == (name.encode() if name else None)
    assert (found.encrypted, found.early_data, found.size) == (False, False, len(data))


@given(st.integers(1, 200))
def test_cut_into_records_and_segments(size: int) -> None:
    data = hellos.records(hellos.message(hellos.server_name(b"allowed.test")), size)
    reader = HelloReader()
    found = [hello for i in range(len(data)) if (hello := reader.feed(data[i : i + 1])) is not None]
    assert [h.server_name for h in found] == [b"allowed.test"]
    assert found[0].size == len(data)


def test_what_follows_the_greeting_is_not_counted() -> None:
    data = hellos.hello(hellos.server_name(b"a.example"))
    found = read(data + b"more")
    assert found is not None
    assert found.size == len(data)


def test_encrypted_names_and_early_data_are_seen() -> None:
    found = read(hellos.hello(hellos.server_name(b"a.example"), hellos.extension(0xFE0D, b"x"), hellos.extension(42, b"")))
    assert found is not None
    assert (found.encrypted, found.early_data) == (True, True)


def test_large_greetings_are_read_and_larger_ones_are_not() -> None:
    name = hellos.server_name(b"a.example")
    found = read(hellos.records(hellos.message(name, padding=40_000), 16_000))
    assert found is not None
    assert found.server_name == b"a.example"
    with pytest.raises(TlsError, match=str(LIMIT)):
        read(b"\x16\x03\x01\x40\x00\x01\x02\x00\x00" + bytes(16_380))
    with pytest.raises(TlsError, match=str(LIMIT)):
        read(hellos.records(b"\x01\x00\xff\xf0" + bytes(20_000), 1))


@pytest.mark.parametrize(
    "data",
    [
        hellos.record(b"x", 23),
        hellos.record(hellos.message()[:10]) + hellos.record(b"xx", 21),
        b"\x16\x02\x01\x00\x01\x01",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\xff\xff",
        hellos.record(b"\x02\0\0\0"),
        hellos.record(hellos.message() + b"\x01"),
        hellos.record(b"\x01\0\0\x05short"),
        hellos.hello(hellos.server_name(b"a"), hellos.server_name(b"b")),
        hellos.hello(hellos.extension(0, hellos.vector(2, b"\0" + hellos.vector(2, b"a") + b"\0" + hellos.vector(2, b"b")))),
        hellos.hello(hellos.extension(0, hellos.vector(2, b"\1" + hellos.vector(2, b"a")))),
        hellos.hello(hellos.extension(0, hellos.vector(2, b"\0" + hellos.vector(2, b"")))),
        hellos.hello(hellos.extension(0, b"")),
        hellos.hello(hellos.extension(0, hellos.vector(2, b"\0" + hellos.vector(2, b"a")) + b"x")),
    ],
)
def test_what_is_no_greeting_is_refused(data: bytes) -> None:
    with pytest.raises(TlsError):
        read(data)


@given(st.binary(max_size=400))
def test_reading_is_total(data: bytes) -> None:
    for prefix in (b"", b"\x16\x03\x01", hellos.hello()[:9]):
        try:
            read(prefix + data)
        except TlsError:
            continue


FIRST = ClientHello(b"a.example", encrypted=False, early_data=False, size=100)
SECOND = hellos.hello(hellos.server_name(b"b.example"))
CHANGE = hellos.record(b"\x01", 20)
WARNING = hellos.record(b"\x01\x5a", 21)
"""``user_canceled``, which a server passes over (RFC 8446 6.1)."""
EMPTY = b"\x16\x03\x03\0\0"
"""Some servers take 32 of these before they complain."""


def guard(*, early_data: bool = False) -> RetryGuard:
    return RetryGuard(ClientHello(b"a.example", encrypted=False, early_data=early_data, size=100))


@pytest.mark.parametrize("before", [b"", CHANGE, WARNING, CHANGE + WARNING + CHANGE], ids=["at once", "change", "warning", "several"])
def test_a_second_greeting_is_seen(before: bytes) -> None:
    watcher = guard()
    out = b"".join(watcher.feed(before + SECOND[i : i + 1] if i == 0 else SECOND[i : i + 1]) for i in range(len(SECOND)))
    assert watcher.second is not None
    assert watcher.second.server_name == b"b.example"
    assert out == before + SECOND
    assert watcher.done


def test_a_second_greeting_behind_early_data_is_seen() -> None:
    watcher = guard(early_data=True)
    assert watcher.feed(hellos.record(b"early", 23) + SECOND) == hellos.record(b"early", 23) + SECOND
    assert watcher.second is not None
    assert guard().feed(hellos.record(b"early", 23) + SECOND)  # without the offer of early data this cannot be a greeting any more


@pytest.mark.parametrize(
    "data",
    [hellos.record(b"data", 23), hellos.record(b"\x10key", 22), WARNING + hellos.record(b"data", 23), CHANGE + hellos.record(b"\x01\x50\x00\x00rest", 22)],
)
def test_anything_else_ends_the_watch(data: bytes) -> None:
    watcher = guard()
    assert watcher.feed(data) == data
    assert watcher.done
    assert watcher.second is None


def test_a_malformed_second_greeting_in_the_clear_is_refused() -> None:
    with pytest.raises(TlsError):
        guard().feed(hellos.record(b"\x01\0\0\x05short", 22))
    with pytest.raises(TlsError):
        guard().feed(b"\x16\x02\x01\x00\x01\x01")


PIECES = hellos.records(hellos.message(hellos.server_name(b"b.example")), 20)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(EMPTY + SECOND, id="behind an empty record"),
        pytest.param(b"\x15\x03\x03\0\0" + SECOND, id="behind an empty alert"),
        pytest.param(b"\x18\x03\x03\0\1x" + SECOND, id="behind an unknown record"),
        pytest.param(CHANGE + PIECES[:25] + EMPTY + PIECES[25:], id="with an empty record within, after a change"),
        pytest.param(CHANGE + hellos.record(b"\x01\x01\x11\x70" + bytes(9)), id="longer than ours, not than theirs, after a change"),
        pytest.param(CHANGE + hellos.record(b"\x01") + hellos.record(b"\x03\0\0"), id="its length in the next record, after a change"),
    ],
)
def test_a_second_greeting_cannot_be_hidden(data: bytes) -> None:
    with pytest.raises(TlsError):
        guard().feed(data)


@pytest.mark.parametrize("kind", [0xFE0D, 0xFE0A, 0xFFCE])
def test_hidden_names_of_every_draft_are_seen(kind: int) -> None:
    found = read(hellos.hello(hellos.server_name(b"a.example"), hellos.extension(kind, b"x")))
    assert found is not None
    assert found.encrypted


@given(st.lists(st.sampled_from([CHANGE, WARNING, SECOND, EMPTY, hellos.record(b"x", 23), PIECES]), max_size=4), st.integers(1, 9), st.booleans())
def test_watching_in_pieces_makes_no_difference(records: list[bytes], step: int, early: bool) -> None:
    def watched(step: int) -> tuple[bytes, bool, object] | None:
        data, watcher, out = b"".join(records), guard(early_data=early), b""
        try:
            for i in range(0, len(data), step):
                out += watcher.feed(data[i : i + step])
        except TlsError:
            return None
        return out, watcher.done, watcher.second

    assert watched(step) == watched(9999)


@given(st.binary(max_size=300), st.booleans())
def test_watching_is_total_and_loses_nothing(data: bytes, early: bool) -> None:
    watcher = guard(early_data=early)
    try:
        out = watcher.feed(data)
    except TlsError:
        return
    assert out + watcher._held == data


LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=20)
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@given(
    st.lists(LABEL, min_size=2, max_size=4).filter(lambda labels: not labels[-1].isdigit()),
    st.lists(st.sampled_from(["h2", "http/1.1", "spdy/3", "acme-tls/1"]), max_size=3),
    st.sampled_from(VERSIONS),
    st.sampled_from(VERSIONS),
    st.sampled_from(["DEFAULT", "ECDHE+AESGCM", "HIGH:!aNULL", "ALL"]),
    st.sampled_from([ssl.Options(0), ssl.OP_NO_TICKET, ssl.OP_NO_COMPRESSION | ssl.OP_NO_TICKET]),
    st.integers(1, 600),
)
def test_the_library_s_own_greetings_are_read_as_they_were_meant(
    labels: list[str], protocols: list[str], low: ssl.TLSVersion, high: ssl.TLSVersion, ciphers: str, options: ssl.Options, step: int
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version, context.maximum_version = min(low, high), max(low, high)
    context.set_ciphers(ciphers)
    context.options |= options
    if protocols:
        context.set_alpn_protocols(protocols)
    name = ".".join(labels)
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    data = outgoing.read()
    reader = HelloReader()
    (found,) = [hello for at in range(0, len(data), step) if (hello := reader.feed(data[at : at + step])) is not None]
    assert found == ClientHello(name.encode(), encrypted=False, early_data=False, size=len(data))
