"""What an ELF file asks the kernel to open beside itself (elf(5), PT_INTERP). Pure."""

from __future__ import annotations

import struct

__all__ = ["HEAD_BYTES", "interpreter_of"]

HEAD_BYTES = 1 << 16
"""How much of a file is looked at: program headers and the name of the loader stand at the beginning."""

_MAGIC = b"\x7fELF"
_PT_INTERP = 3
_MOST_HEADERS = 256


def interpreter_of(head: bytes) -> str:
    """The dynamic loader that a program names, an absolute path; empty for a static program and for anything else. ``head`` is the beginning of the file."""
    if len(head) < 64 or not head.startswith(_MAGIC) or head[4] not in (1, 2) or head[5] not in (1, 2):
        return ""
    order = "<" if head[5] == 1 else ">"
    wide = head[4] == 2
    try:
        table = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, 32 if wide else 28)[0]
        size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
        for number in range(min(count, _MOST_HEADERS)):
            at = table + number * size
            if struct.unpack_from(f"{order}I", head, at)[0] != _PT_INTERP:
                continue
            offset = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, at + (8 if wide else 4))[0]
            length = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, at + (32 if wide else 16))[0]
            name = head[offset : offset + length].partition(b"\0")[0]
            return name.decode("utf-8", "surrogateescape") if name.startswith(b"/") else ""
    except (struct.error, OverflowError):
        return ""
    return ""
