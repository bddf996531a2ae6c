"""What one run has to tell: the block at its end for people and the JSON document for programs. Pure.

The block is silent about a run in which nothing was refused. Everything in it that came from inside the fence is escaped, capped in length, and capped in
number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from paddock.events.record import Record, origin_to_json, to_json
from paddock.model.plan import RemovedVariable
from paddock.model.planted import NOTHING_PLANTED, Planted
from paddock.model.record import as_dict, record
from paddock.model.settings import Entry, Notice, Origin, Scope
from paddock.model.text import cap, escape, pad, shorten_path, width
from paddock.model.usage import NOTHING_KNOWN, Usage
from paddock.session import planted_text

__all__ = ["REPORT_SCHEMA", "Paint", "Report", "block", "entry_of", "plain", "to_document"]

REPORT_SCHEMA = 1
# How much of one report a hostile command may fill.
LINES = 20
SUBJECT_WIDTH = 64
REASON_WIDTH = 160
REMEDY_WIDTH = 200
NAMES = 8
TIMES = "\N{MULTIPLICATION SIGN}"

Paint = Callable[[str, str], str]
"""(style, text) to text: how ``block`` asks for colour without knowing a terminal."""


def plain(_style: str, text: str) -> str:
    """The ``Paint`` that paints nothing."""
    return text


@record
class Report:
    """Everything that is known about one finished run.

    ``records`` in the order they happened; ``dropped`` counts events by kind that were too many to keep. ``exit_code`` is the one that ``paddock run`` ends
    with and ``cause`` says where it comes from (``command``, ``signal``, ``timeout``). ``published`` are sentences. ``log_trouble`` is empty or says why the
    log has gaps.
    """

    run_id: str
    argv: tuple[str, ...]
    cwd: str
    home: str
    exit_code: int
    cause: str
    seconds: float
    plan_digest: str
    records: tuple[Record, ...]
    dropped: dict[str, int]
    removed: tuple[RemovedVariable, ...] = ()
    notices: tuple[Notice, ...] = ()
    void: tuple[tuple[Entry, str], ...] = ()
    published: tuple[str, ...] = ()
    log_trouble: str = ""
    usage: Usage = NOTHING_KNOWN
    planted: Planted = NOTHING_PLANTED

    @property
    def refused(self) -> tuple[Record, ...]:
        """The violations."""
        return tuple(r for r in self.records if r.event.kind == "violation")


@record
class _Row:
    act: str
    subject: str
    reason: str
    remedy: str


def block(report: Report, *, columns: int | None = None, paint: Paint = plain, verbose: bool = False) -> str:
    """The block as lines for standard error; empty when there is nothing to say.

    A variable that the team's own rules took out is named when something was refused or the command failed: then it may be the reason. What the builtin rules
    took out is summed up in one line, when something was refused. ``verbose`` shows both in any case. ``columns`` folds long rows; None never folds.
    """
    refused = report.refused
    mine = [v for v in report.removed if v.why.scope is not Scope.BUILTIN]
    rows = [_violation_row(r, report) for r in _telling(refused)]
    if refused or report.exit_code or verbose:
        rows += [_variable_row(v, report) for v in mine]
    lines = _notices(report, verbose=verbose)
    if rows:
        lines.append(paint("strong", _head(report, len(rows))))
        lines += _layout(rows[:LINES], columns, paint)
        lines += _rest(report, len(rows), paint)
    if refused or report.exit_code or verbose:
        lines += _said(report, paint)
    builtin = [escape(v.name) for v in report.removed if v.why.scope is Scope.BUILTIN]
    if builtin and (refused or verbose):
        lines.append(_builtin_line(builtin, paint))
    lines += planted_text.lines(report.planted, run_id=report.run_id, home=report.home, cwd=report.cwd, paint=paint)
    if report.log_trouble:
        lines.append(f"paddock: the event log is incomplete: {escape(report.log_trouble)}")
    return "".join(line + "\n" for line in lines)


def _telling(refused: tuple[Record, ...]) -> list[Record]:
    """Without lookups of a host whose connection was refused as well: one attempt, and the row of the connection names the port too."""
    hosts = {r.event.subject.rpartition(":")[0] for r in refused if r.event.act == "connect"}
    return [r for r in refused if r.event.act != "lookup" or r.event.subject not in hosts]


def _notices(report: Report, *, verbose: bool) -> list[str]:
    lines = []
    for notice in report.notices:
        if notice.level != "warning" and not verbose:
            continue
        level = "warning: " if notice.level == "warning" else ""
        lines.append(f"paddock: {level}{escape(notice.text)}" + (f" ({_place(notice.origin, report)})" if notice.origin else ""))
    return lines


def _said(report: Report, paint: Paint) -> list[str]:
    """What the fence and the gate had to say without refusing anything: a layer that could only watch less, an allowed connection that could not be made."""
    said = [r.event for r in report.records if r.event.kind == "notice" and r.event.reason and r.event.act != "listen"]
    sentences = dict.fromkeys(e.reason if not e.subject or e.subject in e.reason else f"{e.subject}: {e.reason}" for e in said)
    lines = [f"  note: {cap(escape(s), REASON_WIDTH)}" for s in list(sentences)[:NAMES]]
    if len(sentences) > NAMES:
        lines.append(f"  … and {len(sentences) - NAMES} more notes: paddock log --run {report.run_id} --kind notice")
    return [paint("dim", line) for line in lines]


def _head(report: Report, rows: int) -> str:
    more = report.dropped.get("violation", 0)
    count = f"{rows}{'+' if more else ''}"
    details = f", details: paddock why {report.refused[0].id}" if report.refused else ""
    return f"paddock: {count} refused (run {report.run_id}{details})"


def _rest(report: Report, rows: int, paint: Paint) -> list[str]:
    more = rows - LINES
    dropped = report.dropped.get("violation", 0)
    lines = []
    if more > 0:
        lines.append(f"  … and {more} more: paddock log --run {report.run_id}")
    if dropped:
        lines.append(f"  … and {dropped} that were too many to keep apart")
    return [paint("dim", line) for line in lines]


def _builtin_line(names: list[str], paint: Paint) -> str:
    shown = ", ".join(names[:NAMES]) + (f" and {len(names) - NAMES} more" if len(names) > NAMES else "")
    verb = "variable looks" if len(names) == 1 else "variables look"
    return paint("dim", f"  {len(names)} {verb} secret and {'was' if len(names) == 1 else 'were'} not passed on: {shown}    allow: paddock.environment.keep")


def _violation_row(record: Record, report: Report) -> _Row:
    event = record.event
    subject = shorten_path(event.subject, home=report.home, cwd=report.cwd) if event.area == "file" else event.subject
    times = f" {TIMES}{record.count}" if record.count > 1 else ""
    return _Row(
        escape(cap(event.act or event.area, 12)),
        _shown(subject) + times,
        reason_of(_without_subject(event.reason, event.subject), event.rule, report),
        cap(escape(event.remedy), REMEDY_WIDTH),
    )


def _without_subject(reason: str, subject: str) -> str:
    """The part of the sentence that the row does not say already: ``connection to evil.test:443: no entry allows it`` stands beside ``evil.test:443``."""
    name = subject.rpartition(" ")[2]  # of ``TXT evil.test``
    rest = reason.partition(f"{name}: ")[2] if name else ""
    return rest or reason


def _shown(subject: str) -> str:
    """Escaped and capped; in quotes where its own spaces could pass for the gap between two columns."""
    text = cap(escape(subject), SUBJECT_WIDTH)
    return f'"{text}"' if "  " in text or text.strip() != text else text


def _variable_row(variable: RemovedVariable, report: Report) -> _Row:
    why = variable.why
    if why.key.startswith("sandbox.credentials") or why.scope is Scope.MANAGED:
        remedy = "take that entry out" if why.line else f"take {why.text or 'it'} out of {why.file}"
    else:
        remedy = f'"paddock": {{"environment": {{"keep": ["{variable.name}"]}}}}'
    return _Row(
        "variable",
        _shown(variable.name),
        reason_of(f"removed by {entry_of(why)}" if why.key else "removed", why, report),
        cap(escape(remedy), REMEDY_WIDTH),
    )


def reason_of(reason: str, rule: Origin | None, report: Report) -> str:
    """Why, then the rule as it was written, then its place: ``denied by sandbox.filesystem.denyRead "~/" (project .claude/settings.json:9)``."""
    if rule is None:
        return cap(escape(reason or "denied"), REASON_WIDTH)
    entry = entry_of(rule)
    if not reason:
        return f"{cap(escape('denied by ' + entry if entry else 'denied'), REASON_WIDTH)} ({_place(rule, report)})"
    inside = f"{cap(escape(entry), REASON_WIDTH)}, " if entry and rule.key not in reason else ""
    return f"{cap(escape(reason), REASON_WIDTH)} ({inside}{_place(rule, report)})"


def entry_of(rule: Origin) -> str:
    """Key and entry as they were written; of an entry that is an object only what it is about (``{"name": "NPM_TOKEN", "mode": "deny"}``)."""
    text = rule.text.partition(" (")[0] if rule.scope is Scope.BUILTIN else rule.text  # a builtin entry carries its reason in brackets: `paddock why` tells it
    if text.startswith("{"):
        from json import loads

        try:
            value = loads(text)
        except ValueError:
            value = {}
        text = next((value[k] for k in ("name", "path", "file") if isinstance(value.get(k), str)), text)
    return " ".join(part for part in (rule.key, f'"{text}"' if text else "") if part)


def _place(origin: Origin, report: Report) -> str:
    file = escape(shorten_path(origin.file, home=report.home, cwd=report.cwd))
    place = f"{file}:{origin.line}" if origin.line else file
    return place if origin.file == origin.scope.value else f"{origin.scope.value} {place}"


def _layout(rows: Sequence[_Row], columns: int | None, paint: Paint) -> list[str]:
    """One line a row where every row fits (or nothing has to); otherwise the reason and the way to allow it go on lines of their own."""
    act = max(width(r.act) for r in rows)
    subject = max(width(r.subject) for r in rows)
    reason = max(width(r.reason) for r in rows)
    remedy = max(width(r.remedy) for r in rows)
    if columns is None or 2 + act + 2 + subject + 2 + reason + 2 + len("allow: ") + remedy <= columns:
        return [_one_line(r, (act, subject, reason), paint) for r in rows]
    return [line for r in rows for line in _folded(r, act, paint)]


def _one_line(row: _Row, widths: tuple[int, int, int], paint: Paint) -> str:
    act, subject, reason = widths
    text = f"  {paint('bad', pad(row.act, act))}  {paint('strong', pad(row.subject, subject))}  "
    if not row.remedy:
        return text + row.reason
    return f"{text}{pad(row.reason, reason)}  {paint('dim', 'allow:')} {row.remedy}"


def _folded(row: _Row, act: int, paint: Paint) -> list[str]:
    indent = " " * (2 + act + 2)
    lines = [f"  {paint('bad', pad(row.act, act))}  {paint('strong', row.subject)}", indent + row.reason]
    if row.remedy:
        lines.append(f"{indent}{paint('dim', 'allow:')} {row.remedy}")
    return lines


def to_document(report: Report) -> dict[str, object]:
    """The report for programs: one JSON object, schema ``REPORT_SCHEMA``. ``refused`` and ``flows`` hold records in the format of the event log."""
    return {
        "schema": REPORT_SCHEMA,
        "run": report.run_id,
        "command": [_unicode(word) for word in report.argv],
        "cwd": _unicode(report.cwd),
        "exit": report.exit_code,
        "cause": report.cause,
        "seconds": round(report.seconds, 3),
        "plan": report.plan_digest,
        "refused": [to_json(r) for r in report.refused],
        "flows": [to_json(r) for r in report.records if r.event.kind == "flow"],
        "dropped": dict(report.dropped),
        "removed_variables": [{"name": _unicode(v.name), "rule": origin_to_json(v.why)} for v in report.removed],
        "notices": [_notice(n) for n in report.notices],
        "void": [{"rule": origin_to_json(entry.origin), "reason": _unicode(reason)} for entry, reason in report.void],
        "published": list(report.published),
        "log_trouble": _unicode(report.log_trouble),
        "usage": as_dict(report.usage),
        "planted": planted_text.document(report.planted),
    }


def _notice(notice: Notice) -> dict[str, object]:
    return {"level": notice.level, "text": _unicode(notice.text), "rule": None if notice.origin is None else origin_to_json(notice.origin)}


def _unicode(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
