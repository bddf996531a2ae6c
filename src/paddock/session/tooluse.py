"""Whether a run was started for one use of a tool: what a hook asks after the call."""

from __future__ import annotations

from itertools import islice

from paddock.events.reader import read
from paddock.events.record import Record
from paddock.host.around import find

__all__ = ["was_fenced"]

FIELD = "tool_use"
_LOOKED_AT = 2000
"""Records, the newest first: many calls may run beside this one, but not that many begin and end while it does."""


def was_fenced(state_home: str, tool_use: str) -> bool:
    """Whether the log holds the beginning of a run for ``tool_use``; or whether this very process stands in a fence, as then do all commands of its agent.

    A run inside a run keeps no log, so without the second question each of them would be told to have run outside. The kernel answers it, and nothing that a
    command says. Raises ``UnsupportedError`` for a log that cannot be trusted.
    """
    if find() is not None:
        return True

    def wanted(record: Record) -> bool:
        return record.event.kind == "run.start"

    return any((FIELD, tool_use) in record.event.detail for record in islice(read(state_home, wanted), _LOOKED_AT))
