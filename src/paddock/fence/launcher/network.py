"""Steps of the fence's own network: ``lo``, addresses, routes, the capture ruleset, and the sockets that the gate will serve.

Run in the launcher, in parallel with the mounts: both belong to the same namespaces and neither needs the other.
"""

from __future__ import annotations

import _socket
import errno
import os
import struct

from paddock.fence.kernel.netlink import RouteSocket
from paddock.fence.kernel.nftables import load
from paddock.fence.launcher import report
from paddock.fence.launcher.ruleset import ruleset
from paddock.fence.launcher.state import State, Step
from paddock.fence.ports import CAPTURE, DNS_TCP, DNS_UDP, HTTP, SOCKS
from paddock.model.addresses import CAPTURE_PORT, DNS_PORT, GATE_IPV4, GATE_IPV6, HTTP_PROXY_PORT, OWN_IPV4, OWN_IPV6, SOCKS_PROXY_PORT
from paddock.model.plan import Plan

__all__ = ["network_steps"]

BACKLOG = 4096

# Seconds after which the kernel forgets a captured connection that is on its way out. The defaults (up to 120) let a loop of short connections fill the table
# of the whole machine (nf_conntrack-sysctl documentation).
TIMEOUTS = {
    "tcp_timeout_close": 1,
    "tcp_timeout_close_wait": 15,
    "tcp_timeout_fin_wait": 15,
    "tcp_timeout_last_ack": 5,
    "tcp_timeout_syn_recv": 10,
    "tcp_timeout_syn_sent": 10,
    "tcp_timeout_time_wait": 1,
    "udp_timeout": 5,
    "udp_timeout_stream": 5,
}


def network_steps(plan: Plan) -> tuple[Step, ...]:
    """What the launcher does about the network, in order."""
    return (_Link(), _LoadRuleset(plan), _Timeouts(), _Listen(plan))


class _Link:
    """``lo`` up, the fence's and the gate's addresses, and every other address delivered here too."""

    def describe(self) -> str:
        return f"bring up lo with {OWN_IPV4}, {GATE_IPV4}, {OWN_IPV6}, {GATE_IPV6} and local default routes"

    def execute(self, state: State) -> None:
        state.ipv6 = _has_ipv6()
        routes = RouteSocket()
        routes.link_up()
        for family, addresses in ((_socket.AF_INET, (OWN_IPV4, GATE_IPV4)), (_socket.AF_INET6, (OWN_IPV6, GATE_IPV6))):
            if family == _socket.AF_INET6 and not state.ipv6:
                continue
            for address in addresses:
                routes.add_address(family, address)
            routes.add_local_default(family)
        routes.close()


def _has_ipv6() -> bool:
    """A kernel without IPv6 gives nobody inside an IPv6 socket either, so there is nothing to capture."""
    try:
        _socket.socket(_socket.AF_INET6, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC).close()
    except OSError as error:
        if error.errno != errno.EAFNOSUPPORT:
            raise
        return False
    return True


class _LoadRuleset:
    def __init__(self, plan: Plan) -> None:
        self.ports = plan.host_ports

    def describe(self) -> str:
        return f"load the capture ruleset (host ports: {', '.join(map(str, self.ports)) or 'none'})"

    def execute(self, state: State) -> None:
        load(ruleset(self.ports, ipv6=state.ipv6))


class _Timeouts:
    def describe(self) -> str:
        return "shorten the time-outs of the connection table"

    def execute(self, state: State) -> None:
        for name, seconds in TIMEOUTS.items():
            try:
                fd = os.open(f"/proc/sys/net/netfilter/nf_conntrack_{name}", os.O_WRONLY | os.O_CLOEXEC)
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.ENOENT, errno.EROFS):
                    raise
                # In a container whose /proc/sys is read-only. What is reached and refused does not depend on it, only how long the kernel remembers.
                report.send(state.control, report.NOTICE, b"the time-outs of the connection table cannot be shortened on this host")
                return
            os.write(fd, b"%d" % seconds)
            os.close(fd)


class _Listen:
    """The doors. They exist before any command does, so nobody inside can take their place; who accepts is the supervisor's business."""

    def __init__(self, plan: Plan) -> None:
        self.doors = [(CAPTURE, _socket.SOCK_STREAM, CAPTURE_PORT), (DNS_UDP, _socket.SOCK_DGRAM, DNS_PORT), (DNS_TCP, _socket.SOCK_STREAM, DNS_PORT)]
        if plan.doors:
            self.doors += [(HTTP, _socket.SOCK_STREAM, HTTP_PROXY_PORT), (SOCKS, _socket.SOCK_STREAM, SOCKS_PROXY_PORT)]

    def describe(self) -> str:
        return "open the gate's doors: " + ", ".join(f"{role} on port {port}" for role, _, port in self.doors)

    def execute(self, state: State) -> None:
        families = ((4, _socket.AF_INET, GATE_IPV4), (6, _socket.AF_INET6, GATE_IPV6))[: 2 if state.ipv6 else 1]
        made: list[_socket.socket] = []
        labels = b""
        try:
            for role, kind, port in self.doors:
                for number, family, address in families:
                    made.append(_socket.socket(family, kind | _socket.SOCK_CLOEXEC))
                    made[-1].bind((address, port))
                    if kind == _socket.SOCK_STREAM:
                        made[-1].listen(BACKLOG)
                    labels += struct.pack("=BB", report.ROLES.index(role), number)
            report.send(state.control, report.LISTENERS, labels, tuple(door.fileno() for door in made))
        finally:
            for door in made:
                door.close()
