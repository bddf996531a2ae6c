"""Programs that may not be started: every way to the file, by somebody who knows where it is."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import must
from tests.session.inside import paddock

NAME = "uname"  # a program of every system, which says one word that nothing else says here
WORD = "Linux"
PLACE = os.path.realpath(shutil.which(NAME) or f"/usr/bin/{NAME}")
LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
LOADER = next((place for place in LOADERS if os.path.exists(place)), "")
PYTHON = os.path.realpath(sys.executable)

WAYS = {
    "the name": NAME,
    "the place": PLACE,
    "the other folder": f"/bin/{NAME}",
    "the root of a process": f"/proc/self/root{PLACE}",
    "a link": f"ln -s {PLACE} way; ./way",
    "a link to the folder": f"ln -s {os.path.dirname(PLACE)} way; way/{NAME}",
    "env": f"env {NAME}",
    "a shell": f"sh -c {NAME}",
    "a shell's exec": f"exec {PLACE}",
    "a child of a child": f"timeout 9 nice {NAME}",
    "xargs": f"echo -s | xargs {NAME}",
    "another interpreter": f'{PYTHON} -I -c \'import os; os.execv("{PLACE}", ["x"])\'',
    "a descriptor": f'{PYTHON} -I -c \'import os; os.execve(os.open("{PLACE}", os.O_PATH), ["x"], {{}})\'',
    "a descriptor's name": f'{PYTHON} -I -c \'import os; os.execv("/proc/self/fd/%d" % os.open("{PLACE}", os.O_PATH), ["x"])\'',
    # As an interpreter it is given the script's name, and complains.
    "a script with it as interpreter": f"printf '#!{PLACE}\\n' > way; chmod +x way; ./way 2> err; cat err >&2; grep -q 'extra operand' err && echo {WORD}",
    "a copy": f"cp {PLACE} way && ./way",
    "a copy in memory": f"cp {PLACE} /dev/shm/way && /dev/shm/way",
    "the loader": f"{LOADER} {PLACE}",
}


class Ran(NamedTuple):
    code: int
    out: str
    err: str
    refused: list[dict[str, object]]


@pytest.fixture
def project(isolated_environment: Path) -> Path:
    folder = isolated_environment / "project"
    (folder / ".paddock").mkdir(parents=True)
    return folder


def run(project: Path, script: str, *rules: str, **programs: object) -> Ran:
    settings = {"permissions": {"deny": list(rules)}, "paddock": {"programs": programs}}
    (project / ".paddock/settings.json").write_text(json.dumps(settings, indent=1))
    report = project.parent / "report.json"
    ran = paddock(project, "run", "--json", str(report), "--", "sh", "-c", script)
    refused = json.loads(report.read_text())["refused"] if report.exists() else []
    return Ran(ran.returncode, ran.stdout, ran.stderr, refused)


@pytest.mark.parametrize("way", WAYS)
def test_no_way_starts_what_a_rule_denies(project: Path, way: str) -> None:
    must(LOADER or way != "the loader", "no dynamic loader in a known place")
    assert WORD in run(project, WAYS[way]).out, "the twin: without the rule this way works"
    for name in ("way", ".paddock/settings.json"):
        (project / name).unlink(missing_ok=True)
    ran = run(project, WAYS[way], f"Bash({NAME} *)")
    assert WORD not in ran.out
    assert "denied" in ran.err.lower()
    assert {(event["subject"], event["rule"]["text"], event["rule"]["line"]) for event in ran.refused} == {(PLACE, f"Bash({NAME} *)", 4)}  # type: ignore[index]
    assert all("paddock.programs.fromRules" in str(event["remedy"]) for event in ran.refused)


def test_the_start_is_told_as_one(project: Path) -> None:
    ran = run(project, f"{NAME}; true", f"Bash({NAME}:*)")
    assert [(event["act"], event["reason"]) for event in ran.refused] == [("execute", "a program that a rule denies")]
    assert (ran.code, ran.out) == (0, "")


def test_others_run_beside_it(project: Path) -> None:
    ran = run(project, "id -u && ls / > /dev/null", f"Bash({NAME})")
    assert (ran.code, ran.out, ran.refused) == (0, f"{os.getuid()}\n", [])


def test_a_rule_about_some_calls_is_no_matter_of_the_fence(project: Path) -> None:
    assert run(project, NAME, f"Bash({NAME} -s *)", f"Bash({NAME[:3]}*)").out == f"{WORD}\n"


def test_the_command_itself(project: Path) -> None:
    (project / ".paddock/settings.json").write_text(json.dumps({"permissions": {"deny": [f"Bash({NAME} *)"]}}))
    assert paddock(project, "run", "--", NAME).returncode == 126
    assert paddock(project, "run", "--", "id").returncode == 0


# -- the only programs that may be started

LISTED = ["sh", "cp", "ls", PYTHON]
TRIED = {
    "the name": NAME,
    "the place": PLACE,
    "the root of a process": f"/proc/self/root{PLACE}",
    "a link": f"ln() {{ {PYTHON} -I -c 'import os, sys; os.symlink(*sys.argv[1:])' \"$@\"; }}; ln {PLACE} way; ./way",
    "a copy in the project": f"cp {PLACE} way; ./way",
    "a copy in /tmp": f"cp {PLACE} /tmp/way; /tmp/way",
    "the loader": f"{LOADER} {PLACE}",
    "the loader, with a copy": f"cp {PLACE} way; {LOADER} ./way",
    "the loader, with a copy in shared memory": f"cp {PLACE} /dev/shm/way; {LOADER} /dev/shm/way",
    "another interpreter": f'{PYTHON} -I -c \'import os; os.execv("{PLACE}", ["x"])\'',
    "memory": f'{PYTHON} -I -c \'import os; fd = os.memfd_create("x"); os.write(fd, open("{PLACE}", "rb").read()); os.execve(fd, ["x"], {{}})\'',
    "a file without a name": f'{PYTHON} -I -c \'import os; fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o700); '
    f'os.write(fd, open("{PLACE}", "rb").read()); r = os.open(f"/proc/self/fd/{{fd}}", os.O_RDONLY); os.close(fd); os.execve(r, ["x"], {{}})\'',
    "an interpreter of a listed name": f"cp {PLACE} ls; PATH=.:$PATH; ls",
}


@pytest.mark.parametrize("way", TRIED)
def test_what_is_not_listed_does_not_start(project: Path, way: str) -> None:
    must(LOADER or "loader" not in way, "no dynamic loader in a known place")
    script = f"umask 0; {TRIED[way]}"
    assert WORD in run(project, script).out, "the twin: without the list this way works"
    for name in ("way", "ls", ".paddock/settings.json"):
        (project / name).unlink(missing_ok=True)
    ran = run(project, script, only=LISTED)
    assert WORD not in ran.out
    assert ran.refused or "denied" in ran.err.lower() or "failed to map segment" in ran.err
    for event in ran.refused:
        assert (event["act"], event["reason"]) == ("execute", "not among the only programs that may be started")


def test_what_is_listed_starts(project: Path) -> None:
    ran = run(
        project, f"ls / > /dev/null && cp {PLACE} copy && {PYTHON} -I -c 'import ctypes, ssl, sqlite3; print(ctypes.CDLL(None).getpid() > 0)'", only=LISTED
    )
    assert (ran.code, ran.out, ran.refused) == (0, "True\n", [])


def test_what_a_script_needs_comes_with_it(project: Path) -> None:
    script = project.parent / "bin/tool"
    script.parent.mkdir()
    script.write_text(f"#!/usr/bin/env {NAME}\n")
    script.chmod(0o755)
    assert "extra operand" in run(project, str(script), only=["sh", str(script)]).err, f"{NAME} was started by env"
    assert run(project, f"{script}; {NAME}", only=["sh"]).refused[0]["subject"] == str(script)


def test_the_list_is_told_with_its_place(project: Path) -> None:
    ran = run(project, f"{NAME}; true", only=["sh"])
    event = ran.refused[0]
    assert (event["subject"], event["rule"]["key"], event["rule"]["scope"]) == (PLACE, "paddock.programs.only", "project")  # type: ignore[index]
    assert f'add "{NAME}" to paddock.programs.only' in str(event["remedy"])


def test_a_denied_program_is_not_started_because_it_is_listed(project: Path) -> None:
    assert WORD not in run(project, f"{NAME}; true", f"Bash({NAME})", only=["sh", NAME]).out
    assert WORD in run(project, f"{NAME}; true", only=["sh", NAME]).out


def test_nothing_may_start_at_all(project: Path) -> None:
    settings = json.dumps({"paddock": {"programs": {"only": []}}})
    assert paddock(project, "run", "--settings", settings, "--", "id").returncode == 126


def test_two_files_have_to_agree(project: Path) -> None:
    (project / ".paddock/settings.json").write_text(json.dumps({"paddock": {"programs": {"only": ["sh", NAME]}}}))
    theirs = json.dumps({"paddock": {"programs": {"only": ["sh", "id"]}}})
    ran = paddock(project, "run", "--settings", theirs, "--", "sh", "-c", f"{NAME}; id; echo end")
    assert ran.stdout == "end\n"
    assert WORD in paddock(project, "run", "--", "sh", "-c", f"{NAME}; echo end").stdout


# -- a program that is many


def test_a_multi_call_program_loses_the_denied_name(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a link is covered then: the mount is on the link, and what it leads to stays."""
    folder = project.parent / "bin"
    folder.mkdir()
    box = folder / "busybox"
    box.write_text('#!/bin/sh\necho "called as ${0##*/}"\n')
    box.chmod(0o755)
    for name in ("fetch", "list"):
        (folder / name).symlink_to("busybox")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    script = "fetch; list; busybox"
    assert run(project, script).out == "called as fetch\ncalled as list\ncalled as busybox\n"
    ran = run(project, f"{script}; {folder}/fetch; ln -s {folder}/fetch way; ./way; cat {folder}/fetch; true", "Bash(fetch *)")
    assert ran.out == "called as list\ncalled as busybox\n"
    assert {(event["act"], event["subject"]) for event in ran.refused} >= {("execute", f"{folder}/fetch")}
    assert run(project, f"{script}; true", "Bash(busybox *)").out == ""
