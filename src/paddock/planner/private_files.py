"""Files that exist only inside: where names are resolved and which names are local."""

from __future__ import annotations

from paddock.model.addresses import GATE_IPV4
from paddock.model.plan import PrivateFile
from paddock.model.settings import Origin, Scope
from paddock.planner.view import View

__all__ = ["name_files"]

_FENCE = Origin(Scope.BUILTIN, "builtin", text="the fence itself")

# Names may hold anything when they come from uname(2); only what a hosts file can hold is written.
_HOST_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")


def name_files(view: View, hostname: str) -> tuple[PrivateFile, ...]:
    """``/etc/resolv.conf`` and ``/etc/hosts`` at the places where they really are (often a link into ``/run``).

    No search list: a short name must not become a longer one that nobody allowed. A host without ``/etc/resolv.conf`` gets none: nothing can be mounted where
    nothing is, and the resolver then asks 127.0.0.1 (resolv.conf(5)), where the fence captures nothing and answers nothing.
    """
    files: list[PrivateFile] = []
    for path, content in (("/etc/resolv.conf", _resolv_conf()), ("/etc/hosts", _hosts(hostname))):
        found = view.resolve(path)
        if found.kind is not None or found.path.startswith("/run/"):
            files.append(PrivateFile(found.path, content, 0o444, _FENCE))
    return tuple(files)


def _resolv_conf() -> bytes:
    # One attempt of five seconds is what an unanswered question may cost; the gate always answers.
    return f"nameserver {GATE_IPV4}\noptions timeout:5 attempts:1\n".encode()


def _hosts(hostname: str) -> bytes:
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    if hostname and hostname != "localhost" and _HOST_NAME.issuperset(hostname):
        lines.append(f"127.0.0.1 {hostname}")
    return ("\n".join(lines) + "\n").encode()
