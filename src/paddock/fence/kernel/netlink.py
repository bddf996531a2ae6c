"""Link, address and route of a network namespace by rtnetlink(7), without another program."""

from __future__ import annotations

import _socket
import os
import struct

__all__ = ["RouteSocket"]

AF_NETLINK = 16
IFA_ADDRESS = 1
IFA_F_NODAD = 0x02
IFA_F_PERMANENT = 0x80
IFA_LOCAL = 2
IFF_UP = 1
NETLINK_ROUTE = 0
NLMSG_ERROR = 2
NLM_F_ACK = 0x4
NLM_F_CREATE = 0x400
NLM_F_EXCL = 0x200
NLM_F_REQUEST = 0x1
RTA_OIF = 4
RTM_NEWADDR = 20
RTM_NEWLINK = 16
RTM_NEWROUTE = 24
RTN_LOCAL = 2
RTPROT_STATIC = 4
RT_SCOPE_HOST = 254
RT_TABLE_LOCAL = 255

LOOPBACK = 1
"""The interface index of ``lo``: the first in every network namespace."""


class RouteSocket:
    """A connection to the kernel's routing tables. ``family`` is ``AF_INET`` (2) or ``AF_INET6`` (10)."""

    def __init__(self) -> None:
        self._socket = _socket.socket(AF_NETLINK, _socket.SOCK_RAW | _socket.SOCK_CLOEXEC, NETLINK_ROUTE)

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()

    def link_up(self) -> None:
        """Bring ``lo`` up. Its loopback addresses come with it."""
        self._request("RTM_NEWLINK", RTM_NEWLINK, 0, struct.pack("=BxHiII", 0, 0, LOOPBACK, IFF_UP, IFF_UP))

    def add_address(self, family: int, address: str) -> None:
        """Give ``lo`` one more address, alone in its network."""
        raw = _socket.inet_pton(family, address)
        flags = IFA_F_PERMANENT | (IFA_F_NODAD if family == _socket.AF_INET6 else 0)
        head = struct.pack("=BBBBI", family, len(raw) * 8, flags, 0, LOOPBACK)
        body = b"".join(struct.pack("=HH", 4 + len(raw), kind) + raw for kind in (IFA_LOCAL, IFA_ADDRESS))
        self._request("RTM_NEWADDR", RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, head + body)

    def add_local_default(self, family: int) -> None:
        """Deliver every address of ``family`` here: ``ip route add local default dev lo``."""
        head = struct.pack("=BBBBBBBBI", family, 0, 0, 0, RT_TABLE_LOCAL, RTPROT_STATIC, RT_SCOPE_HOST, RTN_LOCAL, 0)
        self._request("RTM_NEWROUTE", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, head + struct.pack("=HHI", 8, RTA_OIF, LOOPBACK))

    def _request(self, name: str, kind: int, flags: int, payload: bytes) -> None:
        self._socket.send(struct.pack("=IHHII", 16 + len(payload), kind, NLM_F_REQUEST | NLM_F_ACK | flags, 1, 0) + payload)
        answer = self._socket.recv(4096)
        (answered,) = struct.unpack_from("=H", answer, 4)
        if answered != NLMSG_ERROR:
            raise OSError(0, f"{name}: unexpected answer {answered}")
        (code,) = struct.unpack_from("=i", answer, 16)
        if code:
            raise OSError(-code, f"{name}: {os.strerror(-code)}")
