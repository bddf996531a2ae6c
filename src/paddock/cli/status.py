"""``paddock status``: is a command in this folder fenced, how strongly, by whose policy, and who could change that."""

from __future__ import annotations

import os

from paddock.cli.options import COMMON, Option, help_text, parse
from paddock.cli.output import Output, escape
from paddock.cli.request import request_from
from paddock.errors import UsageError
from paddock.session.show import shorten
from paddock.session.status import Status, Subject, look, to_document

__all__ = ["OPTIONS", "main"]

OPTIONS: tuple[Option, ...] = (
    *COMMON,
    Option("--json", "", "for programs; the fields are described in docs/reference/status.md"),
    Option("--help", "", "this page"),
)
USAGE = "paddock status [OPTIONS]"
SUMMARY = (
    "Builds a real fence with this folder's policy and tells which layers held, whose policy it is and who could change it. Exit code 0: fenced and sound."
)
_TRUST = {
    "nothing": "nothing in this project widens the fence",
    "waiting": "entries of this project wait for `paddock trust`",
    "accepted": "what this project widens was accepted",
    "unknown": "the settings cannot be read",
}


def main(words: list[str], out: Output) -> int:
    """Exit code 0 when fenced and sound, 1 when not."""
    parsed = parse(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    if parsed.rest:
        raise UsageError(f"unexpected word {parsed.rest[0]!r}", hint=USAGE)
    status = look(request_from(parsed))
    if parsed.has("--json"):
        out.json(to_document(status))
    else:
        _show(status, out)
    return 0 if status.sound else 1


def _show(status: Status, out: Output) -> None:
    launch = status.launch
    style, word = ("good", "fenced") if status.fenced else ("bad", "NOT fenced")
    strength = f" by {status.backend}, strength {launch.strength}" if launch and status.fenced else ""
    out.text(out.paint(style, f"A command in {escape(status.context.cwd)} is {word}{strength}.", err=False) + "\n")
    if launch and launch.layers:
        out.table([(name, "active" if layer.active else "MISSING", layer.detail) for name, layer in launch.layers.items()], ("layer", "", ""))
    for notice in launch.notices if launch else ():
        out.line(f"  {notice}")
    if launch and launch.hint:
        out.line(f"  hint: {launch.hint}")
    _show_policy(status, out)
    for reason in status.reasons:
        out.text(out.paint("bad", f"not sound: {escape(reason)}", err=False) + "\n")


def _show_policy(status: Status, out: Output) -> None:
    context = status.context
    sources = status.settings.sources if status.settings else ()
    managed = [source for source in sources if source.scope.value == "managed"]
    rows = [("managed", shorten(source.file, context), " ".join(filter(None, (source.state, source.detail)))) for source in managed]
    rows.append(("trust", _TRUST[status.trust], ""))
    rows += [(f"{subject.name}: who", _who(subject), "") for subject in status.subjects if subject.places]
    rows += [(name, version, "") for name, version in status.versions.items()]
    out.table(rows)


def _who(subject: Subject) -> str:
    """Who can change it, root first."""
    own = (f"this user through {subject.mine}",) if subject.mine and os.geteuid() != 0 else ()
    return "; ".join(("root", *own, *subject.others()))
