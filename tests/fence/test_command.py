"""What a command gets and what is told about its end."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest

from paddock.errors import CommandNotExecutableError, CommandNotFoundError, LaunchError
from tests.fence.running import PYTHON, make_plan, python, run, shell


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_the_exit_code_is_passed_on(project: Path, code: int) -> None:
    assert shell(project, f"exit {code}").code == code


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM, signal.SIGPIPE])
def test_death_by_a_signal_is_128_more(project: Path, number: signal.Signals) -> None:
    assert shell(project, f"kill -{int(number)} $$").code == 128 + number


def test_a_missing_program_is_told_from_one_that_exits_with_127(project: Path) -> None:
    assert shell(project, "exit 127").code == 127
    for name in ("no-such-program", "./no-such-program", "/bin/sh/below-a-file"):
        with pytest.raises(CommandNotFoundError):
            run(make_plan(project, (name,)))


def test_a_file_that_is_no_program_is_126(project: Path) -> None:
    (project / "data").write_text("x")
    for name in ("./data", str(project)):
        with pytest.raises(CommandNotExecutableError):
            run(make_plan(project, (name,)))


def test_a_working_folder_that_is_hidden_is_an_error(project: Path) -> None:
    with pytest.raises(LaunchError) as caught:
        run(make_plan(project, ("true",), cwd="/no/such/folder"))
    assert caught.value.step == "enter the working folder"


def test_programs_are_found_on_the_path_of_the_command(project: Path) -> None:
    (project / "bin").mkdir()
    (project / "bin" / "mine").write_text("#!/bin/sh\necho mine\n")
    (project / "bin" / "mine").chmod(0o755)
    plan = make_plan(project, ("mine",), environment={"PATH": f"/nowhere:{project}/bin:/usr/bin:/bin"})
    assert run(plan).out == "mine\n"


def test_a_file_without_permission_is_passed_over_for_a_later_one(project: Path) -> None:
    for folder, mode in (("first", 0o644), ("second", 0o755)):
        (project / folder).mkdir()
        (project / folder / "tool").write_text("#!/bin/sh\necho found\n")
        (project / folder / "tool").chmod(mode)
    plan = make_plan(project, ("tool",), environment={"PATH": f"{project}/first:{project}/second"})
    assert run(plan).out == "found\n"


def test_a_script_without_a_first_line_runs_in_sh(project: Path) -> None:
    (project / "script").write_text('echo "$0 $1"\n')
    (project / "script").chmod(0o755)
    assert run(make_plan(project, ("./script", "word"))).out == "./script word\n"


def test_bytes_that_are_not_utf8_survive_in_arguments_variables_and_names(project: Path) -> None:
    odd = os.fsdecode(b"x\xff\xfey")
    plan = make_plan(project, ("/bin/sh", "-c", 'printf "%s" "$1" "$ODD"; : > "$1"', "sh", odd), environment={"ODD": odd})
    assert run(plan).out == odd + odd
    assert [os.fsencode(p.name) for p in project.iterdir()] == [b"x\xff\xfey"]


def test_forty_thousand_words_of_arguments_arrive(project: Path) -> None:
    result = run(make_plan(project, (PYTHON, "-I", "-S", "-c", "import sys; print(len(sys.argv), len(' '.join(sys.argv[1:])))", *["aaaa"] * 40000)))
    assert result.out == f"40001 {40000 * 5 - 1}\n"


def test_the_environment_is_exactly_the_plans(project: Path) -> None:
    assert run(make_plan(project, ("/usr/bin/env",), environment={"ONE": "1", "EMPTY": "", "EQUALS": "a=b"})).out.splitlines() == [
        "ONE=1",
        "EMPTY=",
        "EQUALS=a=b",
    ]


def test_signals_and_mask_are_as_a_shell_would_leave_them(project: Path) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    try:
        lines = run(make_plan(project, ("cat", "/proc/self/status"))).out.splitlines()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    found = {name: int(value, 16) for name, _, value in (line.partition(":") for line in lines) if name.startswith("Sig") and name != "SigQ"}
    found["SigIgn"] &= ~(3 << 31)  # 32 and 33 are the C library's own: its posix_spawn ignores them in the child
    assert found == {"SigPnd": 0, "SigBlk": 0, "SigIgn": 0, "SigCgt": 0}


def test_only_the_three_standard_descriptors_get_in(project: Path, outside: Path) -> None:
    leak = os.open(outside / "file", os.O_RDONLY)
    os.set_inheritable(leak, True)
    try:
        found = python(project, "print(sorted(int(n) for n in os.listdir('/proc/self/fd')))").out
    finally:
        os.close(leak)
    assert found == "[0, 1, 2, 3]\n"  # 3 is the listing itself


def test_standard_input_is_the_callers(project: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"words\n")
    os.close(write)
    try:
        assert run(make_plan(project, ("cat",)), stdin=read).out == "words\n"
    finally:
        os.close(read)


def test_the_umask_is_the_callers(project: Path) -> None:
    before = os.umask(0o027)
    try:
        assert shell(project, "umask; : > made").out == "0027\n"
    finally:
        os.umask(before)
    assert (project / "made").stat().st_mode & 0o777 == 0o640


def test_ids_are_the_callers(project: Path) -> None:
    assert shell(project, "id -u; id -g; : > made").out.split() == [str(os.getuid()), str(os.getgid())]
    assert (project / "made").stat().st_uid == os.getuid()


def test_no_capability_is_left_and_none_can_come_back(project: Path) -> None:
    lines = shell(project, "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status").out.split("\n")
    assert {line.split("\t")[0]: line.split("\t")[1] for line in lines if line} == {
        "CapInh:": "0" * 16,
        "CapPrm:": "0" * 16,
        "CapEff:": "0" * 16,
        "CapBnd:": "0" * 16,
        "CapAmb:": "0" * 16,
        "NoNewPrivs:": "1",
        "Seccomp:": "2",
    }


def test_what_it_took_is_known_afterwards(project: Path) -> None:
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + (32 << 20)  # than the process has that the fence is forked from
    burn = f"import resource\nheld = bytearray({more})\nwhile resource.getrusage(resource.RUSAGE_SELF).ru_utime < 0.3: pass"
    usage = python(project, burn).usage
    assert usage.user_seconds is not None
    assert usage.user_seconds >= 0.3
    assert usage.largest_process_bytes is not None
    assert usage.largest_process_bytes > more
    small = shell(project, "exit 0").usage
    assert small.user_seconds is not None
    assert small.user_seconds < usage.user_seconds
    assert small.largest_process_bytes is not None
    assert small.largest_process_bytes < more
