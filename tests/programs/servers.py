"""Servers for real clients: HTTP with and without TLS, git's smart protocol, package registries. They run in threads and remember what was asked."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Answer", "Asked", "Authority", "Pages", "accepting", "git_backend", "http_server"]


@dataclass(frozen=True)
class Asked:
    """One request that reached a server. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What a server answers."""

    body: bytes
    kind: str = "text/plain"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


class Responder(Protocol):
    """Answers requests; None is 404."""

    def __call__(self, asked: Asked, /) -> Answer | None: ...


@dataclass
class Pages:
    """Fixed pages, and what was asked for."""

    pages: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer | None:
        self.asked.append(asked)
        return self.pages.get(asked.path)


class Authority:
    """A certificate authority that nobody trusts unless told to, with one certificate for every ``*.servers.example``."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "authority.pem"
        key, server, server_key, request, names = (folder / name for name in ("ca.key", "server.pem", "server.key", "server.csr", "names"))
        curve: list[str | Path] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        self._openssl("req", "-x509", *curve, "-subj", "/CN=Test Authority", "-days", "2", "-keyout", key, "-out", self.certificate)
        self._openssl("req", *curve, "-subj", "/CN=servers.example", "-keyout", server_key, "-out", request)
        names.write_text("subjectAltName=DNS:*.servers.example\nbasicConstraints=CA:FALSE\n")
        signing: list[str | Path] = ["-CA", self.certificate, "-CAkey", key, "-CAcreateserial", "-CAserial", folder / "serial"]
        self._openssl("x509", "-req", "-in", request, *signing, "-days", "2", "-extfile", names, "-out", server)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(server, server_key)

    def _openssl(self, *words: str | Path) -> None:
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket, responder: Responder, tls: ssl.SSLContext | None) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.responder = responder
        self.tls = tls

    def get_request(self) -> tuple[socket.socket, Any]:
        peer, address = self.socket.accept()
        # The greeting happens in the connection's own thread: a client that is refused in the middle of it must not hold up the others.
        return (self.tls.wrap_socket(peer, server_side=True, do_handshake_on_connect=False) if self.tls else peer), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may go away when it likes."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, self.rfile.read(length))
        assert isinstance(self.server, _Server)
        answer = self.server.responder(asked) or Answer(b"nothing here\n", status=404)
        self.send_response(answer.status)
        for name, value in (("Content-Type", answer.kind), ("Content-Length", str(len(answer.body))), *answer.headers):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_POST = do_HEAD = do_PUT = do_GET  # noqa: N815 - names that the base class looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        """Nothing on the test's standard error."""


@contextmanager
def http_server(listener: socket.socket, responder: Responder, tls: ssl.SSLContext | None = None) -> Iterator[None]:
    """Serves ``listener`` for the time of the block, and closes it."""
    server = _Server(listener, responder, tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def accepting(listener: socket.socket, serve: Callable[[socket.socket], None]) -> Iterator[None]:
    """Hands every connection to ``serve``, one after the other, for the time of the block."""

    def loop() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:  # shut down: the block is over
                return
            with peer:
                try:
                    serve(peer)
                except OSError:  # the client went away
                    continue

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


def git_backend(root: Path) -> Responder:
    """The repositories below ``root`` over git's smart protocol, as a web server runs ``git-http-backend`` (RFC 3875)."""

    def respond(asked: Asked) -> Answer | None:
        path, _, query = asked.path.partition("?")
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REMOTE_USER": "somebody",
            "REQUEST_METHOD": asked.method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": asked.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(asked.body)),
            "HTTP_CONTENT_ENCODING": asked.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": asked.headers.get("git-protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=asked.body, env=variables, capture_output=True, check=False)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(headers.pop("Status", "200").split()[0])
        return Answer(body, headers.pop("Content-Type", "text/plain"), status, tuple(headers.items()))

    return respond
