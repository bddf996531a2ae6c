from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.model.events import Event
from paddock.network.decide import Decider
from paddock.network.dns import Answerer
from paddock.network.names import NameTable
from paddock.network.ports import DNS_TCP, DNS_UDP
from paddock.network.tell import Teller
from tests.network.support import TIMEOUT, Records, Rig, Sink, policy, read_all, read_exactly, running

NET = policy("allowed.test:443", "*.wild.test", "127.0.0.1:80", denied=("sub.wild.test",), dns_names=("_svc._tcp.real.test",))


class Bench:
    def __init__(self) -> None:
        self.sink, self.records, self.table = Sink(), Records(), NameTable()
        decider = Decider(NET)
        self.answerer = Answerer(lambda: decider, self.table, Teller(self.sink), self.records)

    def ask(self, name: str, kind: str = "A", *, udp: bool = True) -> dns.message.Message:
        wire = self.answerer.answer(dns.message.make_query(name, kind).to_wire(), udp=udp)
        assert wire is not None
        return dns.message.from_wire(wire)

    def violations(self) -> list[str]:
        return [e.subject for e in self.sink.of("violation")]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def records(answer: dns.message.Message) -> list[str]:
    return [record.to_text() for rows in answer.answer for record in rows]


def test_an_allowed_name_has_one_address_for_the_run(bench: Bench) -> None:
    first = records(bench.ask("allowed.test"))
    assert len(first) == 1
    assert first == records(bench.ask("ALLOWED.test.")) == records(bench.ask("allowed.test", udp=False))
    assert first != records(bench.ask("a.wild.test"))
    assert bench.violations() == []


def test_a_refused_name_has_an_address_that_explains(bench: Bench) -> None:
    (address,) = records(bench.ask("denied.test"))
    assert address.startswith("198.19.254.")
    assert bench.ask("denied.test", "AAAA").rcode() == dns.rcode.NOERROR
    assert bench.violations() == ["denied.test"]
    event = bench.sink.of("violation")[0]
    assert (event.area, event.act) == ("dns", "lookup")
    assert "--allow-domain denied.test" in event.remedy


def test_a_denied_name_names_its_rule(bench: Bench) -> None:
    bench.ask("sub.wild.test")
    rule = bench.sink.of("violation")[0].rule
    assert rule is not None
    assert rule.text == "sub.wild.test"


@pytest.mark.parametrize("kind", ["AAAA", "HTTPS", "SVCB"])
def test_ordinary_types_are_answered_empty_and_quietly(bench: Bench, kind: str) -> None:
    answer = bench.ask("allowed.test", kind)
    assert (answer.rcode(), records(answer)) == (dns.rcode.NOERROR, [])
    assert bench.violations() == []


@pytest.mark.parametrize("kind", ["TXT", "MX", "ANY", "NULL", "CNAME", "SRV", "NS", "SOA", "TYPE65534"])
@pytest.mark.parametrize("name", ["allowed.test", "data.denied.test"])
def test_every_other_type_is_answered_empty_and_told(bench: Bench, kind: str, name: str) -> None:
    answer = bench.ask(name, kind)
    assert (answer.rcode(), records(answer)) == (dns.rcode.NOERROR, [])
    assert bench.violations() == [f"{kind} {name}"]
    assert bench.records.asked == []


def test_listed_records_are_really_asked_for(bench: Bench) -> None:
    bench.records.table["_svc._tcp.real.test", "SRV"] = ["0 0 443 host.real.test."]
    bench.records.table["_svc._tcp.real.test", "TXT"] = ['"v=1"']
    assert records(bench.ask("_svc._tcp.real.test", "SRV")) == ["0 0 443 host.real.test."]
    assert records(bench.ask("_svc._tcp.real.test", "TXT")) == ['"v=1"']
    assert records(bench.ask("_other._tcp.real.test", "SRV")) == []
    assert records(bench.ask("_svc._tcp.real.test", "MX")) == []
    assert bench.records.asked == [("_svc._tcp.real.test", "SRV"), ("_svc._tcp.real.test", "TXT")]


def test_long_answers_are_cut_over_udp_and_whole_over_tcp(bench: Bench) -> None:
    bench.records.table["_svc._tcp.real.test", "TXT"] = [f'"{i:03}{"x" * 200}"' for i in range(20)]
    assert bench.ask("_svc._tcp.real.test", "TXT").flags & dns.flags.TC
    assert len(records(bench.ask("_svc._tcp.real.test", "TXT", udp=False))) == 20


