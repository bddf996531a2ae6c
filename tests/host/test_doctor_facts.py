from __future__ import annotations

import os
from pathlib import Path

import pytest

from paddock.host.doctor_facts import Distribution, _is_chroot, _is_proc_masked, find_program, look_around, parse_os_release

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'
MINT = "# a comment\nID=linuxmint\nID_LIKE='ubuntu debian'\nVERSION_ID=22\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEBIAN, Distribution("debian", "12", "Debian GNU/Linux 12 (bookworm)", "debian")),
        (MINT, Distribution("linuxmint", "22", "linuxmint", "debian")),
        ('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', Distribution("opensuse-tumbleweed", "", "opensuse-tumbleweed", "suse")),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"', Distribution("rocky", "9.4", "rocky", "fedora")),
        ("ID=arch\n", Distribution("arch", "", "arch", "arch")),
        ("ID=alpine\nVERSION_ID=3.20.0\n", Distribution("alpine", "3.20.0", "alpine", "alpine")),
        ("ID=nixos\n", Distribution("nixos", "", "nixos", "")),
        ("", Distribution("", "", "unknown Linux", "")),
        ("nonsense\n=\n", Distribution("", "", "unknown Linux", "")),
    ],
)
def test_os_release(text: str, expected: Distribution) -> None:
    assert parse_os_release(text) == expected


ROOT = "24 1 0:22 / / rw,relatime - ext4 /dev/sda rw\n25 24 0:5 / /proc rw - proc proc rw\n"


@pytest.mark.parametrize(
    ("more", "masked"),
    [
        ("", False),
        ("31 25 0:40 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw\n", False),
        ("31 25 0:40 / /proc/kcore rw - tmpfs tmpfs rw\n", True),
        ("31 25 0:5 /sys /proc/sys ro - proc proc rw\n", True),
    ],
)
def test_masked_proc(more: str, masked: bool) -> None:
    assert _is_proc_masked(ROOT + more) is masked


def test_chroot() -> None:
    assert not _is_chroot(ROOT)
    assert _is_chroot("25 24 0:5 / /proc rw - proc proc rw\n")
    assert not _is_chroot("")


def test_programs_come_from_system_folders_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "sh"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("sh") in ("/usr/bin/sh", "/bin/sh")
    assert find_program("no-such-program") == ""


def test_this_machine() -> None:
    around = look_around()
    assert around.facts.kernel >= (3, 0)
    assert around.facts.uid == os.getuid()
