"""``paddock run`` as a person meets it: the real command, a real fence, exit codes, signals, streams and what is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import must


@pytest.fixture
def project(isolated_environment: Path) -> Path:
    folder = isolated_environment / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def command() -> str:
    installed = Path(sys.executable).with_name("paddock")
    must(installed.exists(), "Paddock is not installed beside this interpreter: use ./dev test")
    return str(installed)


def paddock(command: str, project: Path, *words: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([command, "run", *words], cwd=project, capture_output=True, text=True, timeout=60, check=False, **more)  # type: ignore[call-overload,no-any-return]  # as subprocess.run


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 42", 42), ("kill -SEGV $$", 139), ("kill -TERM $$", 143), ("exit 125", 125), ("exit 255", 255)],
)
def test_the_command_s_code_is_the_exit_code(command: str, project: Path, script: str, code: int) -> None:
    assert paddock(command, project, "--", "sh", "-c", script).returncode == code


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--", "no-such-program"), 127, "no-such-program: command not found"),
        (("--", "./plain"), 126, "./plain: Permission denied"),
        (("--no-such-option", "true"), 125, "unknown option --no-such-option"),
        ((), 125, "no command to run"),
        (("--settings", '{"sandbox": {"filesystem": {"denyReed": []}}}', "true"), 125, "denyRead"),
        (("--settings", "/nowhere.json", "true"), 125, "/nowhere.json"),
    ],
)
def test_what_does_not_run_says_why(command: str, project: Path, words: tuple[str, ...], code: int, said: str) -> None:
    (project / "plain").write_text("")
    ran = paddock(command, project, *words)
    assert ran.returncode == code
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_a_time_limit_ends_with_124_and_takes_everything_along(command: str, project: Path) -> None:
    ran = paddock(command, project, "--timeout", "0.5", "--", "sh", "-c", "trap '' TERM; echo on; while :; do sleep 0.1; done")
    assert ran.returncode == 124
    assert ran.stdout == "on\n"


def test_a_command_within_its_time_limit_keeps_its_code(command: str, project: Path) -> None:
    assert paddock(command, project, "--timeout", "50", "--", "sh", "-c", "exit 7").returncode == 7


@pytest.mark.parametrize(("signo", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)])
def test_a_signal_to_paddock_reaches_the_command(command: str, project: Path, signo: signal.Signals, code: int) -> None:
    with subprocess.Popen([command, "run", "--", "sh", "-c", "echo on; exec sleep 600"], cwd=project, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "on\n"
        running.send_signal(signo)
        assert running.wait(30) == code


def test_streams_pass_through_untouched(command: str, project: Path) -> None:
    data = os.urandom(3_000_000)
    ran = subprocess.run([command, "run", "--", "cat"], cwd=project, input=data, capture_output=True, timeout=60, check=True)
    assert ran.stdout == data
    assert ran.stderr == b""


def test_words_after_the_command_are_the_command_s(command: str, project: Path) -> None:
    assert paddock(command, project, "echo", "--timeout", "-h", "--", "x").stdout == "--timeout -h -- x\n"


def test_the_report_for_programs(command: str, project: Path, tmp_path: Path) -> None:
    (project / ".env").write_text("SECRET=1\n")
    settings = project / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{\n "permissions": {\n  "deny": ["Read(./.env)"]\n }\n}\n')
    report = tmp_path / "report.json"
    ran = paddock(command, project, "--json", str(report), "--", "cat", ".env")
    assert ran.returncode == 1
    value = json.loads(report.read_text())
    assert value["exit"] == 1
    assert 0 < value["usage"]["user_seconds"] + value["usage"]["system_seconds"] <= 2 * value["usage"]["wall_seconds"] * (os.cpu_count() or 1)
    (refused,) = value["refused"]
    assert refused["subject"] == str(project / ".env")
    assert (refused["rule"]["file"], refused["rule"]["line"]) == (str(settings), 3)
    assert ".env" in ran.stderr
    assert paddock(command, project, "--quiet", "--", "cat", ".env").stderr.startswith("cat:")


def test_an_allowed_read_works_and_nothing_is_said(command: str, project: Path) -> None:
    (project / ".env").write_text("SECRET=1\n")
    ran = paddock(command, project, "--", "cat", ".env")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "SECRET=1\n", "")


def test_writing_outside_is_refused_and_inside_works(command: str, project: Path, tmp_path: Path) -> None:
    ran = paddock(command, project, "--", "sh", "-c", f"echo x > {tmp_path}/out; echo $?; echo x > inside; echo $?")
    codes = ran.stdout.split()
    assert codes[0] != "0"
    assert codes[1] == "0"
    assert not (tmp_path / "out").exists()
    assert (project / "inside").read_text() == "x\n"
    assert f"{tmp_path}/out" in ran.stderr


def test_a_dry_run_prints_and_runs_nothing(command: str, project: Path) -> None:
    ran = paddock(command, project, "--dry-run", "--", "touch", "made")
    assert ran.returncode == 0
    assert "everything else: readable, not writable" in ran.stdout
    assert not (project / "made").exists()


def test_nothing_is_left_in_the_project(command: str, project: Path) -> None:
    assert paddock(command, project, "--", "true").returncode == 0
    assert list(project.iterdir()) == []


def test_untrusted_widening_is_void_until_it_is_accepted(command: str, project: Path, tmp_path: Path) -> None:
    settings = project / ".claude" / "settings.json"
    settings.parent.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    settings.write_text(json.dumps({"sandbox": {"filesystem": {"allowWrite": [str(outside)]}}}, indent=1))
    attempt = ("--", "sh", "-c", f"echo x > {outside}/f")
    ran = paddock(command, project, *attempt)
    assert ran.returncode != 0
    assert "paddock trust" in ran.stderr

    def trust(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([command, "trust", *words], cwd=project, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)

    assert trust("--list").returncode == 1
    assert str(outside) in trust("--list").stdout
    assert trust().returncode == 125  # there is nobody to ask
    assert trust("--yes").returncode == 0
    assert trust("--list").returncode == 0
    assert paddock(command, project, *attempt).returncode == 0

    settings.write_text(json.dumps({"sandbox": {"filesystem": {"allowWrite": [str(outside), str(tmp_path)]}}}, indent=1))
    assert paddock(command, project, "--", "sh", "-c", f"echo x > {outside}/g").returncode != 0, "a changed set is void as a whole"
    assert "new" in trust("--list").stdout
    assert trust("--yes").returncode == 0
    assert trust("--revoke").returncode == 0
    assert paddock(command, project, *attempt).returncode != 0
    assert paddock(command, project, "--trust-project", *attempt).returncode == 0


def test_a_run_in_a_run_works_or_says_what_it_cannot_do(command: str, project: Path) -> None:
    outer = ("--allow-read", str(Path(command).parent.parent), "--", command, "run")
    assert paddock(command, project, *outer, "--", "sh", "-c", "exit 6").returncode == 6
    (project / "data").write_text("")
    ran = paddock(command, project, *outer, "--deny-read", "data", "--", "true")
    assert ran.returncode == 125
    assert "in a fence of Paddock already" in ran.stderr
    assert f"{project}/data can be read in the fence around" in ran.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_trouble(command: str, project: Path, closed: str) -> None:
    script = f'"$0" --version {closed} && "$0" run -- true {closed} && "$0" run -- sh -c "exit 3" {closed}'
    ran = subprocess.run(["/bin/sh", "-c", script, command], cwd=project, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 3, ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_first_run_keeps_paddocks_own_folders_from_a_command_that_may_write_the_home(command: str, project: Path) -> None:
    home = project.parent / "fresh"
    home.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")} | {"HOME": str(home)}
    own = (".local/state/paddock", ".cache/paddock", ".config/paddock")
    script = "".join(f"mkdir -p {folder} && ls {folder} && touch {folder}/made && echo OPEN; " for folder in own) + "mkdir .config/other && echo other"
    result = paddock(command, home, "--allow-home", "--", "sh", "-c", script, env=environ)
    assert result.stdout == "other\n"
    assert result.stderr.count("Read-only file system") == len(own)
    assert (home / ".config/other").is_dir()
    assert not any((home / folder / "made").exists() for folder in own)


def test_a_command_cannot_widen_the_next_run_with_a_local_file(command: str, project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    settings = json.dumps({"sandbox": {"filesystem": {"allowWrite": [str(outside)]}}})
    for folder in (".paddock", ".claude"):
        planted = paddock(command, project, "--", "sh", "-c", f"mkdir -p {folder} && printf '%s' '{settings}' > {folder}/settings.local.json")
        assert planted.returncode != 0
        assert not (project / folder).exists()
        # Made all the same, by a command that ran before without a fence: it still does not count.
        (project / folder).mkdir()
        (project / folder / "settings.local.json").write_text(settings)
    ran = paddock(command, project, "--", "sh", "-c", f"echo x > {outside}/f")
    assert ran.returncode != 0
    assert "paddock trust" in ran.stderr
    assert not (outside / "f").exists()
    assert paddock(command, project, "--trust-project", "--", "sh", "-c", f"echo x > {outside}/f").returncode == 0
