"""Readers of what programs inside send: names, requests, greetings, proxy handshakes."""

from __future__ import annotations

import re
import ssl
import sys
from collections.abc import Hashable, Iterator
from typing import Final

import dns.exception
import dns.flags
import dns.message

from fuzz.engine import Disagreement, Target
from paddock.model.decision import Decision
from paddock.model.hosts import Host, HostError, parse_host, parse_pattern, parse_target
from paddock.network.conversation import Asked
from paddock.network.decide import Decider
from paddock.network.dns import Answerer
from paddock.network.names import NameTable
from paddock.network.objection import Objection
from paddock.network.plain import PlainHttp
from paddock.network.tell import Teller
from paddock.network.watch import Watch
from paddock.network.wire.http import Body, End, Head, HttpError, RequestReader, frame, last_chunk
from paddock.network.wire.simple import may_become_simple, simple_head
from paddock.network.wire.sniff import Protocol, Sniffer, sniff
from paddock.network.wire.socks import Greeting, Request, SocksError, SocksReader
from paddock.network.wire.tls import ClientHello, HelloReader, RetryGuard, TlsError
from tests.network.support import Records, Sink, policy

__all__ = ["TARGETS"]

# --- DNS -----------------------------------------------------------------------------------------------------------------------------------------------------

RECORDS: Final = Records({("records.test", "TXT"): ['"text"'] * 60, ("records.test", "SRV"): ["0 0 1 allowed.test."]})
DECIDER: Final = Decider(policy("allowed.test", "*.wild.test", denied=("no.wild.test",), dns_names=("records.test",)))


def _dns(data: bytes) -> Hashable:
    answerer = Answerer(lambda: DECIDER, NameTable(b"key"), Teller(Sink()), RECORDS)
    RECORDS.asked.clear()
    answerer.waits(data)
    happened: list[Hashable] = []
    for udp in (True, False):
        answer = answerer.answer(data, udp=udp)
        happened.append(answer is not None and _judged(data, answer, udp=udp))
    if any(name != "records.test" for name, _ in RECORDS.asked):
        raise Disagreement(f"looked up outside: {RECORDS.asked}")
    return tuple(happened)


def _judged(data: bytes, answer: bytes, *, udp: bool) -> Hashable:
    """The answer as its reader sees it."""
    if len(answer) > (1232 if udp else 65_535):
        raise Disagreement(f"an answer of {len(answer)} octets")
    query = dns.message.from_wire(data)
    response = dns.message.from_wire(answer)
    if query.flags & dns.flags.QR or response.id != query.id or not response.flags & dns.flags.QR:
        raise Disagreement("this answers nobody's question")
    if response.question and response.question != query.question:
        raise Disagreement("this answers another question")
    return response.rcode(), query.opcode(), len(response.answer), bool(response.flags & dns.flags.TC), response.edns


