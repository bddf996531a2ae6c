"""From what was found to what is told: hashes, limits, events, lines, JSON."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.events.log import EventLog
from paddock.events.memory import Recorder
from paddock.host.fingerprint import fingerprint
from paddock.model.planted import GIT, LINK, NAME, NOTHING_PLANTED, Candidate, Planted, PlantedFile
from paddock.session import planted
from paddock.session.planted_text import ROWS, document, lines
from paddock.session.rendering import plain

if TYPE_CHECKING:
    import pytest

FILE = PlantedFile(Candidate("/home/u/p/.mcp.json", True, NAME, "a list of servers"), "ab" * 32, 12)
AWAY = PlantedFile(Candidate("/home/u/p/out", False, LINK, "leads out", "/etc/passwd"))


def shown(found: Planted) -> list[str]:
    return lines(found, run_id="7f3a9c11", home="/home/u", cwd="/home/u/p", paint=plain)


def test_nothing_is_said_about_nothing() -> None:
    assert shown(NOTHING_PLANTED) == []
    assert shown(Planted(gaps=("something was not looked at",))) == []
    assert document(Planted(gaps=("x",))) == {"count": 0, "files": [], "more": {}, "gaps": ["x"]}


def test_lines() -> None:
    head, first, second, note = shown(Planted((FILE, AWAY), gaps=("one folder",)))
    assert head == "paddock: planted: 2 files that something outside may run or obey later were made or changed (run 7f3a9c11)"
    assert first.split() == ["made", ".mcp.json", "a", "list", "of", "servers", "sha256", "abababababab…,", "12", "bytes"]
    assert second == "  changed  out -> /etc/passwd  leads out"
    assert note == "  note: one folder"
    assert shown(Planted((FILE,)))[0].startswith("paddock: planted: 1 file that something outside may run or obey later was made")


def test_more_than_anybody_reads_is_counted() -> None:
    many = tuple(PlantedFile(Candidate(f"/p/{n}/.envrc", True, NAME, "x")) for n in range(ROWS + 5))
    assert shown(Planted(many, (("git", 3),)))[-1] == "  … and 8 more: paddock log --run 7f3a9c11 --kind planted"
    assert Planted(many, (("git", 3),)).total == ROWS + 8


def test_a_hostile_name_stays_one_line() -> None:
    evil = PlantedFile(Candidate("/p/\x1b[2J\nfake  row/.envrc", True, NAME, "x", "\x1b]0;t\x07"))
    text = shown(Planted((evil,)))[1]
    assert "\x1b" not in text
    assert "\n" not in text
    assert '"/p/' in text


def test_the_document_survives_bytes_that_are_no_text() -> None:
    odd = PlantedFile(Candidate("/p/\udcff/.envrc", True, NAME, "x"), "", 3)
    (value,) = json.loads(json.dumps(document(Planted((odd,)))))["files"]
    assert (value["path"], value["path_b64"], value["sha256"], value["size"], value["change"]) == ("/p/\\xff/.envrc", "L3Av/y8uZW52cmM=", None, 3, "made")


def test_events(tmp_path: Path) -> None:
    recorder = Recorder(EventLog(str(tmp_path), "7f3a9c11"))
    planted.tell(Planted((FILE, AWAY), (("git", 3),)), recorder)
    first, second, rest = (record.event for record in recorder.records("planted"))
    assert (first.act, first.subject, dict(first.detail)) == ("made", "/home/u/p/.mcp.json", {"kind": NAME, "sha256": "ab" * 32, "size": 12})
    assert (second.act, dict(second.detail)) == ("changed", {"kind": LINK, "target": "/etc/passwd"})
    assert dict(rest.detail) == {"git": 3}


def test_a_fingerprint(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    assert fingerprint(str(file), 7) == (hashlib.sha256(b"content").hexdigest(), 7)
    assert fingerprint(str(file), 6) == ("", 7)
    (tmp_path / "link").symlink_to(file)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "way").symlink_to(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    for name in ("link", "pipe", "absent", "", "way/file", "file/x"):
        assert fingerprint(str(tmp_path / name), 100) == ("", -1)
    assert len(os.listdir("/proc/self/fd")) == before


def test_hashing_is_bounded_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for number in range(4):
        (tmp_path / str(number)).write_bytes(b"x" * 10)
        found.append(Candidate(str(tmp_path / str(number)), True, GIT, "x"))
    monkeypatch.setattr(planted, "ALL_BYTES", 25)
    monkeypatch.setattr(planted, "LISTED", 3)
    monkeypatch.setattr("paddock.planner.planted.look", lambda *_, **__: (found, ["gap"]))
    seen = planted.find(object(), planted.beginning())  # type: ignore[arg-type]  # only handed on
    assert [(bool(file.sha256), file.size) for file in seen.files] == [(True, 10), (True, 10), (False, 10)]
    assert (seen.more, seen.gaps, seen.total) == (((GIT, 1),), ("gap",), 4)
