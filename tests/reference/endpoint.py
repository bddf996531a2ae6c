"""A model endpoint without a model: it makes an agent call the tools that a test names, one after the other, and keeps everything that the agent says.

Loopback only. What differs between the protocols (how a call is written, where its result stands) is a ``Wire`` each.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

__all__ = ["Answer", "Endpoint", "ToolCall", "Wire", "event_stream", "listening"]

ENOUGH = 40
"""Requests of one turn: an agent that asks on and on is stopped."""


@dataclass(frozen=True)
class ToolCall:
    """A call that the agent is to make. ``id`` is the name of the call in the protocol."""

    tool: str
    given: Mapping[str, object]
    id: str = "toolu_reference_1"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    body: bytes
    kind: str = "application/json"


class Wire(Protocol):
    """One model API."""

    def wants(self, path: str) -> bool:
        """Whether a POST to this path asks the model for its next step."""

    def tools(self, asked: Any) -> list[str]:
        """The names of the tools that the agent offers."""

    def results(self, asked: Any) -> list[str]:
        """The texts of the tool results in the conversation so far."""

    def call(self, asked: Any, call: ToolCall, path: str) -> Answer:
        """The model calls a tool."""

    def say(self, asked: Any, text: str, path: str) -> Answer:
        """The model says something and is done."""


@dataclass
class Endpoint:
    """The script, and what happened. ``said`` is every request's body; ``results`` what each call came back with; ``offered`` the agent's tools."""

    wire: Wire
    calls: Sequence[ToolCall]
    port: int = 0
    said: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    made: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def everything(self) -> str:
        """All that the model was told."""
        return "\n".join(self.said)

    @property
    def result(self) -> str:
        """What the only call came back with."""
        assert len(self.results) == 1, f"results: {self.results}; made {self.made} of {[call.tool for call in self.calls]}; offered {self.offered}"
        return self.results[0]

    def answer(self, path: str, body: bytes) -> Answer:
        """The next step: the first call that has no result yet, as long as the agent offers its tool."""
        asked = json.loads(body) if body else {}
        if not self.wire.wants(path):
            return Answer(b'{"input_tokens": 10}')
        self.said.append(body.decode())
        tools = self.wire.tools(asked)
        self.offered = tools or self.offered
        found = self.wire.results(asked)
        if len(found) >= len(self.results):
            self.results = found
        if len(found) < len(self.calls) and self.calls[len(found)].tool in tools and len(self.said) <= ENOUGH:
            self.made = max(self.made, len(found) + 1)
            return self.wire.call(asked, self.calls[len(found)], path)
        return self.wire.say(asked, "done", path)


@contextmanager
def listening(wire: Wire, *calls: ToolCall) -> Iterator[Endpoint]:
    """The endpoint, on a port of its own."""
    endpoint = Endpoint(wire, calls)
    order = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.give(Answer(b'{"data": [], "models": []}'))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            with order:
                answer = endpoint.answer(self.path, body)
            self.give(answer)

        def give(self, answer: Answer) -> None:
            self.send_response(200)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """An agent that hangs up in the middle is no failure of the test."""

    with Server(("127.0.0.1", 0), Handler) as server:
        endpoint.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()


def event_stream(events: Sequence[tuple[str, Mapping[str, object]]]) -> Answer:
    """Server-sent events, each with its name (none: empty). https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    text = "".join((f"event: {name}\n" if name else "") + f"data: {json.dumps(data)}\n\n" for name, data in events)
    return Answer(text.encode(), "text/event-stream")
