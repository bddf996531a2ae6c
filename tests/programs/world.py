"""A machine of the test's own, to run real programs on: names, public-looking addresses, servers, and nothing behind them.

Namespaces make it, so the same test runs as root and as anybody, touches no file of the machine and reaches no network. What is at an address is really at
another machine's address for the kernel, so hosts are ordinary hosts for the gate: nothing about loopback has to be listed.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11

import paddock

__all__ = ["PADDOCK", "Ran", "World"]

# The code of this tree and the libraries that this interpreter has, started the way the installed command starts: isolated.
_START = "import sys; sys.path.extend(sys.argv[1:3]); del sys.argv[1:3]; from paddock.cli.main import main; sys.exit(main(sys.argv[1:]))"
PADDOCK = (sys.executable, "-I", "-S", "-c", _START, str(Path(paddock.__file__).parents[1]), str(Path(h11.__file__).parents[1]))


@dataclass(frozen=True)
class Ran:
    """One finished command. ``report`` is Paddock's report for programs; empty when Paddock was not asked to run it."""

    code: int
    out: str
    err: str
    report: Mapping[str, Any]

    def refused(self, subject: str) -> Mapping[str, Any]:
        """The one refusal whose subject is ``subject``."""
        found = [record for record in self.report["refused"] if record["subject"] == subject]
        assert len(found) == 1, f"{subject} is not refused exactly once: {self.report['refused']}\n{self.out}\n{self.err}"
        return dict(found[0])

    def good(self) -> Ran:
        """The same, after making sure that the command was content and nothing was refused."""
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        assert not self.report or self.report["refused"] == [], self.report["refused"]
        return self


class World:
    """The machine. ``folder`` is for what it has in ``/etc``, and for reports."""

    def __init__(self, folder: Path) -> None:
        self._etc = folder / "etc"
        (self._etc / "apt").mkdir(parents=True)
        drop_ins = self._etc / "ssh" / "ssh_config.d"
        drop_ins.mkdir(parents=True)
        (drop_ins / "20-machine.conf").touch()
        (drop_ins.parent / "ssh_config").write_text("Include /etc/ssh/ssh_config.d/*.conf\n")
        self._hosts = self._etc / "hosts"
        self._hosts.write_text("127.0.0.1 localhost\n::1 localhost\n")
        self._reports = folder / "reports"
        self._reports.mkdir()
        self._count = self._runs = 0
        self._user = os.geteuid() != 0
        own, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        unshare = ["unshare", "--mount", "--net", *(["--user", "--map-current-user", "--keep-caps"] if self._user else [])]
        holder = [sys.executable, "-I", str(Path(__file__).with_name("holder.py")), str(theirs.fileno()), str(self._etc)]
        with theirs:
            self._holder = subprocess.Popen([*unshare, "--", *holder], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._control = own
        answer = own.recv(100)
        self.problem = "" if answer else (self._holder.communicate()[1].strip() or "the holder ended")
        self._machine = answer.split()[0].decode() if answer else ""

    def close(self) -> None:
        """End it; the kernel takes everything back."""
        self._control.close()
        self._holder.communicate()

    # -- names and servers

    def host(self, name: str, *, v4: bool = True, v6: bool = False) -> str:
        """Give ``name`` an address of its own at the neighbour's. Returns the address (the IPv6 one when there are both)."""
        self._count += 1
        address = ""
        with self._hosts.open("a") as file:  # in place: the file itself is mounted
            if v4:
                address = f"203.0.113.{128 + self._count}"
                file.write(f"{address} {name}\n")
            if v6:
                address = f"2001:db8:7:1::{self._count:x}"
                file.write(f"{address} {name}\n")
        return address

    def listen(self, address: str, port: int, kind: str = "tcp") -> socket.socket:
        """A listening (or, for ``udp``, bound) socket at the neighbour's end."""
        self._control.send(json.dumps([address, port, kind]).encode())
        answer, descriptors, _, _ = socket.recv_fds(self._control, 16, 1)
        if not descriptors:
            raise OSError(int(answer), f"listen on {address}:{port}: {os.strerror(int(answer))}")
        return socket.socket(fileno=descriptors[0])

    def apt_file(self, name: str, text: str) -> None:
        """Write a file of the machine's ``/etc/apt``."""
        file = self._etc / "apt" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    # -- commands

    def enter(self, *argv: str | Path, cwd: Path) -> list[str]:
        """The words that start a command on this machine."""
        user = ["--user", "--preserve-credentials"] if self._user else []
        return ["nsenter", f"--target={self._machine}", *user, "--mount", "--net", "--", "/bin/sh", "-c", 'cd "$0" && exec "$@"', str(cwd), *map(str, argv)]

    def unfenced(self, *argv: str | Path, cwd: Path, extra: Mapping[str, str] | None = None) -> Ran:
        """Run a command on this machine without Paddock."""
        return self._run(self.enter(*argv, cwd=cwd), extra, None)

    def paddock(self, *words: str | Path, cwd: Path) -> Ran:
        """A verb of Paddock."""
        return self._run(self.enter(*PADDOCK, *words, cwd=cwd), None, None)

    def run(self, *argv: str | Path, cwd: Path, allow: Sequence[str] = (), options: Sequence[str | Path] = (), extra: Mapping[str, str] | None = None) -> Ran:
        """``paddock run -- ARGV`` with a report. ``allow`` are hosts to list; ``extra`` joins the environment."""
        self._runs += 1
        report = self._reports / f"{self._runs}.json"
        listed = [word for host in allow for word in ("--allow-domain", host)]
        return self._run(self.enter(*PADDOCK, "run", "--json", report, *listed, *options, "--", *argv, cwd=cwd), extra, report)

    def _run(self, words: list[str], extra: Mapping[str, str] | None, report: Path | None) -> Ran:
        done = subprocess.run(
            words, env=os.environ | dict(extra or {}), capture_output=True, text=True, errors="replace", check=False, stdin=subprocess.DEVNULL, timeout=90
        )
        told = json.loads(report.read_text()) if report is not None and report.exists() and report.stat().st_size else {}
        return Ran(done.returncode, done.stdout, done.stderr, told)
