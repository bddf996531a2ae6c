"""ClientHellos: real ones from the interpreter's TLS library, and hand-made ones for what it would never send."""

from __future__ import annotations

import ssl


def real(server_name: str | None) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=server_name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return out.read()
    raise AssertionError("a handshake without a server")


def vector(octets: int, data: bytes) -> bytes:
    return len(data).to_bytes(octets, "big") + data


def extension(kind: int, content: bytes) -> bytes:
    return kind.to_bytes(2, "big") + vector(2, content)


def server_name(name: bytes) -> bytes:
    return extension(0, vector(2, b"\0" + vector(2, name)))


def message(*extensions: bytes, padding: int = 0) -> bytes:
    body = b"\x03\x03" + bytes(32) + vector(1, b"") + vector(2, b"\x13\x01") + vector(1, b"\0")
    listed = b"".join(extensions) + (extension(21, bytes(padding)) if padding else b"")
    if listed:
        body += vector(2, listed)
    return b"\x01" + vector(3, body)


def record(data: bytes, kind: int = 22) -> bytes:
    return bytes((kind, 3, 1)) + vector(2, data)


def hello(*extensions: bytes, padding: int = 0) -> bytes:
    return record(message(*extensions, padding=padding))


def records(data: bytes, size: int) -> bytes:
    return b"".join(record(data[i : i + size]) for i in range(0, len(data), size))
