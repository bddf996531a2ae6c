"""``paddock policy explain``: may this be read, written, reached, seen, started; by which rule; what would change it."""

from __future__ import annotations

from paddock.cli.options import COMMON, Option, Parsed, help_text, parse_mixed
from paddock.cli.output import Output, escape
from paddock.cli.request import request_from
from paddock.errors import UsageError
from paddock.model.decision import Decision
from paddock.model.settings import Context, Scope
from paddock.session.explain import KINDS, Answer, Explainer
from paddock.session.explain_json import to_document
from paddock.session.show import where

__all__ = ["OPTIONS", "USAGE", "main"]

DENIED_EXIT = 11
OPTIONS: tuple[Option, ...] = (
    *COMMON,
    Option("--path", "", "every argument is a path"),
    Option("--host", "", "every argument is a host, HOST:PORT or a URL"),
    Option("--env", "", "every argument is the name of a variable"),
    Option("--command", "", "every argument is a command"),
    Option("--write", "", "with --exit-code: a path counts as allowed when it can be written"),
    Option("--exit-code", "", f"end with {DENIED_EXIT} when any answer is no"),
    Option("--json", "", "for programs"),
    Option("--help", "", "this page"),
)
USAGE = "paddock policy explain [OPTIONS] PATH|HOST|COMMAND|VARIABLE ..."
SUMMARY = "Tells what a command may do with each argument in this folder, by which rule, and the smallest change that would allow it."
_LABELS = {"read": "read", "write": "write", "reach": "reach", "see": "seen inside", "start": "start"}


def main(words: list[str], out: Output) -> int:
    """Exit code 0; 11 with ``--exit-code`` when any answer is no."""
    parsed = parse_mixed(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    if not parsed.rest:
        raise UsageError("what is to be explained?", hint=USAGE)
    kind = _kind(parsed)
    questions, parsed.rest = parsed.rest, []
    explainer = Explainer(request_from(parsed))
    answers = [explainer.ask(text, kind) for text in questions]
    if parsed.has("--json"):
        out.json(to_document(answers))
    else:
        for answer in answers:
            _show(answer, explainer.settings.context, out)
    wanted = "write" if parsed.has("--write") else "read"
    denied = any(not _counting(answer, wanted).allowed for answer in answers)
    return DENIED_EXIT if denied and parsed.has("--exit-code") else 0


def _kind(parsed: Parsed) -> str:
    """The kind that an option forces, or empty. Raises ``UsageError`` for two of them."""
    given = [kind for kind in KINDS if parsed.has(f"--{kind}")]
    if len(given) > 1:
        raise UsageError(f"--{given[0]} and --{given[1]} exclude each other", hint="ask twice")
    return given[0] if given else ""


def _counting(answer: Answer, wanted: str) -> Decision:
    decisions = dict(answer.decisions)
    return decisions[wanted] if wanted in decisions else answer.decisions[0][1]


def _show(answer: Answer, context: Context, out: Output) -> None:
    out.text(f"{out.paint('strong', escape(answer.subject), err=False)}  ({answer.kind})\n")
    rows: list[tuple[str, str]] = []
    for name, decision in answer.decisions:
        rows.append((_LABELS[name], f"{'yes' if decision.allowed else 'NO'}: {decision.reason}"))
        if decision.rule is not None:
            rows.append(("  by", _entry(decision.rule.text, decision.rule.key, where(decision.rule, context))))
        if not decision.allowed:
            rows.append(("  to allow", decision.remedy or _no_remedy(decision)))
    rows += list(answer.facts)
    rows += [("also", f"{name} {_entry(origin.text, '', where(origin, context))}") for name, origin in answer.rules]
    rows += [("note", note) for note in answer.notes]
    out.table(rows)


def _no_remedy(decision: Decision) -> str:
    managed = decision.rule is not None and decision.rule.scope is Scope.MANAGED and decision.rule.text
    return "only the administrator can change this" if managed else "no entry of your own changes this"


def _entry(text: str, key: str, place: str) -> str:
    """An entry with its list and place; without a text, the list that lacks one."""
    if not text:
        return f"not in {key or 'any list'} ({place})"
    return f'"{text}"{f" in {key}" if key else ""} ({place})'
