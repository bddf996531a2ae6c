from __future__ import annotations

import socket
import struct

import pytest

from paddock.model.hosts import Host, parse_host
from paddock.network.capture import original_destination


class Accepted:
    """An accepted socket as far as the question goes; ``answer`` is what the kernel gives."""

    def __init__(self, family: int, here: tuple[str, int], answer: bytes | OSError) -> None:
        self.family = family
        self._here = here
        self._answer = answer
        self.asked: tuple[int, int, int] | None = None

    def getsockopt(self, level: int, option: int, size: int) -> bytes:
        self.asked = (level, option, size)
        if isinstance(self._answer, OSError):
            raise self._answer
        return self._answer

    def getsockname(self) -> tuple[str, int]:
        return self._here


def v4(text: str, port: int) -> bytes:
    return struct.pack("=H", socket.AF_INET) + port.to_bytes(2, "big") + socket.inet_aton(text) + bytes(8)


def v6(text: str, port: int) -> bytes:
    return struct.pack("=H", socket.AF_INET6) + port.to_bytes(2, "big") + bytes(4) + socket.inet_pton(socket.AF_INET6, text) + bytes(4)


def ask(accepted: Accepted) -> tuple[Host, int] | None:
    return original_destination(accepted)  # type: ignore[arg-type]  # only what is asked of it


def test_ipv4() -> None:
    accepted = Accepted(socket.AF_INET, ("198.19.255.253", 1), v4("93.184.216.34", 443))
    assert ask(accepted) == (parse_host("93.184.216.34"), 443)
    assert accepted.asked == (0, 80, 16)


def test_ipv6() -> None:
    accepted = Accepted(socket.AF_INET6, ("fd5a:7061:6464::253", 1), v6("2001:db8::1", 443))
    assert ask(accepted) == (parse_host("2001:db8::1"), 443)
    assert accepted.asked == (41, 80, 28)


@pytest.mark.parametrize("answer", [v4("198.19.255.253", 1), OSError(2, "no entry"), b"", b"\2\0\0"])
def test_the_gate_itself_and_the_unreadable_have_no_destination(answer: bytes | OSError) -> None:
    assert ask(Accepted(socket.AF_INET, ("198.19.255.253", 1), answer)) is None


def test_a_connection_without_translation_has_no_destination() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()[:2]):
        accepted, _ = listener.accept()
        with accepted:
            assert original_destination(accepted) is None
