"""Readers of a project's own files, which a hostile repository brings along."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Hashable, Mapping
from functools import cache
from typing import Final

from fuzz.engine import Disagreement, Target
from paddock.errors import SettingsError
from paddock.model.settings import Origin, Scope
from paddock.planner import gitconfig
from paddock.planner.presets import ini, toml
from paddock.planner.presets.base import Given
from paddock.planner.presets.collect import collect
from paddock.planner.view import View
from paddock.settings import document
from tests.planner.fakes import APP, HOME, Tree, tree

__all__ = ["TARGETS"]

# --- git -----------------------------------------------------------------------------------------------------------------------------------------------------


@cache
def _git() -> str | None:
    return shutil.which("git")


def _with_git(data: bytes) -> list[tuple[str, str | None]] | None:
    """``(key, value)`` as git lists them; None when git refuses the file or is not there."""
    program = _git()
    if program is None:
        return None
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        words = [program, "config", "--file", file.name, "--no-includes", "--null", "--list"]
        done = subprocess.run(words, capture_output=True, check=False, env={"PATH": os.defpath, "GIT_CONFIG_NOSYSTEM": "1"}, cwd="/")
    if done.returncode:
        return None
    rows = (item.partition("\n") for item in done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1])
    return [(key, value if found else None) for key, found, value in rows]


def _gitconfig(data: bytes) -> Hashable:
    ours = list(gitconfig.parse(data.decode("utf-8", "surrogateescape")))
    named = [(".".join(filter(None, (s.section, s.subsection, s.key))), s.value) for s in ours]
    theirs = _with_git(data)
    theirs = theirs and [(re.sub(r"\.+", ".", key).lstrip("."), value) for key, value in theirs]  # empty parts have no meaning
    named = [(re.sub(r"\.+", ".", key).lstrip("."), value) for key, value in named]
    # A name ends for git at a NUL, and what is left of it has no meaning. Blanks within a value became spaces until git 2.45 and are kept since.
    if theirs is not None and b"\0" not in data and [(k, _spaced(v)) for k, v in named] != [(k, _spaced(v)) for k, v in theirs]:
        raise Disagreement(f"git reads {theirs}, we read {named}")
    return theirs is not None, len(ours) > 0, len(ours) > 2, any(s.subsection for s in ours), any(s.value is None for s in ours)


def _spaced(value: str | None) -> str | None:
    return value and value.replace("\t", " ").replace("\r", " ")


def _continued(size: int) -> bytes:
    return b"[a]\nb = " + b"x\\\n" * (size // 3)


def _quoted(size: int) -> bytes:
    return b'[a "' + b"\\x" * (size // 2) + b'"]\nb = c\n'


# --- ini and TOML --------------------------------------------------------------------------------------------------------------------------------------------


ORACLE_LIMIT: Final = 4_000
"""Octets. Python's reader needs time with the square of a line's length."""


def _ini(data: bytes) -> Hashable:
    text = data.decode("utf-8", "replace")
    plain, joined = list(ini.lines(text)), list(ini.lines(text, continued=True))
    if len(data) > ORACLE_LIMIT or b"\0" in data:
        return len(plain) > 1, len(joined) > 1, None
    theirs = configparser.RawConfigParser(strict=False, default_section="\0")  # no section at all
    try:
        theirs.read_string(text)
    except (configparser.Error, AttributeError):
        return len(plain) > 1, len(joined) > 1, False
    ours = {(line.section, line.key.lower()): line.value for line in joined}
    for section in theirs.sections():
        for key, value in theirs.items(section):
            told = "\n".join(filter(None, (value or "").split("\n")))
            if _simple(section, key, told) and "\n".join(filter(None, ours.get((section, key), "").split("\n"))) != told:
                raise Disagreement(f"configparser reads {key!r} = {value!r} in {section!r}, we read {ours}")
    return len(plain) > 1, len(joined) > 1, True


def _simple(*texts: str) -> bool:
    """Whether these are words as people write them: Python's reader splits lines at more characters than a line feed, and trims more than blanks."""
    return all(
        text.isascii() and text.replace("\n", "").isprintable() and text.strip() == text and text and "]" not in text and "[" not in text for text in texts
    )


def _toml(data: bytes) -> Hashable:
    table = toml.parsed(data)
    again = toml.written(table)
    if _plain_table(table):
        read = tomllib.loads(again.decode())
        if set(read) != set(table):
            raise Disagreement(f"written {again!r}")
    toml.line_of(data.decode("utf-8", "replace"), "x")
    return bool(table), len(table) > 3, any(isinstance(value, dict) for value in table.values())


def _plain_table(table: Mapping[str, object]) -> bool:
    try:
        return bool(json.loads(json.dumps(table, allow_nan=False)) == table)
    except (TypeError, ValueError, RecursionError):
        return False


# --- presets -------------------------------------------------------------------------------------------------------------------------------------------------

