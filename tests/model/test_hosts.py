from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.model.hosts import Host, HostError, parse_address, parse_host, parse_pattern, parse_target, show


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("_ldap._tcp.example.com", "_ldap._tcp.example.com"),
        ("localhost", "localhost"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        ("3com.example", "3com.example"),
    ],
)
def test_names_have_one_form(written: str, canonical: str) -> None:
    host = parse_host(written)
    assert (host.text, host.is_address) == (canonical, False)


@pytest.mark.parametrize(
    "written",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0X7F.1",
        "0177.0.0.1",
        "017700000001",
        "[::ffff:127.0.0.1]",
        "::ffff:7f00:1",
        "::127.0.0.1",
        "[::7f00:1]",
        "①②⑦.0.0.1",
        "127。0。0。1",
    ],
)
def test_every_spelling_of_an_address_is_that_address(written: str) -> None:
    assert parse_host(written) == Host("127.0.0.1", b"\x7f\0\0\x01")


@pytest.mark.parametrize(("written", "canonical"), [("[2001:DB8:0:0::1]", "2001:db8::1"), ("::1", "::1"), ("[::]", "::"), ("fe80::1", "fe80::1")])
def test_ipv6_has_one_form(written: str, canonical: str) -> None:
    host = parse_host(written)
    assert (host.text, host.is_v6, host.at(443)) == (canonical, True, f"[{canonical}]:443")


@pytest.mark.parametrize(
    "written",
    [
        "",
        ".",
        "..",
        "a..b",
        ".example.com",
        "example.com..",
        "exa mple.com",
        "example.com\0.evil",
        "a\r\nb",
        "%64enied.test",
        "user@example.com",
        "example.com/x",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5),
        "1.2.3.256",
        "256.1.1.1",
        "1.2.3.4.5",
        "0x100000000",
        "08.1.1.1",
        "1.2.3.0x",
        "0x-1.1.1.1",
        "1_0.1.1.1",
        "+1.1.1.1",
        "٣.1.1.1x.5",
        "fe80::1%eth0",
        "[fe80::1%25lo]",
        "[::1",
        "::1]",
        "[127.0.0.1]",
        "1::2::3",
        "[::1]x",
        "foo.123",
        "*.example.com",
        "a\uff0fb.example",
        "\udcff.example",
    ],
)
def test_what_is_no_host_is_refused(written: str) -> None:
    with pytest.raises(HostError):
        parse_host(written)


@pytest.mark.parametrize("written", ["1.2.3.4", "127.1", "0x7f.1", "0177.1", "1.2.3", "4294967295", "0", "1.0xffffff"])
def test_numbers_read_as_the_c_library_reads_them(written: str) -> None:
    assert parse_host(written).packed == socket.inet_aton(written)


@given(st.text(max_size=80) | st.text("0123456789abcdefxX.:[]-*%", max_size=40))
def test_parsing_is_total_and_stable(text: str) -> None:
    try:
        host = parse_host(text)
    except HostError:
        return
    assert parse_host(host.text) == host
    assert host.text == host.text.lower()
    assert set(host.text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.:")


@given(st.integers(0, 2**32 - 1), st.sampled_from(["{0}", "0x{0:x}", "0{0:o}"]))
def test_integers_are_addresses(value: int, form: str) -> None:
    assert parse_host(form.format(value)).packed == value.to_bytes(4, "big")


@given(st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16))
def test_addresses_survive_their_text(packed: bytes) -> None:
    host = parse_address(packed)
    assert parse_host(host.text) == host


@pytest.mark.parametrize("packed", [b"", b"abc", b"12345", bytes(17)])
def test_an_address_has_four_or_sixteen_octets(packed: bytes) -> None:
    with pytest.raises(HostError):
        parse_address(packed)


def matches(kind: str, entry: str, host: str, port: int) -> bool:
    try:
        parsed = parse_host(host)
    except HostError:
        return False
    return any(pattern.matches(parsed, port) for pattern in parse_pattern(entry, kind))


