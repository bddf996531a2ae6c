from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from paddock.errors import SettingsError
from paddock.settings import files
from tests.conftest import applies


def refusal(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        files.read_optional(str(path))
    (problem,) = caught.value.problems
    assert problem.file == str(path)
    return problem.message


def test_reads_a_file_and_a_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_bytes(b"{}")
    (tmp_path / "link.json").symlink_to("real.json")
    for name in ("real.json", "link.json"):
        found = files.read_optional(str(tmp_path / name))
        assert found is not None
        assert found[0] == b"{}"


def test_an_absent_file_is_none_and_only_an_error_where_it_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for absent in (tmp_path / "none.json", tmp_path / "no" / "folder.json", tmp_path / "file" / "below.json"):
        assert files.read_optional(str(absent)) is None
    with pytest.raises(SettingsError, match="no such file"):
        files.read_file(str(tmp_path / "none.json"))


def test_a_dangling_link_is_absent_and_a_loop_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    assert files.read_optional(str(tmp_path / "dangling")) is None
    assert "cannot be read" in refusal(tmp_path / "loop")


def test_a_directory_a_fifo_a_socket_and_a_device_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert "a directory" in refusal(tmp_path)
        assert "a FIFO" in refusal(tmp_path / "fifo")
        assert "a socket" in refusal(tmp_path / "s")
        assert "a device" in refusal(Path("/dev/null"))


def test_the_size_limit_is_exact(tmp_path: Path) -> None:
    big = tmp_path / "big.json"
    big.write_bytes(b" " * files.MAX_BYTES)
    found = files.read_optional(str(big))
    assert found is not None
    assert len(found[0]) == files.MAX_BYTES
    big.write_bytes(b" " * (files.MAX_BYTES + 1))
    assert "larger than 2 MiB" in refusal(big)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "moving.json"
    path.write_text('{"sandbox": {}}')
    real_read = os.read

    def read_and_append(fd: int, count: int) -> bytes:
        data = real_read(fd, count)
        if data:
            with path.open("ab") as file:
                file.write(b" ")
        return data

    monkeypatch.setattr(os, "read", read_and_append)
    assert "changed while it was read" in refusal(path)


def test_a_file_that_is_rewritten_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "moving.json"
    path.write_text('{"a": 1}')
    real_read = os.read

    def read_and_rewrite(fd: int, count: int) -> bytes:
        data = real_read(fd, count)
        with path.open("r+b") as file:
            file.write(b'{"a": 2}')
        os.utime(path, ns=(1, 1))
        return data

    monkeypatch.setattr(os, "read", read_and_rewrite)
    assert "changed while it was read" in refusal(path)


def test_an_unreadable_file_is_an_error_and_not_absent(tmp_path: Path) -> None:
    applies(os.geteuid() != 0, "root reads everything")
    path = tmp_path / "secret.json"
    path.write_text("{}")
    path.chmod(0)
    assert "Permission denied" in refusal(path)
