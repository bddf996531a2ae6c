"""Canaries about the network: what is not listed, by every way to the gate, and what would go around it."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable

from paddock.fence.inside.canary.base import Answer, attempt, word

__all__ = ["VERBS"]

PATIENCE = 3.0
"""Seconds for one answer."""
A, TXT = 1, 16


def talk(family: int, address: tuple[str, int], request: bytes, *, kind: int = socket.SOCK_STREAM) -> bytes:
    """Send and take what comes back. Raises ``OSError``."""
    with socket.socket(family, kind) as client:
        client.settimeout(PATIENCE)
        client.connect(address)
        client.sendall(request)
        return client.recv(4096)


def asked(family: int, address: tuple[str, int], request: bytes) -> str:
    """What an HTTP or SOCKS server says: its status, or the errno."""
    try:
        answer = talk(family, address, request)
    except OSError as error:
        return word(error)
    if answer.startswith(b"HTTP/"):
        return answer.split(b" ", 2)[1].decode("ascii", "replace")
    return f"answer {answer[:16].hex()}" if answer else "closed"


def served(reply: bytes, ask: Callable[[int], str]) -> str:
    """What ``ask`` gets from a server of our own that answers ``reply``, by its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        listener.settimeout(PATIENCE)
        pid = os.fork()
        if pid == 0:
            try:
                connection, _ = listener.accept()
                connection.recv(4096)
                connection.sendall(reply)
            finally:
                os._exit(0)
        try:
            return ask(listener.getsockname()[1])
        finally:
            os.waitpid(pid, 0)


GET = "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n"
FINE = b"HTTP/1.1 200 Fine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def fine(said: str) -> str:
    """The twin of everything that asks over HTTP."""
    return "ok" if said == "200" else said


def loopback(port: int, datagram_port: int) -> Answer:
    """Listeners of the host's, on its loopback, which inside is another one."""
    said = [["TCP", asked(socket.AF_INET, ("127.0.0.1", port), b"canary")], ["UDP", sent("127.0.0.1", datagram_port)]]
    return said, served(FINE, lambda own: fine(asked(socket.AF_INET, ("127.0.0.1", own), GET.format("/", "localhost").encode())))


def address(hosts: list[tuple[str, int]]) -> Answer:
    """Addresses that nothing lists."""
    said = [[f"{host}:{port}", asked(socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port), GET.format("/", host).encode())] for host, port in hosts]
    return said, served(FINE, lambda own: fine(asked(socket.AF_INET, ("127.0.0.1", own), GET.format("/", "127.0.0.1").encode())))


def host_by_name(name: str, port: int) -> Answer:
    """A name that nothing lists, as any program would connect to it."""

    def connect(host: str, port: int) -> str:
        try:
            family, _, _, _, found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0]
        except socket.gaierror as error:
            return f"gaierror {error.errno}"
        return asked(family, (str(found[0]), port), GET.format("/", host).encode())

    return [[f"{name}:{port}", connect(name, port)]], served(FINE, lambda own: fine(connect("localhost", own)))


def door(how: str, gate: str, gate_port: int, name: str, port: int) -> Answer:
    """A name that nothing lists, by one of the explicit proxies."""
    if how == "socks":
        label = name.encode("ascii")
        request = b"\x05\x01\x00" + b"\x05\x01\x00\x03" + bytes((len(label),)) + label + struct.pack("!H", port)
        reply = b"\x05\x00" + b"\x05\x00\x00\x01" + bytes(6)
        return [[f"{name}:{port}", socks(gate, gate_port, request)]], served(reply, lambda own: "ok" if socks("127.0.0.1", own, request) == "granted" else "no")
    if how == "connect":
        request = f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode()
    else:
        request = GET.format(f"http://{name}:{port}/", f"{name}:{port}").encode()
    said = asked(socket.AF_INET, (gate, gate_port), request)
    return [[f"{name}:{port}", said]], served(FINE, lambda own: fine(asked(socket.AF_INET, ("127.0.0.1", own), request)))


