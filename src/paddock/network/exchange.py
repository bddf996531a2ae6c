"""One absolute-form request and its answer: re-issued on a connection of its own, framed anew, so that both sides agree where each message ends."""

from __future__ import annotations

import socket
from threading import Thread
from typing import Final

import h11

from paddock.model.decision import Decision
from paddock.network.desk import Passage
from paddock.network.refusal import http_answer, say
from paddock.network.relay import CHUNK, Direction, close_both, reset
from paddock.network.tell import Teller
from paddock.network.wire.http import Body, End, Head, Headers, HttpEndedError, HttpError, RequestReader, frame, last_chunk

__all__ = ["Exchange"]

HOP_BY_HOP: Final = frozenset(
    {b"connection", b"proxy-connection", b"keep-alive", b"proxy-authorization", b"proxy-authenticate", b"te", b"upgrade", b"http2-settings"}
)
"""RFC 9110 7.6.1. Transfer-Encoding stays: the body is framed again in the same way."""
RESPONSE_HEAD_LIMIT: Final = 262_144


class Exchange:
    """Owns the upstream socket and closes it; the client's socket belongs to the door."""

    def __init__(self, teller: Teller, passage: Passage, client: socket.socket, reader: RequestReader, head: Head) -> None:
        self._teller = teller
        self._asked = passage.asked
        self._upstream = passage.upstream
        self._client = client
        self._reader = reader
        self._head = head
        self._up = Direction(client, passage.upstream)
        self._down = Direction(passage.upstream, client)
        self._request_done = False
        self._keep = False
        self._answered = False

    def run(self, path: str) -> bool:
        """Carry it out; whether the client's connection can carry another request."""
        answering = Thread(target=self._answer, name="paddock-answer", daemon=True)
        try:
            self._up.send(self._head.encode(path, self._request_fields()))
            answering.start()
            self._send_body()
            self._request_done = True
        except OSError:
            self._up.failed = True  # the server may have answered and hung up before it read everything: the answer still counts
        except HttpError:
            close_both(self._upstream)  # never complete a body that cannot be read to its end
            answering.join()
            if self._down.moved:
                reset(self._client)  # part of an answer is out: an error message would be taken for more of it
            raise
        finally:
            if answering.ident is not None:
                answering.join()
            self._upstream.close()
            facts: dict[str, str | int] = {"door": self._asked.door, "protocol": "http", "sent": self._up.moved, "received": self._down.moved}
            self._teller.flow(self._asked.subject, self._asked.decision, **facts)
        if not self._answered:
            self._apologise()
            return False
        return self._keep and self._request_done

    def _send_body(self) -> None:
        while True:
            part = self._reader.next()
            if isinstance(part, Body):
                self._up.send(frame(self._head, part.data))
            elif isinstance(part, End):
                self._up.send(last_chunk(self._head, part))
                return
            elif part is None:
                self._reader.feed(self._more())
            else:
                raise HttpError("a request within a request")

    def _more(self) -> bytes:
        """More octets of the client; one that is gone, however it went, gets no answer, so nobody waits for one."""
        try:
            data = self._client.recv(CHUNK)
        except OSError as error:
            raise HttpEndedError("the client broke off its request") from error
        if not data:
            raise HttpEndedError("the client ended within its request")
        return data

    def _request_fields(self) -> Headers:
        gone = HOP_BY_HOP | self._head.tokens(b"connection") | {b"host"}
        kept = tuple((name, value) for name, value in self._head.headers if name.lower() not in gone)
        port = "" if self._asked.port == 80 else f":{self._asked.port}"
        text = f"[{self._asked.host.text}]" if self._asked.host.is_v6 else self._asked.host.text
        return ((b"Host", f"{text}{port}".encode("ascii")), *kept, (b"Connection", b"close"))

    def _answer(self) -> None:
        """The response side, in a thread of its own: an answer may begin before the request is complete (100 Continue, an early refusal)."""
        try:
            self._relay_answer()
        except (OSError, h11.RemoteProtocolError):
            self._keep = False
        if not self._keep:
            self._hang_up()

    def _hang_up(self) -> None:
        """No more for this client: it sees the end even while the request side still waits for it."""
        if self._answered:
            try:
                self._client.shutdown(socket.SHUT_WR)
            except OSError:
                self._down.failed = True

    def _relay_answer(self) -> None:
        machine = self._machine()
        while True:
            event = machine.next_event()
            if event is h11.NEED_DATA:
                machine.receive_data(self._upstream.recv(CHUNK))
            elif isinstance(event, h11.InformationalResponse):
                self._down.send(_encode(event, tuple(event.headers.raw_items())))
            elif isinstance(event, h11.Response):
                self._relay_final(machine, event)
                return
            else:
                raise h11.RemoteProtocolError("no response")

    def _machine(self) -> h11.Connection:
        """A client that believes it sent the request, so that it reads the answer's framing rightly (HEAD has no body)."""
        machine = h11.Connection(h11.CLIENT, max_incomplete_event_size=RESPONSE_HEAD_LIMIT)
        machine.send(h11.Request(method=self._head.method, target="/", headers=[("Host", "upstream")]))
        machine.send(h11.EndOfMessage())
        return machine

    def _relay_final(self, machine: h11.Connection, event: h11.Response) -> None:
        names = {name for name, _ in event.headers}
        bodiless = self._head.method == "HEAD" or event.status_code in (204, 304)
        chunked = b"transfer-encoding" in names and not bodiless
        sized = b"content-length" in names and not chunked
        self._keep = self._head.keeps_alive and (bodiless or sized or (chunked and self._head.version == "1.1"))
        self._answered = True
        head = _encode(event, self._response_fields(event, unframed=chunked and self._head.version != "1.1"))
        if sized and not bodiless:
            self._relay_counted(head, machine.trailing_data[0], int(dict(list(event.headers))[b"content-length"]))
            return
        self._down.send(head)
        if chunked:
            self._relay_chunks(machine)
        elif not bodiless:
            self._down.send(machine.trailing_data[0])
            self._down.keep_sink = True
            self._down.run()

    def _response_fields(self, event: h11.Response, *, unframed: bool) -> Headers:
        gone = set(HOP_BY_HOP)
        for name, value in event.headers:
            if name == b"connection":
                gone |= {token.strip().lower() for token in value.split(b",")}
            if name == b"transfer-encoding":
                gone.add(b"content-length")
        if unframed:
            gone |= {b"transfer-encoding", b"trailer"}
        kept = tuple((name, value) for name, value in event.headers.raw_items() if name.lower() not in gone)
        return (*kept, (b"Connection", b"keep-alive" if self._keep else b"close"))

    def _relay_counted(self, head: bytes, early: bytes, size: int) -> None:
        self._down.send(head + early[:size])
        if not self._down.run_exactly(size - len(early[:size])):
            self._keep = False
            close_both(self._client)

    def _relay_chunks(self, machine: h11.Connection) -> None:
        framed = Head("GET", "/", "1.1", ((b"transfer-encoding", b"chunked"),)) if self._head.version == "1.1" else self._head
        plain = self._head.version != "1.1"
        while True:
            event = machine.next_event()
            if event is h11.NEED_DATA:
                machine.receive_data(self._upstream.recv(CHUNK))
            elif isinstance(event, h11.Data):
                data = bytes(event.data)
                self._down.send(data if plain else frame(framed, data))
            elif isinstance(event, h11.EndOfMessage):
                self._down.send(b"" if plain else last_chunk(framed, End(tuple(event.headers.raw_items()))))
                return
            else:
                raise h11.RemoteProtocolError("the response ends within its body")

    def _apologise(self) -> None:
        decision = Decision("deny", f"{self._asked.subject} ended the connection without a valid answer", self._asked.decision.rule)
        self._teller.failed(self._asked.subject, decision, door=self._asked.door, status=502)
        if not self._down.moved:
            say(self._client, http_answer(502, decision))


def _encode(event: h11.Response | h11.InformationalResponse, fields: Headers) -> bytes:
    line = b"HTTP/1.1 %d %b\r\n" % (event.status_code, bytes(event.reason))
    return line + b"".join(name + b": " + value + b"\r\n" for name, value in fields) + b"\r\n"