@pytest.mark.parametrize(
    ("kind", "entry", "host", "port", "expected"),
    [
        pytest.param("allow", "*.forge.example", "a.b.forge.example", 443, True, id="pt-dom-04"),
        pytest.param("allow", "*.forge.example", "forge.example", 443, False, id="pt-dom-05"),
        pytest.param("allow", "forge.example:443", "forge.example", 443, True, id="pt-dom-07"),
        pytest.param("allow", "forge.example:443", "forge.example", 8443, False, id="pt-dom-08"),
        pytest.param("allow", "FORGE.example", "forge.EXAMPLE", 443, True, id="pt-dom-09"),
        pytest.param("allow", "[::1]:443", "::1", 443, True, id="pt-dom-11"),
        pytest.param("allow", "[::1]:443", "::1", 80, False, id="pt-dom-12"),
        pytest.param("allow", "::1:443", "::1", 80, False, id="pt-dom-13"),
        pytest.param("deny", "::1:443", "::1", 443, True, id="pt-dom-14"),
        pytest.param("deny", "*:22", "any.example", 22, True, id="pt-dom-16"),
        pytest.param("allow", "*.forge.example", "1.2.3.4%x.forge.example", 443, False, id="pt-dom-18"),
        pytest.param("allow", "*.forge.example", "10.0.0.9.nip.example\0.forge.example", 443, False, id="pm-net-15"),
        pytest.param("allow", "*.example.com", "evilexample.com", 443, False, id="pm-web-09"),
        pytest.param("allow", "*", "any.test", 443, True, id="pm-web-10"),
        pytest.param("allow", "example.*", "example.org", 443, True, id="pm-web-11"),
        pytest.param("allow", "example.*", "example.evil.com", 443, False, id="pm-web-12"),
        pytest.param("allow", "api-*.example.com", "api-eu.example.com", 443, True, id="pm-web-13"),
        pytest.param("allow", "api-*.example.com", "api-a.b.example.com", 443, False, id="pm-web-14"),
        pytest.param("allow", "a*b*c.example", "a-bb-c.example", 1, True, id="stars-in-order"),
        pytest.param("allow", "a*b*c.example", "a-c-b.example", 1, False, id="stars-out-of-order"),
        pytest.param("allow", "ab*bc.example", "abc.example", 1, False, id="no-overlap"),
        pytest.param("allow", "*", "93.184.216.34", 443, False, id="star-allows-no-address"),
        pytest.param("deny", "*", "93.184.216.34", 443, True, id="star-denies-addresses"),
        pytest.param("allow", "*.example", "1.2.3.4", 443, False, id="wildcard-never-an-address"),
        pytest.param("deny", "*.example", "1.2.3.4", 443, False, id="wildcard-denies-no-address"),
        pytest.param("allow", "127.0.0.1", "0x7f.1", 80, True, id="spelling-of-the-host"),
        pytest.param("allow", "0x7f.1:80", "127.0.0.1", 80, True, id="spelling-of-the-entry"),
        pytest.param("deny", "[::ffff:10.0.0.1]", "10.0.0.1", 80, True, id="mapped-entry"),
        pytest.param("deny", "::1:443", "::1:443", 80, True, id="deny-takes-the-whole-reading-too"),
        pytest.param("allow", "::1:443", "::1:443", 443, False, id="allow-takes-the-narrow-reading-only"),
        pytest.param("allow", "bücher.example.", "XN--BCHER-KVA.example", 80, True, id="idna-entry"),
    ],
)
def test_patterns(kind: str, entry: str, host: str, port: int, expected: bool) -> None:
    assert matches(kind, entry, host, port) is expected


@pytest.mark.parametrize(
    "entry",
    [
        "https://forge.example/x",
        "forge.example/x",
        "10.0.0.0/8",
        "",
        ":443",
        "forge.example:",
        "forge.example:0",
        "forge.example:65536",
        "forge.example:٤",
        "a b",
        "forge.example:+1",
        "*.1",
        "10.0.0.*",
        "*..x",
        "fe80::1%lo",
        "[::1]443",
        "[::1",
        "2001:db8:0:0:0:0:0:1",
        "user@forge.example",
        "for%67e.example",
        "**.x.%",
    ],
)
def test_what_is_no_pattern_is_refused(entry: str) -> None:
    with pytest.raises(HostError) as caught:
        parse_pattern(entry, "allow")
    assert caught.value.code == "not_a_host"


def test_the_hint_names_what_was_meant() -> None:
    with pytest.raises(HostError) as caught:
        parse_pattern("https://forge.example/x", "allow")
    assert caught.value.hint == "forge.example"
    with pytest.raises(HostError) as caught:
        parse_pattern("2001:db8:0:0:0:0:0:1", "allow")
    assert caught.value.hint == "[2001:db8:0:0:0:0:0:1]"


def test_a_list_is_allow_or_deny() -> None:
    with pytest.raises(ValueError, match="no such list"):
        parse_pattern("a.example", "ask")


@given(st.text("ab*.-", min_size=1, max_size=12), st.text("ab.-", min_size=1, max_size=12))
def test_deny_is_never_weaker_than_allow(entry: str, host: str) -> None:
    try:
        allowed = parse_pattern(entry, "allow")
        parsed = parse_host(host)
    except HostError:
        return
    if any(p.matches(parsed, 443) for p in allowed):
        assert any(p.matches(parsed, 443) for p in parse_pattern(entry, "deny"))


@given(st.text(max_size=60), st.sampled_from(["allow", "deny"]))
def test_parsing_patterns_is_total(entry: str, kind: str) -> None:
    try:
        found = parse_pattern(entry, kind)
    except HostError:
        return
    assert found


@pytest.mark.parametrize(("written", "host", "port"), [("a.example:1", "a.example", 1), ("[::1]:443", "::1", 443), ("127.1:80", "127.0.0.1", 80)])
def test_targets(written: str, host: str, port: int) -> None:
    found, number = parse_target(written)
    assert (found.text, number) == (host, port)


def test_a_target_may_have_a_default_port() -> None:
    assert parse_target("a.example", 80)[1] == 80
    assert parse_target("[::1]", 80)[0].text == "::1"


@pytest.mark.parametrize("written", ["a.example", "a.example:", "::1:443", "a.example:99999", "a@b:1", "[a.example]:1", "a.example:1:2", ":1"])
def test_what_is_no_target_is_refused(written: str) -> None:
    with pytest.raises(HostError):
        parse_target(written)


@given(st.text(max_size=300))
def test_shown_text_is_short_and_printable(text: str) -> None:
    shown = show(text)
    assert len(shown) <= 120
    assert all(" " <= c <= "~" for c in shown)


def test_names_load_nothing_heavy() -> None:
    code = (
        "import sys; from paddock.model.hosts import parse_pattern; parse_pattern('*.a.example:443', 'allow'); "
        "print('socket' in sys.modules, 'encodings.idna' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-S", "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
