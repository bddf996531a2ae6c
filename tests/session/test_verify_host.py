"""What stands outside for a verification: it notices what arrives, and nothing of it is left, however the program ends."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paddock.session.verify_host import HostSide, Seen


@contextmanager
def standing(hidden: Path, *made: str) -> Iterator[HostSide]:
    with HostSide(str(hidden), made) as host:
        yield host


def left(host: HostSide, hidden: Path) -> list[str]:
    names = [path for path in (host.temporary_file, host.socket_path, os.path.dirname(host.socket_path)) if os.path.lexists(path)]
    return [*names, *(path.name for path in hidden.iterdir())]


def test_nothing_is_noticed_and_nothing_is_left_when_nothing_happens(tmp_path: Path) -> None:
    with standing(tmp_path) as host:
        assert Path(host.hidden_file).read_text() == host.secret
        assert Path(host.temporary_file).read_text() == host.secret
        assert os.read(host.streams[0], 100).decode() == host.secret
        assert os.fstat(host.streams[1]).st_nlink == 0
        process = host.process
        assert host.look() == Seen()
    assert left(host, tmp_path) == []
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.parametrize("number", [signal.SIGURG, signal.SIGCHLD])
def test_a_signal_is_noticed(tmp_path: Path, number: signal.Signals) -> None:
    with standing(tmp_path) as host:
        os.kill(host.process, number)
        assert select.select([host._reports], [], [], 10)[0], "nothing was reported"
        assert host.look().signals == {number}


def test_whoever_comes_is_noticed(tmp_path: Path) -> None:
    for name in ("TCP", "UDP", "abstract", "path"):
        with standing(tmp_path) as host:
            if name == "UDP":
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                    client.sendto(b"x", ("127.0.0.1", host.ports["UDP"]))
            elif name == "TCP":
                socket.create_connection(("127.0.0.1", host.ports["TCP"])).close()
            else:
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect("\0" + host.socket_name[1:] if name == "abstract" else host.socket_path)
            assert host.look().arrived == {name}
        assert left(host, tmp_path) == []


def test_files_that_got_made_are_noticed_and_removed(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    outside = tmp_path / "made"
    with standing(hidden, str(outside)) as host:
        assert host.look().left == ()
        outside.write_text("got through")
        assert host.look().left == (str(outside),)
    assert not outside.exists()


def test_under_other_names_only_what_is_empty_is_removed(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    paths = [tmp_path / name for name in ("file", "folder", "filled", "full")]
    with HostSide(str(hidden), (), tuple(map(str, paths))) as host:
        paths[0].touch()
        paths[1].mkdir()
        paths[2].write_text("somebody else's")
        paths[3].mkdir()
        (paths[3] / "inner").touch()
        assert host.look().left == tuple(map(str, paths))
    assert [path.name for path in paths if path.exists()] == ["filled", "full"]


def test_its_segment_of_shared_memory_goes_with_it(tmp_path: Path) -> None:
    def segments() -> set[int]:
        return {int(line.split()[1]) for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}

    with standing(tmp_path) as host:
        assert host.segment in segments()
    assert host.segment not in segments()


def test_nothing_is_left_when_the_program_is_killed(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    program = os.fork()
    if program == 0:
        with HostSide(str(tmp_path), ()) as host:
            os.write(writer, f"{host.process} {host.temporary_file} {host.socket_path}".encode())
            signal.pause()
        os._exit(0)
    os.close(writer)
    process, *paths = os.read(reader, 4096).decode().split()
    os.close(reader)
    handle = os.pidfd_open(int(process))
    assert all(os.path.lexists(path) for path in (*paths, *map(str, tmp_path.iterdir())))
    assert list(tmp_path.iterdir())
    os.kill(program, signal.SIGKILL)
    os.waitpid(program, 0)
    assert select.select([handle], [], [], 20)[0], "the process that clears up is still there"
    os.close(handle)
    assert not [path for path in (*paths, os.path.dirname(paths[0])) if os.path.lexists(path)]
    assert list(tmp_path.iterdir()) == []
