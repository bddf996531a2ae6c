from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from paddock.model.hosts import parse_host
from paddock.network import names as module
from paddock.network.addresses import is_synthetic_range
from paddock.network.names import NameTable


@given(st.lists(st.from_regex(r"[a-z]{1,8}\.example", fullmatch=True), max_size=60))
def test_an_address_belongs_to_one_name_for_ever(asked: list[str]) -> None:
    table = NameTable()
    given_out: dict[str, str] = {}
    for name in asked:
        address = table.allowed(name)
        assert address is not None
        assert is_synthetic_range(address)
        assert not table.is_refused(address)
        assert given_out.setdefault(address.text, name) == name
        assert table.name_of(address) == name


def test_addresses_depend_on_the_key_of_the_run() -> None:
    def first(key: bytes) -> object:
        return NameTable(key).allowed("a.example")

    assert first(b"one") == first(b"one")
    assert first(b"one") != first(b"two")


def test_collisions_move_on() -> None:
    table = NameTable(b"k")
    addresses = {table.allowed(f"n{i}.example") for i in range(5000)}
    assert len(addresses) == 5000


def test_addresses_end_neither_in_0_nor_in_255() -> None:
    table = NameTable(b"k")
    ends = {address.packed[3] for i in range(5000) if (address := table.allowed(f"n{i}.example"))}
    ends |= {table.refused(f"n{i}.example").packed[3] for i in range(1000)}
    assert ends.isdisjoint({0, 255})


def test_refused_names_share_a_ring() -> None:
    table = NameTable()
    kept = table.allowed("good.example")
    addresses = [table.refused(f"n{i}.example") for i in range(10_000)]
    assert len(set(addresses)) == module.RING_SLOTS
    assert table.is_refused(addresses[-1])
    assert table.name_of(addresses[-1]) == "n9999.example"
    assert kept is not None
    assert table.name_of(kept) == "good.example"
    assert len(table._ring) == len(table._ring_of) == module.RING_SLOTS


def test_a_refused_name_keeps_its_slot_while_it_can() -> None:
    table = NameTable()
    assert table.refused("a.example") == table.refused("a.example")


def test_names_run_out_instead_of_being_given_twice() -> None:
    table = NameTable()
    for i in range(module.NAMES_LIMIT):
        assert table.allowed(f"n{i}.example") is not None
    assert table.allowed("one-too-many.example") is None
    assert table.allowed("n0.example") is not None


def test_other_addresses_stand_for_nothing() -> None:
    table = NameTable()
    for text in ("10.0.0.1", "198.18.0.1", "198.19.254.9", "198.19.255.253", "::1", "fd5a:7061:6464::253"):
        assert table.name_of(parse_host(text)) is None
    assert not table.is_refused(parse_host("198.19.255.253"))