ASKED: Final = Origin(Scope.USER, "settings.json", 3, key="paddock.network.tools")
TOOLS: Final = ("npm", "pip", "git", "apt", "cargo", "go", "maven", "gradle")
NPM: Final = "/usr/lib/node_modules/npm/node_modules/@npmcli/config/lib/definitions/definitions.js"
FILES: Final = (
    f"{HOME}/.npmrc", f"{HOME}/.yarnrc", f"{HOME}/.yarnrc.yml", f"{HOME}/.config/pip/pip.conf", f"{HOME}/.pip/pip.conf", f"{HOME}/.config/uv/uv.toml",
    f"{HOME}/.gitconfig", f"{HOME}/.config/git/config", f"{HOME}/.cargo/config.toml", f"{HOME}/.config/go/env", f"{HOME}/.m2/settings.xml",
    f"{HOME}/.gradle/gradle.properties", f"{HOME}/.gradle/init.gradle", f"{HOME}/.gradle/init.d/x.gradle", "/etc/apt/sources.list",
    "/etc/apt/sources.list.d/x.sources", "/etc/apt/sources.list.d/x.list", "/etc/apt/apt.conf.d/x", "/etc/ssh/ssh_config.d/x.conf", "/etc/pip.conf",
    "/etc/npmrc", f"{APP}/.npmrc", f"{APP}/.git/config", f"{APP}/.gitmodules", f"{APP}/.cargo/config.toml", f"{APP}/Cargo.toml", f"{APP}/go.mod",
    f"{APP}/pyproject.toml", f"{APP}/uv.toml",
    f"{APP}/.yarnrc.yml", f"{APP}/package.json", f"{APP}/package-lock.json", f"{APP}/requirements.txt", f"{APP}/build.gradle",
    f"{APP}/settings.gradle", f"{APP}/gradle/wrapper/gradle-wrapper.properties", f"{APP}/gradlew", NPM,
    "/usr/bin/npm", "/usr/bin/mvn", "/usr/bin/gradle", "/usr/bin/go", "/usr/bin/cargo", "/usr/bin/git", "/usr/bin/pip",
)  # fmt: skip


def _presets(data: bytes) -> Hashable:
    files: Tree = tree(dict.fromkeys(FILES, data))
    files.programs.update(path for path in FILES if path.startswith("/usr/bin/"))
    given = Given(View(files), HOME, APP, f"{HOME}/.config", {}, ("/usr/bin",), lambda path: path.startswith(APP))
    made = collect(given, [(tool, ASKED) for tool in TOOLS], project_root=APP, cache_home=f"{HOME}/.cache/paddock", cache_possible=True)
    for file in made.files:
        if re.search(rb"https?://u:hunter2@m\.example", file.content):
            raise Disagreement(f"{file.path} shows a login")
    return tuple(sorted(rule.pattern for rule in made.hosts))[:3].__len__(), len(made.waiting), len(made.notices), len(made.files)


def _settings(data: bytes) -> Hashable:
    found = document.parse("settings.json", data).root.plain()
    if found != json.loads(data):
        raise Disagreement(f"json reads {json.loads(data)!r}, we read {found!r}")
    return type(found).__name__, len(found) if isinstance(found, dict | list) else 0


def _objects(size: int) -> bytes:
    return b"{" + b",".join(b'"%d":[1,"a"]' % number for number in range(size // 14)) + b"}"


def _lines(size: int) -> bytes:
    return b"[global]\n" + b"index-url = https://u:hunter2@m.example/x\n" * (size // 41)


INI_WORDS: Final = (
    b"[global]\n",
    b"index-url = ",
    b"https://u:hunter2@m.example/simple\n",
    b"\n  ",
    b"#",
    b";",
    b"=",
    b": ",
    b"\r\n",
    b"[",
    b"]",
    b'"',
    b"\\\n",
    b"\\",
)

TARGETS: Final = (
    Target(
        "gitconfig",
        _gitconfig,
        words=(
            b"[core]",
            b'[url "',
            b'"]\n',
            b"hooksPath",
            b" = ",
            b"\\\n",
            b"\\n",
            b"\\",
            b"#",
            b";",
            b"[include]\npath = x\n",
            b'[a "b\\"c"]',
            b"\r\n",
            b"[A.b]",
        ),
        grown=(_continued, _quoted),
        cost=60,
    ),
    Target("ini", _ini, words=INI_WORDS, grown=(_lines,)),
    Target(
        "toml",
        _toml,
        words=(b"[a.b]\n", b"[[a]]\n", b'x = "y"\n', b"{a = 1}", b"[1, 2]", b'"""', b"'''", b"1979-05-27", b"inf", b"0x1F", b"\\u0000", b"\x7f", b"\\x"),
        grown=(_lines,),
    ),
    Target(
        "presets",
        _presets,
        words=(
            *INI_WORDS,
            b"<settings>",
            b"</settings>",
            b"<mirror><url>https://u:hunter2@m.example/</url></mirror>",
            b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
            b"&a;",
            b"registry=https://u:hunter2@m.example/\n",
            b"deb https://m.example/ stable main\n",
            b"maven { url 'https://m.example/' }\n",
            b"distributionUrl=https\\://m.example/x.zip\n",
            b"GOPROXY=https://m.example,direct\n",
        ),
        grown=(_lines,),
        cost=120,
    ),
    Target(
        "settings",
        _settings,
        (SettingsError,),
        (b'{"a": ', b"[", b"}", b"]", b",", b'"\\ud800"', b"1e400", b"-0", b"\\u0041", b"true", b"null", b'"sandbox"'),
        (_objects,),
    ),
)
