"""Synthetic addresses: inside the fence every name is an address of its own, so that a captured connection still says which name it was made for. Pure.

Addresses come from 198.18.0.0/15 by a keyed hash (stable within a run, unpredictable between runs) and are never given to another name: a program may keep an
address for as long as it likes. Refused names share a ring that is overwritten in turn; it only serves to explain the refusal when a program connects anyway.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b
from threading import Lock

from paddock.model.hosts import Host, parse_address

__all__ = ["NameTable"]

BASE = 0xC6120000
"""198.18.0.0."""
ALLOWED_SLOTS = 0x1FE00
"""198.18.0.0 to 198.19.253.255: one slot for each allowed name."""
RING_START = 0x1FE01
RING_SLOTS = 254
"""198.19.254.1 to 198.19.254.254. The /24 above it belongs to the fence itself."""
NAMES_LIMIT = 16_384
"""Most names that get an address of their own in one run; about 4 MB."""


class NameTable:
    """Which address stands for which name. Safe to use from any thread; bounded whatever is asked."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key if key is not None else secrets.token_bytes(32)
        self._lock = Lock()
        self._slot_of: dict[str, int] = {}
        self._name_of: dict[int, str] = {}
        self._ring: dict[int, str] = {}
        self._ring_of: dict[str, int] = {}
        self._ring_next = 0

    def allowed(self, name: str) -> Host | None:
        """The address of an allowed name, or None when the run has used up its names."""
        with self._lock:
            slot = self._slot_of.get(name)
            if slot is None:
                if len(self._slot_of) >= NAMES_LIMIT:
                    return None
                slot = self._free_slot(name)
                self._slot_of[name] = slot
                self._name_of[slot] = name
        return _address(slot)

    def refused(self, name: str) -> Host:
        """An address for a name that may not be reached; it stands for this name until the ring comes round."""
        with self._lock:
            slot = self._ring_of.get(name)
            if slot is None:
                slot = self._ring_next
                self._ring_next = (slot + 1) % RING_SLOTS
                self._ring_of.pop(self._ring.get(slot, ""), None)
                self._ring[slot] = name
                self._ring_of[name] = slot
        return _address(RING_START + slot)

    def name_of(self, address: Host) -> str | None:
        """The name behind a synthetic address, from either half; None when it stands for nothing."""
        if len(address.packed) != 4:
            return None
        slot = int.from_bytes(address.packed, "big") - BASE
        with self._lock:
            if RING_START <= slot < RING_START + RING_SLOTS:
                return self._ring.get(slot - RING_START)
            return self._name_of.get(slot)

    def is_refused(self, address: Host) -> bool:
        """Whether the address lies in the ring: whatever name it has now, it may have had another when it was handed out."""
        return len(address.packed) == 4 and RING_START <= int.from_bytes(address.packed, "big") - BASE < RING_START + RING_SLOTS

    def _free_slot(self, name: str) -> int:
        digest = blake2b(name.encode("ascii"), key=self._key, digest_size=8).digest()
        slot = int.from_bytes(digest, "big") % ALLOWED_SLOTS
        while slot in self._name_of or slot & 0xFF in (0, 0xFF):  # some programs take .0 and .255 for networks and broadcasts
            slot = (slot + 1) % ALLOWED_SLOTS
        return slot


def _address(slot: int) -> Host:
    return parse_address((BASE + slot).to_bytes(4, "big"))
