"""``paddock run`` inside ``paddock run``: what works, what is added, what is refused and in which words."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import must
from tests.fence.conftest import why_not
from tests.session.inside import COMMAND, nested, paddock


@pytest.fixture
def project(isolated_environment: Path) -> Path:
    must(not why_not(), f"no fence can be built here: {why_not()}")
    folder = isolated_environment / "project"
    (folder / ".claude").mkdir(parents=True)
    return folder


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A project outside every folder that a fence has of its own: there Landlock alone decides about writing."""
    home = pwd.getpwuid(os.getuid()).pw_dir
    must(os.access(home, os.W_OK), "this user's home is not writable")
    folder = Path(tempfile.mkdtemp(prefix="paddock-test-", dir=home))
    yield folder
    shutil.rmtree(folder)


def settings(file: Path, value: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))


def test_the_same_files_work_though_half_of_them_are_hidden_inside(project: Path, isolated_environment: Path) -> None:
    """What an agent in a fence does whose hook starts every command in one: user settings and acceptances cannot be seen from there."""
    settings(isolated_environment / ".config/paddock/settings.json", {"sandbox": {"network": {"allowedDomains": ["user.example"]}}})
    settings(isolated_environment / ".claude/settings.json", {"sandbox": {"network": {"allowedDomains": ["claude.example"]}}})
    denied = {"network": {"allowedDomains": ["project.example"]}, "filesystem": {"denyRead": ["secrets"]}}
    settings(project / ".claude/settings.json", {"sandbox": denied, "permissions": {"deny": ["Read(**/.env)"]}})
    (project / "secrets").mkdir()
    (project / "secrets/key").write_text("s3cret")
    (project / ".env").write_text("A=s3cret")
    assert paddock(project, "trust", "--yes").returncode == 0
    inner = "cat secrets/key; cat .env; echo made >made; exit 7"
    ran = nested(project, f'"$@" run --verbose -- sh -c "{inner}"', "--allow-domain", "cli.example")
    assert ran.returncode == 7, ran.stderr
    assert "s3cret" not in ran.stdout
    assert (project / "made").read_text() == "made\n"
    assert "nested: processes around it are out of reach; files and network are as the fence around has them" in ran.stderr
    assert "trust" not in ran.stderr
    assert "event log" not in ran.stderr


def test_streams_codes_and_signals_are_as_ever(project: Path) -> None:
    ran = nested(
        project, 'printf in | "$@" run -- cat; "$@" run -- sh -c "exit 3"; echo $?; "$@" run -- sh -c "kill -9 \\$\\$"; echo $?; "$@" run -- nope; echo $?'
    )
    assert ran.stdout == "in3\n137\n127\n"
    assert "nope: command not found" in ran.stderr


def test_the_folder_that_the_outer_run_was_started_in_counts_below_it_too(elsewhere: Path) -> None:
    (elsewhere / "sub").mkdir()
    ran = nested(elsewhere, 'cd sub && "$@" run -- touch here ../there')
    assert ran.returncode == 0, ran.stderr
    assert (elsewhere / "there").exists()


def test_a_smaller_place_to_write_cannot_be_added_whoever_opens_files(elsewhere: Path) -> None:
    """Files are made by the guard of the outer fence, which no ruleset of the inner one binds: so it is refused and not promised."""
    (elsewhere / "sub").mkdir()
    read_only = '{"paddock": {"filesystem": {"project": "read-only"}}}'
    ran = nested(elsewhere, f"cd sub && \"$@\" run --settings '{read_only}' -- touch ../there")
    assert ran.returncode == 125
    assert f"{elsewhere} is writable in the fence around and cannot be made read-only here" in ran.stderr
    assert not (elsewhere / "there").exists()


def test_what_cannot_be_added_is_named_with_its_place(project: Path) -> None:
    rules = project / "inner.json"
    rules.write_text('{"sandbox": {\n"filesystem": {\n"denyRead": ["data"],\n"denyWrite": ["kept"]}},\n"paddock": {"limits": {"memoryMb": 100}}}')
    ran = nested(project, 'echo x >data; echo x >kept; "$@" run --settings inner.json -- touch ran')
    assert ran.returncode == 125
    assert not (project / "ran").exists()
    assert f"inner.json:3:14: {project}/data can be read in the fence around and cannot be hidden here" in ran.stderr
    assert f"inner.json:4:15: {project}/kept is writable in the fence around and cannot be made read-only here" in ran.stderr
    assert "inner.json:5:36: paddock.limits.memoryMb 100 is a limit of a whole fence" in ran.stderr
    held = paddock(project, "run", "--settings", "inner.json", "--", *COMMAND, "run", "--settings", "inner.json", "--", "touch", "ran")
    assert held.returncode == 0, held.stderr
    assert (project / "ran").exists()


