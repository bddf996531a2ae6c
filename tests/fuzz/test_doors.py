"""Mutated seeds through the doors of a running gate: whatever comes, and however the client goes, the gate serves the next one and keeps nothing."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import threading
import time

import pytest

from fuzz.engine import mutated, seeds_of
from fuzz.targets import TARGETS
from paddock.network.ports import CAPTURE, DNS_TCP, HTTP, SOCKS
from tests.network.support import TIMEOUT, Rig, Server, policy, read_all, running
from tests.project.source import ROOT

CONVERSATIONS = 250
SPOKEN = {CAPTURE: ("http", "tls", "tls-second", "sniff"), HTTP: ("http",), SOCKS: ("socks",), DNS_TCP: ("dns",)}
RESET = b"\1\0\0\0\0\0\0\0"


def curt(_: Server, client: socket.socket) -> None:
    """Answers whatever comes first and hangs up."""
    if client.recv(65_536):
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def words_for(role: str, rng: random.Random, port: int) -> bytes:
    """Something hostile in the language of a door, or behind an honest opening of a tunnel."""
    target = TARGETS[rng.choice(SPOKEN[role])]
    data = mutated(rng, seeds_of(ROOT / "fuzz" / "seeds", target), target.words)[:60_000]
    if role == HTTP:
        host = b"allowed.test:%d" % port
        if rng.random() < 0.4:
            return b"CONNECT %b HTTP/1.1\r\nHost: x\r\n\r\n" % host + data
        return data.replace(b"Host: allowed.test", b"Host: " + host).replace(b" /", b" http://%b/" % host)
    if role == SOCKS and rng.random() < 0.5:
        return b"\5\1\0\5\1\0\3\x0callowed.test" + port.to_bytes(2, "big") + data
    return len(data).to_bytes(2, "big") + data if role == DNS_TCP else data


def converse(rig: Rig, role: str, rng: random.Random, port: int) -> None:
    with contextlib.suppress(OSError), rig.named("allowed.test", port) if role == CAPTURE else rig.connect(role) as client:
        client.sendall(words_for(role, rng, port))
        if rng.random() < 0.6:
            client.shutdown(socket.SHUT_WR)
            read_all(client)
        elif rng.random() < 0.5:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


@pytest.mark.parametrize("role", SPOKEN)
def test_a_gate_outlives_everybody(role: str) -> None:
    rng = random.Random(role)  # noqa: S311 - reproducible on purpose
    server = Server(curt)
    with running(policy(f"allowed.test:{server.port}", "127.0.0.1"), {"allowed.test": ["127.0.0.1"]}) as rig:
        rig.look_up("allowed.test")
        converse(rig, role, rng, server.port)
        wait_until_quiet(rig)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(CONVERSATIONS):
            converse(rig, role, rng, server.port)
        wait_until_quiet(rig)
        assert len(os.listdir("/proc/self/fd")) <= before + 4  # the server's own end may still be closing
        with rig.named("allowed.test", server.port) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: allowed.test:%d\r\n\r\n" % server.port)
            assert read_all(client).startswith(b"HTTP/1.1 200 ")
    server.close()


def wait_until_quiet(rig: Rig) -> None:
    patience = time.monotonic() + TIMEOUT
    while rig.gate.stats().open and time.monotonic() < patience:
        threading.Event().wait(0.01)
    assert rig.gate.stats().open == 0
