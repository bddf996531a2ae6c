"""Answers of ``policy explain`` for programs."""

from __future__ import annotations

from collections.abc import Sequence

from paddock.model.decision import Decision
from paddock.session.explain import Answer
from paddock.session.show import as_json

__all__ = ["EXPLAIN_SCHEMA", "to_document"]

EXPLAIN_SCHEMA = 1


def to_document(answers: Sequence[Answer]) -> dict[str, object]:
    """One object for each argument, in their order. Values of variables are nowhere in it."""
    return {"schema": EXPLAIN_SCHEMA, "answers": [_answer(answer) for answer in answers]}


def _answer(answer: Answer) -> dict[str, object]:
    return {
        "asked": as_json(answer.asked),
        "kind": answer.kind,
        "subject": as_json(answer.subject),
        "decisions": {name: _decision(decision) for name, decision in answer.decisions},
        "facts": [[label, as_json(text)] for label, text in answer.facts],
        "rules": [{"list": name, "origin": as_json(origin)} for name, origin in answer.rules],
        "notes": [as_json(note) for note in answer.notes],
    }


def _decision(decision: Decision) -> dict[str, object]:
    out: dict[str, object] = {"allowed": decision.allowed, "reason": as_json(decision.reason), "rule": as_json(decision.rule)}
    if not decision.allowed:
        out["remedy"] = as_json(decision.remedy)
    return out