def test_hosts(project: Path) -> None:
    outer = ("--allow-domain", "a.example")
    assert nested(project, '"$@" run --deny-domain a.example -- true', *outer).returncode == 125
    assert nested(project, '"$@" run --deny-domain b.example -- true', *outer).returncode == 0
    more = nested(project, '"$@" run --allow-domain c.example -- true', *outer)
    assert more.returncode == 0
    assert "c.example is not reachable: the fence around this one does not allow it" in more.stderr


def test_no_network_at_all(project: Path) -> None:
    ask = "import socket,sys\ntry: socket.socket()\nexcept OSError as e: sys.exit(e.errno)\nsocket.socketpair()"
    (project / "ask.py").write_text(ask)
    outer = ("--allow-domain", "a.example")
    script = '"$@" run {} -- /usr/bin/env python3 ask.py; echo $?'
    assert nested(project, script.format("--deny-domain '*'"), *outer).stdout == "13\n"
    assert nested(project, script.format(""), *outer).stdout == "0\n"


def test_descriptors_and_ignored_signals_are_handed_on(project: Path) -> None:
    ran = nested(project, 'exec 5<<X\nfive\nX\n"$@" run --pass-fd 5 -- sh -c "cat <&5"; "$@" run -- sh -c "cat <&5"; echo $?')
    assert ran.stdout == "five\n2\n"
    ran = nested(
        project, 'trap "" HUP; "$@" run -- sh -c "kill -HUP \\$\\$; echo alive"; trap - HUP; "$@" run -- sh -c "kill -HUP \\$\\$; echo alive"; echo $?'
    )
    assert ran.stdout == "alive\n129\n"


def test_limits_of_one_run(project: Path) -> None:
    files = '{"paddock": {"limits": {"openFiles": 50}}}'
    ran = nested(project, f'"$@" run --settings \'{files}\' -- sh -c "ulimit -n"; "$@" run --timeout 0.5 -- sleep 100; echo $?')
    assert ran.stdout == "50\n124\n"


def test_what_the_command_leaves_ends_with_it(project: Path) -> None:
    """In another session, with another parent, deaf to what can be ignored."""
    daemon = (
        "setsid sh -c 'trap \\\"\\\" TERM HUP INT; echo \\$\\$ >pid; exec >/dev/null 2>&1; while :; do sleep 1; done' & while ! [ -s pid ]; do sleep 0.05; done"
    )
    ran = nested(project, f'"$@" run -- sh -c "{daemon}"; kill -0 $(cat pid) && echo alive; exit 0')
    assert ran.returncode == 0
    assert (project / "pid").read_text().strip().isdigit()
    assert "alive" not in ran.stdout


def test_processes_around_are_none_of_its_business(project: Path) -> None:
    ran = nested(project, 'sleep 100 & "$@" run -- sh -c "kill $!"; echo $?; kill $! && echo mine')
    assert ran.stdout == "1\nmine\n"


def test_a_third_one_inside_the_second(project: Path) -> None:
    ran = nested(project, '"$@" run -- "$@" run -- sh -c "touch third; exit 5"')
    assert ran.returncode == 5, ran.stderr
    assert (project / "third").exists()


def test_the_library_inside(project: Path) -> None:
    code = "import paddock; print(paddock.run(['sh', '-c', 'exit 4']).returncode)"
    environ = {**os.environ, "PYTHONPATH": ":".join([entry for entry in os.sys.path if entry]), "PYTHONDONTWRITEBYTECODE": "1"}  # type: ignore[attr-defined]  # os imports sys
    ran = paddock(project, "run", "--quiet", "--", COMMAND[0], "-c", code, env=environ)
    assert ran.stdout == "4\n", ran.stderr


def test_programs_that_are_denied_around_are_denied_inside(project: Path) -> None:
    settings(project / ".claude/settings.json", {"permissions": {"deny": ["Bash(uname *)"]}})
    ran = nested(project, '"$@" run -- sh -c "uname; /bin/uname; echo end"')
    assert (ran.returncode, ran.stdout) == (0, "end\n"), ran.stderr
    assert "uname: Permission denied" in ran.stderr


def test_programs_cannot_be_denied_only_inside(project: Path) -> None:
    inner = json.dumps({"permissions": {"deny": ["Bash(uname *)"]}})
    ran = nested(project, f"\"$@\" run --settings '{inner}' -- echo started")
    assert (ran.returncode, ran.stdout) == (125, "")
    assert "uname can be started in the fence around" in ran.stderr


def test_a_list_of_programs_holds_inside_and_cannot_be_made_there(project: Path) -> None:
    listed = json.dumps({"paddock": {"programs": {"only": ["sh", "echo", COMMAND[0]]}}})
    ran = nested(project, '"$@" run -- sh -c "uname; echo end"', "--settings", listed)
    assert (ran.returncode, ran.stdout) == (0, "end\n"), ran.stderr
    ran = nested(project, f"\"$@\" run --settings '{listed}' -- echo started")
    assert (ran.returncode, ran.stdout) == (125, "")
    assert "that cannot be narrowed to a list here" in ran.stderr
