from __future__ import annotations

import pytest

from paddock.errors import PolicyError
from paddock.model.decision import Decision
from paddock.model.hosts import Host, parse_host
from paddock.model.policy import HostRule, NetworkPolicy
from paddock.model.settings import Origin, Scope
from paddock.network.decide import Decider, decide, vet_addresses
from tests.network.support import policy


def ask(net: NetworkPolicy, host: str, port: int, how: str = "capture") -> Decision:
    return decide(net, parse_host(host), port, how)


def test_nothing_is_allowed_by_default() -> None:
    answer = ask(policy(), "a.example", 443)
    assert answer.verdict == "deny"
    assert answer.rule == Origin(Scope.BUILTIN, "builtin", key="sandbox.network.allowedDomains")
    assert "--allow-domain a.example:443" in answer.remedy


def test_an_entry_allows_and_is_named() -> None:
    answer = ask(policy("a.example:443"), "a.example", 443)
    assert answer.allowed
    assert answer.rule is not None
    assert (answer.rule.line, answer.rule.text) == (7, "a.example:443")
    assert not ask(policy("a.example:443"), "a.example", 80).allowed


def test_deny_wins_and_is_named() -> None:
    net = policy("*.a.example", denied=("up.a.example",))
    assert ask(net, "down.a.example", 443).allowed
    answer = ask(net, "up.a.example", 443)
    assert not answer.allowed
    assert answer.rule is not None
    assert answer.rule.text == "up.a.example"
    assert "settings.json:7" in answer.remedy


def test_a_managed_denial_has_no_remedy() -> None:
    rule = HostRule("a.example", Origin(Scope.MANAGED, "/etc/paddock/managed-settings.json", 3))
    assert ask(NetworkPolicy(denied=(rule,)), "a.example", 443).remedy == ""


def test_the_remedy_names_the_file_that_lists_hosts_already() -> None:
    assert "/project/.claude/settings.json" in ask(policy("b.example"), "a.example", 443).remedy
    assert ".paddock/settings.json" in ask(policy(), "a.example", 443).remedy


def test_an_entry_without_meaning_is_an_error_in_either_list() -> None:
    with pytest.raises(PolicyError):
        Decider(policy("https://a.example/"))
    with pytest.raises(PolicyError):
        Decider(policy(denied=("a b",)))


def test_loopback_may_be_listed_by_name_or_address() -> None:
    assert ask(policy("localhost:3000"), "127.0.0.1", 3000).allowed
    assert ask(policy("localhost:3000"), "::1", 3000).allowed
    assert ask(policy("127.0.0.1:3000"), "127.0.0.1", 3000).allowed
    assert not ask(policy("localhost:3000"), "127.0.0.1", 3001).allowed
    assert not ask(policy("localhost:3000"), "10.0.0.1", 3000).allowed
    assert not ask(policy("*"), "127.0.0.1", 3000).allowed
    assert not ask(policy("localhost:3000", denied=("127.0.0.1",)), "127.0.0.1", 3000).allowed
    assert not ask(policy("localhost:3000", denied=("localhost",)), "127.0.0.1", 3000).allowed


def test_many_entries_decide_like_few() -> None:
    many = [f"*.h{i}.example" for i in range(2000)] + [f"g{i}.example:443" for i in range(2000)]
    decider = Decider(policy(*many))
    assert decider.decide(parse_host("x.h1999.example"), 1, "capture").allowed
    assert decider.decide(parse_host("g1999.example"), 443, "capture").allowed
    assert not decider.decide(parse_host("h1999.example"), 1, "capture").allowed


def test_lookups_follow_the_names_whatever_the_port() -> None:
    decider = Decider(policy("a.example:443", "*.w.example", "x.example", denied=("x.example", "a.w.example:80")))
    assert decider.may_look_up(parse_host("a.example"))
    assert decider.may_look_up(parse_host("b.w.example"))
    assert decider.may_look_up(parse_host("a.w.example"))
    assert not decider.may_look_up(parse_host("x.example"))
    assert not decider.may_look_up(parse_host("w.example"))
    assert "denied by x.example" in decider.decide_name(parse_host("x.example")).reason
    assert decider.decide_name(parse_host("w.example")).remedy


