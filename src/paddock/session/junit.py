"""The report of one run as JUnit XML: what test dashboards of CI systems read. Pure.

One suite for the run: a case for the command, one for each refused act, one for each file that was left for others to run. A case fails exactly when it decides
the exit code, so that a dashboard is red where the job is; what was only told is a skipped case with its reason. The shape is the one that the common schemas
share (the "JUnit.xsd" of Ant and the "junit-10.xsd" of Jenkins). There is no text of the command's own in it but names, and those are escaped: the file is
ASCII, whatever a hostile command calls its files.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import gmtime, strftime

from paddock.events.record import Record, origin_to_json
from paddock.model.planted import PlantedFile
from paddock.model.record import record
from paddock.model.text import cap, escape
from paddock.session.rendering import Report

__all__ = ["FAILED", "Case", "document", "failed_to_start", "to_junit"]

FAILED, ERROR, SKIPPED, PASSED = "failure", "error", "skipped", ""

NAME_WIDTH = 200
TEXT_WIDTH = 1000
_COMMAND, _REFUSED, _PLANTED = "paddock.command", "paddock.refused", "paddock.planted"
_CAUSES = {
    "signal": "a signal to Paddock ended the run",
    "timeout": "the time limit ended the command",
    "limit": "a limit ended the command",
    "violation": "the command succeeded, and something was refused",
    "planted": "the command succeeded, and left files that something outside may run later",
}


@record
class Case:
    """One line of a dashboard. ``result`` is a tag of the schema, or empty for a case that passed."""

    group: str
    name: str
    result: str = PASSED
    kind: str = ""
    message: str = ""
    text: str = ""
    seconds: float = 0.0


def to_junit(report: Report, *, began: float, fail_on_violation: bool, fail_on_planted: bool) -> str:
    """The whole document. ``began`` is seconds since the epoch; the two switches are the options of the run."""
    refused = [_refused(record, failing=fail_on_violation) for record in report.refused]
    planted = [_planted(file, failing=fail_on_planted) for file in report.planted.files]
    counted = [
        *_more("violation", report.dropped.get("violation", 0), _REFUSED, "refused acts that were too many to keep apart", failing=fail_on_violation),
        *_more("planted", sum(count for _, count in report.planted.more), _PLANTED, "files more than are told one by one", failing=fail_on_planted),
    ]
    properties = {"run": report.run_id, "plan": report.plan_digest, "exit": str(report.exit_code), "cause": report.cause, "folder": _shown(report.cwd)}
    return document((_command(report), *refused, *planted, *counted), began=began, seconds=report.seconds, properties=properties)


def failed_to_start(message: str, hint: str, *, code: int, began: float, seconds: float) -> str:
    """The document of a run in which no command ran."""
    case = Case(_COMMAND, "start", ERROR, "not started", _shown(message), _shown(hint, TEXT_WIDTH), seconds)
    return document((case,), began=began, seconds=seconds, properties={"exit": str(code)})


def document(cases: Iterable[Case], *, began: float, seconds: float, properties: dict[str, str]) -> str:
    """Cases as XML."""
    cases = tuple(cases)
    counts = {result: sum(case.result == result for case in cases) for result in (FAILED, ERROR, SKIPPED)}
    suite = {
        "name": "paddock",
        "package": "paddock",
        "id": "0",
        "hostname": "localhost",  # the schema's own word for a name that is not told
        "timestamp": strftime("%Y-%m-%dT%H:%M:%S", gmtime(began)),
        "tests": str(len(cases)),
        "failures": str(counts[FAILED]),
        "errors": str(counts[ERROR]),
        "skipped": str(counts[SKIPPED]),
        "time": f"{seconds:.3f}",
    }
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", f"  <testsuite{_attributes(suite)}>", "    <properties>"]
    lines += [f"      <property{_attributes({'name': name, 'value': value})}/>" for name, value in properties.items()]
    lines.append("    </properties>")
    for case in cases:
        lines += _case_lines(case)
    return "\n".join([*lines, "    <system-out/>", "    <system-err/>", "  </testsuite>", "</testsuites>"]) + "\n"


def _case_lines(case: Case) -> list[str]:
    head = f"    <testcase{_attributes({'classname': case.group, 'name': case.name, 'time': f'{case.seconds:.3f}'})}"
    if not case.result:
        return [head + "/>"]
    if case.result == SKIPPED:
        inner = f"      <skipped{_attributes({'message': case.message})}/>"
    else:
        inner = f"      <{case.result}{_attributes({'type': case.kind, 'message': case.message})}>{_xml(case.text)}</{case.result}>"
    return [head + ">", inner, "    </testcase>"]


def _command(report: Report) -> Case:
    """Its own exit code is a failure; an end that was not its own is an error. One that decides nothing about the exit code passed."""
    name = _shown(" ".join(report.argv))
    if report.exit_code == 0 or report.cause in ("violation", "planted"):
        return Case(_COMMAND, name, seconds=report.seconds)
    if report.cause == "command":
        return Case(_COMMAND, name, FAILED, "exit", f"exit code {report.exit_code}", seconds=report.seconds)
    return Case(_COMMAND, name, ERROR, report.cause, _CAUSES.get(report.cause, report.cause), f"exit code {report.exit_code}", report.seconds)


def _refused(record: Record, *, failing: bool) -> Case:
    event = record.event
    name = _shown(f"{event.act or event.area} {event.subject}")
    times = f" ({record.count} times)" if record.count > 1 else ""
    message = _shown(event.reason or "refused") + times
    lines = [f"details: paddock why {record.id}"]
    if event.rule is not None:
        place = origin_to_json(event.rule)
        lines.insert(0, f"rule: {place['key']} {place['text']} ({place['scope']} {place['file']}:{place['line']})")
    if event.remedy:
        lines.append(f"to allow it: {event.remedy}")
    text = "\n".join(_shown(line, TEXT_WIDTH) for line in lines)
    return Case(f"{_REFUSED}.{event.area}", name, FAILED if failing else SKIPPED, "refused", message, text)


def _planted(file: PlantedFile, *, failing: bool) -> Case:
    found = file.found
    name = _shown(f"{'made' if found.made else 'changed'} {found.path}")
    text = f"sha256: {file.sha256}" if file.sha256 else ""
    return Case(f"{_PLANTED}.{found.kind}", name, FAILED if failing else SKIPPED, "planted", _shown(found.reason), text)


def _more(kind: str, count: int, group: str, words: str, *, failing: bool) -> list[Case]:
    return [Case(group, f"{count} {words}", FAILED if failing else SKIPPED, kind, words)] if count else []


def _shown(text: str, limit: int = NAME_WIDTH) -> str:
    """On one line, nothing in it that a terminal or an XML reader could stumble over, and not for ever."""
    return cap(escape(text), limit)


def _attributes(values: dict[str, str]) -> str:
    return "".join(f' {name}="{_xml(value)}"' for name, value in values.items())


def _xml(text: str) -> str:
    """Text for between tags and between quotes (XML 1.0, 2.2 and 2.4): what is no printable ASCII character is written by its number."""
    return "".join(_SPECIAL.get(char, char) if " " <= char <= "~" or char == "\n" else _numbered(char) for char in text)


_SPECIAL = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}


def _numbered(char: str) -> str:
    """A character reference; for what XML cannot hold at all (controls, lone surrogates, two that stand for nothing) its number in words."""
    point = ord(char)
    legal = point in (0x9, 0xA, 0xD) or 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or 0x10000 <= point <= 0x10FFFF
    return f"&#{point};" if legal else f"\\u{point:04x}"