def socks(host: str, port: int, request: bytes) -> str:
    """What a SOCKS5 server says to greeting and request (RFC 1928)."""
    try:
        with socket.create_connection((host, port), PATIENCE) as client:
            client.sendall(request)
            answer = b""
            while len(answer) < 4:
                more = client.recv(4 - len(answer))
                if not more:
                    return "closed"
                answer += more
    except OSError as error:
        return word(error)
    return {0: "granted", 2: "not allowed"}.get(answer[3], f"reply {answer[3]}")


def question(name: str, kind: int) -> bytes:
    """One query (RFC 1035 4.1)."""
    labels = b"".join(bytes((len(label),)) + label.encode("ascii") for label in name.split("."))
    return struct.pack("!6H", 0x5AD0, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)


def answered(query: bytes, answer: bytes) -> str:
    """``fence`` for an address that only this fence knows, ``loopback``, ``empty``, or what else came."""
    if len(answer) < 12 or answer[:2] != query[:2]:
        return "no answer to this question"
    _, flags, _, count, _, _ = struct.unpack_from("!6H", answer)
    if flags & 15:
        return f"rcode {flags & 15}"
    if count == 0:
        return "empty"
    given = answer[-4:]
    if given[0] == 198 and given[1] in (18, 19):
        return "fence"
    return "loopback" if given == b"\x7f\0\0\x01" else f"address {'.'.join(map(str, given))}"


def lookup(name: str, kind: int, server: str, transport: str) -> Answer:
    """A question to the fence's own nameserver, or to one outside."""

    def put(asked_name: str, asked_kind: int) -> str:
        query = question(asked_name, asked_kind)
        try:
            if transport == "tcp":
                return answered(query, talk(socket.AF_INET, (where, 53), struct.pack("!H", len(query)) + query)[2:])
            return answered(query, talk(socket.AF_INET, (where, 53), query, kind=socket.SOCK_DGRAM))
        except OSError as error:
            return word(error)

    where = server or nameserver()
    twin = put("localhost", A)
    return [[f"{'TXT' if kind == TXT else 'A'} {name}", put(name, kind)]], "ok" if twin == "loopback" else twin


def nameserver() -> str:
    """The first nameserver of the fence."""
    with open("/etc/resolv.conf", encoding="ascii", errors="replace") as file:
        return next((line.split()[1] for line in file if line.startswith("nameserver") and "." in line), "127.0.0.1")


def sent(host: str, port: int) -> str:
    """What comes back for a datagram."""
    try:
        talk(socket.AF_INET, (host, port), b"canary", kind=socket.SOCK_DGRAM)
    except OSError as error:
        return word(error)
    return "answered"


def datagram(host: str, port: int) -> Answer:
    """UDP to somewhere outside: delivered in the fence itself, where nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        own.settimeout(PATIENCE)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"canary", own.getsockname())
            twin = "ok" if own.recv(16) == b"canary" else "something else arrived"
    return [[f"{host}:{port}", sent(host, port)]], twin


def host_socket(where: list[str], token: str) -> Answer:
    """Sockets of programs outside, abstract (a leading ``@``) or by path."""

    def connect(name: str) -> str:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(PATIENCE)
            return attempt(client.connect, "\0" + name[1:] if name.startswith("@") else name)

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as own:
        name = f"@{token}.own" if where[:1] and where[0].startswith("@") else f"/tmp/{token}.own"  # noqa: S108 -- the fence's own, and the name is random
        own.bind("\0" + name[1:] if name.startswith("@") else name)
        own.listen(1)
        twin = connect(name)
        if not name.startswith("@"):
            os.unlink(name)
    return [[name, connect(name)] for name in where], twin


VERBS = (loopback, address, host_by_name, door, lookup, datagram, host_socket)
