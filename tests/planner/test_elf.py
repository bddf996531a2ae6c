"""The loader that a program names."""

from __future__ import annotations

import struct

import pytest

from paddock.planner.elf import interpreter_of


def program(loader: bytes, *, wide: bool = True, order: str = "<") -> bytes:
    """The beginning of an ELF file with two program headers."""
    identity = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1)) + bytes(9)
    head, size = (64, 56) if wide else (52, 32)
    at = head + 2 * size
    if wide:
        header = struct.pack(f"{order}HHIQQQIHHHHHH", 3, 62, 1, 0, head, 0, 0, head, size, 2, 0, 0, 0)
        entries = struct.pack(f"{order}IIQQQQQQ", 6, 0, 0, 0, 0, 0, 0, 0) + struct.pack(f"{order}IIQQQQQQ", 3, 0, at, 0, 0, len(loader), 0, 0)
    else:
        header = struct.pack(f"{order}HHIIIIIHHHHHH", 3, 3, 1, 0, head, 0, 0, head, size, 2, 0, 0, 0)
        entries = struct.pack(f"{order}8I", 6, 0, 0, 0, 0, 0, 0, 0) + struct.pack(f"{order}8I", 3, at, 0, 0, len(loader), 0, 0, 0)
    return identity + header + entries + loader + bytes(64)


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_it_is_read_in_every_form(wide: bool, order: str) -> None:
    assert interpreter_of(program(b"/lib/ld.so\0", wide=wide, order=order)) == "/lib/ld.so"


@pytest.mark.parametrize(
    "head",
    [b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF" + b"\xff" * 200, program(b"ld.so\0"), program(b"/lib/ld.so\0")[:100], b"\x7fELF\x02\x01" + b"\xff" * 200],
)
def test_anything_else_names_none(head: bytes) -> None:
    assert interpreter_of(head) == ""


def test_a_real_one() -> None:
    with open("/proc/self/exe", "rb") as file:
        found = interpreter_of(file.read(1 << 16))
    assert found == "" or "ld" in found