@pytest.mark.parametrize(("name", "kind", "expected"), [("localhost", "A", "127.0.0.1"), ("LOCALHOST", "AAAA", "::1"), ("x.y.localhost", "A", "127.0.0.1")])
def test_localhost_is_loopback(bench: Bench, name: str, kind: str, expected: str) -> None:
    assert records(bench.ask(name, kind)) == [expected]


@pytest.mark.parametrize(
    "name", ["use-application-dns.net", "mask.icloud.com", "127.0.0.1", "2130706433", "a\\000b.wild.test", "a%b.wild.test", "x" * 63 + ".1"]
)
def test_canaries_and_what_is_no_name_do_not_exist(bench: Bench, name: str) -> None:
    answer = bench.ask(name)
    assert (answer.rcode(), records(answer)) == (dns.rcode.NXDOMAIN, [])


def reverse(address: str) -> str:
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def test_reverse_lookups_give_the_name_back(bench: Bench) -> None:
    for name in ("allowed.test", "denied.test"):
        (address,) = records(bench.ask(name))
        assert records(bench.ask(reverse(address), "PTR")) == [f"{name}."]
    assert records(bench.ask(reverse("127.0.0.1"), "PTR")) == ["localhost."]
    assert records(bench.ask("1." + "0." * 31 + "ip6.arpa", "PTR")) == ["localhost."]


@pytest.mark.parametrize(
    "name", [reverse("198.18.7.7"), reverse("10.0.0.1"), "300.1.1.1.in-addr.arpa", "1.in-addr.arpa", "x.ip6.arpa", "g." * 32 + "ip6.arpa", "denied.test"]
)
def test_other_reverse_lookups_find_nothing(bench: Bench, name: str) -> None:
    assert bench.ask(name, "PTR").rcode() == dns.rcode.NXDOMAIN


def test_other_classes_and_operations_are_not_served(bench: Bench) -> None:
    chaos = dns.message.make_query("version.bind", "TXT", rdclass="CH")
    assert dns.message.from_wire(bench.answerer.answer(chaos.to_wire(), udp=True) or b"").rcode() == dns.rcode.REFUSED
    notify = dns.message.make_query("allowed.test", "A")
    notify.set_opcode(dns.opcode.STATUS)
    assert dns.message.from_wire(bench.answerer.answer(notify.to_wire(), udp=True) or b"").rcode() == dns.rcode.NOTIMP


def test_answers_are_not_answered(bench: Bench) -> None:
    query = dns.message.make_query("allowed.test", "A")
    assert bench.answerer.answer(dns.message.make_response(query).to_wire(), udp=True) is None


@given(st.binary(max_size=600))
def test_answering_is_total(data: bytes) -> None:
    bench = Bench()
    head = dns.message.make_query("allowed.test", "A").to_wire()
    for wire in (data, head[:12] + data, head + data, data + head):
        answer = bench.answerer.answer(wire, udp=True)
        assert answer is None or len(answer) <= 1232
        bench.answerer.waits(wire)


# What stands in ``fuzz/seeds/dns`` under these names, and what it deserves.
SEEDS = {
    "loop": None,
    "loop-of-two": None,
    "forward-pointer": None,
    "label-of-64": None,
    "name-of-256": None,
    "short": None,
    "trailing": None,
    "signed": None,
    "answer": None,
    "no-question": dns.rcode.NOTIMP,
    "two-questions": dns.rcode.NOTIMP,
    "status": dns.rcode.NOTIMP,
    "notify": dns.rcode.NOTIMP,
    "update": dns.rcode.NOTIMP,
    "chaos": dns.rcode.REFUSED,
    "class-none": dns.rcode.REFUSED,
    "high-octets": dns.rcode.NXDOMAIN,
    "nul": dns.rcode.NXDOMAIN,
    "dot-in-label": dns.rcode.NXDOMAIN,
    "root": dns.rcode.NXDOMAIN,
    "number": dns.rcode.NXDOMAIN,
    "transfer": dns.rcode.NOERROR,
    "type-0": dns.rcode.NOERROR,
    "underscore": dns.rcode.NOERROR,
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("udp", [True, False])
def test_strange_queries_get_what_they_deserve(bench: Bench, repository: Path, seed: str, udp: bool) -> None:
    wire = bench.answerer.answer((repository / "fuzz" / "seeds" / "dns" / seed).read_bytes(), udp=udp)
    expected = SEEDS[seed]
    assert (wire is None) == (expected is None)
    if wire is not None:
        answer = dns.message.from_wire(wire)
        assert (answer.rcode(), answer.answer) == (expected, [])
    assert bench.records.asked == []


def test_a_name_of_full_length_is_a_name(bench: Bench) -> None:
    name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 56]) + ".test"
    assert len(name) == 253
    assert records(bench.ask(name)) != []
    assert bench.violations() == [name]


