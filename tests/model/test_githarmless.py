"""What counts as a harmless configuration of git, with git itself as the judge of what a file says."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paddock.model.githarmless import MAX_BYTES, harmless
from tests.conftest import must

GIT = Path("/usr/bin/git")

WRITTEN = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
[remote "origin"]
\turl = git@example.com:team/app.git
\tfetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
\tremote = origin
\tmerge = refs/heads/main
[user]
\tname = Some Body
\temail = some@body.example
# a comment
[submodule]
\tactive = .
"""


def test_what_git_writes_is_harmless() -> None:
    assert harmless(WRITTEN.encode()) == ""
    assert harmless(b"") == ""


@pytest.mark.parametrize(
    "url",
    ["https://x.example/a.git", "ssh://git@x.example:22/a", "git://x/a", "file:///srv/a", "/srv/a.git", "../a", "git@x:a/b.git", "https://u@x.example/a"],
)
def test_addresses(url: str) -> None:
    assert harmless(f'[remote "o"]\n\turl = {url}\n'.encode()) == ""


DANGEROUS = [
    "[core]\n\tfsmonitor = ./evil",
    "[core]\n\tfsmonitor",
    "[core]\n\tfsmonitor = true",
    "[core] fsmonitor = ./evil",
    "[core]fsmonitor=./evil",
    "[CORE]\n\tFSMonitor = ./evil",
    "[core]\n\tbare = false \\\n\tfsmonitor = ./evil",
    "[core]\n\tbare = false\r\tfsmonitor = x",
    "[core]\n\thooksPath = evil",
    "[core]\n\tworktree = /",
    "[core]\n\tsshCommand = evil",
    "[core]\n\teditor = evil",
    "[core]\n\tpager = evil",
    "[core]\n\taskPass = evil",
    "[core]\n\tgitProxy = evil",
    "[core]\n\tattributesFile = /x",
    "[include]\n\tpath = ../evil",
    '[includeIf "gitdir:/"]\n\tpath = ../evil',
    "[alias]\n\tst = !evil",
    '[filter "x"]\n\tclean = evil',
    '[diff "x"]\n\ttextconv = evil',
    "[diff]\n\texternal = evil",
    '[merge "x"]\n\tdriver = evil',
    "[credential]\n\thelper = !evil",
    "[gpg]\n\tprogram = evil",
    "[commit]\n\tgpgsign = true",
    "[sequence]\n\teditor = evil",
    "[uploadpack]\n\tpackObjectsHook = evil",
    '[url "ext::evil "]\n\tinsteadOf = https://',
    '[remote "o"]\n\turl = ext::sh -c evil',
    '[remote "o"]\n\turl = "ext::sh -c evil"',
    '[remote "o"]\n\turl = ext://sh',
    '[remote "o"]\n\turl = -oProxyCommand=evil',
    '[remote "o"]\n\turl = ssh://-oProxyCommand=evil/x',
    '[remote "o"]\n\turl = -x:y',
    '[remote "o"]\n\turl = u@-x:y',
    '[remote "o"]\n\tpushurl = foo::bar',
    '[remote "o"]\n\tvcs = ext',
    '[remote "o"]\n\tuploadpack = evil',
    '[remote "o"]\n\treceivepack = evil',
    '[branch "m"]\n\tremote = ext::sh',
    '[branch "m"]\n\tremote = https://x',
    '[submodule "s"]\n\tupdate = !evil',
    "[extensions]\n\tworktreeConfig = true",
    "[init]\n\ttemplateDir = evil",
    "[remote]\n\tpushDefault = ext::sh",
    "[user]\n\tname = a\\\n[core]\n\tfsmonitor = evil",
    "\ufeff[core]\n\tbare = true",
    '[user]\n\tname = "a\\nb"',
    "name = x",
]


@pytest.mark.parametrize("text", DANGEROUS)
def test_what_names_a_program_or_another_file_is_not(text: str) -> None:
    assert harmless((WRITTEN + text + "\n").encode()) != ""
    assert harmless((text + "\n" + WRITTEN).encode()) != ""


def test_what_is_no_text_or_too_much_is_not() -> None:
    assert harmless(b"\xff") != ""
    assert harmless(b"#" * (MAX_BYTES + 1)) != ""
    assert harmless(b"[user]\n\tname = a\0b\n") != ""


SIGNS = (
    "[core]",
    "[user]",
    '[remote "o"]',
    '[branch "m"]',
    "[alias]",
    "[include]",
    "[Core]",
    "[core] ",
    "\n",
    "\n\t",
    "\t",
    " ",
    "=",
    " = ",
    "\\\n",
    "\\",
    '"',
    "#",
    ";",
)
WORDS = (
    "bare",
    "name",
    "url",
    "remote",
    "fsmonitor",
    "x",
    "path",
    "true",
    "false",
    "./evil",
    "https://x/y",
    "ext::sh",
    "origin",
    "\r",
    "\r\n",
    "]",
    "[",
    ".",
    "-",
    "0",
    "é",
)
PIECES = st.sampled_from((*SIGNS, *WORDS))


@settings(max_examples=150)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_git_never_sees_another_setting_in_a_harmless_file(text: str) -> None:
    must(GIT.exists(), "git is not installed")
    if harmless(text.encode()):
        return
    with tempfile.NamedTemporaryFile("wb") as file:
        file.write(text.encode())
        file.flush()
        done = subprocess.run([GIT, "config", "--file", file.name, "--null", "--list"], capture_output=True, check=False)
    for item in done.stdout.split(b"\0")[:-1]:
        key, _, value = item.decode().partition("\n")
        section, _, rest = key.partition(".")
        assert (section, rest.rpartition(".")[2]) in {("core", "bare"), ("user", "name"), ("remote", "url"), ("branch", "remote"), ("core", "fsmonitor")}
        assert "evil" not in value or key == "user.name" or (section == "remote" and ":" not in value)
        assert "::" not in value or key == "user.name"
        assert key != "core.fsmonitor" or value in ("false", "0")
