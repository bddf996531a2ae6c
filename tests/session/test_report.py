from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.errors import InternalError, UsageError
from paddock.events.log import EventLog
from paddock.events.memory import Recorder
from paddock.events.record import Record
from paddock.model.events import Event
from paddock.model.plan import Plan, RemovedVariable
from paddock.model.policy import EnvironmentPolicy, FilesystemPolicy, Limits, NetworkPolicy, Policy
from paddock.model.record import replace
from paddock.model.settings import Context, Entry, Notice, Origin, Scope, Settings
from paddock.session.prepare import Prepared
from paddock.session.rendering import LINES, Report, block, to_document
from paddock.session.report import is_silent, report_of, write_report
from paddock.session.reportfile import ReportFile
from paddock.session.run import Outcome
from paddock.session.supervise import Ending

FILE = "/home/u/p/.claude/settings.json"
DENY_READ = Origin(Scope.PROJECT, FILE, 9, 5, "sandbox.filesystem.denyRead", "~/")
TEAM = RemovedVariable("NPM_TOKEN", Origin(Scope.PROJECT, FILE, 12, 5, "sandbox.credentials.envVars", '{"name": "NPM_TOKEN", "mode": "deny"}'))
BUILTIN = RemovedVariable("GITHUB_TOKEN", Origin(Scope.BUILTIN, "builtin", key="paddock.environment.remove", text="*_TOKEN"))
READ = Event("violation", "file", "read", "/home/u/.ssh/id_ed25519", "", DENY_READ, '"allowRead": ["~/.ssh/id_ed25519"]')
CONNECT = Event("violation", "network", "connect", "evil.test:443", "not in allowedDomains", None, "--allow-domain evil.test")
FLOW = Event("flow", "network", "connect", "good.test:443", detail=(("bytes_in", 10),))


def report(*events: Event, **changes: object) -> Report:
    records = tuple(Record("7f3a9c11", n, 1_700_000_000.0, e, 1, 1_700_000_000.0) for n, e in enumerate(events, 1))
    base = Report("7f3a9c11", ("npm", "ci"), "/home/u/p", "/home/u", 0, "command", 1.25, "beef", records, {})
    return replace(base, **changes)


def test_a_run_without_refusals_is_silent() -> None:
    assert block(report(FLOW)) == ""
    assert block(report(FLOW, removed=(TEAM, BUILTIN))) == ""
    assert block(report(FLOW, removed=(BUILTIN,), exit_code=1)) == ""


def test_the_block_names_what_by_which_rule_and_how_to_allow() -> None:
    lines = block(report(READ, CONNECT, removed=(TEAM, BUILTIN))).splitlines()
    assert lines[0] == "paddock: 3 refused (run 7f3a9c11, details: paddock why 7f3a9c11-1)"
    assert re.fullmatch(
        r'  read {6}~/\.ssh/id_ed25519 +denied by sandbox\.filesystem\.denyRead "~/" \(project \.claude/settings\.json:9\) +'
        r'allow: "allowRead": \["~/\.ssh/id_ed25519"\]',
        lines[1],
    )
    assert re.fullmatch(r"  connect {3}evil\.test:443 +not in allowedDomains +allow: --allow-domain evil\.test", lines[2])
    assert re.fullmatch(
        r'  variable {2}NPM_TOKEN +removed by sandbox\.credentials\.envVars "NPM_TOKEN" \(project .*:12\) +allow: take that entry out', lines[3]
    )
    assert "GITHUB_TOKEN" in lines[4]
    assert "paddock.environment.keep" in lines[4]
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("reason", "rule", "shown"),
    [
        ("connection to evil.test:443: no entry allows it", None, "no entry allows it"),
        ("because of something else: really", None, "because of something else: really"),
        ("denied by evil.test", DENY_READ, 'denied by evil.test (sandbox.filesystem.denyRead "~/", project .claude/settings.json:9)'),
        ("sandbox.filesystem.denyRead hides it", DENY_READ, "sandbox.filesystem.denyRead hides it (project .claude/settings.json:9)"),
        ("", Origin(Scope.BUILTIN, "builtin"), "denied (builtin)"),
        ("", None, "denied"),
    ],
)
def test_reason_and_rule(reason: str, rule: Origin | None, shown: str) -> None:
    line = block(report(replace(CONNECT, reason=reason, rule=rule, remedy=""))).splitlines()[1]
    assert line == f"  connect  evil.test:443  {shown}"


def test_columns_are_aligned() -> None:
    lines = block(report(READ, CONNECT)).splitlines()[1:]
    assert len({line.index("allow:") for line in lines}) == 1
    assert lines[0].index("denied by") == lines[1].index("not in")


def test_long_rows_are_folded_and_short_ones_are_not() -> None:
    wide = block(report(READ, CONNECT), columns=200)
    narrow = block(report(READ, CONNECT), columns=80)
    assert len(wide.splitlines()) == 3
    assert [line.split()[0] for line in narrow.splitlines()] == ["paddock:", "read", "denied", "allow:", "connect", "not", "allow:"]


