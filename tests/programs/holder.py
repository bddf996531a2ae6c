"""Holds the namespaces of one test world. A program of its own, started by ``unshare(1)``: see ``world.py``.

It is one machine with one neighbour. The machine has the test's hosts file and a cable; the neighbour, a network namespace at the cable's other end, owns every
address of two public-looking ranges (RFC 5737, RFC 3849). There is no way further out. Listening sockets are made at the neighbour's end and handed over, so
servers can run wherever their test runs.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

CLONE_NEWNET = 0x40000000
IP_FREEBIND = 15  # ip(7); no name for it in Python
NEIGHBOUR_V4, NEIGHBOUR_V6 = "203.0.113.128/25", "2001:db8:7:1::/64"


def call(*argv: str) -> None:
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)


def be_the_machine(etc: str, neighbour: int) -> None:
    call("mount", "--bind", f"{etc}/hosts", "/etc/hosts")
    for folder in ("apt", "ssh"):
        if os.path.isdir(f"/etc/{folder}"):
            call("mount", "--bind", f"{etc}/{folder}", f"/etc/{folder}")
    drop_in = comment_of_root()
    if drop_in and os.path.isdir("/etc/ssh"):
        call("mount", "--bind", drop_in, "/etc/ssh/ssh_config.d/20-machine.conf")

    call("ip", "link", "set", "lo", "up")
    call("ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", str(neighbour))
    call("ip", "address", "add", "203.0.113.1/30", "dev", "near0")
    call("ip", "-6", "address", "add", "2001:db8:7::1/64", "dev", "near0", "nodad")
    call("ip", "link", "set", "near0", "up")
    call("ip", "route", "add", NEIGHBOUR_V4, "via", "203.0.113.2")
    call("ip", "-6", "route", "add", NEIGHBOUR_V6, "via", "2001:db8:7::2")


def comment_of_root() -> str:
    """A file that root owns and that says nothing, for a place where only its owner matters. Empty when there is none."""
    for file in sorted(Path("/etc/security").glob("*.conf")):
        if file.stat().st_mode & 0o044 == 0o044 and all(line[0] in "#\n" for line in file.read_text().splitlines(keepends=True)):
            return str(file)
    return ""


def be_the_neighbour() -> None:
    call("ip", "link", "set", "lo", "up")
    call("ip", "address", "add", "203.0.113.2/30", "dev", "far0")
    call("ip", "-6", "address", "add", "2001:db8:7::2/64", "dev", "far0", "nodad")
    call("ip", "link", "set", "far0", "up")
    call("ip", "route", "add", "local", NEIGHBOUR_V4, "dev", "far0")
    call("ip", "-6", "route", "add", "local", NEIGHBOUR_V6, "dev", "far0")


def hand_out_sockets(control: socket.socket) -> None:
    """Each request is ``[address, port, kind]``; the answer is an error number and, when that is 0, a bound socket."""
    while request := control.recv(4096):
        address, port, kind = json.loads(request)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
        with made:
            try:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                made.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)  # a route makes the ranges local; for IPv6 that alone is not enough to bind
                made.bind((address, port))
                if kind == "tcp":
                    made.listen(64)
            except OSError as error:
                control.send(str(error.errno).encode())
            else:
                socket.send_fds(control, [b"0"], [made.fileno()])


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    ready, made = os.pipe()
    go, connected = os.pipe()
    neighbour = os.fork()
    if neighbour == 0:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        os.write(made, b"!")
        os.close(connected)
        if not os.read(go, 1):
            return
        be_the_neighbour()
        control.send(f"{os.getppid()} {os.getpid()}".encode())
        hand_out_sockets(control)
        return
    control.close()
    os.close(made)
    os.read(ready, 1)
    be_the_machine(sys.argv[2], neighbour)
    os.write(connected, b"!")
    os.waitpid(neighbour, 0)


main()
