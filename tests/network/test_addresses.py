from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.model.hosts import Host, parse_address, parse_host
from paddock.network.addresses import Kind, embedded_v4, is_synthetic_range, kind_of


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("93.184.216.34", Kind.PUBLIC),
        ("2606:2800:220:1::1", Kind.PUBLIC),
        ("198.18.0.1", Kind.PUBLIC),
        ("9.255.255.255", Kind.PUBLIC),
        ("11.0.0.0", Kind.PUBLIC),
        ("172.15.255.255", Kind.PUBLIC),
        ("172.32.0.0", Kind.PUBLIC),
        ("10.0.0.0", Kind.PRIVATE),
        ("10.255.255.1", Kind.PRIVATE),
        ("172.16.0.1", Kind.PRIVATE),
        ("172.31.255.255", Kind.PRIVATE),
        ("192.168.1.1", Kind.PRIVATE),
        ("100.64.0.1", Kind.PRIVATE),
        ("fd12::1", Kind.PRIVATE),
        ("127.0.0.1", Kind.LOOPBACK),
        ("127.255.255.254", Kind.LOOPBACK),
        ("::1", Kind.LOOPBACK),
        ("::ffff:127.0.0.1", Kind.LOOPBACK),
        ("0.0.0.0", Kind.UNSPECIFIED),
        ("::", Kind.UNSPECIFIED),
        ("169.254.1.1", Kind.LINK_LOCAL),
        ("fe80::1", Kind.LINK_LOCAL),
        ("169.254.169.254", Kind.METADATA),
        ("169.254.170.2", Kind.METADATA),
        ("100.100.100.200", Kind.METADATA),
        ("168.63.129.16", Kind.METADATA),
        ("fd00:ec2::254", Kind.METADATA),
        ("224.0.0.1", Kind.MULTICAST),
        ("ff02::1", Kind.MULTICAST),
        ("255.255.255.255", Kind.RESERVED),
        ("64:ff9b::7f00:1", Kind.LOOPBACK),
        ("64:ff9b::a9fe:a9fe", Kind.METADATA),
        ("64:ff9b::5db8:d822", Kind.PUBLIC),
        ("2002:7f00:1::", Kind.LOOPBACK),
        ("2002:a00:1::1", Kind.PRIVATE),
    ],
)
def test_kinds(address: str, kind: Kind) -> None:
    assert kind_of(parse_host(address)) is kind


def test_a_name_has_no_kind() -> None:
    with pytest.raises(ValueError, match="not an address"):
        kind_of(parse_host("a.example"))


@given(st.binary(min_size=4, max_size=4))
def test_a_translator_changes_no_kind(packed: bytes) -> None:
    plain = parse_address(packed)
    translated = parse_address(bytes.fromhex("0064ff9b") + bytes(8) + packed)
    assert embedded_v4(translated) == plain
    assert kind_of(translated) is kind_of(plain)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("198.18.0.0", True),
        ("198.19.255.253", True),
        ("198.17.255.255", False),
        ("198.20.0.0", False),
        ("fd5a:7061:6464::253", True),
        ("fd5a:7061:6465::1", False),
    ],
)
def test_the_fence_knows_its_own_range(address: str, inside: bool) -> None:
    assert is_synthetic_range(parse_host(address)) is inside


def test_a_name_is_in_no_range() -> None:
    assert not is_synthetic_range(Host("a.example"))
