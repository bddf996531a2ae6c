"""Which deny rules are about a whole program."""

from __future__ import annotations

import pytest

from paddock.permissions.programs import program_named


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("Bash(curl)", "curl"),
        ("Bash(curl *)", "curl"),
        ("Bash(curl:*)", "curl"),
        ("Bash( curl * )", "curl"),
        ("Bash(/usr/bin/curl *)", "/usr/bin/curl"),
        ("Bash(~/bin/tool:*)", "~/bin/tool"),
        ("Bash(./deploy.sh *)", "./deploy.sh"),
        ("Bash(g++ *)", "g++"),
        ("Bash(python3.11:*)", "python3.11"),
    ],
)
def test_a_rule_about_every_call_names_a_program(rule: str, name: str) -> None:
    assert program_named(rule) == name


@pytest.mark.parametrize(
    "rule",
    [
        "Bash",
        "Bash(*)",
        "Bash(git push *)",
        "Bash(git push:*)",
        "Bash(cu*)",
        "Bash(curl -X *)",
        "Bash(* --force)",
        "Bash(curl * x *)",
        "Bash(command:curl)",
        "Bash(FOO=1 *)",
        "Bash($(x) *)",
        "Bash('curl' *)",
        "Bash(. *)",
        "Bash(/ *)",
        "Read(curl)",
        "WebFetch(domain:curl)",
        "Bash(",
        "",
    ],
)
def test_any_other_rule_names_none(rule: str) -> None:
    assert program_named(rule) == ""
