"""What continuous integration reads of a run: exit codes that tell a failed test from a refused act, and the file for dashboards."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from paddock.cli.output import Output
from paddock.cli.run import main
from paddock.errors import CommandNotFoundError, UsageError
from paddock.session.verdict import EXIT_CODE
from tests.session.seat import Seat, take_seat
from tests.session.test_doctor import able


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    able()
    seat = take_seat(tmp_path, monkeypatch)
    (seat.world.project / "secret").write_text("x")
    return seat


def run(*words: str) -> tuple[int, str]:
    err = io.StringIO()
    return main(list(words), Output(io.StringIO(), err)), err.getvalue()


REFUSED = ("--deny-read", "./secret", "--", "sh", "-c")


@pytest.mark.parametrize(
    ("options", "script", "code"),
    [
        ((), "cat secret; true", 0),
        (("--fail-on-violation",), "cat secret; true", EXIT_CODE),
        (("--fail-on-violation",), "cat secret; exit 3", 3),
        (("--fail-on-violation",), "true", 0),
        (("--fail-on-violation", "--fail-on-planted"), "cat secret; mkdir -p .git/hooks; true", EXIT_CODE),
        (("--fail-on-violation", "--timeout", "1"), "cat secret; sleep 60", 124),
    ],
)
def test_a_refused_act_has_a_code_of_its_own(seat: Seat, capfd: pytest.CaptureFixture[str], options: tuple[str, ...], script: str, code: int) -> None:
    assert run(*options, "--quiet", *REFUSED, script)[0] == code


def cases(path: Path) -> dict[str, str]:
    return {case.attrib["name"]: case[0].tag if len(case) else "" for case in ET.parse(path).getroot().iter("testcase")}  # noqa: S314 -- our own file


def test_the_dashboard_is_red_where_the_job_is(seat: Seat, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.xml"
    subject = f"read {seat.world.project}/secret"
    code, _ = run("--junit", str(file), *REFUSED, "cat secret; true")
    assert code == 0
    assert cases(file) == {"sh -c cat secret; true": "", subject: "skipped"}
    code, _ = run("--junit", str(file), "--fail-on-violation", *REFUSED, "cat secret; true")
    assert code == EXIT_CODE
    assert cases(file) == {"sh -c cat secret; true": "", subject: "failure"}


def test_json_tells_the_cause(seat: Seat, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    run("--json", str(file), "--junit", str(tmp_path / "report.xml"), "--fail-on-violation", *REFUSED, "cat secret; true")
    document = json.loads(file.read_text())
    assert (document["exit"], document["cause"]) == (EXIT_CODE, "violation")


def test_a_command_that_does_not_exist_is_in_the_file(seat: Seat, tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    with pytest.raises(CommandNotFoundError):
        run("--junit", str(file), "--", "no-such-command")
    assert cases(file) == {"start": "error"}


def test_a_link_that_the_command_puts_in_its_place_is_not_followed(seat: Seat, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    code, err = run("--junit", "report.xml", "--", "sh", "-c", f"rm report.xml; ln -s {victim} report.xml")
    assert (code, victim.read_text()) == (0, "kept")
    assert "--junit: report.xml was replaced while the command ran" in err


@pytest.mark.parametrize("name", ["-", ""])
def test_it_needs_the_name_of_a_file(seat: Seat, name: str) -> None:
    with pytest.raises(UsageError, match="name of a file"):
        run("--junit", name, "--", "true")


def test_two_reports_need_two_files(seat: Seat, tmp_path: Path) -> None:
    (tmp_path / "other").hardlink_to(seat.world.project / "secret")
    with pytest.raises(UsageError, match="both name"):
        run("--json", "secret", "--junit", str(tmp_path / "other"), "--", "true")


def test_a_link_is_refused(seat: Seat, tmp_path: Path) -> None:
    (seat.world.project / "link.xml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=r"--junit: cannot write link\.xml"):
        run("--junit", "link.xml", "--", "true")
    assert not (tmp_path / "elsewhere").exists()