def test_a_denied_variable_of_the_team_is_named_when_the_command_failed() -> None:
    assert "NPM_TOKEN" in block(report(removed=(TEAM,), exit_code=1))
    assert "GITHUB_TOKEN" not in block(report(removed=(TEAM, BUILTIN), exit_code=1))
    assert "GITHUB_TOKEN" in block(report(removed=(BUILTIN,)), verbose=True)


def test_equal_refusals_are_counted() -> None:
    one = report(CONNECT)
    counted = replace(one, records=(replace(one.records[0], count=12),))
    assert "evil.test:443 \N{MULTIPLICATION SIGN}12" in block(counted)
    assert "\N{MULTIPLICATION SIGN}" not in block(one)


def test_many_refusals_are_cut_with_the_way_to_see_all() -> None:
    events = [replace(CONNECT, subject=f"h{n}.test:443") for n in range(LINES + 12)]
    lines = block(report(*events, dropped={"violation": 7})).splitlines()
    assert lines[0].startswith(f"paddock: {LINES + 12}+ refused")
    assert lines[-2:] == ["  … and 12 more: paddock log --run 7f3a9c11", "  … and 7 that were too many to keep apart"]
    assert len(lines) == 1 + LINES + 2


def test_warnings_are_said_and_information_only_on_request() -> None:
    notices = (Notice("cannot bind 80", Origin(Scope.USER, "/home/u/.claude/settings.json", 3)), Notice("tool rules are not for run", level="info"))
    assert block(report(notices=notices)) == "paddock: warning: cannot bind 80 (user ~/.claude/settings.json:3)\n"
    assert "tool rules are not for run" in block(report(notices=notices), verbose=True)


def test_what_the_fence_and_the_gate_say_is_passed_on_when_it_may_matter() -> None:
    watched = Event("notice", "run", reason="refused file accesses will not be reported")
    unreachable = Event("notice", "network", "connect", "good.test:443", "the name does not resolve\x1b")
    published = Event("notice", "network", "listen", "3000", "inside 3000 is on 127.0.0.1:3000")
    assert block(report(watched, unreachable, published)) == ""
    expected = "  note: refused file accesses will not be reported\n  note: good.test:443: the name does not resolve\\x1b\n"
    assert block(report(watched, unreachable, published, exit_code=1)) == expected
    assert block(report(CONNECT, watched)).endswith("  note: refused file accesses will not be reported\n")
    many = [replace(unreachable, subject=f"h{n}.test:443") for n in range(10)]
    assert block(report(*many, exit_code=1)).splitlines()[-1] == "  … and 2 more notes: paddock log --run 7f3a9c11 --kind notice"


def test_gaps_in_the_log_are_said_once() -> None:
    assert block(report(log_trouble="No space left on device")) == "paddock: the event log is incomplete: No space left on device\n"


def test_colour_is_asked_for_and_never_inside_words() -> None:
    text = block(report(READ), paint=lambda style, text: f"<{style}>{text}</>")
    assert "<bad>read</>" in text
    assert re.sub(r"<\w+>|</>", "", text) == block(report(READ))


@given(st.text(), st.text(), st.text())
def test_nothing_from_inside_reaches_the_terminal_as_it_is(subject: str, reason: str, remedy: str) -> None:
    text = block(report(replace(CONNECT, subject=subject, reason=reason, remedy=remedy)))
    lines = text.split("\n")
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    assert len(lines[1]) < 600


def test_a_subject_cannot_forge_a_column() -> None:
    text = block(report(replace(CONNECT, subject="x   not refused")))
    assert '"x   not refused"' in text


def test_document() -> None:
    void = ((Entry(["a"], DENY_READ), "untrusted project"),)
    made = report(READ, FLOW, CONNECT, removed=(TEAM,), void=void, published=("port 3000",), notices=(Notice("n"),), exit_code=3, dropped={"flow": 2})
    value = json.loads(json.dumps(to_document(made)))
    assert value["schema"] == 1
    assert (value["exit"], value["cause"], value["seconds"], value["plan"], value["command"]) == (3, "command", 1.25, "beef", ["npm", "ci"])
    assert [r["id"] for r in value["refused"]] == ["7f3a9c11-1", "7f3a9c11-3"]
    assert [r["subject"] for r in value["flows"]] == ["good.test:443"]
    assert value["removed_variables"][0]["name"] == "NPM_TOKEN"
    assert value["removed_variables"][0]["rule"]["line"] == 12
    assert value["void"][0]["reason"] == "untrusted project"
    assert (value["published"], value["dropped"]) == (["port 3000"], {"flow": 2})


class Paper:
    """Takes down what is told."""

    columns: int | None = None

    def __init__(self) -> None:
        self.text = ""

    def block(self, text: str) -> None:
        self.text += text

    def note(self, text: str) -> None:
        self.text += f"paddock: {text}\n"

    def paint(self, _style: str, text: str) -> str:
        return text