def _dns_grown(size: int) -> bytes:
    return b"\x12\x34\x01\x00\x00\x01" + bytes(6) + b"\x01a" * (size // 2) + b"\0\0\1\0\1"


# --- HTTP ----------------------------------------------------------------------------------------------------------------------------------------------------


def _parts(data: bytes, step: int) -> list[Head | Body | End]:
    reader, out = RequestReader(), []
    for at in range(0, len(data), step):
        reader.feed(data[at : at + step])
        while (part := reader.next()) is not None:
            out.append(part)
    return out


def _sent_on(parts: list[Head | Body | End]) -> bytes:
    out, head = b"", None
    for part in parts:
        if isinstance(part, Head):
            head = part
            out += part.encode()
        elif head is not None:
            out += frame(head, part.data) if isinstance(part, Body) else last_chunk(head, part)
    return out


def _naive(data: bytes) -> Iterator[tuple[bytes, bytes, list[bytes]]]:
    """Requests as a simple server cuts them: split at empty lines, believe the first field that tells a length. ``(method, target, hosts)``.

    What the gate sends on must be cut by it in the same way.
    """
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        if not end:
            return
        line, *fields = head.split(b"\r\n")
        words = line.split(b" ")
        named = [(name.strip().lower().replace(b"_", b"-"), value.strip()) for name, _, value in (field.partition(b":") for field in fields)]
        yield words[0], words[1], [value for name, value in named if name == b"host"]
        if any(name == b"transfer-encoding" for name, _ in named):
            data = _after_chunks(data)
        else:
            data = data[next((int(value) & (2**64 - 1) for name, value in named if name == b"content-length"), 0) :]


def _after_chunks(data: bytes) -> bytes:
    while True:
        line, end, data = data.partition(b"\r\n")
        if not end:
            return b""
        size = int(line.split(b";")[0], 16)
        if size == 0:
            return data[2:] if data.startswith(b"\r\n") else data.partition(b"\r\n\r\n")[2]
        data = data[size + 2 :]


def _simple(data: bytes) -> Hashable:
    """The short way through a head against the machine's: what it takes, the machine takes as well and reads in the same way."""
    text = data.partition(b"\r\n\r\n")[0]
    parts = simple_head(text)
    if parts is None:
        return may_become_simple(text), None
    reader = RequestReader()
    reader._in_machine = True
    reader._give(text + b"\r\n\r\n")
    head = reader.next()
    if not isinstance(head, Head) or (head.method, head.target, head.version, head.headers) != (*parts[:2], "1.1", parts[2]):
        raise Disagreement(f"the machine reads {head}, the short way {parts}")
    if not isinstance(reader.next(), End):
        raise Disagreement("the machine waits for a body")
    return parts[0], len(parts[2])


def _http(data: bytes) -> Hashable:
    parts = _parts(data, 1 << 20)
    try:
        slowly = _sent_on(_parts(data, 3))
    except HttpError:
        slowly = b""  # h11 judges the length of a head when it waits for more of it
    sent = _sent_on(parts)
    heads = [part for part in parts if isinstance(part, Head)]
    ours = [(head.method.encode(), head.target.encode(), head.values(b"host")) for head in heads]
    if list(_naive(sent)) != ours:
        raise Disagreement(f"a simple server sees {list(_naive(sent))}, we saw {ours}")
    if slowly and list(_naive(slowly)) != ours:
        raise Disagreement("octet by octet it is something else")
    return tuple((h.method == "GET", h.version, h.is_chunked, len(h.headers)) for h in heads[:3]), len(parts) > 9, bool(sent)


class _Conversation:
    """What ``PlainHttp`` needs of a connection, for one whose client sends ``data`` and ends."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.up = self
        self.watch = Watch()
        self.watch.switched = lambda: False  # type: ignore[method-assign]  # no server, so no answer to wait for
        self.asked = Asked(Host("allowed.test"), 80, "capture", Decision("allow", "listed"))
        self.by_address = False

    def send(self, data: bytes) -> None:
        self.sent += data

    def receive(self) -> bytes:
        return b""

    def check_host(self, host: Host, how: str) -> None:
        if host != self.asked.host:
            raise self.objection(how)

    def objection(self, what: str, *, status: int = 403) -> Objection:
        return Objection(Decision("deny", what), status)


def _plain(data: bytes) -> Hashable:
    conversation = _Conversation()
    outcome: Hashable = "end"
    try:
        PlainHttp(conversation).run(data)  # type: ignore[arg-type]  # the part of it that is used
    except Objection as objection:
        outcome = (objection.status, objection.decision.reason.split(" ")[0:3].__repr__())
    except ConnectionAbortedError:
        outcome = "within"
    sent = bytes(conversation.sent)
    seen = list(_naive(sent))
    for method, target, hosts in seen:
        if [host.lower().rstrip(b".").removesuffix(b":80").rstrip(b".") for host in hosts] != [b"allowed.test"] or method == b"CONNECT":
            raise Disagreement(f"a simple server sees {method!r} {target!r} for {hosts!r}")
        if not target.startswith((b"/", b"*")) and not re.match(rb"(?i)http://allowed\.test\.?(:0*80)?([/?#]|$)", target):
            raise Disagreement(f"a simple server sees {target!r}")
    return outcome, min(len(seen), 4)


HTTP_WORDS: Final = (
    b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.1\r\n", b"Host: allowed.test\r\n", b"Host: denied.test\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\n", b"Connection: close\r\n", b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"Expect: 100-continue\r\n", b"\r\n\r\n",
    b"0\r\n\r\n", b"5\r\nhello\r\n", b"HTTP/1.0", b"chunked", b"content-length", b":", b" ", b"\t", b"\x0b", b"http://allowed.test/", b"http://denied.test/",
    b"*", b"OPTIONS", b"CONNECT", b";ext=1", b"X-Trailer: 1\r\n",
)  # fmt: skip


def _head_grown(size: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: allowed.test\r\n" + b"a:b\r\n" * (size // 5) + b"\r\n"


def _pipeline_grown(size: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n" * (size // 40)


def _chunks_grown(size: int) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * (size // 6) + b"0\r\n\r\n"


# --- what a connection begins with ---------------------------------------------------------------------------------------------------------------------------


def _sniff(data: bytes) -> Hashable:
    whole = sniff(data)
    sniffer, verdict = Sniffer(), Protocol.UNKNOWN
    for at in range(0, len(data), 3):
        verdict = sniffer.feed(data[at : at + 3])
        if verdict is not Protocol.UNKNOWN:
            break
    if data and sniff(bytes(sniffer.held)) is not verdict:
        raise Disagreement("in pieces it is something else")
    first = data.lstrip(b"\r\n\t \x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0").partition(b"\n")[0]
    if whole is Protocol.OPAQUE and b"http/" in first.lower():
        raise Disagreement("a first line that names HTTP is opaque")
    return whole, verdict


def _first_line_grown(size: int) -> bytes:
    return b"A" * (size - 2) + b"\0\n"


# --- SOCKS ---------------------------------------------------------------------------------------------------------------------------------------------------


def _socks(data: bytes) -> Hashable:
    whole, slowly = _talk(data, 1 << 20), _talk(data, 1)
    if whole != slowly:
        raise Disagreement(f"{whole} at once, {slowly} octet by octet")
    if len(whole) > 1 and isinstance(whole[1], Request):
        methods = data[1]
        request = data[2 + methods :]
        length = {1: 4, 4: 16}.get(request[3]) or 1 + request[4]
        host, port = request[4 : 4 + length], int.from_bytes(request[4 + length : 6 + length], "big")
        if (whole[1].address or bytes((len(whole[1].name),)) + whole[1].name, whole[1].port) != (host, port):
            raise Disagreement(f"we read {whole[1]}")
    return tuple(type(message).__name__ for message in whole)


def _talk(data: bytes, step: int) -> list[Greeting | Request | str]:
    reader, out = SocksReader(), list[Greeting | Request | str]()
    try:
        for at in range(0, len(data), step):
            message = reader.feed(data[at : at + step])
            while message is not None:
                out.append(message)
                if isinstance(message, Request):
                    return out
                message = reader.feed(b"")
    except SocksError as error:
        out.append(str(error))
    return out


# --- TLS -----------------------------------------------------------------------------------------------------------------------------------------------------


class _Library:
    """The interpreter's TLS library as a server: which name it sees in a greeting."""

    def __init__(self) -> None:
        self.names: list[str | None] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.sni_callback = lambda _sock, name, _context: self.names.append(name)

    def read(self, data: bytes) -> list[str | None]:
        self.names = []
        incoming = ssl.MemoryBIO()
        incoming.write(data)
        server = self.context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
        before, sys.unraisablehook = sys.unraisablehook, lambda _: None  # a name that is not ASCII is no name to Python, which says so on standard error
        try:
            server.do_handshake()
        except (ssl.SSLError, UnicodeError):
            return self.names
        finally:
            sys.unraisablehook = before
        return self.names


LIBRARY: Final = _Library()


def _tls(data: bytes) -> Hashable:
    ours, slowly = _hello(data, 1 << 20), _hello(data, 1 if len(data) < 2000 else 97)
    if (ours is None) != (slowly is None) or (ours and slowly and ours[:3] != slowly[:3]):
        raise Disagreement(f"{ours} at once, {slowly} octet by octet")
    theirs = LIBRARY.read(data)
    if ours is not None and theirs and _lower(ours[0]) != _lower(theirs[0].encode("ascii" if theirs[0].isascii() else "idna") if theirs[0] else None):
        raise Disagreement(f"the library sees {theirs}, we saw {ours}")
    return ours is not None and (ours[0] is not None, *ours[1:3]), bool(theirs)


def _lower(name: bytes | None) -> bytes | None:
    return name and name.lower()


def _hello(data: bytes, step: int) -> tuple[bytes | None, bool, bool, int] | None:
    """Everything that is read of a greeting and what follows it; None when it is refused or has no end."""
    reader, hello, at = HelloReader(), None, 0
    try:
        while hello is None and at < len(data):
            hello = reader.feed(data[at : at + step])
            at += step
        if hello is None:
            return None
        guard, out = RetryGuard(hello), b""
        for then in range(hello.size, len(data), step):
            out += guard.feed(data[then : then + step])
    except TlsError:
        return None
    if not data[hello.size :].startswith(out):
        raise Disagreement("what goes on is not what came")
    return hello.server_name, hello.encrypted, guard.second is not None, hello.size


def _guard(data: bytes) -> Hashable:
    guard = RetryGuard(ClientHello(b"a.example", encrypted=False, early_data=data[:1] == b"e", size=0))
    out = guard.feed(data[1:])
    if not data[1:].startswith(out):
        raise Disagreement("what goes on is not what came")
    # Whatever is passed on may hold no greeting that was not looked at: walk the records as a forgiving server does.
    at = 0
    while guard.second is None and at + 6 <= len(out):
        if out[at] == 22 and out[at + 5] == 1 and out[at + 6 : at + 7] == b"\0":
            raise Disagreement("a greeting went by")
        if out[at] not in (20, 21):
            break
        at += 5 + int.from_bytes(out[at + 3 : at + 5], "big")
    return guard.done, guard.second is not None, len(out) > 0


def _tiny_records(size: int) -> bytes:
    return b"".join(b"\x16\x03\x01\0\1" + bytes((octet,)) for octet in (b"\1\0\xff\xf0" + bytes(size // 6)))


def _changes(size: int) -> bytes:
    return b"x" + b"\x14\x03\x03\0\1\1" * (size // 6)


# --- names ---------------------------------------------------------------------------------------------------------------------------------------------------


def _hosts(data: bytes) -> Hashable:
    text = data.decode("latin-1")
    found: list[Hashable] = []
    for reader in (parse_host, parse_target, lambda t: parse_pattern(t, "deny"), lambda t: parse_pattern(t, "allow")):
        try:
            value = reader(text)
        except HostError:
            found.append(None)
            continue
        found.append(type(value).__name__)
        if isinstance(value, Host) and parse_host(f"[{value.text}]" if value.is_v6 else value.text) != value:
            raise Disagreement(f"{value} reads itself as something else")
    return tuple(found)


TARGETS: Final = (
    Target(
        "dns",
        _dns,
        words=(
            b"\x07allowed\x04test\0",
            b"\x06denied",
            b"\xc0\x0c",
            b"\0\x01\0\x01",
            b"\0\x1c\0\x01",
            b"\0\x10\0\x01",
            b"\0\0\x29\x10\0\0\0\0\0\0\0",
            b"\x3f",
            b"\x09localhost\0",
        ),
        grown=(_dns_grown,),
        cost=4,
    ),
    Target("http", _http, (HttpError,), HTTP_WORDS, (_head_grown, _pipeline_grown, _chunks_grown), cost=4),
    Target("simple", _simple, words=HTTP_WORDS, grown=(_head_grown,)),
    Target("plain", _plain, words=HTTP_WORDS, grown=(_head_grown, _pipeline_grown, _chunks_grown), cost=2),
    Target("sniff", _sniff, words=(*HTTP_WORDS, b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n", b"\x80\x2e\x01\x03"), grown=(_first_line_grown,)),
    Target("socks", _socks, words=(b"\x05\x01\0", b"\x05\x01\0\x03", b"\x09a.example", b"\x01\xbb", b"\x04\x01"), grown=()),
    Target(
        "tls",
        _tls,
        words=(b"\x16\x03\x01", b"\x14\x03\x03\0\1\1", b"\0\0\0\x0e\0\x0c\0\0\x09b.example", b"\xfe\x0d\0\1x", b"\x15\x03\x03\0\2\1\x5a", b"\x16\x03\x03\0\0"),
        grown=(_tiny_records,),
        cost=8,
    ),
    Target(
        "tls-second",
        _guard,
        (TlsError,),
        (b"\x16\x03\x01", b"\x14\x03\x03\0\1\1", b"\x15\x03\x03\0\2\1\x5a", b"\x16\x03\x03\0\0", b"\x17\x03\x03\0\1x"),
        (_changes,),
    ),
    Target(
        "hosts",
        _hosts,
        words=(b"xn--", b"localhost", b"127.0.0.1", b"0x7f", b"::ffff:", b"[", b"]", b":443", b"*.", b"**.", b".", b"@", b"%25", b"0177"),
        grown=(),
    ),
)
