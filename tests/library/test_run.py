"""``paddock.run``: what users of ``subprocess.run`` know, and what the fence adds. Every run here is a real one."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

import pytest

import paddock
from tests.conftest import applies

PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def policy() -> paddock.Policy:
    return paddock.Policy.from_settings({})


def shell(script: str, *words: str) -> list[str]:
    return ["/bin/sh", "-c", script, "sh", *words]


# -- what subprocess.run does


def test_the_result_is_one_of_subprocess(project: Path, policy: paddock.Policy) -> None:
    argv = shell("echo out; echo err >&2; exit 3")
    done = paddock.run(argv, policy=policy, capture_output=True)
    assert isinstance(done, subprocess.CompletedProcess)
    assert (done.args, done.returncode, done.stdout, done.stderr) == (argv, 3, b"out\n", b"err\n")
    assert not done.violations
    assert not done.flows
    assert done.report.cause == "command"
    assert len(done.run_id) == 8
    assert len(done.plan_digest) == 64
    assert done.usage.wall_seconds is not None
    assert done.usage.wall_seconds > 0


def test_a_signal_is_negative_and_an_exit_code_is_not(project: Path, policy: paddock.Policy) -> None:
    assert paddock.run(shell("kill -9 $$"), policy=policy).returncode == -signal.SIGKILL
    assert paddock.run(shell("exit 137"), policy=policy).returncode == 137


def test_text_mode_translates_line_ends_and_bytes_do_not(project: Path, policy: paddock.Policy) -> None:
    argv = shell("printf 'a\\r\\nb\\rc'")
    assert paddock.run(argv, policy=policy, capture_output=True).stdout == b"a\r\nb\rc"
    assert paddock.run(argv, policy=policy, capture_output=True, text=True).stdout == "a\nb\nc"


def test_encodings_and_their_errors(project: Path, policy: paddock.Policy) -> None:
    assert paddock.run(["cat"], policy=policy, input="é", encoding="latin-1", capture_output=True).stdout == "é"
    argv = shell("printf '\\351'")
    with pytest.raises(UnicodeDecodeError):
        paddock.run(argv, policy=policy, capture_output=True, encoding="utf-8")
    assert paddock.run(argv, policy=policy, capture_output=True, encoding="utf-8", errors="replace").stdout == "\N{REPLACEMENT CHARACTER}"
    with pytest.raises(LookupError):
        paddock.run(argv, policy=policy, encoding="utf-99")


def test_streams_can_be_given(project: Path, policy: paddock.Policy) -> None:
    (project / "in").write_text("from a file")
    with open("in") as source, open("out", "w") as target:
        paddock.run(["cat"], policy=policy, stdin=source, stdout=target)
    assert (project / "out").read_text() == "from a file"
    done = paddock.run(shell("echo both; echo streams >&2"), policy=policy, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.stdout == b"both\nstreams\n"
    assert paddock.run(["cat"], policy=policy, stdin=subprocess.DEVNULL, capture_output=True).stdout == b""


def test_without_capture_the_streams_are_inherited(project: Path) -> None:
    code = "import paddock; print(paddock.run(['cat'], policy=paddock.Policy.from_settings({})).stdout)"
    environ = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], input="through", capture_output=True, text=True, env=environ, check=True)
    assert done.stdout == "throughNone\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_streams_are_closed_for_the_command_too(project: Path, closed: str) -> None:
    """And nothing that the library opens for itself takes their place."""
    script = "ls -l /proc/self/fd | sed -n 's/.*-> //p' >seen; exit 5"
    lines = (
        "import paddock, sys; policy = paddock.Policy.from_settings({})",
        "assert paddock.run(['cat'], policy=policy, input=b'in', capture_output=True).stdout == b'in'",
        f"sys.exit(paddock.run(['sh', '-c', {script!r}], policy=policy).returncode)",
    )
    environ = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(["/bin/sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, "\n".join(lines)], env=environ, check=False)
    assert done.returncode == 5
    seen = (project / "seen").read_text()
    assert "memfd" not in seen
    assert "/dev/null" in seen


def test_a_program_that_is_its_own_interpreter_is_told_so(project: Path, policy: paddock.Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(paddock.UnsupportedError, match="which interpreter"):
        paddock.run(["true"], policy=policy)


if TYPE_CHECKING:

    def types_of_results(words: list[str], flag: bool) -> None:
        """Never called: what a type checker has to find out."""
        assert_type(paddock.run(words), paddock.CompletedProcess[bytes])
        assert_type(paddock.run(words, input=b""), paddock.CompletedProcess[bytes])
        assert_type(paddock.run(words, text=True, input="", timeout=1), paddock.CompletedProcess[str])
        assert_type(paddock.run(words, encoding="utf-8"), paddock.CompletedProcess[str])
        assert_type(paddock.run(words, errors="replace"), paddock.CompletedProcess[str])
        assert_type(paddock.run(words, text=flag), paddock.CompletedProcess[Any])


def test_wrong_arguments_are_the_errors_of_subprocess(project: Path, policy: paddock.Policy) -> None:
    with pytest.raises(ValueError, match="capture_output"):
        paddock.run(["true"], policy=policy, capture_output=True, stdout=subprocess.PIPE)
    with pytest.raises(ValueError, match="stdin and input"):
        paddock.run(["true"], policy=policy, input=b"", stdin=subprocess.PIPE)
    with pytest.raises(TypeError, match="give bytes, or text=True"):
        paddock.run(["true"], policy=policy, input="text")
    with pytest.raises(ValueError, match="embedded null byte"):
        paddock.run(["echo", "a\0b"], policy=policy)
    with pytest.raises(ValueError, match="no command"):
        paddock.run([], policy=policy)
    with pytest.raises(ValueError, match="illegal environment variable"):
        paddock.run(["true"], policy=policy, env={"A=B": "c"})


@pytest.mark.parametrize("command", ["ls -l", b"ls", Path("/bin/ls")])
def test_a_command_as_one_string_is_refused(command: object, project: Path) -> None:
    with pytest.raises(TypeError, match=r"shlex\.split"):
        paddock.run(command)  # type: ignore[call-overload]


def test_check_raises_a_subclass_that_knows_what_was_refused(project: Path, policy: paddock.Policy) -> None:
    outside = project.parent / "outside"
    argv = shell('echo begun; echo x >"$1"', str(outside))
    with pytest.raises(subprocess.CalledProcessError) as caught:
        paddock.run(argv, policy=policy, capture_output=True, text=True, check=True)
    error = caught.value
    assert isinstance(error, paddock.CalledProcessError)
    assert not isinstance(error, paddock.PaddockError)
    assert (error.cmd, error.output, error.returncode) == (argv, "begun\n", 2)
    assert [(v.act, v.subject) for v in error.violations] == [("write", str(outside))]
    assert f"Refused: write {outside}"[:60] in str(error)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 -- as a process pool hands it over
    assert (type(again), again.violations, str(again)) == (type(error), error.violations, str(error))


def test_timeout_raises_a_subclass_with_what_came_so_far(project: Path, policy: paddock.Policy, isolated_environment: Path) -> None:
    key = isolated_environment / ".ssh" / "id_test"
    key.parent.mkdir()
    key.write_text("private")
    argv = shell('echo begun; cat "$1"; echo go; cat', str(key))
    reading, writing = os.pipe()
    try:
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            paddock.run(argv, policy=policy, stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=3)
    finally:
        os.close(reading)
        os.close(writing)
    error = caught.value
    assert isinstance(error, paddock.TimeoutExpired)
    assert (error.cmd, error.timeout, error.output) == (argv, 3, b"begun\ngo\n")
    assert [(v.act, v.subject) for v in error.violations] == [("read", str(key))]


def test_the_policys_own_time_limit_is_no_exception(project: Path) -> None:
    done = paddock.run(["sleep", "100"], policy=paddock.Policy.from_settings({"paddock": {"limits": {"timeoutSeconds": 0.2}}}))
    assert (done.returncode, done.report.cause) == (124, "timeout")


# -- bytes


def test_much_goes_in_and_comes_out(project: Path, policy: paddock.Policy) -> None:
    data = os.urandom(1 << 20) * 100
    done = paddock.run(shell("cat; head -c 200000 /dev/zero >&2"), policy=policy, input=data, capture_output=True)
    assert done.stdout == data
    assert done.stderr == bytes(200000)


def test_input_that_nobody_reads(project: Path, policy: paddock.Policy) -> None:
    assert paddock.run(["true"], policy=policy, input=bytes(10 << 20), capture_output=True).returncode == 0


def test_words_that_are_not_utf_8(project: Path, policy: paddock.Policy) -> None:
    done = paddock.run([b"printf", b"%s", b"\xff\xfe ", "ü"], policy=policy, capture_output=True)
    assert done.stdout == b"\xff\xfe \xc3\xbc"
    done = paddock.run(["printenv", "ODD"], policy=policy, env={b"ODD": b"\xff", b"PATH": b"/usr/bin:/bin"}, capture_output=True)
    assert done.stdout == b"\xff\n"


def test_a_folder_and_a_file_whose_names_are_not_utf_8(tmp_path: Path, policy: paddock.Policy) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    done = paddock.run(shell('pwd; echo >"$1"', os.fsdecode(os.fsencode(tmp_path) + b"/\xff")), policy=policy, cwd=folder, capture_output=True)
    assert done.stdout == os.fsencode(folder) + b"\n"
    assert [v.subject for v in done.violations] == [os.fsdecode(os.fsencode(tmp_path) + b"/\xff")]


def test_two_megabytes_of_words(project: Path, policy: paddock.Policy) -> None:
    words = ["x" * 1000] * 1800
    assert paddock.run(["printf", "%s", *words], policy=policy, capture_output=True).stdout == b"x" * 1_800_000


# -- folder and environment


def test_cwd_may_be_a_path_and_relative(project: Path, policy: paddock.Policy) -> None:
    (project / "below").mkdir()
    assert paddock.run(["pwd"], policy=policy, cwd=Path("below"), capture_output=True, text=True).stdout == f"{project}/below\n"
    with pytest.raises(paddock.UsageError, match="absent"):
        paddock.run(["pwd"], policy=policy, cwd="absent")


def test_env_replaces_the_environment(project: Path, policy: paddock.Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTER", "1")
    script = 'echo "$OUTER|$GIVEN"'
    assert paddock.run(shell(script), policy=policy, capture_output=True).stdout == b"1|\n"
    assert paddock.run(shell(script), policy=policy, env={"GIVEN": "2"}, capture_output=True).stdout == b"|2\n"


def test_a_secret_in_env_needs_the_policys_word(project: Path, policy: paddock.Policy) -> None:
    env = {"MY_API_TOKEN": "s3cret", "PATH": "/usr/bin:/bin"}
    done = paddock.run(["printenv", "MY_API_TOKEN"], policy=policy, env=env, capture_output=True)
    assert (done.returncode, done.stdout, done.report.removed_variables) == (1, b"", ("MY_API_TOKEN",))
    keeping = policy.with_settings({"paddock": {"environment": {"keep": ["MY_API_TOKEN"]}}})
    assert paddock.run(["printenv", "MY_API_TOKEN"], policy=keeping, env=env, capture_output=True).stdout == b"s3cret\n"


def test_the_variables_of_the_caller_do_not_start_the_helper(project: Path, policy: paddock.Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "json.py").write_text("raise SystemExit('planted')")
    for name in ("PYTHONPATH", "PYTHONHOME", "LD_PRELOAD", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(name, str(project))
    done = paddock.run(["printenv", "PYTHONPATH"], policy=policy, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"{project}\n")


# -- errors of the tree


def test_a_command_that_is_not_there(project: Path, policy: paddock.Policy) -> None:
    with pytest.raises(paddock.CommandNotFoundError, match="no-such-program") as caught:
        paddock.run(["no-such-program"], policy=policy)
    assert "PATH" in caught.value.hint
    (project / "data").write_text("")
    with pytest.raises(paddock.CommandNotExecutableError):
        paddock.run(["./data"], policy=policy)


def test_what_the_host_cannot_give(project: Path) -> None:
    with pytest.raises(paddock.UnsupportedError, match="bubblewrap") as caught:
        paddock.run(["true"], policy=paddock.Policy.from_settings({"paddock": {"backend": "bubblewrap"}}))
    assert caught.value.cause == "paddock.backend"


def test_a_helper_that_was_killed_is_told_from_a_command_that_was(project: Path, policy: paddock.Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Remembered(subprocess.Popen[bytes]):
        def __init__(self, *args: object, **more: object) -> None:
            super().__init__(*args, **more)  # type: ignore[call-overload]  # as they came
            started.append(self)

    monkeypatch.setattr("paddock.library.helper.subprocess.Popen", Remembered)
    reading, writing = os.pipe()

    def kill_when_it_runs() -> None:
        os.read(reading, 1)
        started[0].kill()

    killer = threading.Thread(target=kill_when_it_runs)
    killer.start()
    with pytest.raises(paddock.InternalError, match="ended by signal 9"):
        paddock.run(shell("echo; exec sleep 100"), policy=policy, stdout=writing)
    killer.join()
    os.close(reading)
    os.close(writing)


# -- threads


def test_eight_threads_several_runs_each(tmp_path: Path, policy: paddock.Policy) -> None:
    """With other threads at work that hold locks: whatever is forked from such a process and is not a new program at once hangs sooner or later."""
    busy = threading.Event()
    lock = threading.Lock()

    def hold() -> None:
        while not busy.is_set():
            with lock:
                busy.wait(0.001)

    holders = [threading.Thread(target=hold) for _ in range(4)]
    for holder in holders:
        holder.start()

    def work(number: int) -> list[bytes]:
        folder = tmp_path / str(number)
        folder.mkdir()
        return [
            paddock.run(shell('cat >"$1"; cat "$1"; pwd', str(turn)), policy=policy, cwd=folder, input=b"%d\n" % turn, capture_output=True).stdout
            for turn in range(3)
        ]

    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(work, range(8)))
    finally:
        busy.set()
        for holder in holders:
            holder.join()
    assert found == [[f"{turn}\n{tmp_path}/{number}\n".encode() for turn in range(3)] for number in range(8)]


def test_from_asyncio(project: Path, policy: paddock.Policy) -> None:
    async def both() -> list[bytes]:
        runs = [asyncio.to_thread(paddock.run, ["echo", word], policy=policy, capture_output=True) for word in ("one", "two")]
        return [done.stdout for done in await asyncio.gather(*runs)]

    assert asyncio.run(both()) == [b"one\n", b"two\n"]


def test_nothing_of_the_caller_is_open_inside(project: Path, policy: paddock.Policy) -> None:
    with open("/etc/passwd") as file:
        os.set_inheritable(file.fileno(), True)
        done = paddock.run(
            [PYTHON, "-c", "import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])"], policy=policy, capture_output=True, text=True
        )
    assert done.stdout == "[0, 1, 2]\n"


def test_root_and_others(project: Path, policy: paddock.Policy) -> None:
    applies(os.getuid() == 0, "a test about root")
    done = paddock.run(["cat", "/proc/self/status"], policy=policy, capture_output=True, text=True)
    assert "CapEff:\t0000000000000000\n" in done.stdout