@dataclass
class Held:
    """The parts of a run that its report is made from."""

    prepared: Prepared
    outcome: Outcome


def finished(tmp_path: Path, *events: Event, code: int = 0, removed: tuple[RemovedVariable, ...] = (), notices: tuple[Notice, ...] = ()) -> Held:
    recorder = Recorder(EventLog(str(tmp_path / "state"), "7f3a9c11"))
    for event in events:
        recorder.emit(event)
    recorder.log.close()
    plan = Plan(
        ("true",), "/home/u/p", "/home/u", 0, 0, (), (), (), {}, removed, NetworkPolicy(), (), False, Limits(), 1, 1, 1, (), notices, "namespaces", "beef"
    )
    context = Context("/home/u/p", "/home/u/p", "", "/home/u", "", "", "", "")
    settings = Settings(context, {}, {}, {}, (), (), ())
    policy = Policy(FilesystemPolicy((), (), (), ()), NetworkPolicy(), EnvironmentPolicy(), Limits())
    return Held(Prepared(settings, policy, plan), Outcome("7f3a9c11", Ending(code, "command"), 0.5, recorder, ()))


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("events", [(), (FLOW,), (READ,)])
@pytest.mark.parametrize("removed", [(), (TEAM,), (BUILTIN,), (TEAM, BUILTIN)])
@pytest.mark.parametrize("notices", [(), (Notice("careful"),), (Notice("by the way", level="info"),)])
def test_what_is_skipped_unseen_would_have_been_empty(
    tmp_path: Path, code: int, events: tuple[Event, ...], removed: tuple[RemovedVariable, ...], notices: tuple[Notice, ...]
) -> None:
    held = finished(tmp_path, *events, code=code, removed=removed, notices=notices)
    paper = Paper()
    write_report(held.prepared, held.outcome, paper)
    assert paper.text == block(report_of(held.prepared, held.outcome))
    if is_silent(held.prepared, held.outcome):
        assert paper.text == ""
    if (code, events, notices) == (0, (FLOW,), ()):
        assert is_silent(held.prepared, held.outcome)


def test_quiet_and_verbose(tmp_path: Path) -> None:
    refused, paper = finished(tmp_path, READ), Paper()
    write_report(refused.prepared, refused.outcome, paper, quiet=True)
    assert paper.text == ""
    calm = finished(tmp_path, removed=(BUILTIN,))
    write_report(calm.prepared, calm.outcome, paper, verbose=True)
    assert "GITHUB_TOKEN" in paper.text


def test_the_document_goes_where_it_was_asked_for(tmp_path: Path) -> None:
    held, paper = finished(tmp_path, READ), Paper()
    write_report(held.prepared, held.outcome, paper, quiet=True, json_to=ReportFile(str(tmp_path / "r.json")))
    assert paper.text == ""
    assert json.loads((tmp_path / "r.json").read_text())["refused"][0]["subject"] == READ.subject
    write_report(held.prepared, held.outcome, paper, quiet=True, json_to="-")
    assert json.loads(paper.text)["run"] == "7f3a9c11"
    with pytest.raises(InternalError, match="was not opened before the run"):
        write_report(held.prepared, held.outcome, paper, quiet=True, json_to=str(tmp_path / "late.json"))
    assert not (tmp_path / "late.json").exists()


def test_report_file_is_replaced_and_ends_up_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old and much longer than what comes")
    file = ReportFile(str(path))
    assert path.read_text() == ""
    path.write_text("written by the command meanwhile")
    assert file.write("{}\n") == ""
    assert path.read_text() == "{}\n"


def test_report_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "report.json").symlink_to(victim)
    with pytest.raises(UsageError, match="it is a link"):
        ReportFile(str(tmp_path / "report.json"))
    assert victim.read_text() == "precious"


def test_report_file_replaced_by_a_link_while_the_command_ran(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "report.json"
    victim.write_text("precious")
    file = ReportFile(str(path))
    path.unlink()
    path.symlink_to(victim)
    assert "was replaced while the command ran" in file.write("{}\n")
    assert victim.read_text() == "precious"


def test_report_file_may_be_a_pipe_of_the_shell() -> None:
    reader, writer = os.pipe()
    file = ReportFile(f"/dev/fd/{writer}")
    os.close(writer)
    assert file.write("{}\n") == ""
    with os.fdopen(reader) as stream:
        assert stream.read() == "{}\n"


def test_a_lookup_is_told_unless_its_connection_is() -> None:
    lookup = Event("violation", "dns", "lookup", "evil.test", "no entry allows it")
    record = Event("violation", "dns", "lookup", "TXT evil.test", "no entry allows it")
    assert "lookup" in block(report(lookup))
    both = block(report(lookup, record, CONNECT))
    assert "TXT evil.test" in both
    assert "connect" in both
    assert len([line for line in both.splitlines() if line.startswith("  lookup")]) == 1
