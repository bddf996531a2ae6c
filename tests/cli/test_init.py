from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import paddock.cli.init as verb
from paddock.cli.output import Output
from paddock.cli.policy import main as policy
from paddock.errors import UsageError
from paddock.session.init import PLACE
from tests.session.seat import Seat, take_seat

OWN = '{"paddock": {"limits": {"processes": 7}}}\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    seat: Seat = take_seat(tmp_path, monkeypatch)
    (seat.world.project / "go.mod").touch()
    return seat.world.project


def run(*words: str, code: int = 0) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    assert verb.main(list(words), Output(out, err)) == code
    return out.getvalue(), err.getvalue()


def test_a_first_file_is_shown_and_written(project: Path) -> None:
    text, _ = run()
    file = project / PLACE
    assert [line[1:] for line in text.splitlines() if line.startswith("+") and not line.startswith("+++")] == file.read_text().splitlines()
    assert f"Written: {PLACE}" in text
    assert "1 entry opens something and counts after `paddock trust`:\n  paddock.network.tools  go\n" in text
    assert json.loads(file.read_text())["paddock"]["network"]["//"]
    assert "Nothing is missing" in run()[0]


def test_a_dry_run_writes_nothing(project: Path) -> None:
    text, _ = run("--dry-run")
    assert "Nothing was written (--dry-run)" in text
    assert not (project / ".paddock").exists()


def test_a_file_that_is_there_is_left_alone_unless_it_may_be_added_to(project: Path) -> None:
    file = project / PLACE
    file.parent.mkdir()
    file.write_text(OWN)
    text, _ = run(code=verb.LEFT_ALONE)
    assert f"Left as it is: {PLACE} exists" in text
    assert '"tools": ["go"]' in text
    assert file.read_text() == OWN
    run("--dry-run")
    assert file.read_text() == OWN
    text, _ = run("--merge")
    assert f"Added to: {PLACE}" in text
    assert json.loads(file.read_text())["paddock"]["limits"] == {"processes": 7}
    assert json.loads(file.read_text())["paddock"]["network"]["tools"] == ["go"]
    assert "Nothing is missing" in run()[0]


def test_a_team_gets_a_note_once(project: Path) -> None:
    run("--profile", "team")
    note = project / ".paddock/README.md"
    assert "paddock trust" in note.read_text()
    note.write_text("ours")
    run("--profile", "team")
    assert note.read_text() == "ours"


def test_for_programs(project: Path) -> None:
    document = json.loads(run("--json", "--dry-run")[0])
    (file,) = document["files"]
    assert (document["schema"], document["profiles"], document["found"]["languages"]) == (1, ["go"], {"go": ["go.mod"]})
    assert (file["path"], file["exists"], file["needed"], file["written"]) == (str(project / PLACE), False, True, False)
    assert document["widening"] == [{"key": "paddock.network.tools", "text": "go"}]
    assert json.loads(run("--json")[0])["files"][0]["written"] is True


def test_the_administrators_profile_is_printed_and_nothing_else(project: Path) -> None:
    text, note = run("--profile", "enterprise")
    assert json.loads(text)["paddock"]["filesystem"]["allowManagedUnprotectOnly"] is True
    assert "/etc/paddock/managed-settings.json" in note
    assert not (project / ".paddock").exists()


def test_the_administrators_profile_goes_to_a_new_file_only(project: Path) -> None:
    assert run("--profile", "enterprise", "--output", "managed.json")[0] == ""
    assert (project / "managed.json").read_text() == run("--profile", "enterprise")[0]
    with pytest.raises(UsageError, match="cannot be made"):
        run("--profile", "enterprise", "--output", "managed.json")
    with pytest.raises(UsageError, match="administrators"):
        run("--output", "other.json")


def test_names_of_the_project_cannot_act_on_a_terminal(project: Path) -> None:
    (project / "a\x1b[2J.key").touch()
    (project / "package.json").write_text('{"scripts": {"dev\\u001b[2J": "vite", "\\ud800": "next dev"}}')
    text, _ = run()
    assert "\x1b" not in text
    assert "\x1b" not in (project / PLACE).read_text()


def test_what_a_file_of_the_project_says_cannot_either(project: Path) -> None:
    file = project / PLACE
    file.parent.mkdir()
    file.write_text('{\n  "model": "\x9b2J\u202e\u2028y"\n}\n')
    text, _ = run("--merge")
    assert '   "model": "\\u009b2J\\u202e\\u2028y",\n' in text.replace("+", " ")
    assert not {"\x9b", "\u202e", "\u2028"} & set(text)
    assert json.loads(file.read_text())["model"] == "\x9b2J\u202e\u2028y"


@pytest.mark.parametrize("words", [("x",), ("--profile", "pyton"), ("--profile", "untrusted", "--profile", "web"), ("--profile", "enterprise", "--merge")])
def test_wrong_words(project: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        run(*words)
    assert not (project / ".paddock").exists()


def test_a_profile_for_one_question(project: Path) -> None:
    del project
    out = io.StringIO()
    assert policy(["show", "--origin", "--profile", "java"], Output(out, io.StringIO())) == 0
    rows = [line.split() for line in out.getvalue().splitlines()]
    assert [row[1] for row in rows if row[:1] == ["paddock.network.tools"] and row[-2:] == ["--profile", "java"]] == ["maven", "gradle"]
