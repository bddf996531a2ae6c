"""The nftables ruleset of a fence, as text. Pure.

Every TCP connection that is not to loopback, and every DNS question whoever it is addressed to, is delivered to the gate; the kernel keeps the original
destination for it. Everything else that is not TCP ends here: the local default route delivers it to this very namespace, where nobody listens. UDP is kept out
of the connection table, because one sender could fill the whole machine's with distinct addresses within seconds; the resolver's own packets are in it.
"""

from __future__ import annotations

from paddock.model.addresses import CAPTURE_PORT, DNS_PORT, GATE_IPV4, GATE_IPV6

__all__ = ["ruleset"]

TABLE = "paddock"
HOST_PORTS = "host_ports"


def ruleset(host_ports: tuple[int, ...], *, ipv6: bool = True) -> str:
    """nft(8) input. ``host_ports`` are loopback ports that stand for the host's services: connections to them go to the gate too."""
    gates = [("ipv4", "ip", GATE_IPV4, GATE_IPV4, "127.0.0.0/8")] + ([("ipv6", "ip6", GATE_IPV6, f"[{GATE_IPV6}]", "::1")] if ipv6 else [])
    elements = f" elements = {{ {', '.join(map(str, sorted(set(host_ports))))} }};" if host_ports else ""
    return "\n".join(
        (
            f"table inet {TABLE} {{",
            f" set {HOST_PORTS} {{ type inet_service;{elements} }}",
            " chain raw_out { type filter hook output priority -300; policy accept;",
            "  udp dport 53 accept",
            *(f"  meta l4proto udp {ip} saddr {gate} accept" for _, ip, gate, _, _ in gates),
            "  meta l4proto udp notrack",
            " }",
            " chain raw_pre { type filter hook prerouting priority -300; policy accept;",
            *(f"  meta l4proto udp {ip} {side} {gate} accept" for _, ip, gate, _, _ in gates for side in ("daddr", "saddr")),
            "  udp sport 53 accept",
            "  meta l4proto udp notrack",
            " }",
            " chain capture { type nat hook output priority -100; policy accept;",
            # Questions first: the nameserver that resolv.conf inside names is the gate itself, which answers on another port than 53.
            *(f"  meta nfproto {nf} {proto} dport 53 dnat {ip} to {to}:{DNS_PORT}" for nf, ip, _, to, _ in gates for proto in ("udp", "tcp")),
            *(f"  {ip} daddr {gate} accept" for _, ip, gate, _, _ in gates),
            *(f"  {ip} daddr {loop} tcp dport @{HOST_PORTS} dnat {ip} to {to}:{CAPTURE_PORT}" for _, ip, _, to, loop in gates),
            *(f"  {ip} daddr {loop} accept" for _, ip, _, _, loop in gates),
            *(f"  meta nfproto {nf} meta l4proto tcp dnat {ip} to {to}:{CAPTURE_PORT}" for nf, ip, _, to, _ in gates),
            " }",
            "}",
            "",
        )
    )
