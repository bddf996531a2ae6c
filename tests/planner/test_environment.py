"""The variables inside: what goes, what stays, what is set."""

from __future__ import annotations

import pytest

from paddock.model.addresses import GATE_IPV4
from paddock.model.policy import EnvironmentPolicy, VariableRule
from paddock.model.settings import Origin, Scope
from paddock.planner.environment import build

O = Origin(Scope.BUILTIN, "builtin")  # noqa: E741 -- an origin that no test looks at
ASKED = Origin(Scope.USER, "settings.json", 7)


def rules(*names: str) -> tuple[VariableRule, ...]:
    return tuple(VariableRule(name, O) for name in names)


def inside(environ: dict[str, str], *, proxies: bool = False, extra: dict[str, str] | None = None, **policy: object) -> dict[str, str]:
    found, _, _ = build(EnvironmentPolicy(**policy), environ, home="/home/dev", proxies=proxies, extra=extra or {})  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("pattern", "name", "gone"),
    [
        ("GITHUB_TOKEN", "GITHUB_TOKEN", True),
        ("*TOKEN*", "MY_TOKEN_2", True),
        ("*TOKEN*", "TOKEN", True),
        ("*_KEY", "API_KEY", True),
        ("*_KEY", "KEYBOARD", False),
        ("*_KEY", "API_KEYS", False),
        ("AWS_*", "AWS_PROFILE", True),
        ("AWS_*", "LAWS_X", False),
        ("A*B*C", "AxxBxxC", True),
        ("A*B*C", "AC", False),
        ("A*A", "A", False),
        ("*token*", "GITHUB_TOKEN", True),
        ("*SECRET*", "my_secret", True),
        ("*", "ANYTHING", True),
    ],
)
def test_patterns(pattern: str, name: str, *, gone: bool) -> None:
    assert (name not in inside({name: "v"}, remove=rules(pattern))) is gone


def test_keep_names_exactly_one() -> None:
    found = inside({"A_TOKEN": "1", "B_TOKEN": "2", "a_token": "3"}, remove=rules("*TOKEN*"), keep=rules("A_TOKEN"))
    assert "A_TOKEN" in found
    assert "B_TOKEN" not in found
    assert "a_token" not in found


def test_a_denied_credential_goes_whatever_keep_and_set_say() -> None:
    found = inside({"T": "1"}, deny=rules("T"), keep=rules("T"), set=(("T", "2", ASKED),))
    assert "T" not in found


def test_what_gets_another_value_is_not_removed() -> None:
    policy = EnvironmentPolicy(remove=(VariableRule("*", ASKED),), set=(("CI", "1", ASKED),))
    found, removed, _ = build(policy, {"HOME": "/x", "CI": "0", "LANG": "C"}, home="/h", proxies=False, extra={})
    assert (found["HOME"], found["CI"]) == ("/h", "1")
    assert [gone.name for gone in removed] == ["LANG"]


def test_what_was_removed_is_named_with_its_rule_and_without_its_value() -> None:
    _, removed, _ = build(EnvironmentPolicy(deny=(VariableRule("T", ASKED),)), {"T": "hush"}, home="/h", proxies=False, extra={})
    assert [(gone.name, gone.why) for gone in removed] == [("T", ASKED)]
    assert "hush" not in repr(removed)


def test_set_wins_over_presets_and_the_caller() -> None:
    assert inside({"X": "caller"}, extra={"X": "preset"}, set=(("X", "policy", ASKED),))["X"] == "policy"
    assert inside({"X": "caller"}, extra={"X": "preset"})["X"] == "preset"


def test_the_fences_own() -> None:
    found = inside({"HOME": "/x", "TMPDIR": "/home/dev/tmp", "TEMP": "/t", "TMP": "/t"})
    assert (found["HOME"], found["TMPDIR"], found["PADDOCK"]) == ("/home/dev", "/tmp", "1")
    assert not {"TEMP", "TMP"} & set(found)


def test_odd_names_and_values() -> None:
    found, _, notices = build(EnvironmentPolicy(), {"": "x", "A": "\x01\udcff", "BASH_FUNC_f%%": "() { :; }"}, home="/h", proxies=False, extra={})
    assert found["A"] == "\x01\udcff"
    assert "BASH_FUNC_f%%" in found
    assert "" not in found
    assert len(notices) == 1


@pytest.mark.parametrize("name", ["", "A=B", "A\0"])
def test_a_name_that_cannot_be_set_is_said(name: str) -> None:
    _, _, notices = build(EnvironmentPolicy(set=((name, "v", ASKED),)), {}, home="/h", proxies=False, extra={})
    assert notices[0].origin == ASKED


PROXIES = {"http_proxy": "http://corp:1", "HTTPS_PROXY": "http://corp:1", "ALL_PROXY": "socks5://corp:1", "ftp_proxy": "x", "NO_PROXY": "corp"}


def test_the_callers_proxies_cannot_be_reached() -> None:
    found = inside(PROXIES)
    assert {name for name in found if name.lower().endswith("_proxy")} == {"NO_PROXY"}


def test_our_doors_are_announced_when_asked_for() -> None:
    found = inside(PROXIES, proxies=True)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        assert found[name] == f"http://{GATE_IPV4}:3128"
    assert found["all_proxy"] == found["ALL_PROXY"] == f"socks5h://{GATE_IPV4}:1080"
    assert found["no_proxy"] == found["NO_PROXY"] == "localhost,127.0.0.1,::1"
    assert "ftp_proxy" not in found
