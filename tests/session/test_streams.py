"""Bytes, words and names pass through unchanged, whatever they are and however many."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import threading
from typing import IO

import pytest

from tests.fence.running import PYTHON
from tests.session.terminals import QUIET, Desk, desk

__all__ = ["desk"]

MEGABYTE = 1 << 20
PIECES = 128


def pieces() -> list[bytes]:
    """A megabyte each, of all byte values, no two alike."""
    seed = os.urandom(MEGABYTE)
    return [seed[n:] + seed[:n] for n in range(PIECES)]


def feed(stream: IO[bytes], data: list[bytes]) -> None:
    with stream:
        for piece in data:
            stream.write(piece)


def start(desk: Desk, argv: list[str], stdout: int | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen([desk.paddock, *QUIET, *argv], cwd=desk.project, stdin=subprocess.PIPE, stdout=stdout)


def test_hundreds_of_megabytes_in_and_out(desk: Desk) -> None:
    data = pieces()
    wanted = hashlib.blake2b()
    for piece in data:
        wanted.update(piece)
    with start(desk, ["cat"], stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        writer = threading.Thread(target=feed, args=(running.stdin, data))
        writer.start()
        found = hashlib.file_digest(running.stdout, hashlib.blake2b)  # type: ignore[arg-type]  # a buffered reader is all it needs
        writer.join()
        assert running.wait() == 0
    assert found.hexdigest() == wanted.hexdigest()


def test_hundreds_of_megabytes_from_and_to_files(desk: Desk) -> None:
    source, target = desk.project / "source", desk.project.parent / "target"
    with source.open("wb") as file:
        feed(file, pieces())
    with source.open("rb") as stdin, target.open("wb") as stdout:
        subprocess.run([desk.paddock, *QUIET, "cat"], cwd=desk.project, stdin=stdin, stdout=stdout, check=True)
    assert shutil.which("cmp")
    assert subprocess.run(["cmp", source, target], check=False).returncode == 0
    source.unlink()
    target.unlink()


def test_a_command_that_never_reads(desk: Desk) -> None:
    with start(desk, ["true"]) as running:
        assert running.stdin is not None
        with pytest.raises(BrokenPipeError):
            feed(running.stdin, [bytes(MEGABYTE)] * 100)
        assert running.wait() == 0


def test_a_command_that_never_reads_from_a_pipe_that_nobody_closes(desk: Desk) -> None:
    read, write = os.pipe()
    try:
        assert subprocess.run([desk.paddock, *QUIET, "true"], cwd=desk.project, stdin=read, check=False).returncode == 0
    finally:
        os.close(read)
        os.close(write)


def test_a_reader_that_goes_away(desk: Desk) -> None:
    with start(desk, ["yes"], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.read(4) == b"y\ny\n"
        running.stdout.close()
        assert running.wait() == 128 + signal.SIGPIPE


def test_two_megabytes_of_arguments(desk: Desk) -> None:
    resource_limit, _ = resource.getrlimit(resource.RLIMIT_STACK)
    room = (8 * MEGABYTE if resource_limit == resource.RLIM_INFINITY else resource_limit) // 4 - 64 * 1024  # execve(2)
    room -= sum(len(f"{name}={value}") + 9 for name, value in os.environ.items())
    words = ["x" * 991] * (room // 1000)  # each with its end and a pointer
    script = "import sys; print(len(sys.argv), sum(map(len, sys.argv[1:])))"
    ran = subprocess.run([desk.paddock, *QUIET, PYTHON, "-I", "-S", "-c", script, *words], cwd=desk.project, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == [str(len(words) + 1), str(991 * len(words))], ran.stderr
    assert resource_limit < 8 * MEGABYTE or len(words) * 1000 > 1.7 * MEGABYTE


def test_the_longest_argument(desk: Desk) -> None:
    longest = 128 * 1024 - 1  # MAX_ARG_STRLEN of the kernel, with the byte that ends it (execve(2))
    ran = subprocess.run([desk.paddock, *QUIET, "sh", "-c", "echo ${#1}", "sh", "x" * longest], cwd=desk.project, capture_output=True, text=True, check=False)
    assert ran.stdout == f"{longest}\n"


def test_what_the_kernel_does_not_take_is_said(desk: Desk) -> None:
    settings = json.dumps({"paddock": {"environment": {"set": {"LONG": "x" * (128 * 1024)}}}})
    (desk.project.parent / "long.json").write_text(settings)
    argv = [desk.paddock, "run", "--setting-sources", "cli", "--settings", "../long.json", "--", "true"]
    ran = subprocess.run(argv, cwd=desk.project, capture_output=True, text=True, check=False)
    assert ran.returncode == 126
    assert "true: Argument list too long" in ran.stderr
    assert "128 KiB" in ran.stderr


def test_names_that_are_no_text(desk: Desk) -> None:
    odd = b"\xff\xfe'\n\x1b[31m"
    folder = os.fsencode(desk.project) + b"/" + odd
    os.mkdir(folder)
    script = b'printf "%s|%s|%s" "$1" "$ODD" "$(pwd; echo .)"; : > "$1.made"'
    argv = [desk.paddock.encode(), *(word.encode() for word in QUIET), b"sh", b"-c", script, b"sh", odd]
    environment = {**{os.fsencode(name): os.fsencode(value) for name, value in os.environ.items()}, b"ODD": odd}
    ran = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, check=False)
    assert ran.stdout == b"|".join((odd, odd, folder + b"\n."))
    assert ran.stderr == b""
    assert os.listdir(folder) == [odd + b".made"]


def test_a_report_about_names_that_are_no_text(desk: Desk) -> None:
    odd = b"\xff\x1b]0;title\x07"
    folder = os.fsencode(desk.project) + b"/" + odd
    os.mkdir(folder)
    argv = [desk.paddock.encode(), b"run", b"--setting-sources", b"cli", b"--json", b"-", b"--", b"sh", b"-c", b'echo x > "../$1.new"', b"sh", odd]
    ran = subprocess.run(argv, cwd=folder, capture_output=True, check=False)
    assert ran.returncode != 0
    assert b"1 refused" in ran.stderr
    assert b"\x1b" not in ran.stderr.replace(b"sh: ", b"", 1).partition(b"paddock:")[2], "nothing in it that a terminal would obey"
    json.loads(ran.stderr.splitlines()[-1])
