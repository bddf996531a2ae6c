"""Allow or deny, with the reason: the answer of every decision function."""

from __future__ import annotations

from paddock.model.record import record
from paddock.model.settings import Origin

__all__ = ["Decision"]


@record
class Decision:
    """``verdict`` is ``allow``, ``ask`` or ``deny``. ``reason`` is one sentence; ``rule`` the entry that decided, or the list that lacks one (None: neither);
    ``remedy`` the smallest change that would allow it, or empty when nothing should.
    """

    verdict: str
    reason: str
    rule: Origin | None = None
    remedy: str = ""

    @property
    def allowed(self) -> bool:
        """True only for ``allow``."""
        return self.verdict == "allow"
