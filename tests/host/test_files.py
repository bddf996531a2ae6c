"""The real file system behind the question list."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from paddock.host.files import HostFiles
from paddock.model.plan import Kind

FILES = HostFiles()


def test_kinds(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    (tmp_path / "l").symlink_to("f")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "p")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "s"))
        found = dict(FILES.names(str(tmp_path)) or [])
    assert found == {"f": Kind.FILE, "l": Kind.SYMLINK, "dangling": Kind.SYMLINK, "p": Kind.FILE, "s": Kind.FILE}
    assert {name: FILES.kind(f"{tmp_path}/{name}") for name in found} == found
    assert FILES.kind(str(tmp_path)) is Kind.DIRECTORY


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    for missing in ("none", "f/below", "none/below"):
        assert FILES.kind(f"{tmp_path}/{missing}") is None
        assert FILES.names(f"{tmp_path}/{missing}") is None
        assert FILES.read(f"{tmp_path}/{missing}") is None
    assert FILES.names(f"{tmp_path}/f") is None


def test_reading_is_bounded_and_never_waits(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 100)
    os.mkfifo(tmp_path / "pipe")
    assert FILES.read(f"{tmp_path}/f", 100) == b"x" * 100
    assert FILES.read(f"{tmp_path}/f", 99) is None
    assert FILES.read(f"{tmp_path}/pipe") is None
    assert FILES.read(str(tmp_path)) is None
    assert FILES.read("/dev/zero") is None


def test_names_survive_that_are_no_text(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff"
    os.close(os.open(raw, os.O_CREAT | os.O_WRONLY))
    ((name, _),) = FILES.names(str(tmp_path)) or []
    assert os.fsencode(name) == b"\xff"
    assert FILES.kind(f"{tmp_path}/{name}") is Kind.FILE


def test_second_names(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert FILES.links(f"{tmp_path}/a")[2] == 1
    os.link(tmp_path / "a", tmp_path / "b")
    assert FILES.links(f"{tmp_path}/a") == FILES.links(f"{tmp_path}/b")
    assert FILES.links(f"{tmp_path}/a")[2] == 2


def test_programs(tmp_path: Path) -> None:
    (tmp_path / "x").touch(mode=0o755)
    (tmp_path / "y").touch(mode=0o644)
    (tmp_path / "l").symlink_to("x")
    assert FILES.executable(f"{tmp_path}/x")
    assert FILES.executable(f"{tmp_path}/l")
    assert not FILES.executable(f"{tmp_path}/y")
    assert not FILES.executable(str(tmp_path))


def test_where_something_can_be_made(tmp_path: Path) -> None:
    assert FILES.writable(str(tmp_path))
    (tmp_path / "f").touch()
    assert not FILES.writable(f"{tmp_path}/f")
    assert not FILES.writable(f"{tmp_path}/none")
