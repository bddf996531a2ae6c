"""The JUnit report: its shape, when a case fails, and what a hostile command can put into it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.events.record import Record
from paddock.model.events import Event
from paddock.model.planted import NAME, Candidate, Planted, PlantedFile
from paddock.model.record import replace
from paddock.model.settings import Origin, Scope
from paddock.session.junit import failed_to_start, to_junit
from paddock.session.rendering import Report

RULE = Origin(Scope.PROJECT, "/p/.claude/settings.json", 9, 5, "sandbox.filesystem.denyRead", "./.env")
READ = Record("7f3a9c11", 2, 1_700_000_000.0, Event("violation", "file", "read", "/p/.env", "denied by it", RULE, "add /p/.env to allowRead"), 3)
PLANTED = PlantedFile(Candidate("/p/.vscode/tasks.json", True, NAME, "an editor runs it"), "ab" * 32, 10)
PLAIN = Report("7f3a9c11", ("make", "test"), "/p", "/h", 0, "command", 1.5, "d" * 64, (), {})

# Tag -> attributes that must be there, others that may be, and the tags that may stand in it in this order: what "JUnit.xsd" and "junit-10.xsd" have in common.
SHAPE: dict[str, tuple[set[str], set[str], str]] = {
    "testsuites": (set(), set(), "(testsuite )*"),
    "testsuite": (
        {"name", "timestamp", "hostname", "tests", "failures", "errors", "time", "package", "id"},
        {"skipped"},
        "properties (testcase )*system-out system-err ",
    ),
    "properties": (set(), set(), "(property )*"),
    "property": ({"name", "value"}, set(), ""),
    "testcase": ({"name", "classname", "time"}, set(), "(skipped |error |failure )?"),
    "skipped": (set(), {"message"}, ""),
    "error": ({"type"}, {"message"}, ""),
    "failure": ({"type"}, {"message"}, ""),
    "system-out": (set(), set(), ""),
    "system-err": (set(), set(), ""),
}


def check(node: ET.Element) -> None:
    needed, allowed, content = SHAPE[node.tag]
    assert needed <= set(node.attrib) <= needed | allowed, node.tag
    assert re.fullmatch(content, "".join(f"{child.tag} " for child in node)), node.tag
    for child in node:
        check(child)


def parsed(text: str) -> ET.Element:
    """The suite of a document that has the shape, is ASCII, and counts right."""
    assert text.isascii()
    root = ET.fromstring(text)  # noqa: S314 -- our own text
    check(root)
    (suite,) = root
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
    cases = suite.findall("testcase")
    assert int(suite.attrib["tests"]) == len(cases)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[name]) == sum(case.find(tag) is not None for case in cases)
    return suite


def made(report: Report, *, violation: bool = False, planted: bool = False) -> ET.Element:
    return parsed(to_junit(report, began=1_700_000_000.0, fail_on_violation=violation, fail_on_planted=planted))


def results(suite: ET.Element) -> list[tuple[str, str, str]]:
    """Group, name and result of each case."""
    return [(case.attrib["classname"], case.attrib["name"], case[0].tag if len(case) else "") for case in suite.findall("testcase")]


def test_a_run_in_which_nothing_happened_is_one_case() -> None:
    suite = made(PLAIN)
    assert results(suite) == [("paddock.command", "make test", "")]
    assert suite.attrib["time"] == "1.500"
    assert suite.attrib["timestamp"] == "2023-11-14T22:13:20"
    assert {p.attrib["name"]: p.attrib["value"] for p in suite.iter("property")} == {
        "run": "7f3a9c11", "plan": "d" * 64, "exit": "0", "cause": "command", "folder": "/p",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "cause", "result", "kind"),
    [
        (3, "command", "failure", "exit"),
        (139, "command", "failure", "exit"),
        (124, "timeout", "error", "timeout"),
        (143, "signal", "error", "signal"),
        (123, "limit", "error", "limit"),
        (13, "violation", "", ""),
        (12, "planted", "", ""),
    ],
)
def test_the_command_is_red_when_it_failed_itself(code: int, cause: str, result: str, kind: str) -> None:
    case = made(replace(PLAIN, exit_code=code, cause=cause)).findall("testcase")[0]
    assert (case[0].tag if len(case) else "") == result
    if result:
        assert case[0].attrib["type"] == kind


def test_what_was_refused_is_red_only_where_it_decides() -> None:
    report = replace(PLAIN, records=(READ,), planted=Planted((PLANTED,)))
    names = ["read /p/.env", "made /p/.vscode/tasks.json"]
    groups = ["paddock.refused.file", "paddock.planted.name"]
    for violation, planted in ((False, False), (True, False), (False, True)):
        found = results(made(report, violation=violation, planted=planted))
        expected = [("failure" if violation else "skipped"), ("failure" if planted else "skipped")]
        assert found[1:] == list(zip(groups, names, expected, strict=True))


def test_a_refusal_says_why_and_what_would_allow_it() -> None:
    failure = made(replace(PLAIN, records=(READ,)), violation=True).findall("testcase")[1][0]
    assert failure.attrib == {"type": "refused", "message": "denied by it (3 times)"}
    assert (failure.text or "").splitlines() == [
        "rule: sandbox.filesystem.denyRead ./.env (project /p/.claude/settings.json:9)",
        "details: paddock why 7f3a9c11-2",
        "to allow it: add /p/.env to allowRead",
    ]


def test_what_was_only_counted_is_a_case_too() -> None:
    report = replace(PLAIN, records=(READ,), dropped={"violation": 7}, planted=Planted((PLANTED,), (("name", 4), ("git", 1))))
    found = results(made(report, violation=True, planted=True))
    assert ("paddock.refused", "7 refused acts that were too many to keep apart", "failure") in found
    assert ("paddock.planted", "5 files more than are told one by one", "failure") in found


def test_a_run_that_did_not_start_is_an_error() -> None:
    suite = parsed(failed_to_start("cannot build the fence: <no>", "a hint\x1b", code=125, began=0.0, seconds=0.1))
    assert results(suite) == [("paddock.command", "start", "error")]
    error = suite.findall("testcase")[0][0]
    assert (error.attrib["message"], error.text) == ("cannot build the fence: <no>", "a hint\\x1b")


@given(st.text(), st.text())
def test_whatever_a_command_calls_its_files_the_report_can_be_read(subject: str, argument: str) -> None:
    record = replace(READ, event=replace(READ.event, subject=subject, reason=argument, remedy=subject))
    candidate = Candidate(subject, False, NAME, argument)
    report = replace(PLAIN, argv=("x", argument), cwd=subject, records=(record,), planted=Planted((PlantedFile(candidate),)))
    suite = made(report, violation=True, planted=True)
    assert len(results(suite)) == 3


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("/p/\x1b[31m", "read /p/\\x1b[31m"),
        ("/p/a\nb", "read /p/a\\x0ab"),
        ("/p/" + b"\xff".decode("utf-8", "surrogateescape"), "read /p/\\xff"),
        ('"/><testcase name="forged', 'read "/><testcase name="forged'),
        ("/p/]]>&amp;", "read /p/]]>&amp;"),
        ("/p/\N{LATIN SMALL LETTER U WITH DIAERESIS}", "read /p/\N{LATIN SMALL LETTER U WITH DIAERESIS}"),
        ("/p/\ufffe", "read /p/\\ufffe"),
        ("/p/" + "x" * 5000, None),
    ],
)
def test_a_hostile_name_stays_a_name(subject: str, shown: str | None) -> None:
    record = replace(READ, event=replace(READ.event, subject=subject))
    suite = made(replace(PLAIN, records=(record,)), violation=True)
    assert len(results(suite)) == 2
    name = results(suite)[1][1]
    assert name == shown if shown else len(name) == 200
