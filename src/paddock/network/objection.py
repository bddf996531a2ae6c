"""How the code that looks into a connection says no to the code that owns it."""

from __future__ import annotations

from typing import Final

from paddock.model.decision import Decision

__all__ = ["FIRST_WORD", "Objection"]

FIRST_WORD: Final = 300.0
"""Seconds that a client may be silent before its protocol is known."""


class Objection(Exception):  # noqa: N818 - a refusal, not an error: it unwinds to the one place that can explain it to the client
    """Something visible in the client's bytes is not what was asked for. ``status`` is the HTTP answer when the client speaks HTTP."""

    def __init__(self, decision: Decision, status: int = 403) -> None:
        super().__init__(decision.reason)
        self.decision = decision
        self.status = status