def test_extensions_are_answered_in_kind(bench: Bench) -> None:
    wire = bench.answerer.answer(dns.message.make_query("allowed.test", "A", use_edns=0, payload=65_000, want_dnssec=True).to_wire(), udp=True)
    assert wire is not None
    answer = dns.message.from_wire(wire)
    assert (answer.edns, answer.payload) == (0, 1232)
    assert len(answer.answer) == 1


def test_too_long_queries_are_dropped(bench: Bench) -> None:
    assert bench.answerer.answer(bytes(5000), udp=False) is None


def test_a_flood_of_names_stays_small(bench: Bench) -> None:
    for i in range(3000):
        bench.ask(f"n{i}.denied.test")
    assert len(bench.table._ring) <= 256
    assert len(bench.table._slot_of) == 0


# --- the doors -----------------------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def rig() -> Iterator[Rig]:
    with running(NET) as made:
        yield made


def test_both_transports_answer_alike(rig: Rig) -> None:
    query = dns.message.make_query("allowed.test", "A")
    udp = dns.query.udp(query, "127.0.0.1", port=rig.ports[DNS_UDP], timeout=TIMEOUT)
    tcp = dns.query.tcp(query, "127.0.0.1", port=rig.ports[DNS_TCP], timeout=TIMEOUT)
    assert records(udp) == records(tcp) != []


def test_a_tcp_connection_carries_many_queries_in_pieces(rig: Rig) -> None:
    wires = [dns.message.make_query(name, "A", id=i).to_wire() for i, name in enumerate(("allowed.test", "a.wild.test", "denied.test"))]
    stream = b"".join(len(w).to_bytes(2, "big") + w for w in wires)
    with rig.connect(DNS_TCP) as client:
        for i in range(len(stream)):
            client.sendall(stream[i : i + 1])
        for number in range(3):
            answer, _ = dns.query.receive_tcp(client)
            assert answer.id == number
            assert len(records(answer)) == 1


@pytest.mark.parametrize("bad", [b"\0\0", b"\0\1x", b"\x20\0" + bytes(0x2000)], ids=["empty", "short", "too long"])
def test_what_is_no_query_ends_its_connection_and_no_other(rig: Rig, bad: bytes) -> None:
    good = dns.message.make_query("allowed.test", "A").to_wire()
    framed = len(good).to_bytes(2, "big") + good
    with rig.connect(DNS_TCP) as other, rig.connect(DNS_TCP) as client:
        client.sendall(framed + framed + bad + framed)
        answers = read_all(client)
        size = int.from_bytes(answers[:2], "big") + 2
        assert answers == 2 * answers[:size]
        other.sendall(framed)
        assert read_exactly(other, size) == answers[:size]


def test_a_slow_lookup_outside_delays_no_other(rig: Rig) -> None:
    import threading

    go = threading.Event()
    slow: list[list[str]] = []

    def wait(name: str, kind: str) -> list[str]:
        go.wait(TIMEOUT)
        return ['"late"']

    rig.records.records = wait  # type: ignore[method-assign]  # this one lookup waits for the test
    asking = threading.Thread(target=lambda: slow.append(rig.look_up("_svc._tcp.real.test", "TXT")))
    asking.start()
    assert len(rig.look_up("allowed.test")) == 1
    assert slow == []
    go.set()
    asking.join()
    assert slow == [['"late"']]


def test_lookups_of_refused_names_are_told(rig: Rig) -> None:
    rig.look_up("denied.test")
    event: Event = rig.sink.wait("violation", "denied.test")
    assert event.detail == (("type", "A"),)