def test_records_need_an_entry_and_no_denial() -> None:
    decider = Decider(policy(denied=("_x._tcp.b.example",), dns_names=("*.a.example", "*.b.example")))
    assert decider.may_ask_records(parse_host("_x._tcp.a.example")) is not None
    assert decider.may_ask_records(parse_host("_x._tcp.b.example")) is None
    assert decider.may_ask_records(parse_host("c.example")) is None


OWN = parse_host("203.0.113.7")


def vet(net: NetworkPolicy, host: str, port: int, *addresses: str) -> tuple[list[str], Decision]:
    decider = Decider(net)
    name = parse_host(host)
    decision, match = decider.judge(name, port, "capture")
    assert match is not None, decision.reason
    kept, answer = vet_addresses(decider, name, port, match, [parse_host(a) for a in addresses], lambda a: a == OWN)
    return [a.text for a in kept], answer


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "169.254.1.1", "169.254.169.254", "224.0.0.1", "0.0.0.0", "::", "203.0.113.7", "64:ff9b::7f00:1", "240.0.0.1"]
)
def test_a_listed_name_is_no_way_to_special_addresses(address: str) -> None:
    kept, answer = vet(policy("a.example:443"), "a.example", 443, address)
    assert (kept, answer.verdict) == ([], "deny")
    kept, answer = vet(policy("a.example:443"), "a.example", 443, "93.184.216.34")
    assert (kept, answer.verdict) == (["93.184.216.34"], "allow")


def test_a_special_address_needs_its_own_entry() -> None:
    net = policy("a.example:80", "127.0.0.1:80")
    assert vet(net, "a.example", 80, "127.0.0.1")[0] == ["127.0.0.1"]
    assert vet(policy("a.example", "127.0.0.1:81"), "a.example", 80, "127.0.0.1")[0] == []


def test_private_addresses_need_an_exact_name() -> None:
    assert vet(policy("a.w.example"), "a.w.example", 80, "10.0.0.1")[0] == ["10.0.0.1"]
    assert vet(policy("*.w.example"), "a.w.example", 80, "10.0.0.1")[0] == []
    assert vet(policy("*"), "a.w.example", 80, "10.0.0.1")[0] == []
    assert vet(policy("*.w.example", "10.0.0.1"), "a.w.example", 80, "10.0.0.1")[0] == ["10.0.0.1"]


def test_only_good_addresses_are_kept() -> None:
    assert vet(policy("a.example"), "a.example", 80, "127.0.0.1", "93.184.216.34", "169.254.169.254")[0] == ["93.184.216.34"]


def test_a_denied_address_is_refused_behind_any_name() -> None:
    kept, answer = vet(policy("a.example", denied=("93.184.216.34",)), "a.example", 80, "93.184.216.34")
    assert kept == []
    assert answer.rule is not None
    assert answer.rule.text == "93.184.216.34"


def test_localhost_is_loopback_when_it_is_listed_by_name() -> None:
    assert vet(policy("localhost:3000"), "localhost", 3000, "127.0.0.1", "::1")[0] == ["127.0.0.1", "::1"]
    assert vet(policy("*"), "localhost", 3000, "127.0.0.1")[0] == []
    assert vet(policy("localhost:3000"), "localhost", 3000, "10.0.0.1")[0] == ["10.0.0.1"]


def test_no_address_at_all_is_a_refusal() -> None:
    kept, answer = vet(policy("a.example"), "a.example", 80)
    assert kept == []
    assert "does not resolve" in answer.reason


def test_metadata_has_no_remedy_and_private_has_one() -> None:
    assert vet(policy("*.w.example"), "a.w.example", 80, "169.254.169.254")[1].remedy == ""
    assert "10.0.0.1:80" in vet(policy("*.w.example"), "a.w.example", 80, "10.0.0.1")[1].remedy


def test_a_listed_literal_is_dialled_whatever_it_is() -> None:
    assert vet(policy("127.0.0.1:80"), "127.0.0.1", 80, "127.0.0.1")[0] == ["127.0.0.1"]
    assert Host("127.0.0.1", b"\x7f\0\0\x01").is_address


def test_a_host_that_is_not_listed_is_refused_by_the_list_and_its_place() -> None:
    origin = Origin(Scope.PROJECT, "/p/.claude/settings.json", 17, 9, "sandbox.network.allowedDomains", "good.example")
    answer = ask(NetworkPolicy(allowed=(HostRule("good.example", origin),)), "a.example", 443)
    assert answer.rule == Origin(Scope.PROJECT, "/p/.claude/settings.json", 17, key="sandbox.network.allowedDomains")
