from __future__ import annotations

import pytest

from paddock.permissions.shell.split import split
from paddock.permissions.shell.wrappers import seen_through, stripped


def plain(command: str) -> str | None:
    words = stripped(split(command).commands[0])
    return None if words is None else " ".join(word.text for word in words)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("timeout 30 make test", "make test"),
        ("timeout -k 5 -s KILL 30 make", "make"),
        ("timeout --signal KILL 30 make", "make"),
        ("nohup nice make", "make"),
        ("nice -n 5 make", "make"),
        ("stdbuf -oL make", "make"),
        ("command make", "make"),
        ("command -v make", "command -v make"),
        ("xargs rm", "rm"),
        ("xargs -0 rm", "xargs -0 rm"),
        ("docker exec c rm x", "docker exec c rm x"),
        ("LANG=C timeout 5 make", "make"),
        ("timeout 5 LANG=C make", "timeout 5 LANG=C make"),
        ("env FOO=1 make", "env FOO=1 make"),
        ("$t 5 make", "$t 5 make"),
    ],
)
def test_what_an_allow_rule_looks_past(command: str, expected: str) -> None:
    assert plain(command) == expected


@pytest.mark.parametrize("command", ["OTHER=1 make", "LD_PRELOAD=./x.so make", "PATH=. make", "LANG=C BASH_ENV=x make", "NODE_OPTIONS=--require=./x node"])
def test_no_allow_rule_looks_past_other_variables(command: str) -> None:
    assert plain(command) is None


@pytest.mark.parametrize(
    "command",
    [
        *("rm x", "FOO=1 rm x", "env -i A=1 rm x", "sudo -u root rm x", "setsid rm x", "ionice -c 3 rm x", "nohup rm x", "xargs -n1 rm x", "exec rm x"),
        *("time -p rm x", "watch -n 5 rm x", "timeout 5 nice env rm x", "command rm x", "/bin/rm x", "sudo /usr/bin/rm x", "flock f rm x", "chroot / rm x"),
    ],
)
def test_what_a_deny_rule_sees_through(command: str) -> None:
    found = [" ".join(word.text for word in words) for words in seen_through(split(command).commands[0], folders=True)]
    assert "rm x" in found


def test_a_program_with_its_folder_is_only_seen_through_where_that_is_asked_for() -> None:
    found = [" ".join(word.text for word in words) for words in seen_through(split("/bin/rm x").commands[0], folders=False)]
    assert found == ["/bin/rm x"]
