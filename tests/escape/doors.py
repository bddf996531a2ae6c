"""The doors of the gate, as attacks use them."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from paddock.network.ports import HTTP, SOCKS
from tests.network.support import Rig, Server, read_exactly

NAMES = {"allowed.test": ["127.0.0.1"], "denied.test": ["127.0.0.1"]}
TUNNELS = ("capture", "connect", "socks")
"""Doors behind which a client speaks as it would to the server."""


@dataclass
class Door:
    """One door to one server; ``http`` is the one for absolute-form requests."""

    rig: Rig
    server: Server
    door: str

    def open(self) -> socket.socket:
        if self.door == "capture":
            return self.rig.named("allowed.test", self.server.port)
        if self.door == "http":
            return self.rig.connect(HTTP)
        target = b"allowed.test"
        if self.door == "connect":
            client = self.rig.connect(HTTP)
            client.sendall(b"CONNECT %b:%d HTTP/1.1\r\nHost: x\r\n\r\n" % (target, self.server.port))
            assert read_exactly(client, 39).startswith(b"HTTP/1.1 200 ")
            return client
        client = self.rig.connect(SOCKS)
        client.sendall(b"\x05\x01\x00\x05\x01\x00\x03" + bytes((len(target),)) + target + self.server.port.to_bytes(2, "big"))
        assert read_exactly(client, 12)[3] == 0
        return client

    @property
    def arrived(self) -> bytes:
        return b"".join(self.server.received)

    def refused(self) -> None:
        """Whether the refusal was told, with the door that it met."""
        (event,) = self.rig.sink.of("violation")
        assert dict(event.detail)["door"] in (self.door, "connect")
